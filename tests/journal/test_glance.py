"""What is looked at first of a live account, beside an obvious search through all that was recorded."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.clock import ManualClock
from journal import Journal
from journal.account_log import LiveExecution
from journal.blotter import LiveOrder
from journal.glance import HOUR_NS
from journal.pages import Chosen

DECISION = dict(session="2024-03-01", strategy="S", strategy_source="x", spec={}, fingerprint="f", targets={}, notes=[])
MOMENTS = st.lists(st.tuples(st.integers(0, 5 * HOUR_NS), st.sampled_from(["", "r"]), st.integers(1, 10**6)), max_size=25)


def decided(journal, account, run, bar_ns, equity, orders=()):
    return journal.blotter.decide(orders, account=account, run_key=run, bar_ns=bar_ns, equity=Decimal(equity), cash=Decimal(1), **DECISION)


def order(name, place=0, symbol="AAA"):
    return LiveOrder(client_order_id=name, place=place, symbol=symbol, side="buy", qty=Decimal(1), intent="enter")


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(seen=MOMENTS)
def test_worth_is_the_last_of_each_hour(tmp_path_factory, seen):
    with Journal(tmp_path_factory.mktemp("glance") / "journal.db", ManualClock(1)) as journal:
        first = {}
        for moment, run, equity in seen:
            journal.history.take("A", run, Decimal(equity), Decimal(equity) / 2, time_ns=moment + 1)
            first.setdefault((run, moment + 1), equity)
        for run in ("", "r"):
            hours = {}
            for moment, equity in sorted((moment, equity) for (whose, moment), equity in first.items() if whose == run):
                hours[moment // HOUR_NS] = (moment, equity)
            found, last = journal.glance.worth("A", run), journal.glance.worth("A", run, only_last=True)
            assert list(zip(found.time_ns.tolist(), found.equity.tolist(), strict=True)) == list(hours.values())
            assert np.array_equal(found.cash, found.equity / 2)
            assert last.time_ns.tolist() == found.time_ns.tolist()[-1:] and last.equity.tolist() == found.equity.tolist()[-1:]


def test_without_snapshots_decisions_are_what_was_seen(journal):
    decided(journal, "A", "r", 2 * HOUR_NS, "10.5")
    decided(journal, "A", "s", HOUR_NS, "9")
    assert journal.glance.worth("A").equity.tolist() == [9.0, 10.5] and journal.glance.worth("A", "s").equity.tolist() == [9.0]
    journal.history.take("A", "", Decimal(7), Decimal(1), time_ns=3 * HOUR_NS)
    assert journal.glance.worth("A").equity.tolist() == [7.0] and journal.glance.worth("A", "r").equity.tolist() == [10.5]
    assert journal.glance.worth("B").time_ns.tolist() == [] and journal.glance.accounts() == ["A"]


def test_the_latest_orders_and_executions_come_first(journal):
    decided(journal, "A", "r", 1, "1", [order("a"), order("b", 1)])
    number = decided(journal, "A", "s", 2, "1", [order("c")])
    decided(journal, "B", "r", 3, "1", [order("d")])
    journal.blotter.add(number, order("e", 7, "BBB"))

    def names(*chosen, limit=9):
        return [each.order.client_order_id for each in journal.glance.orders(Chosen(*chosen), limit)]

    assert names("A") == ["e", "c", "b", "a"] and names("A", limit=2) == ["e", "c"] and names("A", "r") == ["b", "a"] and names() == ["d", "e", "c", "b", "a"]
    rows = [LiveExecution(f"x{at}", "b", Decimal(1), "A", "rs"[at % 2], "AAA", "buy", Decimal(1), Decimal(9), 100 - at) for at in range(5)]
    journal.account_log.execute(rows)
    assert journal.glance.executions(Chosen("A"), 3) == rows[:3] and journal.glance.executions(Chosen("A", "s"), 9) == [rows[1], rows[3]]
    assert journal.glance.executions(Chosen("B"), 9) == []


@pytest.mark.parametrize("what", ["orders", "executions"])
def test_nothing_is_found_where_nothing_is(journal, what):
    assert getattr(journal.glance, what)(Chosen("A"), 5) == []
