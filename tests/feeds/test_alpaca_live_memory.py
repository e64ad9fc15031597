"""A live run of many days: what it remembers is what one begun today is shown, in the memory of its first day."""

import numpy as np
import pytest
from streamed_runs import SPEC, lived, two_days, venue

from core.bars import Bars
from core.calendars import get_calendar
from core.series import SymbolBars
from feeds import alpaca_feed
from strategies import TargetStrategy

DAYS = ("2024-02-20", "2024-02-21", "2024-02-22")
ROWS, KEPT = 60, 25


class Remembering(TargetStrategy):
    """Notes the panel of every moment, and what the lines of its feeds show then."""

    def start(self):
        super().start()
        type(self).seen = []

    @classmethod
    def signals(cls, bars, p):
        cls.seen.append(bars)
        return np.full(bars.shape, np.nan)

@pytest.fixture(name="market")
def _market():
    """Minutes with holes of their own in each symbol, the first hour of each day."""
    whole = two_days(ROWS, DAYS)
    holes = np.random.default_rng(1).random(whole.shape) < 0.3
    holes[:, 0] &= ~holes[:, 1]  # no moment is without any
    series = []
    for at, symbol in enumerate(whole.symbols):
        there = ~holes[:, at]
        prices = {name: getattr(whole, f"raw_{name}")[there, at] for name in ("open", "high", "low", "volume")}
        series.append(SymbolBars.make(symbol, whole.index[there], whole.session[there], whole.raw_close[there, at], **prices))
    return Bars.of(series, interval="1m")


def test_a_run_of_many_days_sees_what_one_begun_today_does(market, monkeypatch):
    monkeypatch.setitem(alpaca_feed.HISTORY, True, 1)
    monkeypatch.setattr(alpaca_feed, "KEPT", KEPT)
    with venue(market, now=int(market.index[ROWS]) - 90 * 10**9) as alpaca:
        strategy, _ = lived(alpaca, f"{DAYS[-1]}T10:35-05:00", spec=SPEC.replace(strategy=f"{__file__}:Remembering", params={}))
    live = [bars for bars in type(strategy).seen if bars.session[-1] >= np.datetime64(DAYS[1])]
    assert sorted({int(bars.index[-1]) for bars in live}) == market.index[ROWS:].tolist()
    for bars in live:
        oldest = get_calendar("XNYS").step(bars.session[-1], -1)
        wanted = market.between(oldest, None).upto(len(bars) - 1)
        np.testing.assert_array_equal(bars.index, wanted.index)
        np.testing.assert_array_equal(bars.raw_close, wanted.raw_close)
    for at, data in enumerate(strategy.datas):
        closes = market.raw_close[np.isfinite(market.raw_close[:, at]), at]
        assert len(data) == data.buflen() == len(closes)
        assert data.close.get(size=KEPT).tolist() == closes[-KEPT:].tolist()
        assert len(data.lines.close.array) < ROWS + 2 * KEPT < len(data)
