"""The daily run on the local Alpaca: what the backtest says is what is traded, once, whatever is repeated."""

import dataclasses
from collections import Counter
from decimal import Decimal

import numpy as np
import pytest
from alpaca_rest import rest_of
from live_days import FIRST, SPEC, Days, panel, venue

import engine
from brokers.alpaca.request import OrderRequest
from brokers.local_alpaca import AccountRules, AnswerFault, OrderFault
from core.errors import BadSpec, CerebrolabError, SourceUnavailable
from engine.live.wanted import check_daily, wanted
from journal import Journal

BUSY = SPEC.replace(params={"seed": 3, "density": 0.7})


def day_of(execution):
    return str(np.datetime64(execution.time, "ns").astype("datetime64[D]"))


def held(alpaca):
    return {symbol: float(qty) for symbol, qty in alpaca.ledger.positions.items()}


@pytest.fixture(name="bars", scope="module")
def _bars():
    return panel()


@pytest.fixture(name="alpaca")
def _alpaca(bars):
    with venue(bars) as alpaca:
        yield alpaca


@pytest.fixture(name="days")
def _days(alpaca, bars, tmp_path):
    return Days(alpaca, bars, tmp_path / "journal.db", BUSY)


def test_day_after_day_it_trades_what_the_backtest_trades(alpaca, bars, days):
    for _ in range(10):
        days.whole_day()
    report = days.once()
    expected = engine.run(BUSY, bars=bars.between(None, report.session))
    traded = sorted((day_of(each), each.symbol, float(each.signed), float(each.price)) for each in alpaca.ledger.executions)
    assert traded == sorted((str(fill.session), fill.symbol, fill.size, fill.price) for fill in expected.fills)
    assert len(traded) > 12
    assert float(report.equity) == pytest.approx(expected.equity[-1], abs=0.01)
    assert len(alpaca.ledger.sent()) == len(alpaca.ledger.orders)


def test_shorts_are_reached_in_two_orders_that_never_cross_zero(alpaca, days):
    spec = BUSY.replace(params={"seed": 3, "density": 0.7, "shorts": 0.4})
    days.spec = spec
    for _ in range(6):
        days.whole_day()
        report = days.reports[-1]
        assert all(order.state == "done" for order in report.orders) or report.waiting == ()
    report = days.once()
    last = days.reports[-2]
    position, crossed = Counter(), 0
    for each in alpaca.ledger.executions:
        before = position[each.symbol]
        position[each.symbol] += each.signed
        crossed += before * position[each.symbol] < 0
    assert not crossed and min(position.values()) < 0
    assert all(held(alpaca).get(symbol, 0.0) == shares for symbol, shares in last.targets.items())


def test_repeating_it_adds_nothing(alpaca, days):
    days.once()
    first = [days.once() for _ in range(3)][-1]
    assert not first.new and not alpaca.ledger.orders and all("19:00" in text for text in first.waiting)
    days.at("19:05")
    for _ in range(3):
        days.once()
    sent = len(alpaca.ledger.orders)
    assert sent == len(first.orders) > 0 and {order.time_in_force for order in alpaca.ledger.orders} == {"opg"}
    days.at("09:31", days.session_after(days.today))
    for _ in range(3):
        report = days.once()
    assert report.done and len(alpaca.ledger.orders) == sent == len(alpaca.ledger.executions)
    assert held(alpaca) == {symbol: shares for symbol, shares in report.targets.items() if shares}
    assert {order.status for order in report.orders} == {"filled"}


def test_a_dry_run_decides_and_leaves_no_trace(alpaca, days):
    dry = days.once(dry=True)
    assert dry.orders and not alpaca.ledger.orders and not alpaca.ledger.asked("POST", "/v2/orders")
    real = days.once()
    assert real.new and real.targets == dry.targets
    assert [(order.symbol, order.side, order.qty) for order in dry.orders] == [(order.symbol, order.side, order.qty) for order in real.orders]


def test_fractions_wait_for_the_open(alpaca, days):
    days.spec = BUSY.replace(fractional=True)
    days.once()
    days.at("19:05")
    report = days.once()
    assert not alpaca.ledger.orders and all("when the market opens" in text for text in report.waiting)
    days.at("09:31", days.session_after(days.today))
    days.once()
    days.at("16:25")
    assert {order.time_in_force for order in alpaca.ledger.orders} == {"day"}
    assert held(alpaca) == pytest.approx({symbol: shares for symbol, shares in report.targets.items() if shares})
    assert any(shares % 1 for shares in held(alpaca).values())


