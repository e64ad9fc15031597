"""The measures of one trial, compiled: those of `analyzers.metrics`, in the order of `core.measures.MEASURES`."""

from typing import NamedTuple

import numpy as np
from numba import njit

from engine.twin.bare import bare
from engine.twin.book import (
    COLUMN,
    COST,
    FILL_ROW,
    FILLED,
    MARGIN,
    ORDERS,
    PRICE,
    REFUSED,
    STATUS,
    Book,
    Market,
    bare_book,
    bare_market,
)
from engine.twin.booking import whole
from engine.twin.trips import closed_profits, fills_of

RUIN = 1e-9  # as in analyzers.metrics: returns are 0 once all but this part of the cash is lost
REORDERED = {"reassoc"}  # sums may be taken in another order, several numbers at once
COMPARED = {"reassoc", "nnan", "nsz"}  # so may the largest and the smallest of numbers
STRETCH = 64  # values looked through at once


class Window(NamedTuple):
    """What is measured.

    Attributes:
        ends: (S,) int64 row of each session's last bar. first: row from which the account is looked at.
        edges: (B + 1,) int64 borders of the blocks of sessions. cash: value before the first row.
        periods: sessions a year. years: calendar time. free: risk-free rate of a session.
    """

    ends: np.ndarray
    first: int
    edges: np.ndarray
    cash: float
    periods: float
    years: float
    free: float


@njit(cache=True, nogil=True, error_model="numpy")
def measure(market: Market, book: Book, fractional: bool, equity: np.ndarray, window: Window, returns: np.ndarray,
            sums: np.ndarray, squares: np.ndarray, out: np.ndarray) -> None:
    """Fill in the measures `out` (K,), the session returns (S,), and their sums and squares (B,) by block."""
    _measure(bare_market(market), bare_book(book), fractional, bare(equity), window, bare(returns), sums, squares, out)


@njit(inline="always")
def _measure(market: Market, book: Book, fractional: bool, equity: np.ndarray, window: Window, returns: np.ndarray,
             sums: np.ndarray, squares: np.ndarray, out: np.ndarray) -> None:
    ends, cash, periods = window.ends, window.cash, window.periods
    session_returns(equity, ends, cash, returns)
    _blocks(returns, window.edges, sums, squares)
    final, mean = equity[ends[-1]], sums.sum() / len(returns)
    spread, below, excess = _spread(returns, mean, window.free)
    count = len(returns)
    deviation = np.sqrt(spread / (count - 1)) if count > 1 else np.nan
    risk = deviation if deviation > 1e-12 * np.sqrt(excess) or deviation > 1e-12 * np.abs(returns - window.free).max() else 0.0
    downside = np.sqrt(below / count)
    fall = max_drawdown(equity[window.first :], cash)
    growth = _growth(final / cash, window.years)
    fills = fills_of(book)
    profits = closed_profits(market, book, fills)
    won, lost = profits[profits > 0.0].sum(), -profits[profits < 0.0].sum()
    traded, costs = 0.0, 0.0
    for number in fills:
        traded += abs(book.orders[number, FILLED] * book.orders[number, PRICE])
        costs += book.orders[number, COST]
    average = _mean(equity[window.first :])
    out[0] = final / cash - 1.0
    out[1] = growth
    out[2] = deviation * np.sqrt(periods)
    out[3] = (mean - window.free) / risk * np.sqrt(periods) if count > 1 and risk > 0.0 else np.nan
    out[4] = (mean - window.free) / downside * np.sqrt(periods) if count > 1 and downside > 0.0 else np.nan
    out[5] = growth / fall if fall > 0.0 else np.nan
    out[6] = fall
    out[7] = _exposure(market, book, fractional, fills, equity, window.first)
    out[8] = traded / 2.0 / average / window.years if window.years > 0.0 and average > 0.0 else np.nan
    out[9] = costs
    out[10] = (profits > 0.0).mean() if len(profits) else np.nan
    out[11] = profits.mean() if len(profits) else np.nan
    out[12] = won / lost if lost != 0.0 else np.inf if won != 0.0 else np.nan
    out[13] = len(profits)
    out[14] = len(fills)
    out[15] = _refused(book)
    out[16] = final


@njit(cache=True, nogil=True, error_model="numpy")
def session_returns(equity: np.ndarray, ends: np.ndarray, cash: float, returns: np.ndarray) -> None:
    """`analyzers.metrics.session_returns` of the equity at the sessions' ends, written into (S,) returns."""
    values = equity if len(ends) == len(equity) else equity[ends]
    least = RUIN * cash
    returns[0] = (values[0] - cash) / cash
    earlier, later, changes = values[:-1], values[1:], returns[1:]
    for at in range(len(later)):
        before = earlier[at]
        change = (later[at] - before) / before
        changes[at] = change if before > least else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def max_drawdown(equity: np.ndarray, cash: float) -> float:
    """`analyzers.metrics.max_drawdown`, with one division for each peak; stretches without a new peak are looked through at once."""
    peak, trough, worst = cash, cash, 0.0
    for start in range(0, len(equity), STRETCH):
        part = equity[start : start + STRETCH]
        lowest, highest = _extremes(part)
        if highest <= peak:
            trough = min(trough, lowest)
            continue
        for now in part:
            if now > peak:
                worst = max(worst, 1.0 - trough / peak)
                peak = trough = now
            elif now < trough:
                trough = now
    return max(worst, 1.0 - trough / peak)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=COMPARED)
