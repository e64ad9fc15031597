"""Protective exits at the venue: every position has its own, whatever becomes of orders, cancellations and processes."""

from decimal import Decimal

import numpy as np
import pytest
from scripted_minutes import SCRIPT, at, flat
from streamed_runs import SYMBOLS, held, lived, two_days, venue

from brokers.local_alpaca import AccountRules, AnswerFault, OrderFault
from core.bars import Bars
from core.errors import BadSpec
from core.series import SymbolBars

STANDING = ("new", "accepted", "held", "partially_filled")


def protected(alpaca, *kinds):
    """Every position has, of each kind, exactly one standing order for all of its shares, on the other side; nothing else stands."""
    held = {symbol: qty for symbol, qty in alpaca.ledger.positions.items() if qty}
    standing = [alpaca.order(order.id) for order in alpaca.ledger.orders if alpaca.order(order.id).status in STANDING]
    shown = sorted((order.symbol, order.type, order.side, float(order.qty)) for order in standing)
    assert shown == sorted((symbol, kind, "sell" if qty > 0 else "buy", abs(float(qty))) for symbol, qty in held.items() for kind in kinds)
    return held


def test_a_stop_stands_at_the_venue_once_the_entry_has_filled():
    with venue(flat(AAA=[100.0] * 11 + [90.0] * 49), at("09:34:30")) as alpaca:
        strategy, _ = lived(alpaca, at("09:50:30"), SCRIPT)
        assert set(protected(alpaca, "stop")) == {"BBB"} == set(held(strategy))
        [sold] = [each for each in alpaca.ledger.executions if each.signed < 0]
        assert sold.symbol == "AAA"


def test_after_a_restart_the_stop_is_taken_over_and_gives_way_to_the_exit():
    spec = SCRIPT.replace(params={"a": "6:1,20:0", "b": "6:1,20:0"})
    with venue(flat(), at("09:34:30")) as alpaca:
        lived(alpaca, at("09:40:30"), spec)
        before = [order.id for order in alpaca.ledger.orders if order.type == "stop"]
        strategy, _ = lived(alpaca, at("09:55:30"), spec)
        stops = {order.id: alpaca.order(order.id).status for order in alpaca.ledger.orders if order.type == "stop"}
        assert len(before) == 2 and stops == dict.fromkeys(before, "canceled")
        assert not alpaca.ledger.positions and not held(strategy) and len(alpaca.ledger.executions) == 4


def test_a_position_left_without_its_stop_gets_one_after_the_restart():
    with venue(flat(), at("09:34:30")) as alpaca:
        lived(alpaca, at("09:40:30"), SCRIPT)
        for order in [order for order in alpaca.ledger.orders if order.type == "stop"]:
            alpaca.cancel_externally(order.id)
        lived(alpaca, at("09:50:30"), SCRIPT)
        assert len(protected(alpaca, "stop")) == 2


@pytest.mark.parametrize("exits, kinds", [({"stop": 0.05}, ["stop"]), ({"trail": 0.05}, ["trailing_stop"]),
                                          ({"stop": 0.05, "profit": 0.1}, ["stop", "limit"])])
def test_an_entry_that_fills_in_parts_is_protected_whole(exits, kinds):
    with venue(flat(), at("09:34:30")) as alpaca:
        alpaca.liquidity |= {"AAA": Decimal(200), "BBB": Decimal(150)}
        lived(alpaca, at("09:55:30"), SCRIPT.replace(exits=exits))
        assert len(protected(alpaca, *kinds)) == 2


@pytest.mark.parametrize("fault", [
    AnswerFault(method="POST", path="/orders", nth=3, times=2, accepted=False, status=403,
                body={"code": 40310000, "message": "insufficient qty available for order"}),
    OrderFault(type="stop", do="reject", times=2), OrderFault(type="stop", do="reject_after_new", times=2),
], ids=["refused", "rejected", "rejected later"])
def test_a_stop_that_is_refused_is_tried_again_with_the_next_bar(fault):
    with venue(flat(), at("09:34:30")) as alpaca:
        alpaca.faults.add(fault)
        lived(alpaca, at("09:50:30"), SCRIPT)
        assert fault.struck == 2 and len(protected(alpaca, "stop")) == 2


def test_a_stop_that_the_venue_ends_and_shares_from_elsewhere_are_protected():
    def meddle(live):
        for order in [order for order in live.alpaca.ledger.orders if order.type == "trailing_stop" and order.symbol == "AAA"]:
            live.alpaca.cancel_externally(order.id)
        live.alpaca.outside_order(symbol="BBB", side="buy", qty="10")

    with venue(flat(), at("09:34:30")) as alpaca:
        lived(alpaca, at("09:55:30"), SCRIPT.replace(exits={"trail": 0.05}), at_time=[(at("09:42:20"), meddle)])
        bought = protected(alpaca, "trailing_stop")
        assert float(bought["BBB"]) == sum(float(each.signed) for each in alpaca.ledger.executions if each.symbol == "BBB") and len(bought) == 2


