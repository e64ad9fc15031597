"""A spec in Cerebro on a store: the same set-up as a backtest, with an account and live feeds in place of the simulation."""


import backtrader as bt
import numpy as np
import own_store
import pytest
from alpaca_commands import point_at
from alpaca_minutes_live import Live
from live_days import panel
from streamed_runs import SPEC, SYMBOLS, held, lived, two_days, venue

from brokers.local_alpaca.moments import moment
from core.day_numbers import moments_of
from core.errors import UnknownName, UsageError
from core.spec import RunSpec
from engine import resolve
from engine.build import build
from engine.live.history import back_adjusted, live_history
from engine.live.streaming import _Sessions, needs_cerebro, stream
from engine.stores import made, told_of
from feeds.alpaca_actions import Action
from feeds.parquet_store import ParquetStore


def test_a_target_strategy_decides_live_as_in_the_backtest():
    bars = two_days(rows=60)
    with venue(bars, "2024-02-21T09:34:30-05:00") as alpaca:
        strategy, events = lived(alpaca, "2024-02-21T10:05:30-05:00", SPEC.replace(start="2024-02-20"))
        ledger = alpaca.ledger
        orders, positions, cash = list(ledger.orders), dict(ledger.positions), float(alpaca.account.cash)
    live_from = moment("2024-02-21T09:35-05:00")
    decisions = resolve.strategy_class(SPEC.strategy).decisions(bars, strategy.p)
    asked = {(int(at), symbol) for row, at in enumerate(bars.index) for column, symbol in enumerate(bars.symbols)
             if not np.isnan(decisions[row, column]) and live_from <= at <= moment("2024-02-21T10:05-05:00")}
    sent = {(int(moments_of(np.array([order.created.dt]))[0]), order.data._name) for order in strategy.broker.orders}
    assert len(orders) >= 6 and sent and sent <= asked and {symbol for _, symbol in sent} == set(SYMBOLS)
    assert held(strategy) == {symbol: float(qty) for symbol, qty in positions.items()} and strategy.broker.getcash() == pytest.approx(cash)
    assert len({order.client_order_id for order in orders}) == len(orders)
    assert [event.text for event in events if event.kind == "data"][-1].endswith("LIVE")


def test_the_same_set_up_runs_on_the_simulated_broker_and_on_an_account(monkeypatch):
    bars = two_days(rows=30)
    simulated = build(SPEC, bars=bars)
    with venue(bars, "2024-02-21T09:34:30-05:00") as alpaca:
        point_at(monkeypatch, alpaca)
        live = build(SPEC, broker="alpaca")
        live.broker.store.stop()
    assert [data._name for data in live.datas] == [data._name for data in simulated.datas] == list(SYMBOLS)
    assert live.strats[0][0][0] is simulated.strats[0][0][0] and live.strats[0][0][2] == simulated.strats[0][0][2]
    assert live.sizers[None][0] is simulated.sizers[None][0]


class Plain(bt.Strategy):
    """Buys a share of each symbol once it is live, and sells it three bars later."""

    def __init__(self):
        self.count = 0

    def next(self):
        if any(data._laststatus != data.LIVE for data in self.datas):
            self.buy(self.datas[0], size=7)  # refused: backfill
            return
        self.count += 1
        for data in self.datas:
            if self.count == 2:
                self.buy(data, size=1)
            if self.count == 5:
                self.sell(data, size=1)


def test_a_plain_strategy_trades_live_bars_only():
    with venue(two_days(rows=30), "2024-02-21T09:34:30-05:00") as alpaca:
        strategy, events = lived(alpaca, "2024-02-21T09:45:30-05:00", RunSpec(strategy=f"{__name__}:Plain", symbols=SYMBOLS, interval="1m",
                                                                             start="2024-02-21"))
        assert sorted((each.symbol, float(each.signed)) for each in alpaca.ledger.executions) == [
            ("AAA", -1.0), ("AAA", 1.0), ("BBB", -1.0), ("BBB", 1.0)]
        assert not alpaca.ledger.positions and strategy.broker.getcash() == pytest.approx(float(alpaca.account.cash))
    refused = [event.facts for event in events if event.kind == "order" and event.facts["status"] == "Rejected"]
    assert refused and {order["reason"].split(":")[0] for order in refused} == {"backfill"}


@pytest.mark.parametrize("spec, first", [(SPEC.replace(period="30d"), "2024-01-22"), (SPEC.replace(start="2024-02-12"), "2024-02-12")])
def test_the_feeds_begin_where_the_spec_begins(spec, first):
    with venue(two_days(rows=3), "2024-02-21T09:34:30-05:00") as alpaca:
        live = Live(alpaca, "2024-02-21T09:34:30-05:00")
        assert {feed.first for feed in build(spec, broker=live.store).datas} == {first}
        live.store.stop()


def test_trading_days_end_the_run_and_capital_bounds_it():
    bars = two_days(rows=390, days=("2024-02-20", "2024-02-21", "2024-02-22"))
    spec = SPEC.replace(trading_days=1, capital=10_000.0, start="2024-02-20", params={"seed": 2, "density": 0.05})
    with venue(bars, "2024-02-21T15:40:30-05:00") as alpaca:
        strategy, _ = lived(alpaca, "2024-02-22T15:00:00-05:00", spec)
        assert moment("2024-02-21T16:00-05:00") <= alpaca.now < moment("2024-02-21T16:05-05:00")
        worth = sum(abs(float(qty)) * 100 for qty in alpaca.ledger.positions.values())
    assert strategy.broker.getvalue() == 10_000.0 and worth < 11_000


