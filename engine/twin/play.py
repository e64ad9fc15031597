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
    rows, columns = market.close.shape
    equity, cash = np.empty(rows), np.empty(rows)
    book = opened(columns, plan.decided.sum(), len(market.actions), account.cash)
    action, decision = 0, 0
    for row in range(rows):
        for column in range(columns):
            if not np.isnan(market.close[row, column]):
                book.seen[column] = row
        while action < len(market.actions) and market.actions[action, 0] == row:
            act(market, action, book, account.fractional)
            action += 1
        if book.used[OWED]:
            pay(book, row)
        if book.used[WAITING]:
            check(book, account)
            match(market, row, book, account)
        equity[row], cash[row] = value(book, market.last[row]), book.cash[0]
        if decision < len(plan.rows) and plan.rows[decision] == row:
            decide(market.last[row], plan, decision, book, equity[row], account)
            decision += 1
    for at in range(book.used[OWED]):
        tell(book, -1, int(book.owing[at, 1]), DIVIDEND, book.owing[at, 2])
    return equity, cash, book.orders[: book.used[ORDERS]], book.events[: book.used[TOLD]]
