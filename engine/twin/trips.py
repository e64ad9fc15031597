"""Closed trades from the twin's fills, compiled: what `analyzers.trades.round_trips` makes of them, without the records."""

import numpy as np
from numba import njit

from engine.twin.book import (
    COLUMN,
    COST,
    FILL_ROW,
    FILLED,
    FILLS,
    IN_LIEU,
    ORDERS,
    PRICE,
    TOLD,
    TURN,
    Book,
    Market,
)
from engine.twin.booking import whole

FLAT = 1e-9  # part of a trade's largest position that rounding may leave of a closed one
POSITION, PEAK, ENTRY_VALUE, EXIT_VALUE, COMMISSION, DIVIDENDS = range(6)


@njit(inline="always")
def fills_of(book: Book) -> np.ndarray:
    """(F,) int64 numbers of the orders that filled, in the order of their fills."""
    turns = np.empty(book.used[FILLS], np.int64)
    for number in range(book.used[ORDERS]):
        if book.orders[number, FILLED] != 0.0:
            turns[int(book.orders[number, TURN])] = number
    return turns


@njit(inline="always")
def closed_profits(market: Market, book: Book, fills: np.ndarray) -> np.ndarray:
    """(K,) profit of each closed trade after commission and fees, with its dividends, in order of entry by fill."""
    rows, columns = market.close.shape
    trips, count = np.zeros((len(fills), 6)), 0
    latest = np.full(columns, -1, np.int64)  # each symbol's last trade
    action, event = 0, 0
    for number in np.append(fills, -1):
        until = rows if number < 0 else int(book.orders[number, FILL_ROW]) + 1
        while True:
            split = market.actions[action, 0] if action < len(market.actions) else rows
            told = _event_row(book, event, rows)
            if min(split, told) >= until:
                break
            if split <= told:
                _split(trips, latest[market.actions[action, 1]], market.split[action])
                action += 1
            else:
                column = int(book.events[event, 1])
                if column >= 0:  # interest is of no symbol
                    _cash(trips, latest[column], book.events[event, 2] == IN_LIEU, book.events[event, 3])
                event += 1
        if number >= 0:
            count = _fill(trips, latest, count, book.orders[number])
    closed = trips[:count]
    closed = closed[closed[:, POSITION] == 0.0]
    return closed[:, EXIT_VALUE] - closed[:, ENTRY_VALUE] - closed[:, COMMISSION] + closed[:, DIVIDENDS]


@njit(inline="always")
def _event_row(book: Book, event: int, rows: int) -> int:
    """Row of a cash event, the last one for what is still owed; `rows` when there is no more."""
    if event >= book.used[TOLD]:
        return rows
    row = int(book.events[event, 0])
    return row if row >= 0 else rows - 1


@njit(cache=True, nogil=True, error_model="numpy")
def _split(trips: np.ndarray, at: int, ratio: float) -> None:
    if at >= 0 and trips[at, POSITION] != 0.0:
        trips[at, POSITION] *= ratio
        trips[at, PEAK] *= ratio


@njit(cache=True, nogil=True, error_model="numpy")
def _cash(trips: np.ndarray, at: int, in_lieu: bool, amount: float) -> None:
    """A dividend, and a fee, belongs to the latest trade; cash in lieu is the sale of the fraction a split left."""
    if at < 0:
        return
    if not in_lieu:
        trips[at, DIVIDENDS] += amount
    elif trips[at, POSITION] != 0.0:
        fraction = trips[at, POSITION] - whole(trips[at, POSITION])
        largest = whole(trips[at, PEAK])
        trips[at, PEAK] = largest if largest != 0.0 else trips[at, PEAK]
        _leave(trips, at, fraction, amount)


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(trips: np.ndarray, latest: np.ndarray, count: int, order: np.ndarray) -> int:
    """Reduce what is held the other way first; what remains adds to a trade or opens one."""
    column, size, price = int(order[COLUMN]), order[FILLED], order[PRICE]
    rest, at = size, latest[column]
    if at >= 0 and trips[at, POSITION] * rest < 0.0:
        held = trips[at, POSITION]
        out = np.copysign(min(abs(rest), abs(held)), held)
        trips[at, COMMISSION] += order[COST] * abs(out / size)
        _leave(trips, at, out, out * price)
        rest += out
    if abs(rest) > FLAT * abs(size):
        if at < 0 or trips[at, POSITION] == 0.0:
            at = latest[column] = count
            count += 1
        trips[at, COMMISSION] += order[COST] * abs(rest / size)
        trips[at, ENTRY_VALUE] += rest * price
        trips[at, POSITION] += rest
        if abs(trips[at, POSITION]) > abs(trips[at, PEAK]):
            trips[at, PEAK] = trips[at, POSITION]
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def _leave(trips: np.ndarray, at: int, size: float, value: float) -> None:
    trips[at, EXIT_VALUE] += value
    trips[at, POSITION] -= size
    if abs(trips[at, POSITION]) <= FLAT * abs(trips[at, PEAK]):
        trips[at, POSITION] = 0.0
