"""Random orders on two symbols, random faults and a venue that comes and goes: broker and venue agree in the end."""

import random
from contextlib import suppress
from decimal import Decimal
from itertools import pairwise

import backtrader as bt
import pytest
from alpaca_cerebro import broker_of, cerebro_of, judge
from broker_contract import Witness

from brokers.local_alpaca import AnswerFault, EventFault, LocalAlpaca, OrderFault, Refusal
from brokers.local_alpaca.made_minutes import minutes

Order = bt.Order
EVENTS = ("*", "fill", "partial_fill", "new", "canceled")
ANSWERS = (dict(lost=True), dict(status=504, body="<html>"), dict(events_first=True),
           dict(accepted=False, status=500, body="<html>"))
TREATMENTS = ("slow_new", "stuck", "reject", "reject_after_new", "cancel_slow", "cancel_lost", "cancel_filled",
              "cancel_stuck", "replace_filled", "silent_sibling")


def market(chance, rows=20):
    """A walk from 100, with a range of half a dollar around each bar."""
    closes = [100.0]
    for _ in range(rows):
        closes.append(round(closes[-1] * (1 + chance.gauss(0, 0.01)), 2))
    return [(old, max(old, new) + 0.5, min(old, new) - 0.5, new) for old, new in pairwise(closes)]


def fault(chance):
    nth, seconds = chance.randint(1, 4), chance.choice([5, 40, 130])
    if chance.random() < 0.6:
        do = chance.choice(["lose", "duplicate", "delay", "shuffle", "swap", "rename", "status", "alien"])
        return EventFault(event=chance.choice(EVENTS), do=do, seconds=seconds, nth=nth, times=chance.randint(1, 3))
    if chance.random() < 0.5:
        path = chance.choice(["orders", "positions", "account"])
        return AnswerFault(method=chance.choice(["POST", "DELETE", "GET"]), path=path, nth=nth,
                           **chance.choice(ANSWERS))
    return OrderFault(do=chance.choice(TREATMENTS), seconds=seconds, nth=nth)


def actions(alpaca, chance):
    """One action a bar."""
    placed = []

    def exits(s, data, close, held):
        stop = s.sell(data, size=held, exectype=Order.Stop, price=close * 0.97)
        return [stop, s.sell(data, size=held, exectype=Order.Limit, price=close * 1.03, oco=stop)]

    def outsider(symbol):
        try:
            alpaca.outside_order(symbol=symbol, side=chance.choice(["buy", "sell"]), qty=chance.randint(1, 5))
        except Refusal:
            return []
        return []

    def act(s):
        data, size = chance.choice(s.datas), chance.randint(1, 15)
        close, held = data.close[0], s.getposition(data).size
        choices = [
            lambda: [s.buy(data, size=size)], lambda: [s.sell(data, size=size)], lambda: [s.close(data)],
            lambda: [s.buy(data, size=size, exectype=Order.Limit, price=close * chance.uniform(0.97, 1.01))],
            lambda: [s.sell(data, size=size, exectype=Order.Stop, price=close * 0.98)],
            lambda: s.buy_bracket(data, size=size, exectype=Order.Market, stopprice=close * 0.97,
                                  limitprice=close * 1.03),
            lambda: exits(s, data, close, held) if held > 0 else [],
            lambda: [s.cancel(chance.choice(placed)) and None] if placed else [], lambda: outsider(data._name)]
        placed.extend(order for order in chance.choice(choices)() if order is not None)

    return act


def weather(alpaca, chance):
    """What the venue, or somebody else, does on a bar: mostly nothing."""
    def replace():
        order = chance.choice([order for order in alpaca.book.open() if order.limit_price and not order.legs] or [None])
        if order is not None:
            with suppress(Refusal), alpaca.lock:
                alpaca.desk.replace(order.id, {"limit_price": f"{float(order.limit_price) * 1.01:.2f}"})
                alpaca.settle()

    def cancel():
        if alpaca.book.open():
            alpaca.cancel_externally(chance.choice(alpaca.book.open()).id)

    happens = [replace, cancel, lambda: alpaca.halt(chance.choice(["AAA", "BBB"])),
               lambda: alpaca.outage(chance.choice([20, 100, 200])),
               alpaca.revoke_keys, alpaca.block_trading, *[lambda: clear_up(alpaca)] * 4]
    return lambda: chance.choice(happens)() if chance.random() < 0.25 else None


def clear_up(alpaca):
    """Everything is as it should be."""
    alpaca.revoke_keys(False)
    alpaca.block_trading(False)
    for symbol in ("AAA", "BBB"):
        alpaca.resume(symbol)


@pytest.mark.parametrize("seed", [*range(8), 34, 44])  # in the last two, an answer is lost while others trade
def test_random_orders_under_random_faults(seed):
    chance = random.Random(seed)
    bars = minutes(AAA=market(chance), BBB=market(chance))
    with LocalAlpaca(bars, cash=100_000, seed=seed) as alpaca:
        if chance.random() < 0.5:
            alpaca.liquidity = {symbol: Decimal(chance.randint(2, 6)) for symbol in bars.symbols}
        for _ in range(chance.randint(1, 4)):
            alpaca.faults.add(fault(chance))
        broker = broker_of(alpaca, events=chance.random() < 0.7, reconcile_s=60.0)
        act, happen = actions(alpaca, chance), weather(alpaca, chance)
        plan = dict.fromkeys(range(1, 18), lambda s: (happen(), act(s)))
        strategy = cerebro_of(alpaca, bars, broker, plan, Witness).run()[0]
        alpaca.faults.clear()
        clear_up(alpaca)
        for seconds in (300, 70, 70):
            alpaca.advance(seconds=seconds)
            broker.next()
            broker.reconcile()
        judge(strategy, alpaca)
        for order in broker.orders:
            told = [Order.Status.index(status) for ref, status in strategy.told if ref == order.ref]
            once = [status for status in told if status != Order.Partial]
            assert told == sorted(told) and len(once) == len(set(once))