def test_a_missed_auction_is_made_up_for_in_the_open_market(alpaca, days):
    decided = days.once()
    days.at("11:00", days.session_after(days.today))
    days.once()
    assert {order.time_in_force for order in alpaca.ledger.orders} == {"day"}
    days.at("16:10")
    assert held(alpaca) == {symbol: shares for symbol, shares in decided.targets.items() if shares}


def test_orders_whose_session_has_passed_are_not_sent(alpaca, days):
    first = days.once()
    days.at("16:10", days.session_after(days.today))  # its session is over, and the next bar is not complete yet
    late = days.once()
    assert late.session == first.session and not alpaca.ledger.orders
    assert {order.reason for order in late.orders} == {"its session has passed"}


def test_a_new_decision_takes_back_what_remains_of_the_old_one(alpaca, days):
    days.at("19:05")
    days.once()
    stuck, = [order for order in alpaca.ledger.orders if order.symbol == "AAA"]
    alpaca.faults.add(OrderFault(do="stuck", symbol="AAA"))
    following = days.session_after(days.today)
    days.at("16:25", following)
    days.spec = BUSY.replace(params={"seed": 4, "density": 0.7})  # other parameters: the orders of the old ones go first
    days.once()
    with Journal(days.path) as journal:
        first, second = journal.blotter.decisions(alpaca.account_id)
        assert all(order.state == "done" for order in journal.blotter.orders(first.id))
    assert first.run_key != second.run_key and stuck.status in ("filled", "canceled", "expired")


def test_one_bar_is_decided_once_whatever_the_parameters(alpaca, days):
    days.once()
    days.spec = BUSY.replace(params={"seed": 4, "density": 0.7})
    with pytest.raises(BadSpec, match="has decided on AAA, BBB, CCC on 2024-02-20 already"):
        days.once()
    days.spec = BUSY.replace(limits={"max_weight": 1.0, "cash_buffer": 0.1})
    with pytest.raises(BadSpec, match="already"):
        days.once()
    assert not days.reports[1:]


def test_the_order_in_which_a_spec_is_written_is_not_another_run(alpaca, days):
    days.spec = BUSY.replace(limits={"max_weight": 0.9, "cash_buffer": 0.1}, params={"density": 0.7, "seed": 3})
    first = days.once()
    days.spec = BUSY.replace(limits={"cash_buffer": 0.1, "max_weight": 0.9}, params={"seed": 3, "density": 0.7})
    assert first.new and not days.once().new


def test_a_symbol_written_in_small_letters_is_the_same_symbol(alpaca, days):
    days.spec = BUSY.replace(source="alpaca")
    first = days.once()
    days.spec = BUSY.replace(source="alpaca", symbols=("aaa", "bbb", "ccc"))
    again = days.once()
    assert first.new and not again.new and again.orders == first.orders
    days.at("16:25", days.session_after(days.today))
    assert days.once().new
    with Journal(days.path) as journal:
        assert all(order.state == "done" for order in journal.blotter.orders(1))


def test_what_was_closed_by_hand_is_not_sold_again(bars, tmp_path):
    for seed in range(1_000):
        spec = BUSY.replace(symbols=("AAA", "BBB"), params={"seed": seed, "density": 0.7})
        orders = wanted(spec, bars.select(["AAA", "BBB"]).between(None, FIRST), {"AAA": Decimal(500)}, 122_500.0, 100_000.0).orders
        if orders and (orders[0].symbol, orders[0].intent) == ("AAA", "exit"):
            break
    with venue(bars, positions={"AAA": (500, 40)}) as alpaca:
        days = Days(alpaca, bars.select(["AAA", "BBB"]), tmp_path / "journal.db", spec)
        days.once()
        rest = rest_of(alpaca)
        rest.submit(OrderRequest("AAA", "sell", Decimal(300), type="limit", tif="day", limit_price=Decimal(1), extended_hours=True,
                                 client_order_id="by-hand"))
        alpaca.fill(rest.order_by_client_id("by-hand").id, 300, 40)
        rest.close()
        days.at("19:05")
        days.once()
        days.at("09:31", days.session_after(days.today))
        days.once()
        assert held(alpaca).get("AAA", 0.0) == 0.0
        sold = [each for each in alpaca.ledger.executions if each.symbol == "AAA"]
        assert sum(each.signed for each in sold) == -500


