"""Fees for borrowed shares and interest on the twin's book, as `brokers.carrying` books them."""

from numba import njit

from core.carry import Nights
from engine.twin.book import BORROW, EARNED, HOLDING, PAID, Account, Book, Market, tell


@njit(cache=True, nogil=True, error_model="numpy")
def charge(market: Market, night: int, book: Book, account: Account) -> None:
    """Book what one night costs or brings, on the last closes before it."""
    nights, rates, row = account.nights, account.carry, account.nights.rows[night]
    lent, days = min(night, len(nights.fees) - 1), nights.days[night]
    cash, secured = book.cash[0], 0.0
    for at in range(book.used[HOLDING]):
        column = book.lists[HOLDING, at]
        if book.size[column] < 0.0:
            worth = -book.size[column] * market.last[row - 1, column]
            secured += worth
            if nights.fees[lent, column] != 0.0:
                _book(book, row, column, BORROW, -(worth * nights.fees[lent, column] * days / rates.days))
    free = cash - secured
    rate = rates.cash if free > 0.0 else rates.margin
    if rate != 0.0 and free != 0.0:
        _book(book, row, -1, EARNED if free > 0.0 else PAID, free * rate * days / rates.days)


@njit(inline="always")
def _book(book: Book, row: int, column: int, kind: int, amount: float) -> None:
    book.cash[0] += amount
    tell(book, row, column, kind, amount)


@njit(inline="always")
def lendable(nights: Nights, row: int, column: int, wished: float, current: float) -> float:
    """A wished weight, without new short sales of what cannot be borrowed on the row; as `core.carry.without_new_shorts`."""
    if len(nights.lent) and not nights.lent[nights.session[row], column]:
        return max(wished, min(current, 0.0))
    return wished
