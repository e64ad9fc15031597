"""What the twin plays with: the market, the plan, the account, and the book it keeps. Imports core and sizers.limits."""

from typing import NamedTuple

import numpy as np
from numba import njit

from core.costs import Commission, Slippage
from core.options import Limits
from sizers.limits import Groups

ROW, COLUMN, SIZE, INTENT, STATUS, FILL_ROW, FILLED, PRICE, COST, NEEDED, AT_HAND, TURN, LAST_CLOSE = range(13)
SUBMITTED, ACCEPTED, COMPLETED, REFUSED, MARGIN, CANCELED, SPLIT_AWAY = range(7)
ENTER, RESIZE, EXIT = range(3)
DIVIDEND, IN_LIEU = range(2)
HOLDING, WAITING, ORDERS, OWED, TOLD, FILLS = range(6)


class Market(NamedTuple):
    """What trades.

    Attributes:
        open: (T, N) raw open, the close where a bar has none. close: (T, N) raw close. last: (T, N) latest raw close.
        seen: (T, N) int32 row of the symbol's latest bar, 0 before the first.
        actions: (A, 2) int64 row and column of splits and dividends, sorted.
        split, dividend: (A,). pay: (A,) int64 row on which the dividend is paid, T for never.
    """

    open: np.ndarray
    close: np.ndarray
    last: np.ndarray
    seen: np.ndarray
    actions: np.ndarray
    split: np.ndarray
    dividend: np.ndarray
    pay: np.ndarray


class Plan(NamedTuple):
    """What is decided, on D rows.

    Attributes:
        rows: (D,) int64. decided: (D, N) bool. conviction, wished: (D, N) float64, as `PortfolioSizer` has them
            between its two stages.
    """

    rows: np.ndarray
    decided: np.ndarray
    conviction: np.ndarray
    wished: np.ndarray


class Account(NamedTuple):
    """Cash to begin with, costs and limits."""

    cash: float
    commission: Commission
    slippage: Slippage
    limits: Limits
    groups: Groups
    fractional: bool


class Book(NamedTuple):
    """The state of a run.

    Attributes:
        cash: (1,). size, price: (N,) shares held and their average entry price.
        held: columns with a position, in the order in which they were entered. queue: open orders, oldest first.
        orders: (O, 13) with the fields named above. owing: dividends as (pay row, column, amount).
        events: (E, 4) cash booked: row, column, kind, amount.
        used: how much of held, queue, orders, owing and events is in use, and the fills so far.
    """

    cash: np.ndarray
    size: np.ndarray
    price: np.ndarray
    held: np.ndarray
    queue: np.ndarray
    orders: np.ndarray
    owing: np.ndarray
    events: np.ndarray
    used: np.ndarray


@njit(cache=True, nogil=True)
def opened(columns: int, orders: int, actions: int, cash: float) -> Book:
    """An account before its first bar."""
    return Book(np.full(1, cash), np.zeros(columns), np.zeros(columns),
                np.empty(columns, np.int64), np.empty(columns, np.int64), np.empty((orders, 13)), np.empty((actions, 3)),
                np.empty((2 * actions, 4)), np.zeros(6, np.int64))


@njit(cache=True, nogil=True)
def value(book: Book, last: np.ndarray) -> float:
    """Equity: cash, positions at their latest closes, dividends owed."""
    worth, owed = 0.0, 0.0
    for at in range(book.used[HOLDING]):
        worth += book.size[book.held[at]] * last[book.held[at]]
    for at in range(book.used[OWED]):
        owed += book.owing[at, 2]
    return book.cash[0] + worth + owed


@njit(cache=True, nogil=True)
def tell(book: Book, row: int, column: int, kind: int, amount: float) -> None:
    """Record cash that was booked."""
    event = book.events[book.used[TOLD]]
    event[0], event[1], event[2], event[3] = row, column, kind, amount
    book.used[TOLD] += 1


@njit(cache=True, nogil=True)
def remember(book: Book, column: int, before: float) -> None:
    """Keep the list of positions, after a fill."""
    if book.size[column] == 0.0:
        forget(book, column)
    elif before == 0.0:
        book.held[book.used[HOLDING]] = column
        book.used[HOLDING] += 1


@njit(cache=True, nogil=True)
def forget(book: Book, column: int) -> None:
    """Take a column off the list of positions."""
    kept = 0
    for at in range(book.used[HOLDING]):
        if book.held[at] != column:
            book.held[kept] = book.held[at]
            kept += 1
    book.used[HOLDING] = kept


@njit(cache=True, nogil=True)
def close_ranks(book: Book) -> None:
    """Drop the orders that have ended from the queue."""
    kept = 0
    for at in range(book.used[WAITING]):
        if book.orders[book.queue[at], STATUS] <= ACCEPTED:
            book.queue[kept] = book.queue[at]
            kept += 1
    book.used[WAITING] = kept