def test_what_was_bought_by_hand_is_not_bought_again(alpaca, days):
    days.once()
    rest = rest_of(alpaca)
    rest.submit(OrderRequest("AAA", "buy", Decimal(700), type="limit", tif="day", limit_price=Decimal(90), extended_hours=True,
                             client_order_id="by-hand"))
    alpaca.fill(rest.order_by_client_id("by-hand").id, 700, 40)
    rest.close()
    days.at("19:05")
    report = days.once()
    mine, = [order for order in report.orders if order.symbol == "AAA"]
    assert mine.state == "done" and mine.reason == "the position has changed since the decision"
    assert [order.client_order_id for order in alpaca.ledger.orders if order.symbol == "AAA"] == ["by-hand"]


def test_open_orders_from_elsewhere_bar_their_symbol(alpaca, days):
    days.at("19:02")
    rest = rest_of(alpaca)
    rest.submit(OrderRequest("AAA", "buy", Decimal(7), tif="opg", client_order_id="by-hand"))
    rest.close()
    report = days.once()
    assert "AAA" not in report.targets and any("AAA has an open order from elsewhere" in text for text in report.warnings)
    assert [order.client_order_id for order in alpaca.ledger.orders if order.symbol == "AAA"] == ["by-hand"]


def test_a_symbol_that_splits_before_it_trades_is_left_to_the_next_decision(alpaca, bars, tmp_path):
    days = Days(alpaca, bars, tmp_path / "journal.db", BUSY, splits_on=lambda symbols, date: {"AAA": 0.1} if date == "2024-02-21" else {})
    days.once()
    days.at("19:05")
    report = days.once()
    given_up, = [order for order in report.orders if order.symbol == "AAA"]
    assert given_up.state == "done" and given_up.reason == "it splits 0.1:1 on 2024-02-21, before it trades"
    assert "AAA" not in {order.symbol for order in alpaca.ledger.orders} and alpaca.ledger.orders


def test_a_symbol_without_a_bar_is_left_as_it_is_and_said(alpaca, bars, tmp_path):
    raw = {name: getattr(bars, name).copy() for name in ("raw_open", "raw_high", "raw_low", "raw_close", "raw_volume")}
    row = int(np.searchsorted(bars.session, np.datetime64(FIRST)))
    for panel_ in raw.values():
        panel_[row, bars.column("AAA")] = np.nan
    days = Days(alpaca, dataclasses.replace(bars, **raw), tmp_path / "journal.db", BUSY)
    report = days.once()
    assert "AAA" not in report.targets and any("AAA has no bar on 2024-02-20" in text for text in report.warnings)


def test_sessions_on_which_nobody_called_are_named(alpaca, days):
    days.whole_day()
    days.at("16:25", days.session_after(days.session_after(days.today)))
    report = days.once()
    assert report.new and any("nothing was decided on 2 sessions since 2024-02-20 (2024-02-21 to 2024-02-22)" in text for text in report.warnings)
    days.at("16:25", days.session_after(days.today))
    assert not any("nothing was decided" in text for text in days.once().warnings)


def test_nothing_is_decided_between_the_close_and_the_bar(bars, tmp_path):
    with venue(bars, now=f"{FIRST}T16:05-05:00") as alpaca:
        days = Days(alpaca, bars, tmp_path / "journal.db", BUSY.replace(signal_start="2024-02-16"))
        with pytest.raises(SourceUnavailable, match="20 minutes after the close"):
            days.once()
        days.at("16:25")
        assert days.once().session == FIRST


def test_capital_is_the_most_it_uses(alpaca, days):
    days.spec = BUSY.replace(capital=10_000.0)
    days.whole_day()
    worth = sum(abs(float(each.signed * each.price)) for each in alpaca.ledger.executions)
    assert 0 < worth < 10_000 * 1.05


def test_trading_days_end_the_run(alpaca, days):
    days.spec = BUSY.replace(trading_days=2)
    for _ in range(4):
        days.whole_day()
    assert [report.over for report in days.reports[::3]] == [False, False, True, True]
    assert len({day_of(each) for each in alpaca.ledger.executions}) == 2


