"""`play`: bar after bar."""

import numpy as np
from numba import njit

from engine.twin.book import (
    DIVIDEND,
    ORDERS,
    OWED,
    TOLD,
    WAITING,
    Account,
    Book,
    Market,
    Plan,
    opened,
    tell,
    value,
)
from engine.twin.corporate import act, pay
from engine.twin.orders import check, decide, match


@njit(cache=True, nogil=True)
def play(market: Market, plan: Plan, account: Account) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Play a plan.

    Returns:
        equity (T,), cash (T,), orders (O, 13) in order of submission (STATUS tells how each ended, TURN the place
        of its fill among all fills), events (E, 4) of cash; row -1 = still owed at the end.
    """
    rows = len(market.close)
    equity, cash = np.empty(rows), np.empty(rows)
    book = walk(market, plan, account, equity, cash)
    return equity, cash, book.orders[: book.used[ORDERS]], book.events[: book.used[TOLD]]


@njit(cache=True, nogil=True)
def walk(market: Market, plan: Plan, account: Account, equity: np.ndarray, cash: np.ndarray) -> Book:
    """The book after the last bar; `equity` and `cash` (T,) are filled in on the way."""
    rows, columns = market.close.shape
    book = opened(columns, plan.decided.sum(), len(market.actions), account.cash)
    row, action, decision = 0, 0, 0
    while True:
        if not book.used[WAITING]:
            row = _coast(market, plan, book, row, action, decision, equity, cash)
        if row == rows:
            break
        while action < len(market.actions) and market.actions[action, 0] == row:
            act(market, action, book, account.fractional)
            action += 1
        if book.used[OWED]:
            pay(market, row, book)
        if book.used[WAITING]:
            check(book, account)
            match(market, row, book, account)
        equity[row], cash[row] = value(book, market.last[row]), book.cash[0]
        if decision < len(plan.rows) and plan.rows[decision] == row:
            decide(market, row, plan, decision, book, equity[row], account)
            decision += 1
        row += 1
    for at in range(book.used[OWED]):
        tell(book, -1, int(book.owing[at, 1]), DIVIDEND, book.owing[at, 2])
    return book


@njit(cache=True, nogil=True)
def _coast(market: Market, plan: Plan, book: Book, row: int, action: int, decision: int, equity: np.ndarray,
           cash: np.ndarray) -> int:
    """Value the account on the rows on which nothing but prices can change; returns the next row."""
    until = len(market.close)
    if decision < len(plan.rows):
        until = min(until, plan.rows[decision])
    if action < len(market.actions):
        until = min(until, market.actions[action, 0])
    for at in range(book.used[OWED]):
        until = min(until, max(int(book.owing[at, 0]), row))
    for each in range(row, until):
        equity[each], cash[each] = value(book, market.last[each]), book.cash[0]
    return max(row, until)
