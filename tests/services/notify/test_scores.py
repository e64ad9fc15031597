"""Past advice beside the market, by hand."""

from decimal import Decimal

import numpy as np
import pytest

from journal.subscriptions import Advice
from services.notify.scores import SESSIONS, score, told

DAYS = np.arange(60) + np.datetime64("2024-01-01")
CLOSES = np.where(np.arange(60) < 30, 100.0, 110.0)  # a tenth more from the 31st on


def advice(day, signal="BUY"):
    return Advice("X", "SPY", str(DAYS[day]), signal, Decimal(1))


def test_gains_are_those_of_the_sessions_after():
    found = score([advice(0), advice(15), advice(20, "SELL"), advice(45), Advice("X", "SPY", "2023-01-01", "BUY", Decimal(1))], DAYS, CLOSES, {})
    assert (found.count, found.better) == (3, 1) and found.mean == pytest.approx((0.0 + 0.1 - 0.1) / 3)
    assert SESSIONS == 20 and told(found, "cash") == {"past signals, 20 sessions later": "1 of 3 beat cash, +0.00% on average"}


def test_the_markets_gain_is_taken_off():
    market = dict(zip(DAYS, np.linspace(100, 100 + 59, 60).tolist(), strict=True))
    found = score([advice(15), advice(15, "SELL")], DAYS, CLOSES, market)
    beyond = 0.1 - (135 / 115 - 1)
    assert (found.count, found.better) == (2, 1) and found.mean == pytest.approx(0.0)
    assert score([advice(15)], DAYS, CLOSES, market).mean == pytest.approx(beyond)


def test_nothing_old_enough_says_nothing():
    assert score([], DAYS, CLOSES, {}) is None and score([advice(45)], DAYS, CLOSES, {}) is None and told(None, "cash") == {}
    assert score([advice(15)], DAYS, CLOSES, {DAYS[15]: 1.0}) is None  # the market has no close there