def test_an_exit_that_is_taken_back_while_its_stop_ends_leaves_a_stop():
    with venue(flat(), at("09:34:30")) as alpaca:
        alpaca.faults.add(OrderFault(type="stop", do="cancel_slow", seconds=90, times=0))
        lived(alpaca, at("09:55:30"), SCRIPT.replace(params={"a": "6:1,10:0,11:1", "b": "6:1"}))
        assert len(protected(alpaca, "stop")) == 2


def test_an_exit_whose_order_comes_to_nothing_is_repeated():
    with venue(flat(), at("09:34:30")) as alpaca:
        fault = alpaca.faults.add(OrderFault(type="market", side="sell", do="reject", times=2))
        strategy, _ = lived(alpaca, at("09:55:30"), SCRIPT.replace(params={"a": "6:1,10:0", "b": "6:1,10:0"}))
        assert fault.struck == 2 and protected(alpaca, "stop") == {} == held(strategy)


@pytest.mark.parametrize("seconds", [0, 30])
def test_a_purchase_waits_for_the_sale_that_waits_for_its_stop(seconds):
    """A cash account, turned over from one symbol to the other."""
    spec = SCRIPT.replace(params={"a": "6:1,10:0", "b": "10:1"}, sizer="TargetWeight", limits={"max_gross": 1.0, "cash_buffer": 0.05})
    with venue(flat(), at("09:34:30"), account=AccountRules(multiplier=1)) as alpaca:
        if seconds:
            alpaca.faults.add(OrderFault(type="stop", do="cancel_slow", seconds=seconds, times=0))
        lived(alpaca, at("09:55:30"), spec)
        assert protected(alpaca, "stop") == {"BBB": Decimal(950)}


@pytest.mark.parametrize("capital", [None, 10_000.0])
def test_what_waits_for_the_end_of_a_stop_is_part_of_the_budget(capital):
    spec = SCRIPT.replace(params={"a": "6:0.4,10:0.8", "b": "11:0.6"}, sizer="TargetWeight", limits={"max_gross": 1.0}, capital=capital)
    with venue(flat(), at("09:34:30")) as alpaca:
        alpaca.faults.add(OrderFault(type="stop", do="cancel_slow", seconds=90, times=0))
        lived(alpaca, at("09:55:30"), spec)
        bought = protected(alpaca, "stop")
        assert len(bought) == 2 and sum(float(qty) * 100 for qty in bought.values()) <= (capital or 100_000.0)


@pytest.mark.parametrize("ratio, conviction", [(2.0, 1), (0.5, 1), (2.0, -1)], ids=["2:1", "1:2", "2:1 short"])
def test_a_split_overnight_moves_the_stop_before_the_open(ratio, conviction):
    days = ("2024-02-20", "2024-02-21", "2024-02-22")
    made = [two_days(days=days).series(symbol) for symbol in SYMBOLS]
    frames = []
    for symbol, series in zip(SYMBOLS, made, strict=True):
        close, split = np.full(len(series), 100.0), np.ones(len(series))
        if symbol == "AAA":
            close[780:], split[780] = 100.0 / ratio, ratio
        frames.append(SymbolBars.make(symbol, series.index, series.session, close, open=close, high=close, low=close, volume=series.volume,
                                      split=split))
    spec = SCRIPT.replace(params={"a": f"376:{conviction}", "b": "376:1"}, exits={"stop": 0.1})
    with venue(Bars.of(frames, interval="1m"), at("15:44:30")) as alpaca:
        lived(alpaca, at("09:33:30", "2024-02-22"), spec, reconcile_s=900.0)
        kept = protected(alpaca, "stop")
        price = {order.symbol: float(order.stop_price) for order in alpaca.ledger.orders
                 if order.type == "stop" and alpaca.order(order.id).status in STANDING}
    assert len(kept) == 2 and len({each.symbol for each in alpaca.ledger.executions if each.signed * conviction < 0} & {"AAA"}) == 0
    assert price["AAA"] == pytest.approx(100.0 / ratio * (1 - 0.1 * conviction)) and price["BBB"] == pytest.approx(90.0)


@pytest.mark.parametrize("changes, words", [
    ({"exits": {"stop": 0.05, "trail": 0.05}}, "together"), ({"exits": {"trail": 0.05}, "fractional": True}, "fractions"),
    ({"exits": {"stop": 0.05, "profit": 0.1}, "fractional": True}, "fractions"), ({"fill": "session_open", "fractional": True}, "whole shares"),
    ({"strategy": "ShortTermMomentum", "params": {"minutes": 20}, "interval": "15m"}, "too coarse"),
])
def test_what_alpaca_cannot_hold_is_refused_before_the_run(changes, words):
    with venue(flat(), at("09:34:30")) as alpaca, pytest.raises(BadSpec, match=words):
        lived(alpaca, at("09:40:30"), SCRIPT.replace(**changes))
