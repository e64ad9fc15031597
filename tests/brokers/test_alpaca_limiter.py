"""The rate limiter by itself: exact in time, fair to the urgent, safe between threads."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.alpaca.limiter import Priority, RateLimiter
from core.clock import ManualClock, SystemClock


class TimedClock(ManualClock):
    """A manual clock that says when tokens were taken."""

    def times(self, limiter, priorities):
        taken = []
        for pause, priority in priorities:
            self.sleep(pause)
            limiter.acquire(priority)
            taken.append(self.monotonic())
        return taken


@given(st.lists(st.tuples(st.floats(0, 20), st.sampled_from(list(Priority))), max_size=120), st.integers(1, 30))
def test_no_sixty_seconds_ever_see_more_than_the_limit(asked, per_minute):
    clock = TimedClock()
    taken = clock.times(RateLimiter(clock, per_minute), asked)
    assert all(later - earlier >= 60 - 1e-6 for earlier, later in zip(taken, taken[per_minute:], strict=False))


@given(st.lists(st.floats(0, 100), max_size=60))
def test_a_slow_caller_never_waits(pauses):
    clock = TimedClock()
    slow = [(max(pause, 60 / 17), Priority.POLL) for pause in pauses]  # 17 of 20 tokens are for polls
    taken = clock.times(RateLimiter(clock, 20), slow)
    assert taken == pytest.approx([sum(pause for pause, _ in slow[:at + 1]) for at in range(len(slow))])


@pytest.mark.parametrize(("priority", "at_once"), [(Priority.POLL, 170), (Priority.ORDER, 190), (Priority.CANCEL, 200)])
def test_tokens_are_kept_for_what_is_more_urgent(priority, at_once):
    clock = TimedClock()
    taken = clock.times(RateLimiter(clock), [(0, priority)] * 201)
    assert taken.count(0.0) == at_once and taken[at_once] == 60.0


def test_a_held_limiter_lets_nobody_through_and_holds_do_not_shorten_each_other():
    clock = TimedClock()
    limiter = RateLimiter(clock)
    limiter.hold(10)
    limiter.hold(3)
    assert clock.times(limiter, [(0, Priority.CANCEL)]) == [10.0]


class GateClock(SystemClock):
    """Real threads, but time moves when the test says so."""

    def __init__(self):
        self.at, self.asleep = 0.0, threading.Semaphore(0)
        self._moved = threading.Condition()

    def monotonic(self):
        return self.at

    def sleep(self, seconds):
        until = self.at + seconds
        self.asleep.release()
        with self._moved:
            self._moved.wait_for(lambda: self.at >= until, timeout=60)

    def move(self, seconds):
        with self._moved:
            self.at += seconds
            self._moved.notify_all()


def test_of_all_who_wait_for_one_token_the_urgent_one_gets_it():
    clock, served = GateClock(), []
    limiter = RateLimiter(clock, 1)
    limiter.acquire(Priority.CANCEL)

    def ask(priority):
        limiter.acquire(priority)
        served.append((priority, clock.at))

    waiting = [*[Priority.POLL] * 9, Priority.ORDER, Priority.CANCEL]
    threads = [threading.Thread(target=ask, args=(priority,)) for priority in waiting]
    for thread in threads:
        thread.start()
        clock.asleep.acquire(timeout=60)
    for thread in reversed(threads[9:]):
        clock.move(60)
        thread.join(60)
    assert served == [(Priority.CANCEL, 60.0), (Priority.ORDER, 120.0)]
    while len(served) < len(threads):
        clock.move(60)
    for thread in threads:
        thread.join(60)


def test_threads_together_stay_within_the_limit():
    limiter = RateLimiter(SystemClock(), 50)
    through = []

    def ask():
        for _ in range(5):
            limiter.acquire(Priority.CANCEL)
            through.append(1)

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(through) == 50 and len(limiter._taken) == 50
