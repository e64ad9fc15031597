"""The compiled twin of the simulated broker: the same decisions, orders and fills, without Cerebro's bars.

What `brokers.simulated` and `strategies.base` do with market orders at the next open is said again here, in the
same order and with the same roundings; `tests/engine/test_twin.py` holds the two together. Pure arrays in and
out; imports core and sizers.limits.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from core.costs import Commission, Slippage
from core.options import Limits
from engine.booking import adds, commission, entry_price, parts, slipped, whole
from sizers.limits import limit_weights, shares_of

ROW, COLUMN, SIZE, INTENT, STATUS, FILL_ROW, FILLED, PRICE, COST, NEEDED, AT_HAND, TURN, LAST_CLOSE = range(13)
SUBMITTED, ACCEPTED, COMPLETED, REFUSED, MARGIN, CANCELED, SPLIT_AWAY = range(7)
ENTER, RESIZE, EXIT = range(3)
DIVIDEND, IN_LIEU = range(2)


class Market(NamedTuple):
    """What trades: (T, N) panels of `Bars`.

    Attributes:
        open: raw open, the close where a bar has none. close: raw close. last: latest raw close.
        actions: (A, 2) int64 row and column of splits and dividends, sorted.
        split, dividend: (A,). pay: (A,) int64 row on which the dividend is paid, T for never.
    """

    open: np.ndarray
    close: np.ndarray
    last: np.ndarray
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
    """Cash to begin with, costs and limits."""

    cash: float
    commission: Commission
    slippage: Slippage
    limits: Limits
    sectors: np.ndarray
    fractional: bool


@njit(cache=True, nogil=True)
def play(market: Market, plan: Plan, account: Account) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Play a plan.

    Returns:
        equity (T,), cash (T,), orders (O, 13) in order of submission with the fields named above (STATUS tells
        how each ended, TURN the place of its fill among all fills), events (E, 4) of cash: row, column, kind
        and amount; row -1 = still owed at the end.
    """
    rows, columns = market.close.shape
    equity, cashes = np.empty(rows), np.empty(rows)
    size, price = np.zeros(columns), np.zeros(columns)
    held, holding = np.empty(columns, np.int64), 0  # columns in the order in which they were entered
    orders, count = np.zeros((64, 13)), 0
    queue, waiting = np.empty(columns, np.int64), 0  # open orders, oldest first
    events, told = np.zeros((16, 4)), 0
    owing, owed = np.zeros((16, 3)), 0  # dividends: pay row, column, amount
    seen = np.zeros(columns, np.int64)  # row of the latest bar
    cash, action, decision, turn = account.cash, 0, 0, 0
    for row in range(rows):
        for column in range(columns):
            if not np.isnan(market.close[row, column]):
                seen[column] = row
        # corporate actions
        while action < len(market.actions) and market.actions[action, 0] == row:
            column = market.actions[action, 1]
            ratio = market.split[action]
            if ratio != 1.0:
                before = size[column]
                if before != 0.0:
                    exact = before * ratio
                    size[column] = exact if account.fractional else whole(exact)
                    price[column] /= ratio
                    left = exact - size[column]
                    if left != 0.0:
                        amount = left * _previous_close(market.close, row, column) / ratio
                        cash += amount
                        events, told = _tell(events, told, row, column, IN_LIEU, amount)
                    if size[column] == 0.0:
                        holding = _forget(held, holding, column)
                for at in range(waiting):
                    order = queue[at]
                    if orders[order, COLUMN] == column:
                        exact = orders[order, SIZE] * ratio
                        orders[order, SIZE] = exact if account.fractional else whole(exact)
                        orders[order, LAST_CLOSE] /= ratio
                        if orders[order, SIZE] == 0.0:
                            orders[order, STATUS] = SPLIT_AWAY
                            orders[order, NEEDED] = ratio
                waiting = _alive(orders, queue, waiting)
            if size[column] != 0.0 and market.dividend[action] != 0.0:
                if owed == len(owing):
                    owing = np.concatenate((owing, np.zeros_like(owing)))
                owing[owed, 0], owing[owed, 1] = market.pay[action], column
                owing[owed, 2] = size[column] * market.dividend[action]
                owed += 1
            action += 1
        if owed:
            kept = 0
            for at in range(owed):
                if owing[at, 0] <= row:
                    cash += owing[at, 2]
                    events, told = _tell(events, told, seen[int(owing[at, 1])], owing[at, 1], DIVIDEND, owing[at, 2])
                else:
                    owing[kept] = owing[at]
                    kept += 1
            owed = kept
        if waiting:
            _check(orders, queue, waiting, size, cash, account)
            waiting = _alive(orders, queue, waiting)
            cash, holding, turn = _match(market, row, orders, queue, waiting, size, price, held, holding, cash, turn,
                                         account)
            waiting = _alive(orders, queue, waiting)
        # value
        worth = 0.0
        for at in range(holding):
            worth += size[held[at]] * market.last[row, held[at]]
        due = 0.0
        for at in range(owed):
            due += owing[at, 2]
        equity[row] = cash + worth + due
        cashes[row] = cash
        # decision
        if decision < len(plan.rows) and plan.rows[decision] == row:
            orders, count, waiting, queue = _decide(market.last[row], plan, decision, orders, count, queue, waiting, size,
                                                    seen, equity[row], cash, account)
            decision += 1
    for at in range(owed):
        events, told = _tell(events, told, -1, owing[at, 1], DIVIDEND, owing[at, 2])
    return equity, cashes, orders[:count], events[:told]