def _extremes(values: np.ndarray) -> tuple[float, float]:
    lowest = highest = values[0]
    for at in range(len(values)):
        lowest = min(lowest, values[at])
        highest = max(highest, values[at])
    return lowest, highest


@njit(cache=True, nogil=True, error_model="numpy", fastmath=REORDERED)
def _blocks(returns: np.ndarray, edges: np.ndarray, sums: np.ndarray, squares: np.ndarray) -> None:
    for block in range(len(edges) - 1):
        total, square = 0.0, 0.0
        part = returns[edges[block] : edges[block + 1]]
        for at in range(len(part)):
            total += part[at]
            square += part[at] * part[at]
        sums[block], squares[block] = total, square


@njit(cache=True, nogil=True, error_model="numpy", fastmath=REORDERED)
def _spread(returns: np.ndarray, mean: float, free: float) -> tuple[float, float, float]:
    """Sums of squares around the mean, of what is below the risk-free rate, and of all excess over it."""
    spread, below, whole = 0.0, 0.0, 0.0
    for at in range(len(returns)):
        difference, excess = returns[at] - mean, returns[at] - free
        spread += difference * difference
        below += excess * excess if excess < 0.0 else 0.0
        whole += excess * excess
    return spread, below, whole


@njit(cache=True, nogil=True, error_model="numpy", fastmath=REORDERED)
def _mean(values: np.ndarray) -> float:
    total = 0.0
    for at in range(len(values)):
        total += values[at]
    return total / len(values)


@njit(cache=True, nogil=True, error_model="numpy")
def _growth(growth: float, years: float) -> float:
    if years <= 0.0:
        return np.nan
    if growth <= 0.0:
        return -1.0
    rate = np.expm1(np.log(growth) / years)
    return rate if np.isfinite(rate) else np.nan


@njit(inline="always")
def _refused(book: Book) -> int:
    count = 0
    for number in range(book.used[ORDERS]):
        status = book.orders[number, STATUS]
        if status in (REFUSED, MARGIN):
            count += 1
    return count


@njit(inline="always")
def _exposure(market: Market, book: Book, fractional: bool, fills: np.ndarray, equity: np.ndarray, first: int) -> float:
    """Mean over the rows from `first` of gross position value / equity, 0 where equity is not positive."""
    rows, columns = market.close.shape
    size, held = np.zeros(columns), np.empty(columns, np.int64)
    fill, action, total = 0, 0, 0.0
    row = first
    while row < rows:
        until = rows
        while action < len(market.actions) and market.actions[action, 0] <= row:
            after = size[market.actions[action, 1]] * market.split[action]
            size[market.actions[action, 1]] = after if fractional or market.split[action] == 1.0 else whole(after)
            action += 1
        while fill < len(fills) and int(book.orders[fills[fill], FILL_ROW]) <= row:
            order = book.orders[fills[fill]]
            column = int(order[COLUMN])
            size[column] = _kept(size[column] + order[FILLED], size[column])
            fill += 1
        count = _holding(size, held)
        if action < len(market.actions):
            until = min(until, market.actions[action, 0])
        if fill < len(fills):
            until = min(until, int(book.orders[fills[fill], FILL_ROW]))
        if count == 1 and columns == 1:
            total += _gross_of_one(market.last.reshape(-1)[row:until], equity[row:until], size[0])
        elif count == 1:
            total += _gross_of_one(market.last[row:until, held[0]], equity[row:until], size[held[0]])
        elif count:
            total += _gross_of_several(market.last[row:until], equity[row:until], size, held[:count])
        row = until
    return total / (rows - first)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=REORDERED)
def _gross_of_one(last: np.ndarray, equity: np.ndarray, size: float) -> float:
    total = 0.0
    for at in range(len(last)):
        part = abs(size * last[at]) / equity[at]
        total += part if equity[at] > 0.0 else 0.0
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _gross_of_several(last: np.ndarray, equity: np.ndarray, size: np.ndarray, held: np.ndarray) -> float:
    total = 0.0
    for at in range(len(last)):
        worth = 0.0
        for column in held:
            worth += abs(size[column] * last[at, column])
        total += worth / equity[at] if equity[at] > 0.0 else 0.0
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _kept(after: float, before: float) -> float:
    """Shares after a fill; what rounding leaves of a closed position is none."""
    return 0.0 if abs(after) <= 1e-9 * abs(before) else after


@njit(inline="always")
def _holding(size: np.ndarray, held: np.ndarray) -> int:
    """Write the columns with a position into `held`; returns how many there are."""
    count = 0
    for column in range(len(size)):
        if size[column] != 0.0:
            held[count] = column
            count += 1
    return count
