import math
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.guard import DAY, KILLED, REFUSED, RESUMED, KillSwitch
from brokers.guard.hours import Hours
from brokers.guard.transfers import is_transfer
from brokers.hooks import Moved
from brokers.local_alpaca.moments import moment
from core.calendars import MINUTE_NS, get_calendar
from core.errors import SourceUnavailable, StoreFailed
from journal import account_log

HOURS = Hours(get_calendar("XNYS"))
OPEN = moment("2024-03-01T09:31-05:00")
NEXT = moment("2024-03-04T09:31-05:00")


class Memory:
    """Notes that outlive a switch; `broken` = they can neither be written nor read."""

    def __init__(self):
        self.notes, self.told, self.broken, self.value = [], [], False, 100_000.0

    def remember(self, kind, text, **facts):
        self._check()
        self.notes.append(SimpleNamespace(kind=kind, text=text, facts=facts))

    def recall(self, kinds):
        self._check()
        return [note for note in self.notes if note.kind in kinds]

    def _check(self):
        if self.broken:
            raise StoreFailed("the journal is gone")

    def switch(self, most=0.1, **more):
        return KillSwitch(most, HOURS, lambda: self.value, self.remember, self.recall, self.told.append, **more)

    def kinds(self):
        return [note.kind for note in self.notes]


def look(switch, memory, at, value):
    memory.value = value
    switch.look(at)
    return bool(switch.killed)


def test_kinds_are_those_of_the_journal():
    assert (REFUSED, KILLED, RESUMED) == (account_log.REFUSED, account_log.KILLED, account_log.RESUMED)
    assert DAY not in account_log.KINDS


def test_exactly_the_loss_passes_and_a_cent_more_does_not():
    memory = Memory()
    switch = memory.switch()
    assert [look(switch, memory, OPEN + at, value) for at, value in enumerate([100_000, 90_000, 89_999.99, 200_000])] == [False, False, True, True]
    assert memory.kinds() == [DAY, KILLED] and memory.notes[1].facts["began"] == 100_000
    assert switch.killed == "stopped on 2024-03-01: it lost 10,000.01 of 100,000.00, more than 10,000.00 by guard.max_daily_loss 0.1"
    assert memory.told == [switch.killed]


def test_a_day_begins_with_the_end_of_the_day_before():
    memory = Memory()
    switch = memory.switch()
    assert not look(switch, memory, OPEN, 80_000) and not look(switch, memory, OPEN + MINUTE_NS, 100_000)
    assert look(switch, memory, NEXT, 89_000)
    assert [note.facts.get("value") for note in memory.notes] == [80_000, 100_000, 89_000]


def test_a_restart_at_noon_remembers_the_morning():
    memory = Memory()
    assert not look(memory.switch(), memory, OPEN, 100_000)
    assert look(memory.switch(), memory, OPEN + MINUTE_NS, 89_000)
    assert look(memory.switch(), memory, NEXT, 150_000)  # and the next day it is still stopped


def test_a_restart_on_another_day_begins_anew():
    memory = Memory()
    assert not look(memory.switch(), memory, OPEN, 100_000)
    assert not look(memory.switch(), memory, NEXT, 80_000)


def test_a_human_lets_it_go_on_and_losses_count_from_there():
    memory = Memory()
    alive = memory.switch()
    look(alive, memory, OPEN, 100_000)
    assert look(alive, memory, OPEN + 1, 80_000)
    memory.remember(RESUMED, "go on")
    assert not look(alive, memory, OPEN + 2, 79_000) and not look(alive, memory, OPEN + 3, 72_000)
    assert not look(memory.switch(), memory, OPEN + 4, 72_000)
    assert look(memory.switch(), memory, OPEN + 5, 71_000) and look(alive, memory, OPEN + 6, 71_000)


def test_a_rule_that_is_off_still_minds_what_was_stopped():
    memory = Memory()
    look(memory.switch(), memory, OPEN, 100_000)
    look(memory.switch(), memory, OPEN, 10_000)
    assert look(memory.switch(most=0.0), memory, NEXT, 10_000)
    assert not look(Memory().switch(most=0.0), Memory(), OPEN, 1.0)


def test_a_journal_that_fails_is_trouble_until_it_is_back():
    memory = Memory()
    memory.broken = True
    switch = memory.switch()
    assert not look(switch, memory, OPEN, 100_000) and switch.trouble == "the journal is gone"
    look(switch, memory, OPEN, 100_000)
    assert memory.told == ["the guard opens nothing: the journal is gone"]
    memory.broken = False
    assert not look(switch, memory, OPEN, 100_000) and not switch.trouble and memory.kinds() == [DAY]


def test_a_kill_that_could_not_be_written_down_is_one_and_is_written_later():
    memory = Memory()
    switch = memory.switch()
    look(switch, memory, OPEN, 100_000)
    memory.broken = True
    assert look(switch, memory, OPEN + 1, 50_000) and switch.trouble
    assert look(switch, memory, OPEN + 2, 50_000) and memory.kinds() == [DAY]
    memory.broken = False
    assert look(switch, memory, OPEN + 3, 200_000) and memory.kinds() == [DAY, KILLED] and not switch.trouble


def test_an_unknown_value_is_trouble():
    memory = Memory()
    switch = memory.switch()
    assert not look(switch, memory, OPEN, math.nan) and "unknown" in switch.trouble
    assert not look(switch, memory, OPEN, 100_000) and not switch.trouble


