"""What the twin plays with: the market, the plan, the account, and the book it keeps. Imports core and sizers.limits."""

from typing import NamedTuple

import numpy as np
from numba import njit

from core.carry import Nights
from core.costs import Commission, Slippage
from core.options import Carry, Exits, Limits
from engine.twin.bare import bare
from sizers.limits import Groups

(ROW, COLUMN, SIZE, INTENT, STATUS, FILL_ROW, FILLED, PRICE, COST, NEEDED, AT_HAND, TURN, LAST_CLOSE, KIND,
 LEVEL) = range(15)
SUBMITTED, ACCEPTED, COMPLETED, REFUSED, MARGIN, CANCELED, SPLIT_AWAY = range(7)
ENTER, RESIZE, EXIT, TIME, STOPPED, TRAILED, PROFITED = range(7)
MARKET, STOP, STOP_TRAIL, LIMIT = range(4)
DIVIDEND, IN_LIEU, BORROW, PAID, EARNED = range(5)
HOLDING, WAITING, NEWS, CLOCKS, ORDERS, OWED, TOLD, FILLS, GUARDED, AT_ROW, AT_ACTION, AT_NIGHT, AT_DECISION, ASKED = range(14)
WORKING, FIRST_GUARD, END_GUARD, ENTRY_ROW, ENTRY_LATE, BARRED, AGE, SIDE, CONVICTION, WISHED = range(10)
NOTHING, ROOM = -1, -2


class Market(NamedTuple):
    """What trades.

    Attributes:
        open: (T, N) raw open, the close where a bar has none. high, low: (T, N) raw, NaN where a bar has no open.
        close: (T, N) raw close. last: (T, N) latest raw close.
        seen: (T, N) int32 row of the symbol's latest bar, 0 before the first.
        actions: (A, 2) int64 row and column of splits and dividends, sorted.
        split, dividend: (A,). pay: (A,) int64 row on which the dividend is paid, T for never.
    """

    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
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
    """Cash to begin with, costs, limits, protective exits, and what holding costs."""

    cash: float
    commission: Commission
    slippage: Slippage
    limits: Limits
    groups: Groups
    fractional: bool
    exits: Exits
    carry: Carry
    nights: Nights


class Book(NamedTuple):
    """The state of a run.

    Attributes:
        cash: (1,). size, price: (N,) shares held and their average entry price.
        lists: (4, L) int64. HOLDING: columns with a position, in the order in which they were entered. WAITING: open
            orders, oldest first. With protective exits, NEWS: columns whose market order has ended, in that order,
            until the strategy hears of it; CLOCKS: columns whose time exit is running, oldest first.
        orders: (O, 15) with the fields named above. owing: dividends as (pay row, column, amount).
        events: (E, 4) cash booked: row, column, kind, amount.
        marks: (10, N) number of the latest market order, first and end number of the protective orders, row of the
            latest entry and whether it was at a close (-1 = none); side that is barred (0 = none), age of the position
            in own bars (0 = no clock) and its side; conviction where protective exits have their say, and its wishes.
        used: (14,) int64 how much of lists, orders, owing and events is in use, the fills so far, and whether there are
            protective exits; next row, action, night and decision; what a walk that has stopped asks for: NOTHING (it is
            done), ROOM for more orders or events, or the wishes of the decision of that number.
    """

    cash: np.ndarray
    size: np.ndarray
    price: np.ndarray
    lists: np.ndarray
    orders: np.ndarray
    owing: np.ndarray
    events: np.ndarray
    marks: np.ndarray
    used: np.ndarray


@njit(inline="always")
def bare_market(market: Market) -> Market:
    """The market without reference counts, see `engine.twin.bare`."""
    return Market(bare(market.open), bare(market.high), bare(market.low), bare(market.close), bare(market.last), bare(market.seen),
                  bare(market.actions), bare(market.split), bare(market.dividend), bare(market.pay))


@njit(inline="always")
def bare_account(account: Account) -> Account:
    """The account without reference counts."""
    groups = Groups(bare(account.groups.sectors), bare(account.groups.sleeves), bare(account.groups.parts))
    nights = account.nights
    bared = Nights(bare(nights.rows), bare(nights.days), bare(nights.fees), bare(nights.session), bare(nights.lent))
    return Account(account.cash, account.commission, account.slippage, account.limits, groups, account.fractional, account.exits,
                   account.carry, bared)


@njit(inline="always")
def bare_book(book: Book) -> Book:
    """The book without reference counts."""
    return Book(bare(book.cash), bare(book.size), bare(book.price), bare(book.lists), bare(book.orders), bare(book.owing),
                bare(book.events), bare(book.marks), bare(book.used))


@njit(cache=True, nogil=True, error_model="numpy")
def opened(columns: int, orders: int, actions: int, cash: float, guarded: bool) -> Book:
    """An account before its first bar; `guarded` = with protective exits."""
    marks, used = np.full((10, columns), -1.0), np.zeros(14, np.int64)
    marks[BARRED:] = 0.0
    used[GUARDED], used[ASKED] = guarded, NOTHING
    room = 12 * columns if guarded else 0
    return Book(np.full(1, cash), np.zeros(columns), np.zeros(columns), np.empty((4, columns + room), np.int64),
                np.empty((orders + room, 15)), np.empty((actions, 3)), np.empty((2 * actions + 2 * columns + 1, 4)), marks, used)