@njit(cache=True, nogil=True)
def _decide(prices: np.ndarray, plan: Plan, decision: int, orders: np.ndarray, count: int, queue: np.ndarray, waiting: int,
            size: np.ndarray, seen: np.ndarray, value: float, cash: float, account: Account) -> tuple[np.ndarray, int, int, np.ndarray]:
    """Take back the open orders of what is decided anew, size, and order the differences."""
    decided, conviction = plan.decided[decision], plan.conviction[decision]
    for at in range(waiting):
        if decided[int(orders[queue[at], COLUMN])]:
            orders[queue[at], STATUS] = CANCELED
    waiting = _alive(orders, queue, waiting)
    held, reserved = size.copy(), 0.0
    for at in range(waiting):
        column = int(orders[queue[at], COLUMN])
        held[column] += orders[queue[at], SIZE]
        reserved += max(orders[queue[at], SIZE], 0.0) * prices[column]
    current = np.zeros(len(size))
    if value > 0:
        for column in range(len(size)):
            if held[column] != 0.0:
                current[column] = held[column] * prices[column] / value
    allowed = limit_weights(plan.wished[decision], current, conviction, decided, account.sectors, value, cash - reserved,
                            account.limits)
    shares = shares_of(allowed, held, decided, value, prices, account.fractional, account.limits)
    change = np.where(decided, shares - size, 0.0)
    buys = np.flatnonzero(change > 0)
    buys = buys[np.argsort(-np.abs(conviction[buys]), kind="mergesort")]
    for column in np.concatenate((np.flatnonzero(change < 0), buys)):
        if count == len(orders):
            orders = np.concatenate((orders, np.zeros_like(orders)))
        before, after = size[column], shares[column]
        orders[count, ROW], orders[count, COLUMN], orders[count, SIZE] = seen[column], column, after - before
        orders[count, INTENT] = EXIT if after == 0 else RESIZE if before * after > 0 else ENTER
        orders[count, STATUS], orders[count, LAST_CLOSE] = SUBMITTED, prices[column]
        queue[waiting] = count
        count, waiting = count + 1, waiting + 1
    return orders, count, waiting, queue


