"""Which orders a bar fills, in which turn and at which price, as `brokers.matching` has it; and what a fill does."""

import numpy as np
from numba import njit

from core.costs import Commission
from engine.twin.book import (
    ACCEPTED,
    AT_HAND,
    BARRED,
    CANCELED,
    COLUMN,
    COMPLETED,
    COST,
    END_GUARD,
    ENTRY_LATE,
    ENTRY_ROW,
    FILL_ROW,
    FILLED,
    FILLS,
    FIRST_GUARD,
    KIND,
    LEVEL,
    LIMIT,
    MARGIN,
    MARKET,
    NEEDED,
    PRICE,
    SIZE,
    STATUS,
    STOP_TRAIL,
    TURN,
    WAITING,
    Account,
    Book,
    Market,
    close_ranks,
    end,
    remember,
)
from engine.twin.booking import adds, commission, entry_price, parts, slipped


@njit(inline="always")
def match(market: Market, row: int, book: Book, account: Account) -> None:
    """Try what has a bar: stops that gapped, sales and covers at the open, buys at the open, then within the bar."""
    queue, orders, count = book.lists[WAITING], book.orders, book.used[WAITING]
    if count == 1 and orders[queue[0], KIND] == MARKET:
        if not np.isnan(market.close[row, int(orders[queue[0], COLUMN])]):
            _fill_at_open(market, row, book, queue[0], account)
            close_ranks(book)
        return
    turns, tried = np.full(count, -1, np.int8), 0
    for at in range(count):
        number = queue[at]
        column = int(orders[number, COLUMN])
        if not np.isnan(market.close[row, column]):
            turn = _turn(orders[number, KIND], orders[number, SIZE], orders[number, LEVEL], book.size[column],
                         market.open[row, column], market.high[row, column], market.low[row, column])
            turns[at], tried = turn, tried | 1 << turn
    for turn in range(4):
        if tried & 1 << turn:
            for at in range(count):
                number = queue[at]
                if turns[at] != turn:
                    continue
                if orders[number, KIND] == MARKET:
                    _fill_at_open(market, row, book, number, account)
                elif orders[number, STATUS] <= ACCEPTED:  # an earlier fill may have cancelled it
                    try_guard(market, row, book, number, account)
    close_ranks(book)


@njit(inline="always")
def _fill_at_open(market: Market, row: int, book: Book, number: int, account: Account) -> None:
    column = int(book.orders[number, COLUMN])
    paid = slipped(account.slippage, market.open[row, column], book.orders[number, SIZE])
    _fill(row, np.isnan(market.high[row, column]), book, number, paid, account.commission)


@njit(cache=True, nogil=True, error_model="numpy")
def _turn(kind: int, change: float, level: float, held: float, opening: float, high: float, low: float) -> int:
    """When in the bar an order is tried: 0 to 2 at the open, 3 within the bar; 4 = it is out of reach."""
    if kind == MARKET:
        return 2 if adds(held, change) else 1
    rises = (change > 0.0) != (kind == LIMIT)  # whether it waits for the price to rise
    if not np.isnan(high) and (opening >= level if rises else opening <= level):
        return 1 if kind == LIMIT else 0
    reach = opening if np.isnan(high) else high if rises else low
    return 3 if kind == STOP_TRAIL or (reach >= level if rises else reach <= level) else 4


@njit(cache=True, nogil=True, error_model="numpy")
def try_guard(market: Market, row: int, book: Book, number: int, account: Account) -> None:
    """Fill a protective order if the bar on `row` reaches its price; else a trailing stop follows the close."""
    orders = book.orders
    column, change = int(orders[number, COLUMN]), orders[number, SIZE]
    kind, level = orders[number, KIND], orders[number, LEVEL]
    opening, high, low = market.open[row, column], market.high[row, column], market.low[row, column]
    late = np.isnan(high)  # it can fill at the close only
    price = _reached(kind, change, level, opening, opening if late else high, opening if late else low)
    if not np.isnan(price):
        paid = slipped(account.slippage, price, change)
        if kind == LIMIT:
            paid = min(paid, level) if change > 0.0 else max(paid, level)
        _fill(row, late, book, number, paid, account.commission)
        book.marks[BARRED, column] = 1.0 if change < 0.0 else -1.0
        cancel_guards(book, column)
    elif kind == STOP_TRAIL:
        orders[number, LEVEL] = trailed(level, change, market.close[row, column], account.exits.trail)


@njit(cache=True, nogil=True, error_model="numpy")
def _reached(kind: int, change: float, level: float, opening: float, high: float, low: float) -> float:
    """The price at which a bar meets a stop or a limit, before slippage; NaN if it does not."""
    if (change > 0.0) != (kind == LIMIT):
        return opening if opening >= level else level if high >= level else np.nan
    return opening if opening <= level else level if low <= level else np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def trailed(level: float, change: float, price: float, part: float) -> float:
    """Where a trailing stop stands once it has seen `price`: Backtrader's `Order.trailadjust`."""
    return min(level, price + price * part) if change > 0.0 else max(level, price - price * part)


@njit(cache=True, nogil=True, error_model="numpy")
def cancel_guards(book: Book, column: int) -> None:
    """Cancel the protective orders of a symbol; they are one group."""
    for number in range(int(book.marks[FIRST_GUARD, column]), int(book.marks[END_GUARD, column])):
        if book.orders[number, STATUS] <= ACCEPTED:
            book.orders[number, STATUS] = CANCELED
    book.marks[FIRST_GUARD, column] = book.marks[END_GUARD, column] = -1.0


@njit(inline="always")
def _fill(row: int, late: bool, book: Book, number: int, paid: float, terms: Commission) -> None:
    """Close and open shares at a price; what cannot be paid for is not opened. `late` = at the close of the bar."""
    orders = book.orders
    column, change = int(orders[number, COLUMN]), orders[number, SIZE]
    before, average, at_hand = book.size[column], book.price[column], book.cash[0]
    opened, closed = parts(before, change)
    cash, costs, refused = at_hand, 0.0, False
    if closed != 0.0:
        cash += -closed * average + -closed * (paid - average)
        costs = commission(terms, closed, paid)
        cash -= costs
    if opened != 0.0:
        fee = commission(terms, opened, paid)
        left = cash - opened * paid
        left -= fee
        refused = left < 0.0
        if refused:
            opened = 0.0
        else:
            cash, costs = left, costs + fee
            book.marks[ENTRY_ROW, column] = row
            book.marks[ENTRY_LATE, column] = late
    book.cash[0] = cash
    done = closed + opened
    if done != 0.0:
        book.price[column] = entry_price(before, average, done, paid)
        book.size[column] = before + done
        remember(book, column, before)
        orders[number, FILL_ROW], orders[number, FILLED], orders[number, COST] = row, done, costs
        orders[number, TURN] = book.used[FILLS]
        book.used[FILLS] += 1
    orders[number, PRICE] = paid
    end(book, number, MARGIN if refused else COMPLETED)
    if refused:
        orders[number, NEEDED], orders[number, AT_HAND] = abs(change - done) * paid, at_hand
