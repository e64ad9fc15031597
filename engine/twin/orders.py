"""From decisions to fills on the twin's book, as `strategies.base` orders and `brokers.simulated` matches."""

import numpy as np
from numba import njit

from engine.twin.book import (
    ACCEPTED,
    AT_HAND,
    CANCELED,
    COLUMN,
    COMPLETED,
    COST,
    ENTER,
    EXIT,
    FILL_ROW,
    FILLED,
    FILLS,
    INTENT,
    LAST_CLOSE,
    MARGIN,
    NEEDED,
    ORDERS,
    PRICE,
    REFUSED,
    RESIZE,
    ROW,
    SIZE,
    STATUS,
    SUBMITTED,
    TURN,
    WAITING,
    Account,
    Book,
    Market,
    Plan,
    close_ranks,
    remember,
)
from engine.twin.booking import adds, commission, entry_price, parts, slipped
from sizers.limits import limit_weights, shares_of


@njit(cache=True, nogil=True)
def decide(market: Market, row: int, plan: Plan, decision: int, book: Book, value: float, account: Account) -> None:
    """Take back the open orders of what is decided anew, size, and order the differences."""
    prices, decided, conviction = market.last[row], plan.decided[decision], plan.conviction[decision]
    for at in range(book.used[WAITING]):
        order = book.orders[book.queue[at]]
        if decided[int(order[COLUMN])]:
            order[STATUS] = CANCELED
    close_ranks(book)
    held, reserved = book.size.copy(), 0.0
    for at in range(book.used[WAITING]):
        order = book.orders[book.queue[at]]
        held[int(order[COLUMN])] += order[SIZE]
        reserved += max(order[SIZE], 0.0) * prices[int(order[COLUMN])]
    current = np.zeros(len(held))
    for column in np.flatnonzero(held):
        if value > 0:
            current[column] = held[column] * prices[column] / value
    allowed = limit_weights(plan.wished[decision], current, conviction, decided, account.groups, value,
                            book.cash[0] - reserved, account.limits)
    shares = shares_of(allowed, held, decided, value, prices, account.fractional, account.limits)
    change = np.where(decided, shares - book.size, 0.0)
    buys = np.flatnonzero(change > 0)
    buys = buys[np.argsort(-np.abs(conviction[buys]), kind="mergesort")]
    for column in np.concatenate((np.flatnonzero(change < 0), buys)):
        _submit(book, column, market.seen[row, column], shares[column], prices[column])


@njit(cache=True, nogil=True)
def _submit(book: Book, column: int, row: int, target: float, close: float) -> None:
    before, number = book.size[column], book.used[ORDERS]
    order = book.orders[number]
    order[:] = 0.0
    order[ROW], order[COLUMN], order[SIZE] = row, column, target - before
    order[INTENT] = EXIT if target == 0 else RESIZE if before * target > 0 else ENTER
    order[STATUS], order[LAST_CLOSE] = SUBMITTED, close
    book.queue[book.used[WAITING]] = number
    book.used[ORDERS] += 1
    book.used[WAITING] += 1


@njit(cache=True, nogil=True)
def check(book: Book, account: Account) -> None:
    """Accept what the cash at the signal's close can pay for, what frees cash first."""
    cash = book.cash[0]
    for adding in (False, True):
        for at in range(book.used[WAITING]):
            order = book.orders[book.queue[at]]
            held, change, close = book.size[int(order[COLUMN])], order[SIZE], order[LAST_CLOSE]
            if order[STATUS] != SUBMITTED or adds(held, change) != adding:
                continue
            opened, closed = parts(held, change)
            left = cash
            if closed != 0.0:
                left += -closed * close
                left -= commission(account.commission, closed, close)
            if opened != 0.0:
                left -= opened * close
                left -= commission(account.commission, opened, close)
            if left >= 0.0 or not adding:
                cash, order[STATUS] = left, ACCEPTED
            else:
                order[STATUS], order[NEEDED], order[AT_HAND] = REFUSED, cash - left, cash
    close_ranks(book)


@njit(cache=True, nogil=True)
def match(market: Market, row: int, book: Book, account: Account) -> None:
    """Fill at the open what has a bar: sales and covers, then buys."""
    turns = np.zeros(book.used[WAITING], np.int64)
    for at in range(len(turns)):
        order = book.orders[book.queue[at]]
        column = int(order[COLUMN])
        if not np.isnan(market.close[row, column]):
            turns[at] = 2 if adds(book.size[column], order[SIZE]) else 1
    for turn in (1, 2):
        for place in np.flatnonzero(turns == turn):
            order = book.orders[book.queue[place]]
            _fill(book, order, row, slipped(account.slippage, market.open[row, int(order[COLUMN])], order[SIZE]), account)
    close_ranks(book)


@njit(cache=True, nogil=True)
def _fill(book: Book, order: np.ndarray, row: int, paid: float, account: Account) -> None:
    """Close and open shares at a price; what cannot be paid for is not opened."""
    column, change = int(order[COLUMN]), order[SIZE]
    before, average, at_hand = book.size[column], book.price[column], book.cash[0]
    opened, closed = parts(before, change)
    cash, costs, refused = at_hand, 0.0, False
    if closed != 0.0:
        cash += -closed * average + -closed * (paid - average)
        costs = commission(account.commission, closed, paid)
        cash -= costs
    if opened != 0.0:
        fee = commission(account.commission, opened, paid)
        left = cash - opened * paid
        left -= fee
        refused = left < 0.0
        if refused:
            opened = 0.0
        else:
            cash, costs = left, costs + fee
    book.cash[0] = cash
    done = closed + opened
    if done != 0.0:
        book.price[column] = entry_price(before, average, done, paid)
        book.size[column] = before + done
        remember(book, column, before)
        order[FILL_ROW], order[FILLED], order[COST], order[TURN] = row, done, costs, book.used[FILLS]
        book.used[FILLS] += 1
    order[PRICE], order[STATUS] = paid, MARGIN if refused else COMPLETED
    if refused:
        order[NEEDED], order[AT_HAND] = abs(change - done) * paid, at_hand