def test_a_buy_waits_until_the_sale_has_brought_the_money(bars, tmp_path):
    pair = bars.select(["AAA", "BBB"])
    holding = {"AAA": Decimal(2_000)}
    for seed in range(1_000):
        spec = BUSY.replace(symbols=("AAA", "BBB"), params={"seed": seed})
        sides = [order.side for order in wanted(spec, pair.between(None, FIRST), holding, 90_000.0, 1_000.0).orders]
        if sides == ["sell", "buy"]:
            break
    with venue(bars, account=AccountRules(multiplier=1), cash=1_000.0, positions={"AAA": (2_000, 40)}) as alpaca:
        days = Days(alpaca, pair, tmp_path / "journal.db", spec)
        days.once()
        days.at("19:05")
        report = days.once()
        assert [order.side for order in alpaca.ledger.orders] == ["sell"] and "it waits for the sales" in report.waiting[0]
        days.at("09:31", days.session_after(days.today))
        days.once()
        days.at("16:10")
        assert days.once().done
        assert held(alpaca) == {symbol: shares for symbol, shares in report.targets.items() if shares}
        assert alpaca.ledger.cash > 0 and [(order.side, order.time_in_force) for order in alpaca.ledger.orders] == [("sell", "opg"), ("buy", "day")]


@pytest.mark.parametrize("fault", [
    dict(lost=True), dict(lost=True, accepted=False), dict(reset=True), dict(status=504), dict(status=504, accepted=False),
    dict(status=500, body="<html>down</html>", accepted=False, times=4), dict(status=429, accepted=False, times=3),
], ids=str)
def test_whatever_becomes_of_the_answer_each_order_exists_once(alpaca, days, fault):
    days.at("19:05")
    struck = alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders$", **fault))
    days.once()
    report = days.once()  # a broker that stays away for long is asked again by the next run
    assert struck.struck and len(alpaca.ledger.orders) == len(report.orders) == len({each.client_order_id for each in alpaca.ledger.orders})
    days.at("09:31", days.session_after(days.today))
    report = days.once()
    assert report.done and {order.status for order in report.orders} == {"filled"}
    assert held(alpaca) == {symbol: shares for symbol, shares in report.targets.items() if shares}


def test_a_refusal_is_told_and_not_repeated(alpaca, days):
    days.at("19:05")
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders$", accepted=False, status=403,
                                  body={"code": 40310000, "message": "insufficient day trading buying power"}))
    report = days.once()
    assert [order.status for order in report.orders].count("refused") == 1
    assert "insufficient day trading buying power" in next(order.reason for order in report.orders if order.status == "refused")
    again = days.once()
    assert again.orders == report.orders and len(alpaca.ledger.orders) == len(report.orders) - 1


def test_what_cannot_be_traded_daily_is_said(bars):
    for spec, words in ((SPEC.replace(exits={"stop": 0.1}), "exits"), (SPEC.replace(interval="1m"), "interval"),
                        (SPEC.replace(strategy="Momentum", signal_start=None), "signal_start"),
                        (SPEC.replace(sizer="scripted:Nobody"), "Nobody")):
        with pytest.raises(CerebrolabError, match=words):
            check_daily(spec)


def test_old_bars_decide_nothing(alpaca, bars, tmp_path):
    days = Days(alpaca, bars.between(None, "2024-02-16"), tmp_path / "journal.db", BUSY)
    with pytest.raises(SourceUnavailable, match=f"2024-02-16 and the last complete session is {FIRST}"):
        days.once()
    assert not alpaca.ledger.orders


def test_a_blocked_account_is_said(alpaca, days):
    alpaca.block_trading()
    with pytest.raises(CerebrolabError, match="blocked from trading"):
        days.once()


def test_positions_of_others_are_left_alone(bars, tmp_path):
    with venue(bars, positions={"CCC": (7, 30)}) as alpaca:
        spec = BUSY.replace(symbols=("AAA", "BBB"))
        days = Days(alpaca, bars.select(["AAA", "BBB"]), tmp_path / "journal.db", spec)
        for _ in range(2):
            days.whole_day()
        assert held(alpaca)["CCC"] == 7 and len(alpaca.ledger.executions) > 0
        assert Decimal(7) == alpaca.ledger.positions["CCC"]


def test_a_spec_with_a_bad_field_is_refused():
    for change in (dict(capital=0.0), dict(trading_days=0), dict(trading_days=1.5)):
        with pytest.raises(BadSpec):
            dataclasses.replace(SPEC, **change)
