"""`play`: bar after bar."""

from collections.abc import Callable

import numpy as np
from numba import njit

from engine.twin.bare import bare
from engine.twin.book import (
    ASKED,
    AT_ACTION,
    AT_DECISION,
    AT_NIGHT,
    AT_ROW,
    CLOCKS,
    CONVICTION,
    DIVIDEND,
    GUARDED,
    HOLDING,
    NEWS,
    NOTHING,
    ORDERS,
    OWED,
    ROOM,
    TOLD,
    WAITING,
    WISHED,
    Account,
    Book,
    Market,
    Plan,
    bare_account,
    bare_book,
    bare_market,
    has_room,
    opened,
    owed,
    tell,
    value,
    values,
    with_room,
)
from engine.twin.carry import charge
from engine.twin.corporate import act, pay
from engine.twin.matching import match
from engine.twin.orders import check, decide
from engine.twin.protection import active, bar_out, hear, leave_overdue, tick

Wish = Callable[[int, np.ndarray], np.ndarray]  # (row, (N,) conviction) -> (N,) wished weights


def play(market: Market, plan: Plan, account: Account,
         wish: Wish) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Play a plan.

    Args:
        wish: the first stage of the sizer, asked where protective exits keep the strategy out of a symbol.

    Returns:
        equity (T,), cash (T,), orders (O, 15) in order of submission (STATUS tells how each ended, TURN the place
        of its fill among all fills), events (E, 4) of cash; row -1 = still owed at the end.
    """
    rows = len(market.close)
    equity, cash = np.empty(rows), np.empty(rows)
    book = played(market, plan, account, wish, equity, cash)
    return equity, cash, book.orders[: book.used[ORDERS]], book.events[: book.used[TOLD]]


def played(market: Market, plan: Plan, account: Account, wish: Wish, equity: np.ndarray, cash: np.ndarray) -> Book:
    """The book after the last bar; `equity` and `cash` (T,) are filled in on the way, `wish` as in `play`."""
    book = begun(market, plan, account)
    resume(market, plan, account, book, equity, cash)
    while book.used[ASKED] != NOTHING:
        if book.used[ASKED] == ROOM:
            book = with_room(book)
        else:
            book.marks[WISHED] = wish(int(plan.rows[book.used[ASKED]]), book.marks[CONVICTION])
        resume(market, plan, account, book, equity, cash)
    return book


@njit(cache=True, nogil=True, error_model="numpy")
def begun(market: Market, plan: Plan, account: Account) -> Book:
    """The book before the first bar."""
    return opened(market.close.shape[1], plan.decided.sum(), len(market.actions), account.cash, active(account.exits))


@njit(inline="always")
def walk(market: Market, plan: Plan, account: Account, equity: np.ndarray, cash: np.ndarray) -> Book:
    """The book after the last bar; `equity` and `cash` (T,) are filled in on the way.

    With protective exits and several symbols it may stop before: `book.used[ASKED]` is then the decision whose wishes
    must be worked out from `book.marks[CONVICTION]` and put into `book.marks[WISHED]`; `resume` goes on from there.
    """
    book = begun(market, plan, account)
    resume(market, plan, account, book, equity, cash)
    while book.used[ASKED] == ROOM:
        book = with_room(book)
        resume(market, plan, account, book, equity, cash)
    return book


@njit(cache=True, nogil=True, error_model="numpy")
def resume(market: Market, plan: Plan, account: Account, book: Book, equity: np.ndarray, cash: np.ndarray) -> None:
    """Go on with a walk that has just begun, or that has got what it asked for: until it asks for something more."""
    bare_plan = Plan(bare(plan.rows), bare(plan.decided), bare(plan.conviction), bare(plan.wished))
    _resume(bare_market(market), bare_plan, bare_account(account), bare_book(book), bare(equity), bare(cash))


@njit(inline="always")
def _resume(market: Market, plan: Plan, account: Account, book: Book, equity: np.ndarray, cash: np.ndarray) -> None:
    rows, used = len(market.close), book.used
    row, action, night, decision, answered = used[AT_ROW], used[AT_ACTION], used[AT_NIGHT], used[AT_DECISION], used[ASKED] >= 0
    nights = account.nights.rows
    while True:
        if not (answered or used[WAITING] or used[NEWS] or used[CLOCKS]):
            row = _coast(market, plan, book, row, action, nights[night] if night < len(nights) else rows, decision, equity, cash)
        if row == rows:
            break
        if not answered:
            if (used[GUARDED] or len(nights)) and not has_room(book):
                used[AT_ROW], used[AT_ACTION], used[AT_NIGHT], used[AT_DECISION], used[ASKED] = row, action, night, decision, ROOM
                return
            if night < len(nights) and nights[night] == row:
                charge(market, night, book, account)
                night += 1
            while action < len(market.actions) and market.actions[action, 0] == row:
                act(market, action, book, account.fractional)
                action += 1
            _broker(market, row, book, account)
            equity[row], cash[row] = value(book, market.last[row]), book.cash[0]
            if used[CLOCKS]:
                leave_overdue(market, row, book, account)
        if decision < len(plan.rows) and plan.rows[decision] == row:
            if not answered and used[GUARDED] and _asks(plan, decision, book):
                used[AT_ROW], used[AT_ACTION], used[AT_NIGHT], used[AT_DECISION], used[ASKED] = row, action, night, decision, decision
                return
            conviction = book.marks[CONVICTION] if used[GUARDED] else plan.conviction[decision]
            wished = book.marks[WISHED] if used[GUARDED] else plan.wished[decision]
            decide(market, row, plan.decided[decision], conviction, wished, book, equity[row], account)
            decision += 1
        answered = False
        row += 1
    used[ASKED] = NOTHING
    for at in range(used[OWED]):
        tell(book, -1, int(book.owing[at, 1]), DIVIDEND, book.owing[at, 2])


@njit(inline="always")
def _broker(market: Market, row: int, book: Book, account: Account) -> None:
    """What the broker does with a bar after splits and dividends, and what protects the positions it makes."""
    if book.used[CLOCKS]:
        tick(market, row, book)
    if book.used[OWED]:
        pay(market, row, book)
    if book.used[WAITING]:
        check(book, account)
        match(market, row, book, account)
    if book.used[NEWS]:
        hear(market, row, book, account)


@njit(cache=True, nogil=True, error_model="numpy")
def _asks(plan: Plan, decision: int, book: Book) -> bool:
    """Put the convictions and wishes of a decision on the book; returns whether the wishes must be asked for.

    A symbol without a conviction has a wish of 0, and those not decided on are not looked at: no other wish can
    change where everything that is decided on is barred.
    """
    decided = plan.decided[decision]
    book.marks[WISHED] = plan.wished[decision]
    if not bar_out(book, decided, plan.conviction[decision]):
        return False
    asks = False
    for column in range(len(decided)):
        if book.marks[CONVICTION, column] == 0.0:
            book.marks[WISHED, column] = 0.0
        elif decided[column]:
            asks = True
    return asks


@njit(inline="always")
def _coast(market: Market, plan: Plan, book: Book, row: int, action: int, until: int, decision: int, equity: np.ndarray,
           cash: np.ndarray) -> int:
    """Value the account on the rows before `until` on which nothing but prices can change; returns the next row."""
    if decision < len(plan.rows):
        until = min(until, plan.rows[decision])
    if action < len(market.actions):
        until = min(until, market.actions[action, 0])
    for at in range(book.used[OWED]):
        until = min(until, max(int(book.owing[at, 0]), row))
    if until > row:
        cash[row:until] = book.cash[0]
        values(market.last[row:until], book.size, book.lists[HOLDING, : book.used[HOLDING]], book.cash[0], owed(book), equity[row:until])
    return max(row, until)
