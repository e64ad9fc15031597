"""A run that ends and is started again goes on as if it had never ended: what was stopped stays out, what was held too long is left."""

import pytest
from scripted_minutes import SCRIPT, at, flat
from streamed_runs import lived, venue

from brokers.local_alpaca.moments import new_york_text
from engine.live.past import past_of
from journal import Journal
from strategies.past import Done, entered_ns

FALLS = {"AAA": [100.0] * 11 + [90.0] * 49}  # the stop at 95 is executed at 09:42
OFTEN = "6:1,16:1,20:1,26:1"


@pytest.fixture(name="journal")
def _journal(tmp_path):
    with Journal(tmp_path / "journal.db") as journal:
        yield journal


def twice(alpaca, spec, journal, ends, begins, until, **options):
    """A run, and the same again from a later moment on."""
    lived(alpaca, at(ends), spec, journal=journal)
    alpaca.advance(to=at(begins))
    return lived(alpaca, at(until), spec, journal=journal, **options)


def fills(alpaca):
    return [(each.symbol, float(each.signed), new_york_text(each.time)[11:16]) for each in alpaca.ledger.executions]


@pytest.mark.parametrize("exits", [{"stop": 0.05}, {"stop": 0.05, "profit": 0.2}, {"trail": 0.05}], ids=["stop", "leg of an oco", "trail"])
@pytest.mark.parametrize("ends, begins", [("09:44:30", "09:44:40"), ("09:38:30", "09:44:40")], ids=["stopped before", "stopped meanwhile"])
def test_what_was_stopped_stays_out(journal, exits, ends, begins):
    spec = SCRIPT.replace(params={"a": OFTEN, "b": "6:1"}, exits=exits)
    with venue(flat(**FALLS), at("09:34:30")) as alpaca:
        twice(alpaca, spec, journal, ends, begins, "09:59:30")
        assert [size > 0 for symbol, size, _ in fills(alpaca) if symbol == "AAA"] == [True, False]


@pytest.mark.parametrize("script, buys", [("6:1,14:0,26:1", 2), ("6:1,26:1", 1), ("6:1,26:0,28:1", 2)])
def test_a_decision_to_be_out_lifts_the_bar(journal, script, buys):
    spec = SCRIPT.replace(params={"a": script, "b": "6:1"})
    with venue(flat(**FALLS), at("09:34:30")) as alpaca:
        twice(alpaca, spec, journal, "09:43:30", "09:49:40", "10:05:30")
        assert sum(size > 0 for symbol, size, _ in fills(alpaca) if symbol == "AAA") == buys


@pytest.mark.parametrize("exits", [{"bars": 12}, {"bars": 12, "stop": 0.05}])
@pytest.mark.parametrize("ends, begins", [("09:40:30", "09:40:40"), ("09:40:30", "09:47:40"), ("09:58:30", "09:58:40")])
def test_the_time_exit_counts_from_the_entry(journal, exits, ends, begins):
    """Entered at 09:36, in the bar that ends at 09:37; left at the end of the twelfth, 09:48."""
    spec = SCRIPT.replace(exits=exits)
    with venue(flat(), at("09:34:30")) as alpaca:
        twice(alpaca, spec, journal, ends, begins, "09:59:30")
        assert sorted(fills(alpaca)) == [("AAA", -500.0, "09:48"), ("AAA", 500.0, "09:36"), ("BBB", -400.0, "09:48"), ("BBB", 400.0, "09:36")]


def test_a_time_exit_that_came_while_nobody_ran_is_made_up(journal):
    with venue(flat(), at("09:34:30")) as alpaca:
        twice(alpaca, SCRIPT.replace(exits={"bars": 12}), journal, "09:40:30", "09:54:40", "09:59:30")
        assert [time for _, size, time in fills(alpaca) if size < 0] == ["09:55", "09:55"]


@pytest.mark.parametrize("script", ["6:1,14:0", "6:1,14:-1", "6:-1,14:0", "6:-1,14:1"])
@pytest.mark.parametrize("exits", [{}, {"stop": 0.05, "profit": 0.2}])
def test_an_exit_that_was_missed_is_made_up_and_an_entry_is_not(journal, script, exits):
    with venue(flat(), at("09:34:30")) as alpaca:
        twice(alpaca, SCRIPT.replace(params={"a": script, "b": "6:1,14:1"}, exits=exits), journal, "09:40:30", "09:49:40", "09:59:30")
        aaa = [(size, time) for symbol, size, time in fills(alpaca) if symbol == "AAA"]
        assert len(aaa) == 2 and sum(size for size, _ in aaa) == 0 and aaa[1][1] in ("09:50", "09:51")
        assert [size for symbol, size, _ in fills(alpaca) if symbol == "BBB"] == [400.0] and not alpaca.ledger.positions.get("AAA")


def test_the_stop_leg_of_a_group_that_is_taken_over_is_protective(journal):
    """It has the venue's name; when it fills, the symbol stays out."""
    spec = SCRIPT.replace(params={"a": OFTEN, "b": "6:1"}, exits={"stop": 0.05, "profit": 0.2})
    falls = {"AAA": [100.0] * 21 + [90.0] * 39}
    with venue(flat(**falls), at("09:34:30")) as alpaca:
        strategy, _ = twice(alpaca, spec, journal, "09:40:30", "09:40:40", "09:59:30")
        aaa = [size > 0 for symbol, size, _ in fills(alpaca) if symbol == "AAA"]
        assert aaa == [True, False] and list(strategy._protection.barred.values()) == [1]


def test_the_past_is_told_by_the_journal(journal):
    with venue(flat(**FALLS), at("09:34:30")) as alpaca:
        lived(alpaca, at("09:44:30"), SCRIPT.replace(exits={"stop": 0.05, "profit": 0.2}), journal=journal)
        past = past_of(journal.account_log, alpaca.account_id, "Script")
        assert [(each.size, each.intent) for each in past("AAA")] == [(500.0, "enter"), (-500.0, "stop")]
        assert [each.size for each in past("BBB")] == [400.0] and not past("CCC")


@pytest.mark.parametrize("sizes, held, entered", [
    ([5, 5], 10, 0), ([5, -5, 3], 3, 2), ([5, -8], -3, 1), ([5, -5], 0, None), ([5], -5, None), ([5, -2, 2], 5, 0), ([0.1, 0.2, -0.3, 1], 1, 3)])
def test_when_a_position_was_opened(sizes, held, entered):
    assert entered_ns([Done(at, size, "enter") for at, size in enumerate(sizes)], held) == entered


def test_an_exit_decided_on_a_bar_that_came_late_is_made_up(journal):
    """Nobody answers while the bar of 09:44 is due; it is one of the past when it comes."""
    spec = SCRIPT.replace(params={"a": "6:1,14:0", "b": "6:1,14:1"}, exits={})
    with venue(flat(), at("09:34:30")) as alpaca:
        lived(alpaca, at("09:55:30"), spec, journal=journal, at_time=[(at("09:42:20"), lambda live: live.outage(120))])
        assert [size for symbol, size, _ in fills(alpaca) if symbol == "AAA"] == [500.0, -500.0]
        assert [size for symbol, size, _ in fills(alpaca) if symbol == "BBB"] == [400.0]
