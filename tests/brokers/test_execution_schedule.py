"""Schedules: sizes by the largest remainder, slots of a session, and the usual volume of its bars."""

import math
from fractions import Fraction

import backtrader as bt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sliced_runs import DAYS, HALF_DAY, day_number, moments, panel, session_bars

from brokers.execution.schedule import Window, by_volume, even, largest_remainder, usual_volume
from feeds.cerebro_feed import BarsData


def shares_of(total, weights):
    """The exact share of each weight."""
    whole = sum(map(Fraction, weights))
    return [total * Fraction(weight) / whole for weight in weights]


@given(st.integers(0, 100_000), st.lists(st.integers(0, 1_000), min_size=1, max_size=60).filter(any))
def test_parts_are_those_of_the_largest_remainders(total, weights):
    parts, exact = largest_remainder(total, weights), shares_of(total, weights)
    assert sum(parts) == total
    raised = [share - math.floor(share) for part, share in zip(parts, exact, strict=True) if part == math.floor(share) + 1]
    kept = [share - math.floor(share) for part, share in zip(parts, exact, strict=True) if part == math.floor(share)]
    assert len(raised) + len(kept) == len(parts)
    assert not raised or not kept or min(raised) >= max(kept) - Fraction(1, 10**8)


@given(st.integers(0, 10_000), st.integers(1, 400))
def test_equal_parts_are_spread_evenly(total, slots):
    """After every slot what is done is within one share of the straight line."""
    done = np.cumsum(largest_remainder(total, [1.0] * slots))
    line = total * (np.arange(slots) + 1) / slots
    assert np.abs(done - line).max() < 1 + 1e-9


def test_parts_by_hand():
    assert largest_remainder(10, [1, 1, 1]) == [3, 4, 3]
    assert largest_remainder(7, [4, 1, 1, 4]) == [3, 0, 1, 3]
    assert largest_remainder(3, [0, 0, 0]) == [1, 1, 1]
    assert largest_remainder(2, [1] * 5) == [0, 1, 0, 1, 0]


def at(text):
    """A UTC time as a day number."""
    return day_number(int(np.datetime64(text, "ns").astype(np.int64)))


@pytest.mark.parametrize(("now", "bar", "start", "first", "slots", "session_bars"), [
    ("2024-03-01T14:35", 1, "2024-03-01T14:35", 5, 385, 390),
    ("2024-02-29T21:00", 1, "2024-03-01T14:30", 0, 390, 390),  # decided at a close: the next session
    ("2024-03-01T20:59", 1, "2024-03-01T20:59", 389, 1, 390),
    ("2024-03-01T15:30", 60, "2024-03-01T15:30", 1, 6, 7),  # the last bar of the session is short
    (f"{HALF_DAY}T17:00", 5, f"{HALF_DAY}T17:00", 30, 12, 42),
    ("2024-03-02T12:00", 1, "2024-03-04T14:30", 0, 390, 390),  # a Saturday
], ids=["in the session", "at the close", "last minute", "hours", "half day", "weekend"])
def test_a_window_goes_from_the_decision_to_the_close(now, bar, start, first, slots, session_bars):
    window = Window.after(at(now), bar, "XNYS")
    assert (window.start, window.first, window.slots, window.session_bars) == (at(start), first, slots, session_bars)
    assert not window.is_over(window.start) and window.is_over(window.close)


def test_slots_are_counted_from_the_open():
    window = Window.after(at("2024-02-29T21:00"), 1, "XNYS")
    assert [window.slot(at(f"2024-{now}")) for now in ("02-29T21:00", "03-01T14:30", "03-01T14:31", "03-01T20:59")] == [0, 0, 1, 389]


def test_a_schedule_ends_with_the_session():
    window = Window.after(at("2024-03-01T20:45"), 1, "XNYS")
    assert even(window, 30) == [1.0] * 15
    assert even(Window.after(at("2024-03-01T20:45"), 5, "XNYS"), 12) == [1.0] * 3


class Probe(bt.Strategy):
    """Asks for the usual volume at the end of every bar."""

    def __init__(self):
        self.found = {}

    def next(self):
        window = Window.after(self.datetime[0], self.data._compression, "XNYS")
        self.found[len(self)] = usual_volume(self.data, window, "XNYS", sessions=2)


def probed(bars):
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(BarsData(dataname=bars, symbol="AAA"))
    cerebro.addstrategy(Probe)
    return cerebro.run()[0].found


SMILE = np.array([400, 100, 50, 50, 100, 200, 600.0])  # of the seven hours of a session, sum 1,500


def test_the_usual_volume_is_the_mean_share_of_the_latest_sessions():
    flat = np.full(7, 10.0)
    bars = panel(session_bars(DAYS[:4], 60, np.concatenate([np.arange(7) + 1, SMILE, flat, 1e9 * SMILE])), minutes=60)
    found = probed(bars)
    assert found[1] is None and found[6] is None  # no session has closed
    assert found[7] == pytest.approx((np.arange(7) + 1) / 28)
    assert found[14] == pytest.approx(((np.arange(7) + 1) / 28 + SMILE / 1_500) / 2)
    for row in range(21, 28):  # the session that goes on is not known
        assert found[row] == pytest.approx((SMILE / 1_500 + 1 / 7) / 2)
    assert found[28] == pytest.approx((SMILE / 1_500 + 1 / 7) / 2)  # its own share is that of the first smile


def test_only_sessions_as_long_as_this_one_count():
    days = ("2023-11-22", HALF_DAY, "2023-11-27")
    hours = np.concatenate([SMILE, [1, 1, 1, 7], SMILE[::-1]])
    found = probed(panel(session_bars(days, 60, hours), minutes=60))
    assert found[7] is None  # the next session is a half day, and none is known
    assert found[11] == pytest.approx(SMILE / 1_500)


def test_a_first_session_known_in_part_does_not_count():
    index, _ = moments(DAYS[:2], 60)
    bars = panel(session_bars(DAYS[:2], 60, np.tile(SMILE, 2), kept=np.arange(len(index)) >= 3), minutes=60)
    assert probed(bars)[4] is None


def test_the_weights_are_those_of_the_bars_ahead():
    window = Window.after(at("2024-03-01T15:30"), 60, "XNYS")
    assert by_volume(window, 120, SMILE) == [100, 50]
    assert by_volume(window, 600, SMILE) == SMILE[1:].tolist()
    assert by_volume(window, 120, np.r_[1.0, np.zeros(6)]) == [1.0, 1.0]
