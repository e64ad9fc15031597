"""The ledger of trials: appended once, never changed, gone on with after an interruption."""

import dataclasses
from decimal import Decimal

import numpy as np
import pytest

from core.errors import UnknownName
from core.measures import MEASURES
from journal import SweepHead
from journal.account_log import LiveExecution

HEAD = SweepHead("key", "GoldenCross", "source", ["BBB", "AAA"], "data", {"cash": 1.0}, {"fast": "1:3:1"}, "grid", "sharpe", 0,
                 "twin", "2020-01-02", "2020-12-31", 250)


@pytest.fixture(name="place")
def _place(anywhere):
    return anywhere


def append(ledger, sweep, numbers, width=4):
    numbers = np.array(numbers)
    measures = numbers[:, None] + np.arange(len(MEASURES)) / 100
    measures[:, MEASURES.index("win_rate")] = np.nan
    sums = np.outer(numbers, np.arange(width) + 0.5)
    ledger.append(sweep, numbers, [{"slow": 50, "fast": int(number)} for number in numbers], measures, sums, sums**2)
    return measures, sums


def test_what_was_appended_is_read_back(journal):
    sweep, done = journal.ledger.begin(HEAD)
    assert not len(done)
    measures, sums = append(journal.ledger, sweep, [0, 2])
    append(journal.ledger, sweep, [1])
    batch, = journal.ledger.trials(sweep)
    assert batch.numbers.tolist() == [0, 1, 2]
    assert [each["fast"] for each in batch.params] == [0, 1, 2]
    np.testing.assert_array_equal(batch.measures[[0, 2]], measures)
    np.testing.assert_allclose(batch.sum[[0, 2]], sums)
    np.testing.assert_allclose(batch.square[[0, 2]], sums**2)
    assert journal.ledger.count(sweep) == 3
    assert journal.ledger.sweep(sweep).universe == ["AAA", "BBB"]


def test_many_trials_come_in_parts(journal, monkeypatch):
    monkeypatch.setattr("journal.ledger.READ_AT_ONCE", 7)
    sweep, _ = journal.ledger.begin(HEAD)
    append(journal.ledger, sweep, range(20))
    parts = list(journal.ledger.trials(sweep))
    assert [len(part.numbers) for part in parts] == [7, 7, 6]
    assert np.concatenate([part.numbers for part in parts]).tolist() == list(range(20))


def test_an_unfinished_sweep_is_gone_on_with_and_a_finished_one_is_not(journal):
    first, _ = journal.ledger.begin(HEAD)
    append(journal.ledger, first, [3, 1])
    again, done = journal.ledger.begin(HEAD)
    assert (again, done.tolist()) == (first, [1, 3])
    other, _ = journal.ledger.begin(dataclasses.replace(HEAD, key="other"))
    assert other != first
    journal.ledger.finish(first)
    third, done = journal.ledger.begin(HEAD)
    assert third not in (first, other) and not len(done)
    assert [row.id for row in journal.ledger.sweeps("GoldenCross", ["AAA", "BBB"])] == [first, other, third]
    assert journal.ledger.sweeps("GoldenCross", ["AAA"]) == journal.ledger.sweeps("Other") == []


def test_a_trial_is_counted_once(journal):
    sweep, _ = journal.ledger.begin(HEAD)
    measures, _ = append(journal.ledger, sweep, [5])
    journal.ledger.append(sweep, [5, 6], [{}, {}], np.zeros((2, len(MEASURES))), np.zeros((2, 4)), np.zeros((2, 4)))
    batch, = journal.ledger.trials(sweep)
    np.testing.assert_array_equal(batch.measures[0], measures[0])
    assert journal.ledger.count(sweep) == 2


@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET {} = {}"])
@pytest.mark.parametrize(("table", "column"), [("trials", "sharpe"), ("verdicts", "strategy"), ("live_executions", "qty"), ("account_notes", "text")])
def test_the_database_itself_keeps_what_was_appended(journal, statement, change, table, column):
    sweep, _ = journal.ledger.begin(HEAD)
    append(journal.ledger, sweep, [1])
    journal.ledger.record_verdict(**VERDICT, passed=False)
    journal.account_log.note("A", "r", "alert", "look")
    journal.account_log.execute([LiveExecution("c", "b", Decimal(1), "A", "r", "AAA", "buy", Decimal(1), Decimal(2), 3)])
    before = statement(f"SELECT * FROM {table}")
    with pytest.raises(Exception, match=f"{table} are append-only"):
        statement(change.format(table, column, column))
    assert len(before) == 1 and statement(f"SELECT * FROM {table}") == before


VERDICT = dict(run_id=None, strategy="GoldenCross", strategy_source="source", params={"fast": 2}, universe=["BBB", "AAA"],
               fingerprint="data", reasons=["too short"], numbers={"deflated_sharpe": 0.5})


def test_the_latest_verdict_counts(journal):
    ledger = journal.ledger
    ledger.record_verdict(**VERDICT, passed=False)
    ledger.record_verdict(**VERDICT, passed=True)
    found = ledger.verdict("source", {"fast": 2}, ["AAA", "BBB"], "data")
    assert found.passed and found.reasons == ["too short"] and found.numbers == {"deflated_sharpe": 0.5}
    assert ledger.verdict("source", {"fast": 3}, ["AAA", "BBB"]) is None
    assert ledger.verdict("source", {"fast": 2}, ["AAA"]) is None
    assert ledger.verdict("source", {"fast": 2}, ["AAA", "BBB"], "newer data") is None


def test_a_verdict_with_a_key_is_recorded_once(journal, statement):
    first = journal.ledger.record_verdict("k", **VERDICT, passed=True)
    assert journal.ledger.record_verdict("k", **VERDICT, passed=False) == first
    assert statement("SELECT count(*) FROM verdicts") == [(1,)]


def test_an_unknown_sweep_is_named(journal):
    with pytest.raises(UnknownName, match="unknown sweep 7: there is none yet"):
        journal.ledger.sweep(7)


def test_a_measure_that_is_not_defined_is_null_in_the_database(journal, statement):
    sweep, _ = journal.ledger.begin(HEAD)
    append(journal.ledger, sweep, [1])
    assert statement("SELECT count(*) FROM trials WHERE win_rate IS NULL AND sharpe > 1") == [(1,)]