@njit(cache=True, nogil=True)
def _check(orders: np.ndarray, queue: np.ndarray, waiting: int, size: np.ndarray, cash: float, account: Account) -> None:
    """Accept what the cash at the signal's close can pay for, what frees cash first."""
    for adding in (False, True):
        for at in range(waiting):
            order = queue[at]
            column = int(orders[order, COLUMN])
            change, close = orders[order, SIZE], orders[order, LAST_CLOSE]
            if orders[order, STATUS] != SUBMITTED or adds(size[column], change) != adding:
                continue
            opened, closed = parts(size[column], change)
            left = cash
            if closed != 0.0:
                left += -closed * close
                left -= commission(account.commission, closed, close)
            if opened != 0.0:
                left -= opened * close
                left -= commission(account.commission, opened, close)
            if left >= 0.0 or not adding:
                cash = left
                orders[order, STATUS] = ACCEPTED
            else:
                orders[order, STATUS], orders[order, NEEDED], orders[order, AT_HAND] = REFUSED, cash - left, cash


@njit(cache=True, nogil=True)
def _match(market: Market, row: int, orders: np.ndarray, queue: np.ndarray, waiting: int, size: np.ndarray,
           price: np.ndarray, held: np.ndarray, holding: int, cash: float, turn: int,
           account: Account) -> tuple[float, int, int]:
    """Fill at the open of the feeds that have a bar: sales and covers, then buys."""
    sides = np.zeros(waiting, np.int64)
    for at in range(waiting):
        column = int(orders[queue[at], COLUMN])
        if not np.isnan(market.close[row, column]):
            sides[at] = 2 if adds(size[column], orders[queue[at], SIZE]) else 1
    for side in (1, 2):
        for at in range(waiting):
            if sides[at] != side:
                continue
            order = queue[at]
            column, change = int(orders[order, COLUMN]), orders[order, SIZE]
            paid = slipped(account.slippage, market.open[row, column], change)
            before, at_hand = size[column], cash
            opened, closed = parts(before, change)
            wanted, costs = opened, 0.0
            if closed != 0.0:
                cash += -closed * price[column] + -closed * (paid - price[column])
                costs = commission(account.commission, closed, paid)
                cash -= costs
            if opened != 0.0:
                cost = commission(account.commission, opened, paid)
                left = cash - opened * paid
                left -= cost
                if left < 0.0:
                    opened = 0.0
                else:
                    cash = left
                    costs += cost
            done = closed + opened
            if done != 0.0:
                price[column] = entry_price(before, price[column], done, paid)
                size[column] = before + done
                if size[column] == 0.0:
                    holding = _forget(held, holding, column)
                elif before == 0.0:
                    held[holding] = column
                    holding += 1
                orders[order, FILL_ROW], orders[order, FILLED], orders[order, PRICE] = row, done, paid
                orders[order, COST], orders[order, TURN] = costs, turn
                turn += 1
            if wanted != 0.0 and opened == 0.0:
                orders[order, STATUS], orders[order, AT_HAND] = MARGIN, at_hand
                orders[order, NEEDED], orders[order, PRICE] = abs(change - done) * paid, paid
            else:
                orders[order, STATUS] = COMPLETED
    return cash, holding, turn


@njit(cache=True, nogil=True)
def _previous_close(close: np.ndarray, row: int, column: int) -> float:
    for before in range(row - 1, -1, -1):
        if not np.isnan(close[before, column]):
            return close[before, column]
    return np.nan


@njit(cache=True, nogil=True)
def _forget(held: np.ndarray, holding: int, column: int) -> int:
    kept = 0
    for at in range(holding):
        if held[at] != column:
            held[kept] = held[at]
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def _alive(orders: np.ndarray, queue: np.ndarray, waiting: int) -> int:
    """Close the ranks of the open orders."""
    kept = 0
    for at in range(waiting):
        if orders[queue[at], STATUS] <= ACCEPTED:
            queue[kept] = queue[at]
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def _tell(events: np.ndarray, told: int, row: int, column: int, kind: int, amount: float) -> tuple[np.ndarray, int]:
    if told == len(events):
        events = np.concatenate((events, np.zeros_like(events)))
    events[told, 0], events[told, 1], events[told, 2], events[told, 3] = row, column, kind, amount
    return events, told + 1
