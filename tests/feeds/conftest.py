"""Shared by the tests of the source alpaca and of its live feeds: sources that ask a local Alpaca, and a venue of minutes."""

import pytest
from alpaca_minutes_live import MINUTES, at
from s3_server import _s3, _s3_server  # noqa: F401  (fixtures)

from brokers.local_alpaca import LocalAlpaca
from core.clock import ManualClock
from core.settings import Settings
from feeds.alpaca import AlpacaSource


@pytest.fixture
def settings_of():
    """`settings_of(alpaca, NAME=value)`: settings with the keys and the host of a local Alpaca."""

    def make(alpaca, **changes) -> Settings:
        return Settings(_env_file=None, **{"ALPACA_API_KEY": alpaca.key_id, "ALPACA_SECRET_KEY": alpaca.secret_key,
                                           "ALPACA_DATA_URL": alpaca.data_url, **changes})

    return make


@pytest.fixture
def connect(settings_of):
    """`connect(alpaca, feed)`: a source whose clock shows the venue's time, `ahead_s` seconds fast."""

    def make(alpaca, feed="iex", ahead_s=0.0, settings=None, **options) -> AlpacaSource:
        clock = ManualClock(alpaca.now + round(ahead_s * 1e9))
        return AlpacaSource(feed, settings=settings or settings_of(alpaca), clock=clock, **options)

    return make


@pytest.fixture
def venue():
    """`venue(time, bars)`: the local Alpaca at a New York time of 2024-03-01, with two sessions' minutes of two symbols."""
    opened = []

    def make(time="09:40:20", bars=MINUTES, **options) -> LocalAlpaca:
        opened.append(LocalAlpaca(bars, now=at(time), **options))
        return opened[-1]

    yield make
    for alpaca in opened:
        alpaca.close()
