"""Splits announced for a day, as the local Alpaca tells them."""

import dataclasses

import numpy as np
import pytest
from live_days import panel, venue

from core.clock import ManualClock
from core.settings import Settings
from feeds.alpaca_splits import splits_on


@pytest.fixture(name="alpaca")
def _alpaca():
    bars = panel()
    split = bars.split.copy()
    split[np.searchsorted(bars.session, np.datetime64("2024-02-21")), 0] = 0.1
    split[np.searchsorted(bars.session, np.datetime64("2024-02-26")), 1] = 2.0
    with venue(dataclasses.replace(bars, split=split)) as alpaca:
        yield alpaca


def test_only_those_of_the_day(alpaca):
    settings = Settings(ALPACA_API_KEY=alpaca.key_id, ALPACA_SECRET_KEY=alpaca.secret_key, ALPACA_DATA_URL=alpaca.url)
    clock = ManualClock(alpaca.now)
    assert splits_on(["AAA", "BBB", "CCC"], "2024-02-21", settings, clock) == {"AAA": pytest.approx(0.1)}
    assert splits_on(["AAA", "BBB"], "2024-02-26", settings, clock) == {"BBB": pytest.approx(2.0)}
    assert splits_on(["AAA", "BBB"], "2024-02-22", settings, clock) == {}
