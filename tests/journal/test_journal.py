from decimal import Decimal

import pytest

from core.clock import ManualClock
from core.errors import CerebrolabError, UnknownName
from journal import Journal, opened
from journal.run_record import run_record


@pytest.fixture(name="place")
def _place(anywhere):
    return anywhere


def test_a_run_is_read_back_as_it_was_recorded(place, make_result):
    result = make_result()
    with opened(place, ManualClock(1_700_000_000 * 10**9)) as journal:
        number = journal.record_run(result, "runs/first")
        run = journal.run(number)
    assert (run.id, run.created_ns, run.directory) == (1, 1_700_000_000 * 10**9, "runs/first")
    assert (run.strategy, run.symbols, run.source, run.interval) == ("GoldenCross", ["AAA", "BBB"], "csv", "1d")
    assert (run.start, run.end) == ("2024-01-02", "2024-01-05")
    assert (run.cash, run.final_value) == (Decimal("1000.1"), Decimal("1002.3"))
    assert run.metrics == {"total_return": 0.0022, "sharpe": None}
    assert (run.trades, run.fills, run.rejected, run.seconds) == (0, 2, 1, 0.5)
    assert run.fingerprint == result.bars.fingerprint
    assert run.warnings == ["look here"]


def test_secrets_do_not_reach_the_database(path, make_result):
    with Journal(path) as journal:
        assert journal.run(journal.record_run(make_result())).spec["params"] == {"fast": 2, "api_key": "***"}
        assert not any(b"PK123" in each.read_bytes() for each in path.parent.iterdir())


def test_orders_and_executions_are_exact(journal, make_result):
    number = journal.record_run(make_result())
    orders, executions = journal.orders(number), journal.executions(number)
    assert [(each.number, each.symbol, each.size, each.price, each.status, each.reason) for each in orders] == [
        (1, "AAA", Decimal(100), None, "Completed", ""),
        (2, "BBB", Decimal("0.25"), Decimal("20.1"), "Completed", ""),
        (3, "BBB", Decimal(1000000), None, "Margin", "needs 22,000,000.00"),
    ]
    assert [(each.order_number, each.session, each.size, each.price, each.commission, each.intent)
            for each in executions] == [
        (1, "2024-01-03", Decimal(100), Decimal("11.1"), Decimal("0.1"), "enter"),
        (2, "2024-01-04", Decimal("0.25"), Decimal("0.30000000000000004"), Decimal("0.01"), ""),
    ]
    assert float(executions[1].price) == 0.1 + 0.2


def test_executions_recorded_again_change_nothing(journal, make_result):
    result = make_result()
    number = journal.record_run(result)
    assert journal.record_executions(number, result.fills) == 0
    later = result.fills[1]._replace(time=result.fills[1].time + 1)
    assert journal.record_executions(number, [*result.fills, later]) == 1
    assert len(journal.executions(number)) == 3


def test_two_equal_fills_of_one_order_at_one_time_are_two(journal, make_result):
    fill = make_result().fills[0]
    number = journal.record_run(make_result(fills=[fill, fill]))
    assert len(journal.executions(number)) == 2
    assert journal.record_executions(number, [fill, fill, fill]) == 1


def test_the_same_execution_belongs_to_each_of_two_runs(journal, make_result):
    first, second = journal.record_run(make_result()), journal.record_run(make_result())
    assert len(journal.executions(first)) == len(journal.executions(second)) == 2


def test_a_run_without_orders_is_recorded(journal, make_result):
    number = journal.record_run(make_result(orders=[], fills=[]))
    assert journal.orders(number) == journal.executions(number) == []


def test_runs_come_latest_first_and_can_be_chosen(journal, make_result):
    other = make_result(spec=make_result().spec.replace(strategy="BuyAndHold"))
    for result in (make_result(), other, make_result()):
        journal.record_run(result)
    assert [run.id for run in journal.runs()] == [3, 2, 1]
    assert [run.id for run in journal.runs(strategy="GoldenCross", limit=1)] == [3]


@pytest.mark.parametrize("ask", ["run", "orders", "executions"])
def test_an_unknown_run_is_named_with_the_latest(journal, make_result, ask):
    with pytest.raises(UnknownName, match="unknown run 7: the journal has none yet"):
        getattr(journal, ask)(7)
    journal.record_run(make_result())
    with pytest.raises(UnknownName, match="unknown run 7: the latest is 1"):
        getattr(journal, ask)(7)


def test_executions_of_an_unknown_run_are_refused(journal, make_result):
    with pytest.raises(UnknownName, match="unknown run 9"):
        journal.record_executions(9, make_result().fills)


def test_a_run_with_a_key_is_recorded_once(journal, make_result):
    record = run_record(make_result(), None, 5)
    first = journal.insert_run(record, "a-run-of-mine")
    assert journal.insert_run(record, "a-run-of-mine") == first and journal.insert_run(record, "another-one") != first
    assert len(journal.runs()) == 2 and len(journal.orders(first)) == 3


def test_half_a_run_is_never_there(journal, make_result):
    twice = make_result().orders[:1] * 2
    with pytest.raises(CerebrolabError, match="(?i)unique constraint|orders: number 1 is there 2 times"):
        journal.record_run(make_result(orders=twice))
    assert journal.runs() == []


def test_comparison_shows_what_differs_and_every_metric(journal, make_result):
    first = make_result()
    second = make_result(spec=first.spec.replace(params={"fast": 3, "api_key": "x"}), metrics={"cagr": 0.1})
    found = journal.compare([journal.record_run(first), journal.record_run(second)])
    assert found.asked == {"params.fast": [2, 3]}
    assert found.metrics["cagr"] == [None, 0.1]
    assert found.metrics["final_value"] == [1002.3, 1002.3]
    assert found.same_data


def test_comparison_says_when_the_bars_differ(journal, make_result):
    part = make_result().bars.upto(2)
    numbers = [journal.record_run(make_result()), journal.record_run(make_result(bars=part))]
    assert not journal.compare(numbers).same_data


def test_a_run_takes_its_orders_and_executions_along(journal, make_result, statement):
    number = journal.record_run(make_result())
    statement(f"DELETE FROM runs WHERE id = {number}")
    assert statement("SELECT count(*) FROM orders") == statement("SELECT count(*) FROM executions") == [(0,)]


@pytest.mark.parametrize("size", [1e22, 1e-12, 1 / 3, 123456789.123456789])
def test_amounts_of_every_size_are_kept_to_the_bit(journal, make_result, size):
    order = make_result().orders[0]._replace(size=size)
    [found] = journal.orders(journal.record_run(make_result(orders=[order])))
    assert float(found.size) == size
