"""Splits and dividends on the twin's book, as `brokers.corporate` books them."""

import numpy as np
from numba import njit

from engine.twin.book import (
    COLUMN,
    DIVIDEND,
    IN_LIEU,
    LAST_CLOSE,
    LEVEL,
    NEEDED,
    OWED,
    SIZE,
    SPLIT_AWAY,
    WAITING,
    Book,
    Market,
    close_ranks,
    end,
    forget,
    tell,
)
from engine.twin.booking import whole


@njit(cache=True, nogil=True, error_model="numpy")
def act(market: Market, action: int, book: Book, fractional: bool) -> None:
    """Book a split, then owe the dividend on what is held."""
    row, column = market.actions[action]
    if market.split[action] != 1.0:
        _split_position(market, row, column, market.split[action], book, fractional)
        _split_order(column, market.split[action], book, fractional)
    if book.size[column] != 0.0 and market.dividend[action] != 0.0:
        at = book.used[OWED]
        book.owing[at, 0], book.owing[at, 1] = market.pay[action], column
        book.owing[at, 2] = book.size[column] * market.dividend[action]
        book.used[OWED] += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _split_position(market: Market, row: int, column: int, ratio: float, book: Book, fractional: bool) -> None:
    if book.size[column] == 0.0:
        return
    exact = book.size[column] * ratio
    book.size[column] = exact if fractional else whole(exact)
    book.price[column] /= ratio
    left = exact - book.size[column]
    if left != 0.0:
        amount = left * _previous_close(market.close, row, column) / ratio
        book.cash[0] += amount
        tell(book, row, column, IN_LIEU, amount)
    if book.size[column] == 0.0:
        forget(book, column)


@njit(cache=True, nogil=True, error_model="numpy")
def _split_order(column: int, ratio: float, book: Book, fractional: bool) -> None:
    for at in range(book.used[WAITING]):
        order = book.orders[book.lists[WAITING, at]]
        if order[COLUMN] == column:
            exact = order[SIZE] * ratio
            order[SIZE] = exact if fractional else whole(exact)
            order[LAST_CLOSE] /= ratio
            order[LEVEL] /= ratio
            if order[SIZE] == 0.0:
                order[NEEDED] = ratio
                end(book, book.lists[WAITING, at], SPLIT_AWAY)
    close_ranks(book)


@njit(cache=True, nogil=True, error_model="numpy")
def pay(market: Market, row: int, book: Book) -> None:
    """Pay the dividends that are due."""
    kept = 0
    for at in range(book.used[OWED]):
        if book.owing[at, 0] <= row:
            column = int(book.owing[at, 1])
            book.cash[0] += book.owing[at, 2]
            tell(book, market.seen[row, column], column, DIVIDEND, book.owing[at, 2])
        else:
            book.owing[kept] = book.owing[at]
            kept += 1
    book.used[OWED] = kept


@njit(cache=True, nogil=True, error_model="numpy")
def _previous_close(close: np.ndarray, row: int, column: int) -> float:
    for before in range(row - 1, -1, -1):
        if not np.isnan(close[before, column]):
            return close[before, column]
    return np.nan
