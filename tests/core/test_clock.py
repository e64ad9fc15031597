import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.clock import ManualClock, SystemClock


def test_the_system_clock_agrees_with_the_computer():
    clock = SystemClock()
    before = time.time_ns()
    assert before <= clock.now_ns() <= time.time_ns()
    started = clock.monotonic()
    clock.sleep(0.01)
    clock.sleep(-500)
    assert 0.01 <= clock.monotonic() - started < 60


def test_a_manual_clock_stands_still_until_something_sleeps():
    clock = ManualClock(now_ns=1_000)
    assert (clock.now_ns(), clock.monotonic()) == (1_000, 0.0)
    assert clock.now_ns() == 1_000
    clock.sleep(1.5)
    assert (clock.now_ns(), clock.monotonic()) == (1_500_001_000, 1.5)


@given(st.lists(st.floats(-10, 1e6), max_size=20))
def test_a_manual_clock_never_goes_back(sleeps):
    clock, seen = ManualClock(), [0]
    for seconds in sleeps:
        clock.sleep(seconds)
        seen.append(clock.now_ns())
    assert seen == sorted(seen)
    assert clock.monotonic() == pytest.approx(sum(max(each, 0) for each in sleeps), abs=1e-6)
