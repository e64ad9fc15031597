"""Sliced orders on the local Alpaca, on live minutes: the same slices as in the simulation, and what the venue does to them."""

from decimal import Decimal

import backtrader as bt
import pytest
from alpaca_minutes_live import Live, at, clock_time, walks
from sliced_runs import sliced
from streamed_runs import venue

from brokers.execution import Sliced
from brokers.local_alpaca.faults import AnswerFault, EventFault, OrderFault
from core.day_numbers import moments_of

BARS = walks("2024-02-29 09:30", "2024-03-01 09:30", rows=390)
FIRST = 390 + 5  # the bar of 09:35 on the second day
TERMS = {
    "twap": {"algo": "twap", "minutes": 10}, "vwap": {"algo": "vwap", "minutes": 10},
    "participation": {"algo": "participation", "rate": 0.002, "minutes": 15}, "twap of few shares": {"algo": "twap", "minutes": 20, "size": 7},
    "past the close": {"algo": "twap", "minutes": 30, "first": 390 + 385},
}


class Once(bt.Strategy):
    """Buys the first symbol on one bar, and notes what it is told of it.

    Params:
        bar, terms: of the order. cancelled: the bar on which it is cancelled.
    """

    params = dict(bar=0, terms={}, cancelled=None)

    def __init__(self):
        self.told, self.order, self.trades = [], None, []

    def prenext(self):
        self.next()

    def next(self):
        moment = int(moments_of([self.datetime[0]])[0])
        if moment == BARS.index[self.p.bar - 1]:
            self.order = self.buy(self.datas[0], **{"size": 100, **self.p.terms})
        if self.p.cancelled and moment == BARS.index[self.p.cancelled - 1]:
            self.cancel(self.order)

    def notify_order(self, order):
        if order.exectype != bt.Order.Historical:
            self.told.append((order.getstatusname(), order.executed.size, round(order.executed.price, 6), order.executed.remsize))

    def notify_trade(self, trade):
        self.trades.append((trade.size, round(trade.price, 6), trade.isclosed))


def slices(face):
    """New York time, shares, shares filled, price and end of each slice."""
    return [(clock_time(int(moments_of([child.created.dt])[0])), child.created.size, child.executed.size, round(child.executed.price, 6),
             child.getstatusname()) for child in face.parents[0].children]


def lived(terms, *faults, bar=FIRST, until="09:59", liquidity=None, **params):
    """Play an order live; (strategy, face, venue's ledger)."""
    with venue(BARS, at("09:20")) as alpaca:
        alpaca.liquidity = liquidity or {}
        live = Live(alpaca, at(until))
        face = Sliced(live.broker)
        live.cerebro.setbroker(face)
        for fault in faults:
            alpaca.faults.add(fault)
        strategy = live.add("AAA", "BBB").run(Once, bar=bar, terms=terms, **params)
        assert all(fault.struck for fault in faults)
        names = [order.client_order_id for order in alpaca.ledger.sent()]
        assert len(names) == len(set(names))
        held = alpaca.ledger.positions.get("AAA", 0)
        assert strategy.getposition(strategy.datas[0]).size == held == strategy.order.executed.size
        return strategy, face, names


@pytest.mark.parametrize("name", TERMS)
def test_the_slices_are_those_of_the_simulation(name):
    terms = dict(TERMS[name])
    bar = terms.pop("first", FIRST)
    strategy, face, names = lived(terms, bar=bar, until="10:10" if bar == FIRST else "16:02")
    simulated, its_face = sliced(BARS, {}, kind=type("Simulated", (Once,), {"params": dict(bar=bar, terms=terms, plan=None)}))
    assert slices(face) == slices(its_face)
    assert (strategy.told, strategy.trades) == (simulated.told, simulated.trades)
    assert [name.split("-")[3] for name in names] == [f"buy{number + 1}" for number in range(len(slices(face)))]


TEN = {"algo": "twap", "minutes": 10}
FOUR = {"AAA": Decimal(4)}  # shares that an order gets in a bar