def test_daily_bars_are_decided_on_once_a_session():
    bars = panel(symbols=SYMBOLS)
    spec = RunSpec(strategy="steady_decisions:SteadyDecisions", params={"seed": 3, "density": 0.9}, symbols=SYMBOLS, sizer="EqualWeight",
                   limits={"cash_buffer": 0.1}, start="2024-01-02")
    with venue(bars, "2024-02-20T15:30-05:00") as alpaca:
        strategy, _ = lived(alpaca, "2024-02-21T16:30-05:00", spec)
        times = sorted({int(moments_of(np.array([order.created.dt]))[0]) for order in strategy.broker.orders})
        assert times == [moment(f"2024-02-{day}T16:00-05:00") for day in (20, 21)]
        assert held(strategy) == {symbol: float(qty) for symbol, qty in alpaca.ledger.positions.items()}


def test_history_comes_from_the_store_of_bars_and_ends_before_today(tmp_path):
    bars = two_days(rows=390, days=("2024-02-16", "2024-02-20", "2024-02-21"))
    with venue(bars, "2024-02-21T09:34:30-05:00") as alpaca:
        store = Live(alpaca, "2024-02-21T09:34:30-05:00").store
        found = live_history(SPEC.replace(start="2024-02-16"), store, ParquetStore(tmp_path))
        store.stop()
    assert list(np.unique(found.session).astype(str)) == ["2024-02-16", "2024-02-20"] and len(found) == 780
    assert np.array_equal(found.raw_close, bars.raw_close[:780])


def test_bars_are_adjusted_backwards_to_what_trades_next():
    bars = two_days(rows=3)
    halved = back_adjusted(bars, {"AAA": [Action(np.datetime64("2024-02-22"), split=2.0)]})
    assert np.allclose(halved.raw_close[:, 0] * 2, bars.raw_close[:, 0]) and np.allclose(halved.raw_volume[:, 0], 2e6)
    assert np.array_equal(halved.raw_close[:, 1], bars.raw_close[:, 1])
    last = bars.raw_close[-1, 0]
    paid = back_adjusted(bars, {"AAA": [Action(np.datetime64("2024-02-22"), cash=1.0)]})
    assert np.allclose(paid.raw_close[:, 0], bars.raw_close[:, 0] * (1 - 1 / last))


# -- stores of others -----------------------------------------------------------------------------------


def test_a_store_of_somebody_else_by_its_import_path():
    kind = resolve.store_class("own_store:OwnStore")
    events = []
    spec = RunSpec(strategy=f"{__name__}:Plain", symbols=SYMBOLS, interval="1m")
    strategy = stream(spec, made(kind, {"bars": 30}), lambda: False, events.append)
    done = [event.facts for event in events if event.kind == "order" and event.facts["status"] == "Completed"]
    assert {(order["symbol"], order["side"], order["size"]) for order in done} >= {("AAA", "buy", 1), ("AAA", "sell", 1), ("BBB", "buy", 1)}
    assert len(strategy) == 30 and isinstance(strategy.cerebro.broker, bt.brokers.BackBroker)


def test_it_is_given_the_keys_it_has_parameters_for(monkeypatch):
    monkeypatch.setenv("ALPACA_API_KEY", "PKTEST")
    monkeypatch.setenv("ALPACA_SECRET_KEY", "secret")
    store = made(own_store.OwnStore, {})
    assert (store.key_id, store.secret_key, store.paper) == ("PKTEST", "secret", True)


@pytest.mark.parametrize("name, words", [
    ("OwnStore", "module:Class"), ("nowhere_at_all:Store", "cannot import"), ("own_store:OwnStor", "did you mean 'OwnStore'"),
    ("steady_decisions:SteadyDecisions", "unknown store"),
])
def test_a_store_that_is_none_is_one_line(name, words):
    with pytest.raises((UsageError, UnknownName), match=words):
        resolve.store_class(name)


def test_a_store_that_needs_more_says_so():
    with pytest.raises(UsageError, match="host.*--store-option"):
        made(own_store.Unmakeable, {})


def test_what_fails_inside_a_store_is_one_line_without_its_keys(monkeypatch):
    monkeypatch.setenv("ALPACA_SECRET_KEY", "very-secret")
    told = []
    with pytest.raises(UsageError, match=r"Failing raised OSError: .*\*\*\* is wrong") as raised, told_of(own_store.Failing, told.append):
        stream(SPEC.replace(sizer=None, strategy=f"{__name__}:Plain", params={}, limits={}), made(own_store.Failing, {}), lambda: False, lambda event: None)
    assert "very-secret" not in str(raised.value) and len(told) == 1 and "thread of Failing" in told[0] and "very-secret" not in told[0]


def test_a_store_that_stamps_the_start_of_a_bar_ends_with_its_trading_days():
    days = _Sessions("XNYS", 1)
    opened = moment("2024-02-21T09:30-05:00")
    days.live(opened)
    days.live(moment("2024-02-21T15:59-05:00"))
    assert not days.over
    days.live(moment("2024-02-22T09:30-05:00"))
    assert days.over


def test_what_needs_cerebro():
    daily = RunSpec(strategy="steady_decisions:SteadyDecisions", symbols=SYMBOLS)
    assert not needs_cerebro(daily) and not needs_cerebro(daily.replace(exits={"stop": 0.0})) and needs_cerebro(SPEC) and needs_cerebro(daily.replace(exits={"stop": 0.1}))
    assert needs_cerebro(RunSpec(strategy=f"{__name__}:Plain", symbols=SYMBOLS))
