"""The blotter: decisions are recorded once, orders only go forwards, and two processes see the same."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.clock import ManualClock
from core.errors import UnknownName
from journal import LiveOrder, opened

DECISION = dict(account="A1", run_key="k", bar_ns=10, session="2024-03-01", strategy="GoldenCross", strategy_source="x", spec={"a": 1},
                fingerprint="f", equity=Decimal("1000.10"), cash=Decimal(5), targets={"AAA": 3.0}, notes=["slow"])
BUY = LiveOrder("cl-1", 0, "AAA", "buy", Decimal(3), "enter")
SELL = LiveOrder("cl-2", 1, "BBB", "sell", Decimal("0.123456789"), "exit")


@pytest.fixture(name="blotter")
def _blotter(anywhere):
    with opened(anywhere, ManualClock(7)) as journal:
        yield journal.blotter


def test_a_decision_and_its_orders_are_recorded_once(blotter):
    number = blotter.decide([BUY, SELL], **DECISION)
    assert blotter.decide([replace(BUY, client_order_id="cl-9")], **{**DECISION, "targets": {}}) == number
    assert blotter.orders(number) == [BUY, SELL]
    row = blotter.decision("A1", "k", 10)
    assert (row.id, row.targets, row.equity, row.created_ns) == (number, {"AAA": 3.0}, Decimal("1000.10"), 7)
    assert blotter.decision("A1", "k", 11) is blotter.decision("A2", "k", 10) is blotter.decision("A1", "other", 10) is None


def test_all_or_nothing(blotter):
    with pytest.raises(Exception, match="(?i)unique constraint"):
        blotter.decide([BUY, replace(SELL, client_order_id="cl-1")], **DECISION)
    assert blotter.decisions("A1") == []


def test_an_order_goes_forwards_and_stays_done(blotter):
    number = blotter.decide([BUY, SELL], **DECISION)
    assert blotter.change("cl-1", state="sending", tif="opg").state == "sending"
    done = blotter.change("cl-1", state="done", status="filled", filled=Decimal(3), price=Decimal("9.5"), broker_id="b")
    assert (done.state, done.filled, done.price, done.tif) == ("done", Decimal(3), Decimal("9.5"), "opg")
    assert blotter.change("cl-1", state="open", status="new", filled=Decimal(0)) == done
    assert [each.client_order_id for each in blotter.unfinished("A1", ["AAA", "BBB"])] == ["cl-2"]
    assert blotter.unfinished("A1", ["AAA"]) == blotter.unfinished("A2", ["BBB"]) == []
    again = replace(SELL, client_order_id="cl-3", attempt=2)
    for _ in range(2):
        blotter.add(number, again)
    assert blotter.orders(number) == [done, SELL, again]
    with pytest.raises(UnknownName, match="cl-7"):
        blotter.change("cl-7", state="open")