def test_parts_go_on_with_the_next_slice():
    strategy, face, _ = lived(TEN, liquidity=FOUR)
    done = 0
    for at_slice, (_, size, filled, _, _) in enumerate(slices(face), start=1):
        assert size == 10 * at_slice - done
        done += filled
    assert [status for *_, status in slices(face)] == ["Canceled"] * 9 + ["Completed"]
    assert done == 100 and strategy.told[-1][:2] == ("Completed", 100)


def test_what_is_left_at_the_close_expires():
    strategy, face, _ = lived({"algo": "twap", "minutes": 60}, bar=390 + 381, liquidity=FOUR, until="16:02")
    done = sum(filled for _, _, filled, _, _ in slices(face))
    assert 36 <= done < 100 and strategy.told[-1][:2] == ("Expired", done) and strategy.order.getstatusname() == "Expired"
    assert strategy.order.info["reason"] == f"alpaca: expired: {100 - done} of 100 shares were not traded"
    assert not face.parents[0].children[-1].alive()


def test_a_cancelled_order_waits_for_its_slice():
    strategy, face, _ = lived(TEN, liquidity=FOUR, cancelled=FIRST + 4)
    done = sum(filled for _, _, filled, _, _ in slices(face))
    assert 16 <= done < 100 and strategy.told[-1][:2] == ("Canceled", done) and strategy.order.getstatusname() == "Canceled"
    assert slices(face)[-1][-1] == "Canceled" and slices(face)[-1][0] == "09:38"


@pytest.mark.parametrize("fault", [
    lambda: AnswerFault(method="POST", path="/v2/orders", nth=3, accepted=False, status=403, body={"code": 40310000, "message": "no"}),
    lambda: OrderFault(do="reject", nth=3), lambda: OrderFault(do="reject_after_new", nth=3)], ids=["403", "at once", "later"])
def test_a_refused_slice_ends_the_order(fault):
    strategy, face, _ = lived(TEN, fault())
    assert strategy.told[-1][:2] == ("Rejected", 20) and len(face.parents[0].children) == 3
    assert strategy.order.info["reason"].startswith("slice 3: ")


@pytest.mark.parametrize("fault", [
    lambda: AnswerFault(method="POST", path="/v2/orders", nth=3, lost=True),
    lambda: AnswerFault(method="POST", path="/v2/orders", nth=3, status=504),
    lambda: EventFault(event="fill", nth=3), lambda: EventFault(event="fill", nth=3, do="duplicate"),
    lambda: EventFault(event="fill", nth=3, do="delay", seconds=90.0), lambda: EventFault(event="new", nth=3),
    lambda: OrderFault(do="stuck", nth=3, seconds=1.0)], ids=["answer lost", "504", "fill lost", "twice", "late", "new lost", "stuck"])
def test_trouble_with_a_slice_changes_nothing_of_the_whole(fault):
    strategy, face, _ = lived(TEN, fault(), until="10:10")
    assert strategy.order.executed.size + strategy.order.executed.remsize == 100
    assert sum(child.executed.size for child in face.parents[0].children) == strategy.order.executed.size == 100
    assert strategy.told[-1][0] == "Completed"


@pytest.mark.parametrize("qty", [None, 3.0])
def test_a_cancellation_that_loses_against_a_fill_trades_nothing_twice(qty):
    fault = OrderFault(do="cancel_filled", qty=qty, nth=2)
    strategy, face, _ = lived(TEN, fault, liquidity=FOUR, until="10:10")
    assert sum(child.executed.size for child in face.parents[0].children) == strategy.order.executed.size == 100


@pytest.mark.parametrize("do", ["cancel_slow", "cancel_lost"])
def test_the_next_slice_waits_for_the_end_of_the_one_before(do):
    strategy, face, _ = lived(TEN, OrderFault(do=do, nth=2, seconds=150.0), liquidity={"AAA": Decimal(2)}, until="10:40")
    children = face.parents[0].children
    assert sum(child.executed.size for child in children) == strategy.order.executed.size == 100
    assert strategy.told[-1][0] == "Completed" and len(children) < 10
