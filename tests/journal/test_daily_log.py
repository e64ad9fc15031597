"""What the daily run and its tellers remember, on every database: steps, places, notes after one, advice in parts, and known backtests."""

from dataclasses import replace
from decimal import Decimal

import pytest

from core.clock import ManualClock
from core.errors import UsageError
from core.spec import RunSpec
from journal import opened
from journal.account_log import ALERT, KILLED, REFUSED
from journal.subscriptions import Advice

BUY = Advice("GoldenCross", "SPY", "2024-03-01", "BUY", Decimal("512.85"), {"fast": 510.1})


@pytest.fixture(name="journal")
def _journal(place):
    with opened(place, ManualClock(1_000_000_000)) as journal:
        yield journal


def test_steps_and_places_are_kept_apart(journal):
    daily = journal.daily
    assert daily.place("alerts") is None
    daily.keep_place("alerts", "0")
    daily.keep_place("alerts", "17")
    first = daily.record("2024-03-01", "collect", True, "3 symbols")
    assert daily.place("alerts") == "17" and daily.place("other") is None
    assert daily.steps() == [first] and daily.days() == [("2024-03-01", [first])] and daily.steps("") == []


def test_a_place_is_moved_by_one_alone(journal):
    daily = journal.daily
    assert not daily.move_place("alerts", "0", "5") and daily.place("alerts") is None
    daily.keep_place("alerts", "0")
    assert daily.move_place("alerts", "0", "5") and not daily.move_place("alerts", "0", "7") and daily.place("alerts") == "5"
    daily.keep_place("other", "0")
    assert daily.move_place("alerts", "5", "0") and daily.place("other") == "0" == daily.place("alerts")


def test_days_are_the_latest_with_their_steps_in_order(journal):
    for session in ("2024-03-04", "2024-03-01", "2024-03-05"):
        for step in ("collect", "mails"):
            journal.daily.record(session, step, True, "")
    assert [(session, [each.step for each in steps]) for session, steps in journal.daily.days(2)] == [
        ("2024-03-05", ["collect", "mails"]), ("2024-03-04", ["collect", "mails"])]


def test_notes_after_one(journal):
    log, daily = journal.account_log, journal.daily
    assert daily.last_note() == 0
    for kind in (ALERT, REFUSED, KILLED, ALERT):
        log.note("paper:1", "gold", kind, kind)
    (first, one), (second, two), (third, _) = daily.notes_after(0, [ALERT, KILLED])
    assert [one.kind, two.kind] == [ALERT, KILLED] and first < second < third == daily.last_note()
    assert [number for number, _ in daily.notes_after(first, [ALERT, KILLED], 1)] == [second] and daily.notes_after(third, [ALERT]) == []


def test_advice_in_parts_the_latest_first(journal):
    subscriptions = journal.subscriptions
    advices = [replace(BUY, session=f"2024-03-{day:02}", symbol=symbol) for day in (5, 4, 6) for symbol in ("SPY", "QQQ")]
    subscriptions.advise(advices)
    found, after = [], ""
    while True:
        part = subscriptions.latest(limit=2, after=after)
        found, after = [*found, *part.records], part.after
        if not after:
            break
    assert [(each.session[-1], each.symbol) for each in found] == [(day, symbol) for day in "654" for symbol in ("QQQ", "SPY")]
    assert subscriptions.latest(symbol="SPY", since="2024-03-05").records == [advices[4], advices[0]]
    for place in ("x", "2024-03-01", "2024-03-01.", "2024-03-01.1 OR 1=1", "٢٠٢٤-03-01.1"):
        with pytest.raises(UsageError, match="no place to go on from"):
            subscriptions.latest(after=place)


def test_the_backtest_of_a_pair_is_its_latest_alone_with_its_own_parameters(journal, make_result):
    def play(**changes):
        result = make_result()
        spec = RunSpec(**{"strategy": "GoldenCross", "symbols": ("AAA",), "source": "yahoo", **changes})
        return journal.record_run(replace(result, spec=spec))

    play()
    latest = play(commission="0.1%")
    for other in (dict(symbols=("AAA", "BBB")), dict(symbols=("BBB",)), dict(params={"fast": 5}), dict(source="sample"), dict(strategy="Momentum")):
        play(**other)
    pairs = [("GoldenCross", "AAA"), ("GoldenCross", "CCC"), ("Momentum", "BBB")]
    found = journal.subscriptions.backtests_of("yahoo", pairs)
    assert list(found) == [("GoldenCross", "AAA")] and found["GoldenCross", "AAA"].run == latest
    assert found["GoldenCross", "AAA"].metrics == {"sharpe": None, "total_return": 0.0022} and journal.subscriptions.backtests_of("sample", pairs)
    many = [("GoldenCross", f"S{number}") for number in range(1_000)]
    assert list(journal.subscriptions.backtests_of("yahoo", [*many, *pairs])) == [("GoldenCross", "AAA")] and journal.subscriptions.backtests("yahoo") == {}
