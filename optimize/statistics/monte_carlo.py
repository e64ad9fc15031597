"""What chance could have made of the same run: other orders of its trades, other costs of its fills.

Imports paths, analyzers.metrics and core.errors.
"""

from typing import NamedTuple

import numpy as np

from analyzers import metrics
from core.errors import UsageError
from optimize.statistics.paths import every_path, headlines, path_numbers

BASIS_POINT = 1e-4


class TradeOrder(NamedTuple):
    """Outcomes of the same trades in other orders.

    Attributes:
        max_drawdown: (draws,) from trade to trade, as fractions. final: (draws,) values, account currency.
    """

    max_drawdown: np.ndarray
    final: np.ndarray


class CostStress(NamedTuple):
    """Headline measures under other costs.

    Attributes:
        multiples: (K,) times the assumed cost. at: name -> (K,) measures at these multiples.
        drawn: name -> (draws,) measures at random costs. break_even: multiple at which the total return is gone, NaN
            without a fill, 0 where there is none to lose, infinite beyond 1,000 times.
    """

    multiples: np.ndarray
    at: dict[str, np.ndarray]
    drawn: dict[str, np.ndarray]
    break_even: float


def trade_order(
    profits: np.ndarray, entry_equity: np.ndarray, cash: float, draws: int = 2000, seed: int = 0, replace: bool = False
) -> TradeOrder:
    """Maximum drawdown and final value when N closed trades come in random order.

    Each trade earns profits / entry_equity (both (N,), account currency) on whatever the account then holds: returns
    compound from `cash`, one trade after the other, as if none overlapped. A new order leaves the final value as it is;
    `replace` draws N trades with replacement, and the final value varies too.

    Raises:
        UsageError: the arrays differ in length, or an entry equity is not above 0.
    """
    profits, entry_equity = np.asarray(profits, dtype=np.float64), np.asarray(entry_equity, dtype=np.float64)
    if profits.shape != entry_equity.shape:
        raise UsageError(f"each trade has a profit and an entry equity, got {len(profits)} and {len(entry_equity)}")
    if not (entry_equity > 0).all():
        raise UsageError(f"entry equity is above 0, got {entry_equity.min():g}: leave out trades after ruin")
    returns, random, numbers = profits / entry_equity, np.random.default_rng(seed), np.empty((draws, 5))
    for draw in numbers:
        again = replace and len(returns)
        path_numbers(random.choice(returns, len(returns)) if again else random.permutation(returns), draw)
    return TradeOrder(numbers[:, 4], cash * numbers[:, 3])


def cost_stress(
    equity: np.ndarray,
    cash: float,
    rows: np.ndarray,
    values: np.ndarray,
    cost_bp: float,
    periods: float,
    multiples: tuple[float, ...] = (0, 0.5, 1, 2, 3, 5),
    draws: int = 500,
    level: float = 0.5,
    spread: float = 1.0,
    seed: int = 0,
) -> CostStress:
    """Headline measures of (S,) equity, begun as `cash`, if its F fills had cost more or less.

    rows: (F,) session of each fill; values: (F,) traded values in account currency; cost_bp: the slippage and
    commission the run assumed, in basis points of the value. First order: the extra cost of a session is taken, as a
    fraction of the equity before it, from that session's return; sizes and fills stay as they were. Drawn costs are
    the assumed ones times lognormals of mean 1: one for the history (standard deviation of its logarithm `level`), one
    for each fill (`spread`).

    Raises:
        UsageError: the arrays do not fit, or a negative cost.
    """
    equity, rows, values = (np.asarray(each, dtype=kind) for each, kind in (
        (equity, np.float64), (rows, np.int64), (values, np.float64)))
    _check_fills(len(equity), rows, values, cost_bp)
    returns, before = metrics.session_returns(equity, cash), np.r_[cash, equity[:-1]][rows]
    part = np.divide(np.abs(values) * cost_bp * BASIS_POINT, before, out=np.zeros(len(rows)), where=before > 0)
    assumed = np.bincount(rows, part, len(equity))
    scale, random, costs = np.asarray(multiples, dtype=np.float64), np.random.default_rng(seed), []
    for _ in range(draws):
        factor = _lognormal(random, level, 1) * _lognormal(random, spread, len(rows))
        costs.append(np.bincount(rows, part * factor, len(equity)))
    at, drawn = (
        headlines(every_path(returns + assumed - table), len(returns), periods)
        for table in (np.outer(scale, assumed), np.reshape(costs, (draws, len(equity)))))
    return CostStress(scale, at, drawn, _break_even(returns, assumed))


def _check_fills(sessions: int, rows: np.ndarray, values: np.ndarray, cost_bp: float) -> None:
    if rows.shape != values.shape:
        raise UsageError(f"each fill has a session and a value, got {len(rows)} and {len(values)}: pass one of each")
    if len(rows) and not 0 <= rows.min() <= rows.max() < sessions:
        raise UsageError(f"fills lie in sessions 0 to {sessions - 1}, got {rows.min()} to {rows.max()}: count from 0")
    if cost_bp < 0 or sessions < 2:
        raise UsageError(f"costs are 0 bp or more, on 2 sessions or more, got {cost_bp:g} bp on {sessions}: correct it")


def _lognormal(random: np.random.Generator, deviation: float, size: int) -> np.ndarray:
    return random.lognormal(-deviation * deviation / 2, deviation, size)


def _break_even(returns: np.ndarray, assumed: np.ndarray) -> float:
    """The multiple of the assumed costs at which the product of 1 + return is 1."""
    from scipy.optimize import brentq

    if not assumed.any():
        return float("nan")

    def growth(multiple: float) -> float:
        return float(np.log1p(np.maximum(returns - (multiple - 1) * assumed, -1 + 1e-12)).sum())

    if growth(0.0) <= 0:
        return 0.0
    return float(brentq(growth, 0.0, 1000.0)) if growth(1000.0) < 0 else float("inf")
