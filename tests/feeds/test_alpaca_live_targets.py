"""A target strategy on live feeds of two symbols, over night across a split and a dividend: its signal prices are forward-adjusted."""

import numpy as np
import pandas as pd
import pytest
from alpaca_minutes_live import FIRST, FRIDAY, THURSDAY, Live, agree, at, walks

from brokers.local_alpaca import LocalAlpaca
from brokers.local_alpaca.moments import new_york
from core.bars import Bars
from strategies import TargetStrategy

EX_DAY = 40  # the row of Friday's first minute


def market() -> Bars:
    """AAA becomes two shares over night; BBB pays 2 USD, of which 1.50 are known to be paid in a week."""
    calm = walks(f"{THURSDAY} 15:20", f"{FRIDAY} 09:30")
    frames = {}
    for symbol, split, dividend in (("AAA", 2.0, 0.0), ("BBB", 1.0, 2.0)):
        series = calm.series(symbol)
        prices = {name: getattr(series, name).copy() for name in ("open", "high", "low", "close")}
        for values in prices.values():
            values[EX_DAY:] = np.round(values[EX_DAY:] / split - dividend, 2)
        actions = {"split": np.ones(len(series)), "dividend": np.zeros(len(series))}
        actions["split"][EX_DAY], actions["dividend"][EX_DAY] = split, dividend
        pay = np.full(len(series), np.datetime64("NaT"), "datetime64[D]")
        pay[EX_DAY] = np.datetime64("2024-03-25") if dividend else pay[EX_DAY]
        index = pd.DatetimeIndex(series.index.astype("datetime64[ns]"))
        frames[symbol] = pd.DataFrame({**prices, "volume": series.volume, **actions, "pay_date": pay}, index=index)
    return Bars.from_frames(frames, interval="1m")


class OutOnCrash(TargetStrategy):
    """Holds both from Friday 09:36 (09:41 where `late`) on, and leaves what falls by more than 1% in a minute."""

    params = dict(hold_at=6)

    @classmethod
    def signals(cls, bars, p):
        change = np.diff(bars.close, axis=0, prepend=bars.close[:1]) / bars.close
        signals = np.where(change < -0.01, 0.0, np.nan)
        signals[(bars.minute == p.hold_at) & (bars.session == np.datetime64(FRIDAY))] = 1.0
        return signals

    def start(self):
        super().start()
        self.moments, self.bars, self.panels = [], {}, []

    def next(self):
        super().next()
        self.panels.append(self._panel.bars)


@pytest.mark.parametrize(("start", "date", "backfill"), [
    ("15:50:20", THURSDAY, True), ("07:00:00", FRIDAY, True), ("09:10:00", FRIDAY, True), ("09:34:20", FRIDAY, True), ("15:50:20", THURSDAY, False),
], ids=["over night", "before the actions are asked for", "after that", "within the ex-day", "without history"])
def test_signal_prices_are_the_panels(start, date, backfill):
    """Whenever it was started, the live panel is that of the backtest, and no split looks like a crash."""
    bars = market()
    with LocalAlpaca(bars, now=at(start, date)) as alpaca:
        live = Live(alpaca, at("09:40:30"))
        live.add("AAA", "BBB", **({"fromdate": FIRST} if backfill else {"backfill_start": False}))
        seen = live.run(OutOnCrash)
        panel = seen.panels[-1]
        first = int(np.flatnonzero(bars.index == panel.index[0])[0])
        rows = slice(first, first + len(panel))
        assert panel.index.tolist() == bars.index[rows].tolist() and new_york(int(panel.index[-1])).strftime("%H:%M") == "09:40"
        np.testing.assert_allclose(panel.close, bars.close[rows] / bars.factor[first], rtol=1e-12)
        np.testing.assert_array_equal(panel.split, bars.split[rows])
        np.testing.assert_array_equal(panel.dividend, bars.dividend[rows])
        np.testing.assert_array_equal(panel.pay_date, bars.pay_date[rows])
        orders = [(order.symbol, order.side, new_york(order.created_at).strftime("%H:%M")) for order in alpaca.ledger.sent()]
        assert sorted(orders) == [("AAA", "buy", "09:36"), ("BBB", "buy", "09:36")]
        grown = [len(each) for each in seen.panels if len(each)]  # what is past is read when the first live bar needs it
        assert grown == list(range(len(panel) + 1 - len(grown), len(panel) + 1)) and len(grown) >= 5


def test_a_given_history_that_ends_before_the_ex_day_knows_of_it():
    """Given until Thursday; started on Friday before the open: the venue is asked for what happens in between."""
    bars = market()
    with LocalAlpaca(bars, now=at("09:10:00")) as alpaca:
        seen = Live(alpaca, at("09:40:30")).add("AAA", "BBB", history=bars.between(THURSDAY, THURSDAY)).run(OutOnCrash)
        np.testing.assert_allclose(seen.panels[-1].close, bars.close[:len(seen.panels[-1])], rtol=1e-12)
        assert len(alpaca.ledger.sent()) == 2


def test_a_split_and_a_dividend_on_one_day_count_both():
    bars = market()
    frames = {symbol: bars.series("AAA" if symbol == "AAA" else "BBB") for symbol in ("AAA", "BBB")}
    both = frames["AAA"]
    both.dividend[EX_DAY] = 0.5
    made = Bars.of([both, frames["BBB"]], interval="1m")
    with LocalAlpaca(made, now=at("15:58:20", THURSDAY)) as alpaca:
        live = Live(alpaca, at("09:33:30")).add("AAA", "BBB", fromdate=FIRST)
        seen = live.run()
        agree(seen, alpaca)
        action, = live.cerebro.datas[0].actions
    assert (action.split, action.dividend) == (2.0, 0.5) and action.moment == pytest.approx(action.pay)
