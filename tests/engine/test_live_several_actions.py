"""Splits and dividends of shares that runs on one account hold against each other, or trade while nobody looks."""

from decimal import Decimal

import pytest
from planned_runs import eventful, spec, stopped
from several_runs import check_sums, lived
from streamed_runs import venue

from brokers.local_alpaca import VenueClock
from core.errors import BadSpec
from journal import Journal

EVENING, CLOSE, MORNING = "2024-02-20T15:53:30-05:00", "2024-02-20T15:57:30-05:00", "2024-02-21T09:34:30-05:00"
OPPOSITE = [spec("a", "20@20:54=10"), spec("b", "20@20:56=-10")]
FLAT = [(2.0, 0.0, (20, -20), (0, 0)), (0.5, 0.5, (5, -5), (Decimal("2.5"), Decimal("-2.5")))]


@pytest.fixture(name="opened")
def _opened(tmp_path):
    """`opened(alpaca)`: a journal on the venue's time."""
    journals = []

    def opened(alpaca):
        journals.append(Journal(tmp_path / "journal.db", VenueClock(alpaca)))
        return journals[-1]

    yield opened
    for journal in journals:
        journal.close()


def shares(shared, symbol="AAA"):
    return tuple(part.held.get(symbol, 0) for part in shared.parts.values())


def gains(shared, *paid):
    """Cash of the runs beyond their capital and what they have paid for shares."""
    return tuple(part.cash - 20_000 + each for part, each in zip(shared.parts.values(), paid, strict=True))


@pytest.mark.parametrize("split, dividend, held, cash", FLAT)
def test_shares_held_against_each_other_split_and_pay_though_the_account_has_none_of_them(opened, split, dividend, held, cash):
    with venue(eventful(split, dividend), EVENING) as alpaca:
        journal = opened(alpaca)
        lived(alpaca, CLOSE, OPPOSITE, journal)
        assert not alpaca.ledger.positions
        alpaca.advance(MORNING)
        for until in ("2024-02-21T09:36:30-05:00", "2024-02-21T09:37:30-05:00"):  # and it is booked once
            shared = check_sums(lived(alpaca, until, OPPOSITE, journal)[0], alpaca)
            assert shares(shared) == held and not shared.rest and gains(shared, 1000, -1000) == cash
        assert not alpaca.ledger.entries


def test_shares_held_against_each_other_split_in_a_run_that_goes_on_over_night(opened):
    """And are sold in the morning, all of them."""
    runs = [spec("a", "20@20:54=10 21@14:32=-20"), spec("b", "20@20:56=-10 21@14:33=20")]
    with venue(eventful(2.0), EVENING) as alpaca:
        shared = check_sums(lived(alpaca, MORNING, runs, opened(alpaca))[0], alpaca)
        assert shares(shared) == (0, 0) and not shared.rest and gains(shared, 0, 0) == (0, 0)
        assert [order.qty for order in alpaca.ledger.orders] == [10, 10, 20, 20]


@pytest.mark.parametrize("over_night", [True, False])
def test_shares_held_against_each_other_in_part_split_and_pay(opened, over_night):
    runs = [spec("a", "20@20:54=10"), spec("b", "20@20:56=-4")]
    with venue(eventful(2.0, 0.5), EVENING) as alpaca:
        journal = opened(alpaca)
        if not over_night:
            lived(alpaca, CLOSE, runs, journal)
            alpaca.advance(MORNING)
        shared = check_sums(lived(alpaca, "2024-02-21T09:36:30-05:00", runs, journal)[0], alpaca)
        assert shares(shared) == (20, -8) and not shared.rest and gains(shared, 1000, -400) == (10, -4)


