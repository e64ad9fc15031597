"""Robustness: how much of the best trial of a sweep is left when chance, costs, days and parameters turn out otherwise.

Imports core, analyzers, engine, and the parts it puts together from optimize.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from analyzers import metrics
from core.costs import parse_commission, parse_slippage
from core.errors import BadSpec
from core.measures import MEASURES
from core.result import RunResult
from core.spec import RunSpec
from engine.resolve import strategy_class
from engine.trials import player
from optimize.plateau import Plateau, plateau
from optimize.result import SweepResult
from optimize.statistics.bootstrap import intervals
from optimize.statistics.cross_validation import cross_validate
from optimize.statistics.monte_carlo import BASIS_POINT, cost_stress, trade_order
from optimize.timing_luck import TimingLuck, timing_luck

MULTIPLES = (0.0, 1.0, 2.0, 3.0)
QUANTILES = (0.05, 0.5, 0.95)
GROUPS, TESTS = 10, 2  # of the cross-validation: 9 paths
FEWEST_GROUPS = 3
COST_DRAWS = 500  # histories of random costs are kept in memory at once
Quantiles = dict[float, float]


@dataclass(frozen=True, eq=False)
class Robustness:
    """The best trial of a sweep under other circumstances.

    Attributes:
        intervals: measure -> (low, high), bootstrap interval of confidence `level`.
        trade_order: "max_drawdown" of its closed trades in random order, "final_value" of as many drawn with replacement,
            as quantiles; NaN without a closed trade.
        costs: (multiple, measures) with commission and slippage times 0, 1, 2 and 3, played anew; only (1, measures) where
            the run assumes none.
        cost_draws: measure -> quantiles under random costs, see `optimize.statistics.monte_carlo`; empty without costs.
        break_even: multiple of the costs at which the total return is gone; NaN without costs.
        timing: (offset, measures) on every rebalance day the strategy names. timing_luck: annual standard deviation between
            them; () and NaN for a strategy without any.
        plateau: its neighbours in the space; None without a number to change.
        paths: (P,) annual Sharpe ratios of the combinatorial cross-validation's out-of-sample paths, on which the best
            trial is chosen anew; empty with fewer than 2 trials or too few sessions.
    """

    intervals: dict[str, tuple[float, float]]
    level: float
    trade_order: dict[str, Quantiles]
    costs: tuple[tuple[float, dict[str, float]], ...]
    cost_draws: dict[str, Quantiles]
    break_even: float
    timing: tuple[tuple[dict[str, Any], dict[str, float]], ...]
    timing_luck: float
    plateau: Plateau | None
    paths: np.ndarray

    def summary(self) -> dict[str, Any]:
        """What `--json` prints: plain lists and tables, quantiles under their percentages."""
        def shown(quantiles: dict[str, Quantiles]) -> dict[str, dict[str, float]]:
            return {name: {f"{each:.0%}": value for each, value in own.items()} for name, own in quantiles.items()}

        return {
            "level": self.level, "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "trade_order": shown(self.trade_order), "cost_draws": shown(self.cost_draws), "break_even": self.break_even,
            "costs": [{"multiple": multiple, **measures} for multiple, measures in self.costs],
            "timing": [{"offset": offset, **measures} for offset, measures in self.timing], "timing_luck": self.timing_luck,
            "plateau": self.plateau and self.plateau._asdict(), "paths": self.paths.tolist(),
        }


def robustness(result: SweepResult, *, draws: int = 2000, seed: int = 0, level: float = 0.95) -> Robustness:
    """Judge the best trial of a sweep.

    Args:
        draws: of the bootstrap and of the trade order. seed: of everything random. level: of the intervals.

    Raises:
        BadSpec: the sweep has no best trial. UsageError: no draws, or a level outside 0 to 1.
    """
    if result.best < 0:
        raise BadSpec(f"no trial has a {result.objectives[0].metric}: there is nothing to judge; widen the space")
    params, periods = result.params(result.best), metrics.sessions_a_year(result.bars)
    played_by = player(result.spec, result.bars, result.engine)
    run = result.best_run or played_by.result(params)
    sessions, equity = metrics.session_last(run.bars.session, run.equity)
    returns = metrics.session_returns(equity, run.spec.cash)
    drawn, break_even = _cost_draws(run, sessions, equity, periods, min(draws, COST_DRAWS), seed)
    offsets: Mapping[str, Any] = getattr(strategy_class(result.spec.strategy), "timing", {})
    timing = timing_luck(played_by, params, offsets) if offsets else TimingLuck((), np.nan)
    return Robustness(
        intervals=intervals(returns, periods, level, draws, seed), level=level, trade_order=_trade_order(run, draws, seed),
        costs=_costs(result, params), cost_draws=drawn, break_even=break_even, timing=timing.played, timing_luck=timing.luck,
        plateau=plateau(result), paths=_paths(result, periods))


def _trade_order(run: RunResult, draws: int, seed: int) -> dict[str, Quantiles]:
    closed = [trade for trade in run.trades if not trade.open]
    rows = np.searchsorted(run.bars.index, [trade.entry_time for trade in closed])
    before = np.r_[run.spec.cash, run.equity][rows]  # value at the close before the entry
    profits = metrics.outcomes(closed)
    if not (before > 0).any():
        return {name: dict.fromkeys(QUANTILES, np.nan) for name in ("max_drawdown", "final_value")}
    trades = profits[before > 0], before[before > 0], run.spec.cash, draws, seed
    return {"max_drawdown": _quantiles(trade_order(*trades).max_drawdown),
            "final_value": _quantiles(trade_order(*trades, replace=True).final)}


def _quantiles(values: np.ndarray) -> Quantiles:
    known = values[np.isfinite(values)]
    return {each: float(np.quantile(known, each)) if len(known) else np.nan for each in QUANTILES}


# -- costs --------------------------------------------------------------------------------------------


def _costs(result: SweepResult, params: Mapping[str, Any]) -> tuple[tuple[float, dict[str, float]], ...]:
    free = with_costs(result.spec, 0.0)
    multiples = (1.0,) if with_costs(result.spec, 1.0) == free else MULTIPLES
    made = []
    for multiple in multiples:
        trials = player(with_costs(result.spec, multiple), result.bars, result.engine).play([params])
        if trials.problems[0]:
            raise BadSpec(f"the best trial cannot be played with {multiple:g} times its costs: {trials.problems[0]}")
        made.append((multiple, dict(zip(MEASURES, trials.measures[0].tolist(), strict=True))))
    return tuple(made)


def with_costs(spec: RunSpec, multiple: float) -> RunSpec:
    """The spec with its commission and slippage, smallest commissions included, times a multiple.

    Raises:
        BadSpec: they become the whole price or more.
    """
    commission, slippage = parse_commission(spec.commission), parse_slippage(spec.slippage)
    amount = (f"{commission.per_share * multiple!r}/share" if commission.per_share else f"{commission.rate * multiple!r}")
    smallest = f" min {commission.minimum * multiple!r}" if commission.minimum else ""
    worse = f"{slippage.fixed * multiple!r}/share" if slippage.fixed else f"{slippage.rate * multiple!r}"
    none = not multiple
    return spec.replace(commission="none" if none or not any(commission) else amount + smallest,
                        slippage="none" if none or not any(slippage) else worse)


def _cost_draws(run: RunResult, sessions: np.ndarray, equity: np.ndarray, periods: float, draws: int,
                seed: int) -> tuple[dict[str, Quantiles], float]:
    """Quantiles of each measure under random costs, and the multiple of the costs that leaves no return."""
    values = np.array([abs(fill.size * fill.price) for fill in run.fills])
    slippage = parse_slippage(run.spec.slippage)
    paid = sum(fill.commission + abs(fill.size) * slippage.fixed for fill in run.fills)
    if not values.sum() > 0 or not (paid or slippage.rate) or len(equity) < 2:
        return {}, np.nan
    cost_bp = paid / values.sum() / BASIS_POINT + slippage.rate / BASIS_POINT
    rows = np.searchsorted(sessions, [fill.session for fill in run.fills])
    stress = cost_stress(equity, run.spec.cash, rows, values, cost_bp, periods, draws=draws, seed=seed)
    return {name: _quantiles(drawn) for name, drawn in stress.drawn.items()}, stress.break_even


# -- cross-validation ---------------------------------------------------------------------------------


def _paths(result: SweepResult, periods: float) -> np.ndarray:
    blocks = len(result.moments.count)
    groups = min(GROUPS, blocks)
    if len(result.moments.sum) < 2 or groups < FEWEST_GROUPS:
        return np.empty(0)
    embargo = 1 if blocks >= 2 * groups else 0  # rounded up to a whole block: only where a group has more than one
    return cross_validate(result.moments, groups, TESTS, embargo=embargo).paths * np.sqrt(periods)
