"""`Base`: what all players share: the window that is measured, and from names to parameters. Imports core, analyzers and engine."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from analyzers import metrics
from core.bars import Bars
from core.blocks import edges
from core.errors import CerebrolabError, NoBars
from core.measures import MEASURES
from core.result import RunResult
from core.spec import RunSpec
from engine import resolve
from engine.build import trades_adjusted
from engine.trials.outcome import Trials
from engine.twin.measures import Window, session_returns


class Base:
    """What all players share: the window, and from names to parameters."""

    engine = ""

    def __init__(self, spec: RunSpec, bars: Bars, strategy: Any, reason: str, start: str | None, blocks: int) -> None:
        self.spec, self.bars, self.obstacle = spec, bars, reason
        self._strategy = strategy
        self.traded = bars.adjusted if trades_adjusted(spec, strategy) else bars
        first = 0 if start is None else int(np.searchsorted(bars.session, np.datetime64(start, "D")))
        if first >= len(bars):
            raise NoBars(f"nothing to measure from {start} on: the bars end on {bars.session[-1] if len(bars) else '-'}")
        ends = np.flatnonzero(np.r_[bars.session[1:] != bars.session[:-1], True])
        ends = ends[ends >= first]
        self.sessions = bars.session[ends]
        self.periods = float(metrics.sessions_a_year(bars))
        self._window = Window(ends, first, edges(len(ends), blocks), float(spec.cash), self.periods,
                              float(metrics.years(self.sessions)), math.expm1(math.log1p(spec.risk_free) / self.periods))

    def _spec_of(self, params: Mapping[str, Any]) -> RunSpec:
        """The run with a trial's parameters."""
        aliases = getattr(self._strategy, "aliases", None) or {}
        return self.spec.with_assignments({aliases.get(name, name): value for name, value in params.items()})

    def measures(self, result: RunResult) -> dict[str, float]:
        """The measures of a result, over the window, by name."""
        return measures_of(result, self._window)

    def session_returns(self, result: RunResult) -> np.ndarray:
        """(S,) simple session returns of a result."""
        made = np.empty(len(self._window.ends))
        session_returns(result.equity, self._window.ends, self._window.cash, made)
        return made

    def _empty(self, count: int) -> Trials:
        blocks = np.diff(self._window.edges)
        return Trials(np.full((count, len(MEASURES)), np.nan), blocks, np.zeros((count, len(blocks))),
                      np.zeros((count, len(blocks))), ("",) * count)


def measures_of(result: RunResult, window: Window) -> dict[str, float]:
    """The measures of a run in the order of `MEASURES`; those over time within the window only."""
    spec, equity = result.spec, result.equity[window.first :]
    dates, ends = result.bars.session[window.ends], result.equity[window.ends]
    returns = metrics.session_returns(ends, spec.cash)
    fall, growth = metrics.max_drawdown(equity, spec.cash), metrics.cagr(ends, dates, spec.cash)
    traded = [fill.size * fill.price for fill in result.fills]
    found = {
        **result.metrics, "total_return": metrics.total_return(ends, spec.cash), "cagr": growth,
        "volatility": metrics.volatility(returns, window.periods),
        "sharpe": metrics.sharpe(returns, window.periods, spec.risk_free),
        "sortino": metrics.sortino(returns, window.periods, spec.risk_free),
        "calmar": metrics.calmar(growth, fall), "max_drawdown": fall,
        "exposure": metrics.mean_exposure(result.exposure[window.first :]),
        "turnover": metrics.turnover(traded, equity, dates),
        "trades": float(sum(not trade.open for trade in result.trades)), "fills": float(len(result.fills)),
        "rejected": float(len(result.rejected)), "final_value": result.final_value,
    }
    return {name: float(found[name]) for name in MEASURES}


def problem_of(error: Exception) -> str:
    """One line on what kept a trial from being played."""
    if isinstance(error, CerebrolabError):
        return str(error)
    return resolve.raised_in_file(error) or f"{type(error).__name__}: {' '.join(str(error).split())}"
