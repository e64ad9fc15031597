"""Windows of a walk-forward: which sessions train and which test, by periods or in equal parts. Imports core only."""

import datetime as dt
import itertools
from typing import NamedTuple

import numpy as np

from core.errors import BadSpec
from core.spec_texts import period_start

FEWEST = 2  # sessions of a training window: one return has no spread
DAY = dt.timedelta(days=1)
MISSING = 0.02  # part of a training period that may lie before the first session: holidays


class Span(NamedTuple):
    """Indices of sessions, the ends not included: training from `first` to `last`, test from `begin` to `end`."""

    first: int
    last: int
    begin: int
    end: int


def spans(sessions: np.ndarray, train: str | None = None, test: str | None = None, windows: int | None = None,
          anchored: bool = False, embargo: int = 0) -> list[Span]:
    """Consecutive test windows up to the last session, each with its training window before it, oldest first.

    Args:
        sessions: (S,) dates, in order.
        train, test: periods ("3y", "6mo", as in `core.spec.period_start`), counted back from the last session.
        windows: so many equal test windows instead of `test`; they share what follows a first training window of the
            period `train`, or of half the sessions without it.
        anchored: training begins at the first session, not one training length before the test.
        embargo: sessions between training and test, taken from the end of the training.

    Raises:
        BadSpec: periods and windows contradict each other, are longer than the data, or leave no session to train on or
            to test.
    """
    if (windows is None) == (test is None) or (windows is None and train is None):
        raise BadSpec("a walk-forward takes the periods train and test (such as 3y and 6mo), or a number of windows "
                      "with or without train: name these")
    if embargo < 0:
        raise BadSpec(f"embargo is {embargo}: it is a number of sessions, 0 or more")
    if windows is not None:
        cuts = _equal(sessions, train, windows, anchored)
    else:
        assert train is not None and test is not None
        cuts = _by_period(sessions, train, test, anchored)
    made = [Span(first, begin - embargo, begin, end) for first, begin, end in cuts]
    _check(sessions, made, embargo)
    return made


def _by_period(sessions: np.ndarray, train: str, test: str, anchored: bool) -> list[tuple[int, int, int]]:
    """(first of training, first of test, end of test) of each window."""
    oldest, end, cuts = sessions[0].item(), sessions[-1].item(), []
    while True:
        border = period_start(test, end)
        begin = period_start(train, border)
        if oldest - begin - DAY > MISSING * (border - begin):
            break
        rows = _after(sessions, begin), _after(sessions, border), _after(sessions, end)
        cuts.append((0 if anchored else rows[0], rows[1], rows[2]))
        end = border
    if not cuts:
        raise BadSpec(f"{train} of training and {test} of test are longer than the data, {sessions[0]} to {sessions[-1]}: "
                      "shorten them or name more data")
    return cuts[::-1]


def _equal(sessions: np.ndarray, train: str | None, windows: int, anchored: bool) -> list[tuple[int, int, int]]:
    if windows < 1:
        raise BadSpec(f"windows is {windows}: it is a number of test windows, from 1 on")
    first = len(sessions) // 2 if train is None else _length(sessions, train)
    left = len(sessions) - first
    if left < windows:
        raise BadSpec(f"{left} sessions are left for {windows} test windows after {first} of training, "
                      f"{sessions[0]} to {sessions[-1]}: take fewer windows or name more data")
    borders = [first + left * at // windows for at in range(windows + 1)]
    return [(0 if anchored else begin - first, begin, end) for begin, end in itertools.pairwise(borders)]


def _length(sessions: np.ndarray, period: str) -> int:
    """Sessions in a period that begins with the first one; all of them where it is longer."""
    low, high = 0, len(sessions)
    while low < high:
        middle = (low + high) // 2
        if period_start(period, sessions[middle].item()) >= sessions[0].item():
            high = middle
        else:
            low = middle + 1
    return low


def _after(sessions: np.ndarray, date: dt.date) -> int:
    return int(np.searchsorted(sessions, np.datetime64(date, "D"), "right"))


def _check(sessions: np.ndarray, made: list[Span], embargo: int) -> None:
    for each in made:
        if each.begin == each.end:
            near = sessions[min(each.begin, len(sessions) - 1)]
            raise BadSpec(f"the test window before {near} holds no session: lengthen test")
        if each.last - each.first < FEWEST:
            raise BadSpec(f"{max(each.last - each.first, 0)} sessions are left to train on before {sessions[each.begin]} "
                          f"(embargo {embargo}): lengthen train or lower the embargo")