def test_a_split_of_shares_held_against_each_other_is_found_days_later(opened):
    """It is asked for as far back as the journal has heard nothing; another process of the runs finds it booked."""
    days = ("2024-02-20", "2024-02-21", "2024-02-22", "2024-02-23")
    with venue(eventful(2.0, days=days), EVENING) as alpaca:
        journal = opened(alpaca)
        lived(alpaca, CLOSE, OPPOSITE, journal)
        alpaca.advance("2024-02-23T09:34:30-05:00")
        for until in ("2024-02-23T09:36:30-05:00", "2024-02-23T09:37:30-05:00"):
            shared = check_sums(lived(alpaca, until, OPPOSITE, journal)[0], alpaca)
            assert shares(shared) == (20, -20) and not shared.rest


STORIES = {
    "a's stop for all fills after the split": ([stopped("a")], 390, (7,)),
    "a's stop for a part fills after the split, b holds too": ([stopped("a", size=10), spec("b", "20@20:54=10")], 390, (13, 20)),
    "a's stop for a part fills before the split, b holds too": ([stopped("a", size=10, stop=99.0), spec("b", "20@20:54=10")], 390, (6, 20)),
}


@pytest.mark.parametrize("story", STORIES)
def test_what_splits_and_is_executed_while_nobody_runs_is_booked_in_its_order(opened, story):
    runs, row, held = STORIES[story]
    runs = [*runs, spec("c")][:2]
    before = "before" in story
    with venue(eventful(2.0, row=row), EVENING) as alpaca:
        journal = opened(alpaca)
        lived(alpaca, CLOSE, runs, journal)
        if before:
            alpaca.quote("AAA", 98.5)
        alpaca.advance(MORNING)
        assert alpaca.ledger.positions == {"AAA": sum(held)}
        for until in ("2024-02-21T09:36:30-05:00", "2024-02-21T09:37:30-05:00"):
            shared = check_sums(lived(alpaca, until, runs, journal)[0], alpaca)
            assert shares(shared)[:len(held)] == held and not shared.rest
            average = shared.parts["a"].holding("AAA").average
            assert average == 50 and shared.parts["a"].realized == (7 * Decimal("-1.5") if before else 0)


def test_shares_of_a_run_that_is_not_started_again_are_told(opened):
    """Its name was changed, or its file left out."""
    story = [spec("a", "20:54=10"), spec("b", "20:54=5"), spec("c", symbols=("BBB",))]
    said = "run a holds 10 AAA on this account and is not among the runs: its shares are left alone; start it under that name, or sell them by hand"
    with venue(eventful(), EVENING) as alpaca:
        journal = opened(alpaca)
        assert not told(lived(alpaca, "2024-02-20T15:55:30-05:00", story, journal)[1], "holds")
        renamed = [spec("new"), *story[1:]]
        strategies, events = lived(alpaca, "2024-02-20T15:56:30-05:00", renamed, journal)
        assert told(events, "holds") == [said] and check_sums(strategies, alpaca).rest == {"AAA": 10}
        alone = lived(alpaca, "2024-02-20T15:57:30-05:00", [spec("new", symbols=("BBB",))], journal)[1]
        assert told(alone, "holds") == [said, said.replace("run a holds 10", "run b holds 5")]
        with pytest.raises(BadSpec, match="10 AAA on this account are those of the run a: .*; if this is that run under another name, give it its old one"):
            lived(alpaca, "2024-02-20T15:58:30-05:00", [spec("new")], journal)


def told(events, word):
    return [event.text for event in events if event.kind == "store" and word in event.text]


def test_what_splits_and_is_executed_while_the_machine_sleeps_is_booked_in_its_order(opened):
    """A run that goes on hears of both at once, in the morning."""
    runs = [stopped("a", size=10), spec("b", "20@20:54=10")]
    slept = ("2024-02-20T15:56:10-05:00", lambda live: (live.alpaca.advance(MORNING), live.broker.reconcile()))
    with venue(eventful(2.0), EVENING) as alpaca:
        shared = check_sums(lived(alpaca, "2024-02-21T09:36:30-05:00", runs, opened(alpaca), at_time=[slept])[0], alpaca)
        assert shares(shared) == (13, 20) and not shared.rest and shared.parts["a"].realized == 0
