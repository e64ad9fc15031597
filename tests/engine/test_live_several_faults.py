"""Whatever goes wrong at the venue while two runs stream minutes on one account: each owns what its orders have executed, no more."""

from decimal import Decimal

import pytest
from several_runs import check_sums, executed, lived, spec
from streamed_runs import two_days, venue

from brokers.local_alpaca import AnswerFault, BarFault, EventFault, OrderFault
from journal import Journal

ORDERS = dict(method="POST", path="/v2/orders")
FAULTS = {
    "an answer is lost after the order was taken": lambda a: a.faults.add(AnswerFault(**ORDERS, nth=2, lost=True)),
    "an answer is lost and the order was not taken": lambda a: a.faults.add(AnswerFault(**ORDERS, nth=3, accepted=False, reset=True)),
    "504 after the order was taken": lambda a: a.faults.add(AnswerFault(**ORDERS, nth=2, status=504, body="<html>", times=2)),
    "429 and 500": lambda a: [a.faults.add(AnswerFault(**ORDERS, nth=2, accepted=False, status=429, body={}, times=3)),
                              a.faults.add(AnswerFault(method="GET", path="/v2/", nth=4, status=500, body="<html>", times=3))],
    "events before answers": lambda a: a.faults.add(AnswerFault(**ORDERS, events_first=True, times=0)),
    "fills that nobody tells of": lambda a: a.faults.add(EventFault(event="fill", do="lose", times=3)),
    "events twice": lambda a: a.faults.add(EventFault(do="duplicate", times=0)),
    "events in any order": lambda a: a.faults.add(EventFault(do="shuffle", seconds=20.0, times=0)),
    "events that nobody has sent": lambda a: a.faults.add(EventFault(do="alien", times=2)),
    "an unknown status": lambda a: a.faults.add(EventFault(do="status", value="moonlit", times=3)),
    "an order rejected after it was taken": lambda a: a.faults.add(OrderFault(do="reject_after_new", symbol="AAA")),
    "an order stuck": lambda a: a.faults.add(OrderFault(do="stuck", symbol="BBB")),
    "fills in parts": lambda a: a.liquidity.update(AAA=Decimal(7), BBB=Decimal(30)),
}
MOMENTS = {
    "the socket breaks off": lambda live: live.drop(held_s=90.0),
    "an outage": lambda live: live.outage(100),
    "trading is blocked for a while": lambda live: live.alpaca.block_trading(),
    "somebody else trades": lambda live: live.alpaca.outside_order(symbol="AAA", side="buy", qty=3),
}


def judge(strategies, alpaca, journal):
    shared = check_sums(strategies, alpaca)
    for name, part in shared.parts.items():
        held, cash = executed(alpaca, journal, name)
        assert part.held == held and part.cash == Decimal(20_000) + cash
    assert len({order.client_order_id for order in alpaca.ledger.orders}) == len(alpaca.ledger.orders)
    assert all(journal.blotter.run_of(order.client_order_id) for order in alpaca.ledger.orders if order.client_order_id.startswith("cl-"))
    return shared


@pytest.fixture(name="journal")
def _journal(tmp_path):
    with Journal(tmp_path / "journal.db") as journal:
        yield journal


def settled(alpaca, journal):
    """Another process looks once more, after everything has been told."""
    alpaca.liquidity.clear()
    alpaca.advance("2024-02-21T10:16:00-05:00")
    return lived(alpaca, "2024-02-21T10:16:30-05:00", [spec(2), spec(5)], journal)[0]


@pytest.mark.parametrize("name", FAULTS)
def test_what_the_venue_does_to_orders(name, journal):
    with venue(two_days(rows=70), "2024-02-21T09:34:30-05:00") as alpaca:
        FAULTS[name](alpaca)
        lived(alpaca, "2024-02-21T09:58:30-05:00", [spec(2), spec(5)], journal)
        assert len(alpaca.ledger.executions) > 10 and (alpaca.faults.strikes or alpaca.liquidity)
        judge(settled(alpaca, journal), alpaca, journal)


@pytest.mark.parametrize("name", MOMENTS)
def test_what_happens_to_the_connection_and_the_account(name, journal):
    with venue(two_days(rows=70), "2024-02-21T09:34:30-05:00") as alpaca:
        lived(alpaca, "2024-02-21T09:58:30-05:00", [spec(2), spec(5)], journal, at_time=[("2024-02-21T09:45:20-05:00", MOMENTS[name])])
        alpaca.block_trading(False)
        assert len(alpaca.ledger.executions) > 4
        shared = judge(settled(alpaca, journal), alpaca, journal)
        assert shared.rest == ({"AAA": Decimal(3)} if name == "somebody else trades" else {})


@pytest.mark.parametrize("do, options", [("late", dict(seconds=50.0)), ("duplicate", {}), ("missing", {}), ("corrected", {}), ("nonsense", {}), ("extended", {})])
def test_what_happens_to_bars(do, options, journal):
    with venue(two_days(rows=70), "2024-02-21T09:34:30-05:00") as alpaca:
        alpaca.faults.add(BarFault(do=do, times=10, nth=3, **options))
        strategies, _ = lived(alpaca, "2024-02-21T09:58:30-05:00", [spec(2), spec(5)], journal)
        assert len(alpaca.faults.strikes) == 10
        judge(strategies, alpaca, journal)
