"""The chain of out-of-sample windows that a walk-forward leaves behind, and its measures. Imports core and analyzers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from analyzers import metrics
from core.bars import Bars
from core.space import Space
from core.spec import RunSpec
from optimize.objective import Objective

COUNTS = ("trades", "fills", "rejected")


class Window(NamedTuple):
    """One step of the walk.

    Attributes:
        train_start, train_end, test_start, test_end: ISO dates, all included.
        params: what was best in training; empty where the objective was NaN for every trial, and the account stays flat.
        in_sample, out_of_sample: measures of these parameters in training and in the test, empty likewise.
        trials: number of trials played in training.
    """

    train_start: str
    train_end: str
    test_start: str
    test_end: str
    params: dict[str, Any]
    in_sample: dict[str, float]
    out_of_sample: dict[str, float]
    trials: int


@dataclass(frozen=True, eq=False)
class WalkForward:
    """A finished walk-forward.

    Attributes:
        spec, bars, space, method, objectives, anchored: what was asked for; the first objective chooses.
        windows: the steps, oldest first.
        sessions: (S,) dates out-of-sample. equity: (S,) returns of the windows compounded from `spec.cash`; every window
            begins flat, with `spec.cash`. benchmark: (S,) the spec's benchmark, bought on the first of these sessions.
        metrics: of the chain; trades, fills and rejected are sums over the windows.
        efficiency: annual return out-of-sample over the mean annual return of the chosen in training; NaN unless that
            is above 0.
        engine: "twin" or "cerebro". obstacle: why not the twin, "" with it.
        warnings: sentences a reader must see. seconds: of the whole.
    """

    spec: RunSpec
    bars: Bars
    space: Space
    method: str
    objectives: tuple[Objective, ...]
    anchored: bool
    windows: tuple[Window, ...]
    sessions: np.ndarray
    equity: np.ndarray
    benchmark: np.ndarray
    metrics: dict[str, float]
    efficiency: float
    engine: str
    warnings: tuple[str, ...]
    seconds: float
    obstacle: str = ""

    @property
    def trials(self) -> int:
        """Trials played in training, all windows together."""
        return sum(window.trials for window in self.windows)

    def summary(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "strategy": self.spec.strategy, "symbols": list(self.spec.symbols), "method": self.method,
            "objective": str(self.objectives[0]), "anchored": self.anchored, "engine": self.engine,
            "obstacle": self.obstacle, "start": str(self.sessions[0]), "end": str(self.sessions[-1]),
            "final_value": float(self.equity[-1]), **self.metrics, "efficiency": self.efficiency,
            "windows": [window._asdict() for window in self.windows], "trials": self.trials, "seconds": self.seconds,
            "warnings": list(self.warnings),
        }


def efficiency(windows: Sequence[Window], annual: float) -> float:
    """Annual return out-of-sample over the mean annual return in training; NaN unless that is above 0 (Pardo, 2008)."""
    trained = [window.in_sample["cagr"] for window in windows if window.params]
    mean = float(np.mean(trained)) if trained else np.nan
    return annual / mean if mean > 0 else np.nan


def chain_metrics(spec: RunSpec, bars: Bars, windows: Sequence[Window], sessions: np.ndarray, equity: np.ndarray,
             benchmark: np.ndarray) -> dict[str, float]:
    periods, free = metrics.sessions_a_year(bars), spec.risk_free
    returns, market = (metrics.session_returns(each, spec.cash) for each in (equity, benchmark))
    growth, fall = metrics.cagr(equity, sessions, spec.cash), metrics.max_drawdown(equity, spec.cash)
    days, count = metrics.underwater(equity, sessions, spec.cash)
    return {
        "total_return": metrics.total_return(equity, spec.cash), "cagr": growth,
        "volatility": metrics.volatility(returns, periods), "sharpe": metrics.sharpe(returns, periods, free),
        "sortino": metrics.sortino(returns, periods, free), "calmar": metrics.calmar(growth, fall), "max_drawdown": fall,
        "max_drawdown_days": float(days), "max_drawdown_bars": float(count),
        "alpha": metrics.benchmark_alpha(returns, market, periods, free), "beta": metrics.benchmark_beta(returns, market),
        "benchmark_return": metrics.total_return(benchmark, spec.cash),
        **{name: float(sum(window.out_of_sample.get(name, 0.0) for window in windows)) for name in COUNTS},
    }
