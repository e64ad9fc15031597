"""The steering log: requests reach whom they are addressed to, once, and what a run has made of them stays."""

import pytest

from core.clock import ManualClock
from core.errors import UnknownName
from journal import opened
from journal.steering import SteeringAnswer, SteeringRequest


@pytest.fixture(name="steering")
def _steering(anywhere):
    with opened(anywhere, ManualClock(7)) as journal:
        yield journal.steering


def test_a_request_waits_for_those_it_is_addressed_to_until_they_answer(steering):
    first = steering.ask("configure", "Momentum", "", {"lookback": "90", "b": 1.5}, "a person")
    assert first == SteeringRequest(1, "configure", "Momentum", "", {"lookback": "90", "b": 1.5}, "a person", 7)
    second, third = steering.ask("rebalance", run="r"), steering.ask("schedule", facts={"schedule": "weekly"})
    assert steering.waiting("A", "r", "Momentum") == [first, second, third]
    assert steering.waiting("A", "s", "Momentum") == [first, third] and steering.waiting("A", "r", "Other") == [second, third]
    steering.answer(second.id, "A", "r", True, "done", 5)
    steering.answer(first.id, "A", "r", False, "no such parameter", 6)
    assert steering.waiting("A", "r", "Momentum") == [third]
    assert steering.waiting("B", "r", "Momentum") == [first, second, third]
    assert steering.taken("A", "r") == [second] and steering.taken("B", "r") == []


def test_the_first_answer_of_a_run_counts(steering):
    asked = steering.ask("rebalance")
    for taken in (True, False):
        steering.answer(asked.id, "A", "r", taken, f"it was {taken}", 5)
    steering.answer(asked.id, "A", "s", False, "no", 6)
    assert steering.answers(asked.id, run="r") == [SteeringAnswer(asked.id, "A", "r", True, "it was True", 5, 7)]
    assert [each.run for each in steering.answers()] == ["r", "s"] and steering.answers(account="B") == []
    assert steering.taken("A", "r") == [asked] and steering.taken("A", "s") == []


def test_the_audit_can_be_chosen_and_read_in_parts(steering):
    made = [steering.ask(kind, strategy, run) for kind in ("configure", "rebalance") for strategy in ("", "S") for run in ("", "r")]
    assert steering.requests() == made
    assert steering.requests("rebalance", "S", "r") == made[-1:] and steering.requests(run="") == made[::2]
    assert steering.requests(limit=3) == made[:3] and steering.requests(after=made[2].id, limit=2) == made[3:5]


def test_the_same_request_again_changes_nothing(steering):
    first = steering.ask("rebalance", "S", "r", key="once")
    assert steering.ask("configure", "other", key="once") == first and steering.requests() == [first]


def test_what_cannot_be_asked_or_answered_is_one_clear_line(steering):
    with pytest.raises(UnknownName, match="unknown kind of steering request 'rebalence': did you mean 'rebalance'"):
        steering.ask("rebalence")
    with pytest.raises(UnknownName, match="unknown steering request 9"):
        steering.answer(9, "A", "r", True, "", 1)
    assert steering.requests() == steering.answers() == []


@pytest.mark.parametrize("table", ["steering_requests", "steering_answers"])
def test_nothing_is_changed_or_deleted(journal, statement, table):
    steering = journal.steering
    steering.answer(steering.ask("rebalance").id, "A", "r", True, "", 1)
    for change in (f"UPDATE {table} SET run = 'x'", f"DELETE FROM {table}"):
        with pytest.raises(Exception, match=f"{table} are append-only"):
            statement(change)
