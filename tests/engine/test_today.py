"""Signals of the last bar: the last row of the strategy's decisions, and the orders a backtest places on that bar."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_bars import bars, frame, ragged, walk
from pandas import DatetimeIndex

import engine
import strategies
from core.bars import Bars, Origin
from core.calendars import get_calendar
from core.clock import ManualClock
from core.errors import BadSpec, UnknownName
from core.spec import RunSpec
from engine import resolve

QUICK = {
    "GoldenCross": dict(fast=3, slow=8),
    "MeanReversion": dict(period=10, entry=1.0),
    "EtfRotation": dict(lookback=10, top=2),
    "DualMomentum": dict(lookback=10, top=1, safe="S3", bills="BIL"),
    "Momentum": dict(lookback=10, average=8, atr=5, index_average=0, top=0.5),
    "BuyAndHold": {},
}


def exchange_days(rows, symbols=4, seed=1):
    """Walks of several symbols on consecutive sessions of the exchange."""
    sessions = DatetimeIndex(get_calendar("XNYS").between("2013-01-02", "2015-12-31")[:rows])
    return Bars.from_frames({f"S{at}": walk(rows, 10 * seed + at, risk=0.03).set_axis(sessions) for at in range(symbols)})


def by_symbol(found):
    return {row.symbol: row for row in found.rows}


def test_every_shipped_daily_strategy_is_tried_here():
    assert set(QUICK) | {"BuyCloseSellOpen", "ShortTermMomentum", "TimeOfDay"} == set(resolve.strategy_names())


@pytest.mark.parametrize("name", QUICK)
def test_words_and_numbers_are_the_last_row_of_the_decisions(name):
    kind, whole = getattr(strategies, name), Bars.from_frames(ragged(120, 4, 5))
    p = SimpleNamespace(**{**dict(kind.params._getitems()), **QUICK[name]})
    decided, shown, words = kind.signals(whole, p), kind.features(whole, p), set()
    for end in range(30, len(whole), 3):
        found = engine.today(RunSpec(strategy=name, params=QUICK[name]), bars=whole.upto(end))
        for at, row in enumerate(found.rows):
            sign, decision = 0.0, np.nan
            for value in decided[:end, at].tolist():
                sign = sign if np.isnan(value) else np.sign(value)
                decision = decision if np.isnan(value) else value
            last = decided[end, at]
            word = {1: "HOLD", 0: "OUT"}[int(sign)]
            if last > 0 and sign == 0:
                word = "BUY"
            elif last == 0 and sign > 0:
                word = "SELL"
            assert (row.symbol, row.signal) == (whole.symbols[at], word)
            assert row.conviction == pytest.approx(decision if np.isnan(last) else last, nan_ok=True)
            assert row.decided == (None if np.isnan(row.conviction) else whole.session[
                np.flatnonzero(~np.isnan(decided[: end + 1, at]))[-1]])
            assert row.close == whole.last_close[end, at] or np.isnan(whole.last_close[end, at])
            for feature, panel in shown.items():
                assert row.numbers[feature] == pytest.approx(panel[end, at], nan_ok=True)
            words.add(word)
    assert words >= ({"HOLD"} if name == "BuyAndHold" else {"BUY", "SELL", "HOLD", "OUT"})


@pytest.mark.parametrize("name", QUICK)
def test_they_are_the_orders_a_run_over_one_more_bar_places(name):
    whole = exchange_days(160)
    spec = RunSpec(strategy=name, params=QUICK[name], sizer="FixedFraction", sizer_params=dict(fraction=0.1),
                   fractional=True, cash=1e6)
    seen = 0
    p = SimpleNamespace(**{**dict(getattr(strategies, name).params._getitems()), **QUICK[name]})
    decides = np.flatnonzero(~np.isnan(getattr(strategies, name).signals(whole, p)).all(axis=1))
    for end in [row for row in decides.tolist() if 30 < row < 159][::4] or [0]:
        found = engine.today(spec, bars=whole.upto(end))
        run = engine.run(spec, bars=whole.upto(end + 1))
        new = [order for order in run.orders if order.time == whole.index[end]]
        assert {order.symbol for order in new if order.intent == "enter"} == {
            row.symbol for row in found.rows if row.signal == "BUY"}
        assert {order.symbol for order in new if order.intent == "exit"} == {
            row.symbol for row in found.rows if row.signal == "SELL"}
        seen += len(new)
    assert seen > 3


def test_a_strategy_that_starts_today_orders_exactly_these_shares():
    whole = exchange_days(100, seed=4)
    for name, sizer in (("EtfRotation", None), ("DualMomentum", None), ("Momentum", "EqualWeight"), ("MeanReversion", None)):
        p = SimpleNamespace(**{**dict(getattr(strategies, name).params._getitems()), **QUICK[name]})
        decided = getattr(strategies, name).signals(whole, p)
        row = int(np.flatnonzero((decided > 0).any(axis=1) & (np.arange(100) > 20))[0])
        spec = RunSpec(strategy=name, params=QUICK[name], sizer=sizer, cash=50_000, signal_start=str(whole.session[row]))
        found = engine.today(spec, bars=whole.upto(row))
        run = engine.run(spec, bars=whole.upto(row + 1))
        wished = {each.symbol: each.shares for each in found.rows if each.shares}
        assert wished == {order.symbol: order.size for order in run.orders} and wished
        weights = [each.shares * each.close / 50_000 for each in found.rows]
        assert [each.weight for each in found.rows] == pytest.approx(weights)


def test_limits_sleeves_and_the_account_decide_the_weights():
    up = frame(np.linspace(50, 80, 60))
    whole = bars(SPY=up, A=up, B=up, C=up)
    found = by_symbol(engine.today(RunSpec(params=dict(fast=3, slow=8), fractional=True), bars=whole.upto(30)))
    assert {symbol: row.signal for symbol, row in found.items()} == dict.fromkeys(("SPY", "A", "B", "C"), "OUT")
    crossed = bars(**{name: frame([*np.linspace(80, 50, 30), *np.linspace(50, 90, 30)]) for name in ("SPY", "A", "B", "C")})
    spec = RunSpec(params=dict(fast=3, slow=8), fractional=True, limits=dict(cash_buffer=0))
    for changes, expected in (
        ({}, [0.5, 1 / 6, 1 / 6, 1 / 6]),
        (dict(sleeves={"all": "0.8: SPY,A,B,C"}), [0.2] * 4),
        (dict(limits=dict(cash_buffer=0, max_weight=0.1)), [0.1] * 4),
        (dict(sizer="FixedFraction", sizer_params=dict(fraction=0.05), sleeves={"x": "1"}), [0.05] * 4),
    ):
        rows = engine.today(spec.replace(**changes), bars=crossed).rows
        assert [row.weight for row in rows] == pytest.approx(expected, abs=1e-4), changes


def test_a_symbol_without_a_bar_today_gets_no_weight_and_is_named():
    made = {"A": frame([*np.linspace(80, 50, 30), *np.linspace(50, 90, 30)])}
    made["GONE"] = made["A"].iloc[:50]
    found = engine.today(RunSpec(params=dict(fast=3, slow=8)), bars=bars(**made))
    gone = by_symbol(found)["GONE"]
    assert gone.signal == "HOLD" and np.isnan(gone.weight) and np.isnan(gone.shares)
    assert found.warnings == [f"no bar on {found.session}: GONE (last {made['GONE'].index[-1].date()})"]


def test_reference_symbols_have_no_row():
    whole = Bars.from_frames({"A": walk(60), "I": walk(60, 2)}, reference=("I",))
    found = engine.today(RunSpec(strategy="Momentum", params=dict(lookback=5, average=5, atr=5, index_average=5)), bars=whole)
    assert [row.symbol for row in found.rows] == ["A"]
    assert found.spec.symbols == ("A",) and found.spec.reference == ("I",)


SHORT = '''
import numpy as np
from strategies import TargetStrategy

class Swing(TargetStrategy):
    def_rows = (None, 1.0, 1.0, -0.5, -0.5, 0.0, 0.0, -1.0, 1.0)

    @classmethod
    def signals(cls, bars, p):
        rows = [np.nan if each is None else each for each in cls.def_rows[: len(bars)]]
        return np.array(rows)[:, None] * np.ones(bars.shape)

class Wrong(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        return np.zeros(len(bars))
'''


def test_words_of_a_strategy_that_goes_short(tmp_path):
    (tmp_path / "swing.py").write_text(SHORT)
    whole = bars(A=frame([10.0] * 9))
    words = [engine.today(RunSpec(strategy=f"{tmp_path / 'swing.py'}:Swing"), bars=whole.upto(row)).rows[0].signal
             for row in range(9)]
    assert words == ["OUT", "BUY", "HOLD", "SELL", "SHORT", "BUY", "OUT", "SELL", "BUY"]


def test_decisions_before_the_start_of_signals_do_not_count(tmp_path):
    (tmp_path / "swing.py").write_text(SHORT)
    whole = bars(A=frame([10.0] * 9))
    spec = RunSpec(strategy=f"{tmp_path / 'swing.py'}:Swing", signal_start=str(whole.session[2]))
    assert engine.today(spec, bars=whole.upto(2)).rows[0].signal == "BUY"
    assert engine.today(spec, bars=whole.upto(1)).rows[0].decided is None


def test_a_strategy_of_the_wrong_shape_is_explained(tmp_path):
    (tmp_path / "swing.py").write_text(SHORT)
    with pytest.raises(BadSpec, match=r"Wrong.signals gave shape \(9,\): \(bars, symbols\) is \(9, 1\)"):
        engine.today(RunSpec(strategy=f"{tmp_path / 'swing.py'}:Wrong"), bars=bars(A=frame([10.0] * 9)))


@pytest.mark.parametrize(("spec", "error"), [
    (dict(params=dict(fats=3)), UnknownName), (dict(sizer="EqualWeigth"), UnknownName), (dict(params=dict(fast=300)), BadSpec),
    (dict(strategy="GoldenCros"), UnknownName), (dict(sleeves={"x": "0.5: NOPE"}), BadSpec),
])
def test_bad_specs_are_refused_as_in_a_run(spec, error):
    with pytest.raises(error):
        engine.today(RunSpec(**spec), bars=bars(A=walk(30)))


def test_a_plain_sizer_gives_no_weights():
    made = bars(A=frame([*np.linspace(80, 50, 30), *np.linspace(50, 90, 30)]))
    found = engine.today(RunSpec(params=dict(fast=3, slow=8), sizer="backtrader.sizers:FixedSize"), bars=made)
    assert found.rows[0].signal == "HOLD" and np.isnan(found.rows[0].weight)
    assert found.warnings == ["FixedSize sizes orders one by one: no target weights"]


# -- plain strategies -----------------------------------------------------------------------------------

PLAIN = '''
import backtrader as bt

class Dip(bt.Strategy):
    params = dict(period=5)

    def __init__(self):
        self.averages = {data: bt.ind.SMA(data, period=self.p.period) for data in self.datas}

    def next(self):
        for data, average in self.averages.items():
            held = self.getposition(data).size
            if not held and data.close[0] < average[0]:
                self.buy(data=data, size=10)
            elif held and data.close[0] > average[0]:
                self.close(data=data)

class Guarded(bt.Strategy):
    def next(self):
        if len(self) == 3:
            self.buy_bracket(size=5, exectype=bt.Order.Market, stopprice=1.0, limitprice=99.0)
        if len(self) == 5:
            self.sell(size=5, exectype=bt.Order.Stop, price=2.0)
        if len(self) == 7:
            self.sell(size=5, exectype=bt.Order.Limit, price=50.5)
'''


@settings(max_examples=15)
@given(seed=st.integers(0, 1_000), end=st.integers(8, 78))
def test_a_plain_strategy_signals_the_orders_of_its_last_bar(tmp_path_factory, seed, end):
    path = tmp_path_factory.getbasetemp() / "dip.py"
    path.write_text(PLAIN)
    spec, whole = RunSpec(strategy=f"{path}:Dip", cash=1e6), exchange_days(80, 3, seed)
    found = by_symbol(engine.today(spec, bars=whole.upto(end)))
    run = engine.run(spec, bars=whole.upto(end + 1))
    last = {order.symbol: order.size for order in run.orders if order.time == whole.index[end]}
    for at, symbol in enumerate(whole.symbols):
        row = found[symbol]
        assert row.shares == run.positions[end, at]
        word = "BUY" if last.get(symbol, 0) > 0 else "SELL" if last.get(symbol, 0) < 0 else "HOLD" if row.shares else "OUT"
        assert row.signal == word
        assert list(row.orders) == ([f"{'buy' if last[symbol] > 0 else 'sell'} 10 Market"] if symbol in last else [])
        assert row.numbers["SMA (5)"] == pytest.approx(whole.close[end - 4 : end + 1, at].mean())
        times = [order.time for order in run.orders if order.symbol == symbol and order.time <= whole.index[end]]
        assert row.decided == (whole.session[np.searchsorted(whole.index, times[-1])] if times else None)


def test_a_stop_that_protects_is_an_order_but_no_signal(tmp_path):
    (tmp_path / "guarded.py").write_text(PLAIN)
    spec, whole = RunSpec(strategy=f"{tmp_path / 'guarded.py'}:Guarded"), bars(A=frame([50.0] * 9))
    rows = [engine.today(spec, bars=whole.upto(row)).rows[0] for row in range(9)]
    assert [row.signal for row in rows] == ["OUT", "OUT", "BUY", "HOLD", "HOLD", "HOLD", "SELL", "HOLD", "HOLD"]
    assert rows[2].orders == ("buy 5 Market", "sell 5 Stop at 1", "sell 5 Limit at 99")
    assert rows[4].orders == ("sell 5 Stop at 2",) and rows[6].orders == ("sell 5 Limit at 50.5",)


def test_a_plain_strategy_sees_splits_inside_the_price(tmp_path):
    (tmp_path / "dip.py").write_text(PLAIN)
    made = walk(40).assign(split=1.0)
    made.iloc[20:, :4] /= 2
    made.iloc[20, made.columns.get_loc("split")] = 2.0
    row = engine.today(RunSpec(strategy=f"{tmp_path / 'dip.py'}:Dip"), bars=bars(A=made)).rows[0]
    assert row.signal_close == pytest.approx(2 * row.close)
    assert row.numbers["SMA (5)"] == pytest.approx(2 * made.close.iloc[-5:].mean())


# -- what a reader must know ----------------------------------------------------------------------------


@pytest.mark.parametrize(("now", "source", "end", "told"), [
    ("2013-01-10T23:00", "yahoo", None, True), ("2013-01-10T23:00", "sample", None, False),
    ("2013-01-10T23:00", "yahoo", "2013-01-09", False),
    ("2013-01-10T21:10", "yahoo", None, False),  # closed ten minutes ago: vendors publish later
    ("2013-01-10T15:00", "yahoo", None, False), ("2013-01-09T23:00", "yahoo", None, False),
])
def test_bars_older_than_the_last_session_of_a_network_source(now, source, end, told):
    whole = exchange_days(6)  # up to 2013-01-09
    clock = ManualClock(int(dt.datetime.fromisoformat(now + "+00:00").timestamp()) * 10**9)
    found = engine.today(RunSpec(params=dict(fast=2, slow=3), source=source, end=end), bars=whole, clock=clock)
    sentence = ("the bars end on 2013-01-09, the last complete session is 2013-01-10: these are not the signals of today")
    assert found.warnings == ([sentence] if told else [])


def test_warnings_of_the_bars_and_of_the_sizer_are_passed_on():
    made = Bars.from_frames({"A": frame([*np.linspace(80, 50, 30), *np.linspace(50, 90, 30)])},
                            origin=Origin("synthetic", True, warnings=("stored bars only",)))
    spec = RunSpec(params=dict(fast=3, slow=8), cash=20.0)
    found = engine.today(spec, bars=made)
    assert found.warnings[:2] == ["stored bars only", "synthetic bars: invented by a generator, no statement about any market"]
    assert len(found.warnings) == 3 and "20" in found.warnings[2]
    assert found.rows[0].shares == 0
