"""From decisions to orders on the twin's book, as `strategies.base` orders, and the broker's submission check."""

import numpy as np
from numba import njit

from core.costs import Commission
from engine.twin.book import (
    ACCEPTED,
    AT_HAND,
    CANCELED,
    COLUMN,
    ENTER,
    EXIT,
    KIND,
    LAST_CLOSE,
    MARKET,
    NEEDED,
    REFUSED,
    RESIZE,
    SIZE,
    STATUS,
    SUBMITTED,
    WAITING,
    Account,
    Book,
    Market,
    close_ranks,
    end,
)
from engine.twin.booking import adds, commission, parts
from engine.twin.carry import lendable
from engine.twin.protection import send
from sizers.limits import limit_weight, limit_weights, share_count, shares_of


@njit(inline="always")
def decide(market: Market, row: int, decided: np.ndarray, conviction: np.ndarray, wished: np.ndarray, book: Book,
           value: float, account: Account) -> None:
    """Take back the open orders of what is decided anew, size, and order the differences."""
    prices = market.last[row]
    for at in range(book.used[WAITING]):
        number = book.lists[WAITING, at]
        if decided[int(book.orders[number, COLUMN])] and book.orders[number, KIND] == MARKET:
            end(book, number, CANCELED)
    close_ranks(book)
    if len(decided) == 1:
        _decide_alone(row, int(np.int64(market.seen[row, 0])), prices[0], wished[0], book, value, account)
        return
    held, reserved = book.size.copy(), 0.0
    for at in range(book.used[WAITING]):
        order = book.orders[book.lists[WAITING, at]]
        if order[KIND] == MARKET:
            held[int(order[COLUMN])] += order[SIZE]
            reserved += max(order[SIZE], 0.0) * prices[int(order[COLUMN])]
    current = np.zeros(len(held))
    for column in np.flatnonzero(held):
        if value > 0:
            current[column] = held[column] * prices[column] / value
    if len(account.nights.lent):
        wished = wished.copy()
        for at in range(len(held)):
            wished[at] = lendable(account.nights, row, at, wished[at], current[at])
    allowed = limit_weights(wished, current, conviction, decided, account.groups, value, book.cash[0] - reserved,
                            account.limits)
    shares = shares_of(allowed, held, decided, value, prices, account.fractional, account.limits)
    change = np.where(decided, shares - book.size, 0.0)
    buys = np.flatnonzero(change > 0)
    buys = buys[np.argsort(-np.abs(conviction[buys]), kind="mergesort")]
    for column in np.concatenate((np.flatnonzero(change < 0), buys)):
        bar, intent = int(np.int64(market.seen[row, column])), _intent(book.size[column], shares[column])
        send(book, bar, column, shares[column], intent, prices[column])
    close_ranks(book)


@njit(inline="always")
def _decide_alone(row: int, bar: int, price: float, wished: float, book: Book, value: float, account: Account) -> None:
    """`decide` on the only symbol there is, of which nothing is on order any more: the same without arrays."""
    held = book.size[0]
    current = held * price / value if held != 0.0 and value > 0.0 else 0.0
    wished = lendable(account.nights, row, 0, wished, current)
    allowed = limit_weight(wished, current, account.groups, value, book.cash[0], account.limits)
    target = share_count(allowed, held, value, price, account.fractional, account.limits) if price > 0.0 else held
    if target != held:
        send(book, bar, 0, target, _intent(held, target), price)
        close_ranks(book)


@njit(cache=True, nogil=True, error_model="numpy")
def _intent(before: float, target: float) -> int:
    return EXIT if target == 0 else RESIZE if before * target > 0 else ENTER


@njit(inline="always")
def check(book: Book, account: Account) -> None:
    """Accept what the cash at the signal's close can pay for, what frees cash first."""
    cash, orders, terms = book.cash[0], book.orders, account.commission
    for adding in (False, True):
        for at in range(book.used[WAITING]):
            number = book.lists[WAITING, at]
            if orders[number, STATUS] != SUBMITTED:
                continue
            held, change = book.size[int(orders[number, COLUMN])], orders[number, SIZE]
            if adds(held, change) != adding:
                continue
            left = _left(cash, held, change, orders[number, LAST_CLOSE], terms)
            if left >= 0.0 or not adding:
                cash, orders[number, STATUS] = left, ACCEPTED
            else:
                orders[number, NEEDED], orders[number, AT_HAND] = cash - left, cash
                end(book, number, REFUSED)
    close_ranks(book)


@njit(cache=True, nogil=True, error_model="numpy")
def _left(cash: float, held: float, change: float, close: float, terms: Commission) -> float:
    """Cash left after a change of position at the signal's close."""
    opened, closed = parts(held, change)
    if closed != 0.0:
        cash += -closed * close
        cash -= commission(terms, closed, close)
    if opened != 0.0:
        cash -= opened * close
        cash -= commission(terms, opened, close)
    return cash