@njit(cache=True, nogil=True, error_model="numpy")
def has_room(book: Book) -> bool:
    """Whether all the orders and events one bar, and the end, can bring have room."""
    return not _few_orders(book) and not _few_events(book)


@njit(inline="always")
def _few_orders(book: Book) -> bool:
    return book.used[GUARDED] and book.used[ORDERS] + 8 * len(book.size) > len(book.orders)


@njit(inline="always")
def _few_events(book: Book) -> bool:
    """A night's and a split's of every symbol, one of interest, and every dividend."""
    return book.used[TOLD] + 2 * len(book.size) + 1 + len(book.owing) > len(book.events)


@njit(cache=True, nogil=True, error_model="numpy")
def with_room(book: Book) -> Book:
    """The book, with room for more of what it has little of."""
    orders, events = book.orders, book.events
    if _few_orders(book):
        orders = _longer(orders, book.used[ORDERS], 8 * len(book.size))
    if _few_events(book):
        events = _longer(events, book.used[TOLD], 8 * len(book.size) + 8 + 2 * len(book.owing))
    return Book(book.cash, book.size, book.price, book.lists, orders, book.owing, events, book.marks, book.used)


@njit(cache=True, nogil=True, error_model="numpy")
def _longer(rows: np.ndarray, used: int, more: int) -> np.ndarray:
    longer = np.empty((2 * used + more, rows.shape[1]))
    longer[:used] = rows[:used]
    return longer


@njit(inline="always")
def submit(book: Book, row: int, column: int, size: float, intent: int, kind: int, level: float, close: float) -> int:
    """Write a new order down, and put it in the queue; returns its number."""
    number = book.used[ORDERS]
    order = book.orders[number]
    order[:] = 0.0
    order[ROW], order[COLUMN], order[SIZE], order[INTENT] = row, column, size, intent
    order[KIND], order[LEVEL], order[LAST_CLOSE] = kind, level, close
    order[STATUS] = SUBMITTED if kind == MARKET else ACCEPTED
    book.lists[WAITING, book.used[WAITING]] = number
    book.used[ORDERS] += 1
    book.used[WAITING] += 1
    return number


@njit(inline="always")
def end(book: Book, number: int, status: int) -> None:
    """End an order; with protective exits, the strategy will hear of a market order's end."""
    orders = book.orders
    orders[number, STATUS] = status
    if book.used[GUARDED] and orders[number, KIND] == MARKET:
        book.lists[NEWS, book.used[NEWS]] = int(orders[number, COLUMN])
        book.used[NEWS] += 1


@njit(inline="always")
def value(book: Book, last: np.ndarray) -> float:
    """Equity: cash, positions at their latest closes, dividends owed."""
    worth = 0.0
    for at in range(book.used[HOLDING]):
        worth += book.size[book.lists[HOLDING, at]] * last[book.lists[HOLDING, at]]
    return book.cash[0] + worth + owed(book)


@njit(inline="always")
def owed(book: Book) -> float:
    """Dividends that are not paid yet."""
    total = 0.0
    for at in range(book.used[OWED]):
        total += book.owing[at, 2]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def values(last: np.ndarray, size: np.ndarray, held: np.ndarray, cash: float, coming: float, equity: np.ndarray) -> None:
    """`value` on many rows (R, N) on which nothing but prices changes, written into (R,) equity."""
    if len(held) == 1:
        shares, column = size[held[0]], held[0]
        for row in range(len(last)):
            equity[row] = cash + shares * last[row, column] + coming
        return
    for row in range(len(last)):
        worth = 0.0
        for column in held:
            worth += size[column] * last[row, column]
        equity[row] = cash + worth + coming


@njit(cache=True, nogil=True, error_model="numpy")
def tell(book: Book, row: int, column: int, kind: int, amount: float) -> None:
    """Record cash that was booked."""
    event = book.events[book.used[TOLD]]
    event[0], event[1], event[2], event[3] = row, column, kind, amount
    book.used[TOLD] += 1


@njit(inline="always")
def remember(book: Book, column: int, before: float) -> None:
    """Keep the list of positions, after a fill."""
    if book.size[column] == 0.0:
        forget(book, column)
    elif before == 0.0:
        book.lists[HOLDING, book.used[HOLDING]] = column
        book.used[HOLDING] += 1


@njit(inline="always")
def forget(book: Book, column: int) -> None:
    """Take a column off the list of positions."""
    strike(book, HOLDING, column)


@njit(inline="always")
def strike(book: Book, which: int, column: int) -> None:
    """Take a column off one of the lists."""
    kept, lists = 0, book.lists
    for at in range(book.used[which]):
        if lists[which, at] != column:
            lists[which, kept] = lists[which, at]
            kept += 1
    book.used[which] = kept


@njit(inline="always")
def close_ranks(book: Book) -> None:
    """Drop the orders that have ended from the queue."""
    kept, lists, orders = 0, book.lists, book.orders
    for at in range(book.used[WAITING]):
        if orders[lists[WAITING, at], STATUS] <= ACCEPTED:
            lists[WAITING, kept] = lists[WAITING, at]
            kept += 1
    book.used[WAITING] = kept
