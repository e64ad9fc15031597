"""Orders for the auctions on minute bars, simulated: at the auction's price, or refused, or ended, and what must go goes."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from backtrader import Order
from hypothesis import given, settings
from hypothesis import strategies as st
from made_bars import bars as daily
from made_bars import frame
from minute_sessions import THREE_DAYS, closing, minute_bars, new_york, new_york_ns
from scripted import play
from twins import agree

import engine
from brokers import SimulatedBroker
from checks.parity import certify
from core.bars import Bars
from core.errors import BadSpec
from core.series import SymbolBars
from core.spec import RunSpec
from engine import resolve
from engine.simulate import obstacle
from engine.trials import player
from feeds.cerebro_feed import BarsData
from strategies import BuyAndHold, ShortTermMomentum, TargetStrategy, TimeOfDay

OVERNIGHT = RunSpec(strategy="BuyCloseSellOpen", interval="1m", quantity=10)
HALF_HOUR = OVERNIGHT.replace(strategy="ShortTermMomentum", params={"threshold": 0.001})
RULES = pytest.mark.parametrize("rules", [None, "alpaca"])


class Planned(TargetStrategy):
    """Decides at New York times: {"2024-11-27 15:45": 1.0}, on the first symbol."""

    params = dict(plan=())
    fill, exit_fill = "next_open", "session_close"

    @classmethod
    def signals(cls, bars, p):
        plan = dict(p.plan)
        first = [plan.get(new_york(at), np.nan) for at in bars.index]
        return np.column_stack([first, *[np.full(len(bars), np.nan)] * (len(bars.symbols) - 1)])


class Early(Planned):
    """Leaves in the opening auction."""

    exit_fill = "session_open"


def planned(panel, plan, kind=Planned, **options):
    """Orders and fills of a plan: (time, size, kind, status, reason), (time, size, price)."""
    spec = RunSpec(strategy=f"{__name__}:{kind.__name__}", params={"plan": tuple(plan.items())}, interval="1m", quantity=10, **options)
    result = engine.run(spec, bars=panel)
    return ([(new_york(order.time), order.size, order.kind, order.status, order.reason) for order in result.orders],
            [(new_york(fill.time), fill.size, fill.price) for fill in result.fills])


def price(panel, time, name="raw_close"):
    """A price of the first symbol."""
    return getattr(panel, name)[[new_york(at) for at in panel.index].index(time), 0]


def auctions(panel, column):
    """{day: (opening print or None, closing print)} of a symbol: of its first bar if that began by 09:31, and of its last."""
    found = {}
    for row in np.flatnonzero(panel.traded[:, column]):
        day, time = new_york(panel.index[row]).split()
        opened, _ = found.setdefault(day, (panel.raw_open[row, column] if time <= "09:32" else None, None))
        found[day] = opened, panel.raw_close[row, column]
    return found


# -- the strategies -------------------------------------------------------------------------------------


@RULES
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), missing=st.sampled_from([0.0, 0.05, 0.5]))
def test_every_night_is_bought_at_the_closing_and_sold_at_the_opening_print(rules, seed, missing):
    panel = minute_bars(seed=seed, missing=missing)
    result = engine.run(OVERNIGHT.replace(rules=rules), bars=panel)
    rows = [new_york(at) for at in panel.index]
    evening_before = dict(pairwise(THREE_DAYS))
    evening_before = {after: f"{day} {closing(day)}" in rows for day, after in evening_before.items()}  # is there a bar to decide on
    for column, symbol in enumerate(panel.symbols):
        prints = auctions(panel, column)
        for fill in (fill for fill in result.fills if fill.symbol == symbol):
            opened, closed = prints[str(fill.session)]
            if fill.size > 0:
                assert fill.price == closed
            elif opened is not None and evening_before[str(fill.session)]:
                assert fill.price == opened
            else:
                assert new_york(fill.time)[11:] < "11:00"
        held = result.positions[[at for at, time in enumerate(rows) if time[11:] == "12:00"], column]
        assert not held.any()  # nothing is held within a day
    assert len(result.fills) == 10


@RULES
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), missing=st.sampled_from([0.0, 0.05, 0.5]))
def test_what_the_half_hour_has_opened_is_closed_by_the_closing_print(rules, seed, missing):
    panel = minute_bars(seed=seed, missing=missing)
    result = engine.run(HALF_HOUR.replace(rules=rules), bars=panel)
    days = {}
    for fill in result.fills:
        days.setdefault((fill.symbol, str(fill.session)), []).append(fill)
    for (symbol, day), (entry, exit_) in days.items():
        assert entry.size == -exit_.size and (entry.intent, exit_.intent) == ("enter", "exit")
        assert exit_.price == auctions(panel, panel.column(symbol))[day][1] and new_york(exit_.time)[11:] <= closing(day)
    assert len(days) >= 4  # the first day's open is not known where its bar is missing


def test_the_fill_of_a_spec_overrides_both():
    panel = minute_bars()
    kinds = {order.kind for order in engine.run(HALF_HOUR.replace(fill="next_open"), bars=panel).orders}
    fills = engine.run(HALF_HOUR.replace(fill="session_close"), bars=panel).fills
    assert kinds == {"Market"} and {new_york(fill.time)[11:] for fill in fills} <= {"16:00", "13:00"}
    assert ShortTermMomentum.fills(None) == ("next_open", "session_close") and ShortTermMomentum.fills("session_open") == ("session_open",) * 2
    assert BuyAndHold.fills("session_close") == ("session_close",) * 2


# -- what goes wrong ------------------------------------------------------------------------------------


@RULES
def test_what_is_decided_too_late_for_the_close_is_refused_and_what_must_go_is_sold(rules):
    panel = minute_bars(silent=[("", "2024-11-27", "15:44", "15:51")])
    orders, fills = planned(panel, {"2024-11-27 11:00": 1.0, "2024-11-27 15:52": 0.0}, rules=rules)
    assert [each[:4] for each in orders] == [("2024-11-27 11:00", 10, "Market", "Completed"), ("2024-11-27 15:52", -10, "Close", "Rejected"),
                                             ("2024-11-27 15:53", -10, "Market", "Completed")]
    assert "ten minutes before the close" in orders[1][4]
    assert fills[1] == ("2024-11-27 15:54", -10, price(panel, "2024-11-27 15:54", "raw_open"))


@RULES
def test_an_entry_that_is_too_late_for_the_close_is_not_made_up_for(rules):
    orders, fills = planned(minute_bars(), {"2024-11-27 15:50": 1.0}, fill="session_close", rules=rules)
    assert [each[:4] for each in orders] == [("2024-11-27 15:50", 10, "Close", "Rejected")] and not fills


@RULES
def test_an_auction_that_does_not_fill_ends_the_order_and_what_must_go_is_sold(rules):
    panel = minute_bars(silent=[("AAA", "2024-11-29", "09:31", "09:44")])
    orders, fills = planned(panel, {"2024-11-27 11:00": 1.0, "2024-11-27 16:00": 0.0}, Early, rules=rules)
    assert [each[:4] for each in orders[1:]] == [("2024-11-27 16:00", -10, "Market", "Expired"), ("2024-11-27 16:00", -10, "Market", "Completed")]
    assert "opening auction" in orders[1][4] and fills[1] == ("2024-11-29 09:45", -10, price(panel, "2024-11-29 09:45", "raw_open"))


@RULES
def test_a_symbol_that_does_not_trade_after_the_order_is_closed_at_its_last_price(rules):
    panel = minute_bars(silent=[("AAA", "2024-11-27", "15:40", "16:00"), ("AAA", "2024-11-29", "09:31", "09:35")])
    orders, fills = planned(panel, {"2024-11-27 11:00": 1.0, "2024-11-27 15:45": 0.0}, rules=rules)
    assert [each[:4] for each in orders[1:]] == [("2024-11-27 15:39", -10, "Close", "Completed")]
    assert fills[1:] == [("2024-11-27 16:00", -10, price(panel, "2024-11-27 15:39", "raw_close"))]


def test_a_symbol_that_does_not_trade_after_the_order_is_closed_alike_at_alpaca():
    """Flat by the close on both sides; without a bar at the end the session has an auction all the same."""
    panel = minute_bars(days=THREE_DAYS[:2], silent=[("BBB", "2024-11-29", "12:46", "13:00")])
    certificate = certify(HALF_HOUR.replace(symbols=("AAA", "BBB"), signal_start="2024-11-29"), panel, days=1)
    assert certificate.passed and not certificate.ends["alpaca"].positions and not certificate.ends["simulated"].positions


def test_an_exit_in_the_opening_auction_that_is_decided_after_it_is_a_market_order():
    panel = minute_bars()
    _, fills = planned(panel, {"2024-11-27 11:00": 1.0, "2024-11-29 09:31": 0.0}, Early)
    assert fills[1] == ("2024-11-29 09:32", -10, price(panel, "2024-11-29 09:32", "raw_open"))


def test_an_exit_that_waits_for_its_auction_is_left_alone_when_it_is_decided_again():
    orders, fills = planned(minute_bars(), {"2024-11-27 11:00": 1.0, "2024-11-27 15:30": 0.0, "2024-11-27 15:40": 0.0})
    assert len(orders) == 2 and fills[1][0] == "2024-11-27 16:00"


def test_a_change_of_mind_withdraws_an_exit_that_waits():
    orders, fills = planned(minute_bars(), {"2024-11-27 11:00": 1.0, "2024-11-27 15:30": 0.0, "2024-11-27 15:40": 1.0})
    assert [each[3] for each in orders] == ["Completed", "Canceled"] and len(fills) == 1


@pytest.mark.parametrize(("act", "statuses", "reason"), [
    (lambda s: s.buy(size=5, auction="open"), ["Completed"], ""),
    (lambda s: s.sell(size=5, auction="open"), ["Rejected"], "AAA cannot be sold short at Alpaca"),
    (lambda s: s.buy(size=500, auction="open"), ["Rejected"], "of buying power"),
    (lambda s: s.cancel(s.buy(size=5, auction="open")), ["Canceled"], ""),
    (lambda s: s.buy(size=5, tif="opg"), ["Completed"], ""),
    (lambda s: s.buy(size=5, tif="opg", exectype=Order.Limit, price=1.0), ["Expired"], "not filled by the opening auction"),
    (lambda s: (s.buy(size=5, auction="open"), s.buy(size=1)), ["Completed", "Completed"], ""),
    (lambda s: (s.buy(size=5, auction="open"), s.sell(s.datas[1], size=1, exectype=Order.Limit, price=500.0),
                s.buy(s.datas[1], size=5, auction="open")), ["Completed", "Accepted", "Rejected"], "could trade with it"),
])
def test_what_waits_for_the_opening_auction_is_judged_at_once_and_when_its_window_opens(act, statuses, reason):
    panel = minute_bars()
    closes = 1 + [new_york(at) for at in panel.index].index("2024-11-27 16:00")
    broker = SimulatedBroker(cash=10_000.0, rules="alpaca", assets={"AAA": {"shortable": False}})
    play({symbol: BarsData(dataname=panel, symbol=symbol) for symbol in panel.symbols}, {closes: act}, broker)
    assert [order.getstatusname() for order in broker.orders] == statuses and reason in broker.orders[-1].info.get("reason", "")
    for order, bit in broker.fills:
        assert bit.price == panel.raw_open[closes, panel.column(order.data._name)]


@pytest.mark.parametrize(("terms", "status"), [
    ({"exectype": Order.Close}, "Completed"), ({"tif": "cls"}, "Completed"), ({"tif": "cls", "exectype": Order.Limit, "price": 500.0}, "Completed"),
    ({"tif": "cls", "exectype": Order.Limit, "price": 1.0}, "Expired")], ids=str)
def test_orders_on_the_close_of_any_kind_meet_its_price(terms, status):
    panel = minute_bars()
    closes = [new_york(at) for at in panel.index].index("2024-11-27 16:00")
    for rules in (None, "alpaca"):
        _, broker = play({"AAA": BarsData(dataname=panel, symbol="AAA")}, {closes - 30: lambda s: s.buy(size=5, **terms)},
                         SimulatedBroker(cash=10_000.0, rules=rules))
        assert [order.getstatusname() for order in broker.orders] == [status]
        assert [bit.price for _, bit in broker.fills] == ([panel.raw_close[closes, 0]] if status == "Completed" else [])


@pytest.mark.parametrize(("time", "status"), [("09:27", "Completed"), ("09:28", "Rejected"), ("09:29", "Rejected")])
def test_an_order_between_its_cut_off_and_the_opening_auction_is_refused(time, status):
    """On feeds with a bar before the open."""
    panel = minute_bars(symbols=("AAA",))
    early, opens = new_york_ns(f"2024-11-29 {time}"), [new_york(at) for at in panel.index].index("2024-11-29 09:31")
    series = panel.series("AAA")
    columns = {name: np.insert(getattr(series, name), opens, 100.0) for name in ("open", "high", "low", "close", "volume")}
    made = SymbolBars.make("AAA", np.insert(series.index, opens, early), np.insert(series.session, opens, np.datetime64("2024-11-29")),
                           columns.pop("close"), **columns)
    _, broker = play({"AAA": BarsData(dataname=Bars.of([made], interval="1m"))}, {opens + 1: lambda s: s.buy(size=5, auction="open")})
    assert [order.getstatusname() for order in broker.orders] == [status]


def test_daily_bars_fill_by_intent_too():
    panel = daily(A=frame([[10, 12, 9, 11], [12, 13, 11, 12.5], [13, 14, 12, 13.5], [14, 15, 13, 14.5], [15, 16, 14, 15.5]]))
    spec = RunSpec(strategy=f"{__name__}:Steps", quantity=10)
    assert [(fill.size, fill.price) for fill in engine.run(spec, bars=panel).fills] == [(10, 12.0), (-10, 14.5)]


class Steps(TargetStrategy):
    """In on the first bar, at the next open; out on the third, at the next close."""

    exit_fill = "session_close"

    @classmethod
    def signals(cls, bars, p):
        return np.array([[1.0], [np.nan], [0.0], *[[np.nan]] * (len(bars) - 3)])


# -- around them ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "reason"), [("BuyCloseSellOpen", "fill = session_close"), ("ShortTermMomentum", "exit_fill = session_close"),
                                              ("TimeOfDay", "")])
def test_what_fills_in_auctions_is_no_run_for_the_twin(name, reason):
    assert obstacle(RunSpec(strategy=name, interval="1m"), resolve.strategy_class(name)) == reason
    if reason:
        with pytest.raises(BadSpec, match=f"cannot run on the twin: {reason}"):
            engine.simulate(OVERNIGHT.replace(strategy=name), minute_bars())


def test_the_twin_plays_the_time_of_day():
    made = agree(RunSpec(strategy="TimeOfDay", interval="1m"), minute_bars(missing=0.1))
    assert len(made.fills) == 12 and TimeOfDay.fills(None) == ("next_open", "next_open")


def test_a_sweep_of_them_goes_to_cerebro_and_says_why():
    played = player(HALF_HOUR, minute_bars())
    assert (played.engine, played.obstacle) == ("cerebro", "exit_fill = session_close")
    tried = played.play([{"minutes": 15}, {"minutes": 30}])
    assert np.isfinite(tried.measures).all(axis=1).all() and tried.problems == ("", "")


def test_daily_bars_are_refused_before_the_run():
    with pytest.raises(BadSpec, match="BuyCloseSellOpen decides within the day and the bars are 1d: give it minute bars"):
        engine.run(RunSpec(strategy="BuyCloseSellOpen"), bars=daily(A=frame([10.0] * 5)))


@pytest.mark.parametrize("file", sorted((Path(__file__).parents[2] / "examples").glob("*.toml")), ids=lambda file: file.stem)
def test_the_run_files_of_the_examples_run_on_invented_minutes(file):
    given = RunSpec.from_toml(file)
    assert given.quantity and given.capital and given.trading_days == 5 and given.interval == "1m"
    tried = given.replace(source="synthetic", symbols=("SYN001",), period=None, start="2024-11-27", end="2024-12-02")
    assert len(engine.run(tried).fills) >= 5
