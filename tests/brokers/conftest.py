"""The local Alpaca in the middle of a session, and a gateway to it; a module that needs another venue states its own."""

import pytest
from alpaca_rest import rest_of

from brokers.local_alpaca import LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes

NOW = "2024-03-01T09:31-05:00"


@pytest.fixture
def alpaca():
    with LocalAlpaca(minutes(AAA=[100] * 30, BBB=[50] * 30), now=NOW) as server:
        yield server


@pytest.fixture
def rest(alpaca):
    gateway = rest_of(alpaca)
    yield gateway
    gateway.close()