def test_of_a_part_of_an_account_the_part_counts():
    memory = Memory()
    switch = memory.switch(capital=10_000.0)
    assert [look(switch, memory, OPEN + at, value) for at, value in enumerate([100_000, 99_000, 98_999])] == [False, False, True]


# -- cash from outside ------------------------------------------------------------------------------------


def test_cash_from_outside_raises_and_lowers_what_the_day_began_with():
    memory = Memory()
    switch = memory.switch()
    look(switch, memory, OPEN, 100_000)
    switch.transferred(-60_000, "w")
    assert not look(switch, memory, OPEN + 1, 36_000) and look(switch, memory, OPEN + 2, 35_999)
    assert memory.notes[1].facts["began"] == 40_000


def test_over_night_it_belongs_to_the_next_day_and_is_in_its_note():
    memory = Memory()
    switch = memory.switch()
    look(switch, memory, OPEN, 100_000)
    switch.transferred(50_000, "d")
    assert not look(switch, memory, NEXT, 135_000)
    assert [(note.facts["value"], note.facts["transfers"]) for note in memory.notes] == [(100_000, []), (150_000, ["d"])]


@pytest.mark.parametrize("listed_first", [{}, {"before": 7_000.0}])
def test_a_restart_counts_what_came_meanwhile_and_nothing_twice(listed_first):
    memory = Memory()
    look(memory.switch(transfers=lambda: listed_first), memory, OPEN, 100_000)
    later = {**listed_first, "meanwhile": -40_000.0}
    assert not look(memory.switch(transfers=lambda: later), memory, OPEN + 1, 54_000)
    assert look(memory.switch(transfers=lambda: later), memory, OPEN + 2, 53_999)


def test_cash_that_nobody_has_named_yet_is_not_counted_again_when_it_has_a_name():
    memory, listed = Memory(), {}
    first = memory.switch(transfers=lambda: listed)
    look(first, memory, OPEN, 100_000)
    first.transferred(50_000, "")
    listed["d"] = 50_000.0
    assert not look(first, memory, NEXT, 150_000)
    assert not look(memory.switch(transfers=lambda: listed), memory, NEXT + 1, 136_000)


def test_what_came_meanwhile_must_be_known_before_anything_is_compared():
    memory, answers = Memory(), [SourceUnavailable("no answer"), {"w": -40_000.0}]
    look(memory.switch(), memory, OPEN, 100_000)

    def transfers():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    switch = memory.switch(transfers=transfers)
    assert not look(switch, memory, OPEN + 1, 60_000) and switch.trouble == "no answer"
    assert not look(switch, memory, OPEN + 2, 60_000) and not switch.trouble


@pytest.mark.parametrize(("moved", "is_one"), [
    (Moved("", cash=Decimal(5)), True), (Moved("", cash=Decimal(-5), kind="CSW"), True), (Moved("", cash=Decimal(5), kind="JNLC"), True),
    (Moved("", cash=Decimal(-5), kind="FEE"), False), (Moved("", cash=Decimal(5), kind="INT"), False), (Moved("AAA", cash=Decimal(5), kind="DIV"), False),
    (Moved("AAA", cash=Decimal(5)), False), (Moved("AAA", after=Decimal(5)), False), (Moved("AAA", data=object(), cash=Decimal(5)), False)])
def test_what_comes_from_outside(moved, is_one):
    assert is_transfer(moved) == is_one


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(80, 120), st.sampled_from(["", "", "", "restart", "clear"])), max_size=40),
       st.sampled_from([0.05, 0.1]))
def test_as_told_slowly(steps, most):
    """The restatement keeps the whole history and looks through it every time; only what is stopped can be let go on."""
    days = ["2024-03-01", "2024-03-04", "2024-03-05", "2024-03-06", "2024-03-07"]
    memory, history, stopped, day = Memory(), [], False, 0
    switch = memory.switch(most)
    for step, value, event in steps:
        day = max(day, step)
        if event == "restart":
            switch = memory.switch(most)
            history.append(("restart", None, None))
        if event == "clear" and stopped:
            memory.remember(RESUMED, "")
            history.append(("clear", None, None))
            stopped = False
        killed = look(switch, memory, moment(f"{days[day]}T12:00-05:00"), float(value))
        if not stopped:
            history.append(("value", day, value))
            stopped = history[-1][2] < (1 - most) * slow_beginning(history) - 1e-9
        assert killed == stopped


def slow_beginning(history):
    """What the last session in a history began with."""
    day, since = history[-1][1], max((at for at, (kind, *_) in enumerate(history) if kind == "clear"), default=-1)
    looks = [(at, *step) for at, step in enumerate(history) if at > since and step[0] == "value"]
    first = next(at for at, _, on, _ in looks if on == day)
    before = [(at, value) for at, _, _, value in looks if at < first]
    restarted = any(kind == "restart" for kind, *_ in history[before[-1][0]:first]) if before else True
    return history[first][2] if restarted else before[-1][1]


@pytest.mark.parametrize("most", [0.0, 0.5])
def test_what_was_stopped_says_so_after_a_restart(most):
    memory = Memory()
    look(memory.switch(0.5), memory, OPEN, 100_000)
    look(memory.switch(0.5), memory, OPEN, 10_000)
    memory.told.clear()
    look(memory.switch(most), memory, NEXT, 10_000)
    assert len(memory.told) == 1 and memory.told[0].startswith("stopped on 2024-03-01")
