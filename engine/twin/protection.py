"""Protective exits on the twin's book, as `strategies.exits` and `strategies.base` place and cancel them.

In a simulation every cancellation is confirmed at once, so no target ever has to wait (`strategies.desk`).
"""

import numpy as np
from numba import njit

from core.options import Exits
from engine.twin.book import (
    ACCEPTED,
    AGE,
    BARRED,
    CLOCKS,
    CONVICTION,
    END_GUARD,
    ENTRY_LATE,
    ENTRY_ROW,
    FIRST_GUARD,
    GUARDED,
    LIMIT,
    MARKET,
    NEWS,
    PROFITED,
    SIDE,
    STATUS,
    STOP,
    STOP_TRAIL,
    STOPPED,
    TIME,
    TRAILED,
    WORKING,
    Account,
    Book,
    Market,
    close_ranks,
    strike,
    submit,
)
from engine.twin.matching import cancel_guards, trailed, try_guard


@njit(cache=True, nogil=True, error_model="numpy")
def active(exits: Exits) -> bool:
    """Whether there are protective exits."""
    return exits.stop != 0.0 or exits.trail != 0.0 or exits.profit != 0.0 or exits.bars != 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def tick(market: Market, row: int, book: Book) -> None:
    """Count the bar for the time exits."""
    for at in range(book.used[CLOCKS]):
        column = book.lists[CLOCKS, at]
        if not np.isnan(market.close[row, column]):
            book.marks[AGE, column] += 1


@njit(cache=True, nogil=True, error_model="numpy")
def hear(market: Market, row: int, book: Book, account: Account) -> None:
    """Protect the positions of the market orders that have ended."""
    for at in range(book.used[NEWS]):
        column = book.lists[NEWS, at]
        if not busy(book, column):
            _entered(market, row, column, book, account)
    book.used[NEWS] = 0
    close_ranks(book)


@njit(cache=True, nogil=True, error_model="numpy")
def busy(book: Book, column: int) -> bool:
    """Whether a market order of the symbol is still at work."""
    working = int(book.marks[WORKING, column])
    return working >= 0 and book.orders[working, STATUS] <= ACCEPTED


@njit(cache=True, nogil=True, error_model="numpy")
def _entered(market: Market, row: int, column: int, book: Book, account: Account) -> None:
    """Protect the whole position; on the entry bar its orders work already."""
    held, price, exits = book.size[column], book.price[column], account.exits
    if held == 0.0:
        _stop_clock(book, column)
        return
    cancel_guards(book, column)
    side = 1 if held > 0.0 else -1
    if exits.bars != 0.0:
        _start_clock(book, column, side)
    bar, close = int(np.int64(market.seen[row, column])), market.last[row, column]
    book.marks[FIRST_GUARD, column] = book.marks[END_GUARD, column] = 0
    kinds = ((STOP, STOPPED, exits.stop), (STOP_TRAIL, TRAILED, exits.trail), (LIMIT, PROFITED, exits.profit))
    for kind, intent, part in kinds:
        level = _level(kind, price, side, part)
        if part == 0.0 or level <= 0.0:
            continue
        number = submit(book, bar, column, -held, intent, kind, level, close)
        if book.marks[END_GUARD, column] == 0:
            book.marks[FIRST_GUARD, column] = number
        book.marks[END_GUARD, column] = number + 1
        if book.marks[ENTRY_ROW, column] == bar and not book.marks[ENTRY_LATE, column]:
            try_guard(market, bar, book, number, account)
            if book.orders[number, STATUS] > ACCEPTED:
                return


@njit(cache=True, nogil=True, error_model="numpy")
def _level(kind: int, price: float, side: int, part: float) -> float:
    """The price of a new protective order of a position entered at `price`."""
    if kind == STOP_TRAIL:
        return trailed(side * -np.inf, float(-side), price, part)
    return price * (1 + side * part) if kind == LIMIT else price * (1 - side * part)


@njit(cache=True, nogil=True, error_model="numpy")
def leave_overdue(market: Market, row: int, book: Book, account: Account) -> None:
    """Order the end of the positions that have been held for the allowed number of bars."""
    for at in range(book.used[CLOCKS] - 1, -1, -1):
        column = book.lists[CLOCKS, at]
        if book.size[column] == 0.0:
            _stop_clock(book, column)
    for at in range(book.used[CLOCKS]):
        column = book.lists[CLOCKS, at]
        if book.marks[AGE, column] >= account.exits.bars and not busy(book, column):
            book.marks[BARRED, column] = 1 if book.size[column] > 0.0 else -1
            send(book, int(np.int64(market.seen[row, column])), column, 0.0, TIME, market.last[row, column])
    close_ranks(book)


@njit(inline="always")
def send(book: Book, row: int, column: int, target: float, intent: int, close: float) -> None:
    """Order the difference to `target` shares; what protects the position ends first."""
    if book.used[GUARDED]:
        cancel_guards(book, column)
    book.marks[WORKING, column] = submit(book, row, column, target - book.size[column], intent, MARKET, 0.0, close)


@njit(cache=True, nogil=True, error_model="numpy")
def bar_out(book: Book, decided: np.ndarray, conviction: np.ndarray) -> bool:
    """Put the convictions on the book, 0 where a protective exit keeps the strategy out; returns whether one does."""
    barred = False
    for column in range(len(decided)):
        side = book.marks[BARRED, column]
        book.marks[CONVICTION, column] = conviction[column]
        if decided[column] and side != 0.0:
            if conviction[column] * side <= 0.0:
                book.marks[BARRED, column] = 0.0
            else:
                book.marks[CONVICTION, column], barred = 0.0, True
    return barred


@njit(cache=True, nogil=True, error_model="numpy")
def _start_clock(book: Book, column: int, side: int) -> None:
    """Count the bars of a position from this one on, unless they are counted already."""
    if book.marks[AGE, column] == 0.0:
        book.lists[CLOCKS, book.used[CLOCKS]] = column
        book.used[CLOCKS] += 1
    if book.marks[AGE, column] == 0.0 or book.marks[SIDE, column] != side:
        book.marks[AGE, column], book.marks[SIDE, column] = 1.0, side


@njit(cache=True, nogil=True, error_model="numpy")
def _stop_clock(book: Book, column: int) -> None:
    """Stop counting the bars of a position that has ended."""
    strike(book, CLOCKS, column)
    book.marks[AGE, column] = 0.0
