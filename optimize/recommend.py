"""`recommend`: which strategy suits a symbol, by walk-forwards of all of them, and how likely the best of them is luck.

Imports core, engine, journal and its neighbours in optimize.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analyzers import metrics
from core.bars import Bars
from core.errors import CerebrolabError, StoreFailed, UsageError
from core.space import Space
from core.spec import RunSpec
from engine.trials import Trials
from engine.varying import read_space
from journal import Journal
from optimize.recorded import window_recorder
from optimize.statistics.moments import Moments
from optimize.statistics.overfitting import pbo
from optimize.statistics.sharpe import deflated_sharpe
from optimize.walk_forward import Record, walk_forward

WINDOWS, TRIALS = 5, 50
LEVEL, OVERFITTING = 0.9, 0.5  # deflated Sharpe from which a strategy is recommended, and probability of overfitting below which it is


@dataclass(frozen=True)
class Candidate:
    """What became of one strategy.

    Attributes:
        strategy: its name. problem: why it could not be played, "" where it was; all that follows is then NaN.
        sharpe, cagr, max_drawdown, total_return: out-of-sample, of the chain of windows. benchmark_return: of holding the symbol.
        efficiency: see `optimize.chain.WalkForward`. overfitting: probability of backtest overfitting of the parameters tried.
        deflated: probability that the Sharpe ratio is above what the best of all the candidates would show by luck.
        trades: out-of-sample. trials: sets of parameters tried in all windows. params: chosen in the last one.
    """

    strategy: str
    problem: str = ""
    sharpe: float = math.nan
    cagr: float = math.nan
    max_drawdown: float = math.nan
    total_return: float = math.nan
    benchmark_return: float = math.nan
    efficiency: float = math.nan
    overfitting: float = math.nan
    deflated: float = math.nan
    trades: int = 0
    trials: int = 0
    params: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Recommendation:
    """The candidates, the best first: those that could be played by their Sharpe ratio out-of-sample, then the others."""

    symbol: str
    candidates: tuple[Candidate, ...]

    @property
    def best(self) -> Candidate | None:
        """The one that is recommended; None where none is likely to be more than luck."""
        first = self.candidates[0] if self.candidates else None
        likely = first is not None and first.sharpe > 0 and first.deflated >= LEVEL and first.overfitting < OVERFITTING
        return first if likely else None

    def summary(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {"symbol": self.symbol, "recommended": self.best.strategy if self.best else None, "level": LEVEL, "overfitting_below": OVERFITTING,
                "candidates": [vars(each) for each in self.candidates]}


def recommend(spec: RunSpec, strategies: Sequence[str], bars_of: Callable[[RunSpec], Bars], *, windows: int = WINDOWS, trials: int = TRIALS,
              jobs: int | None = None, record: Callable[[RunSpec, Bars, Space], Record] | None = None,
              progress: Callable[[int, int, str], Any] | None = None) -> Recommendation:
    """Play every strategy on the one symbol of a spec, its parameters chosen in training windows that begin with the first bar.

    Args:
        spec: the run; its strategy and parameters do not matter. bars_of: the bars of a spec.
        windows, trials: of each walk-forward; trials are drawn at random from the strategy's own space.
        record: of a strategy's run, bars and space, gives what `walk_forward` tells of each window's trials.

    Raises:
        UsageError: not one symbol, or no strategy. StoreFailed: the journal or the store fails.
    """
    if len(spec.symbols) != 1 or not strategies:
        raise UsageError(f"a recommendation is for one symbol, not {len(spec.symbols)}: name one" if len(spec.symbols) != 1 else "no strategies: name some")
    played: list[tuple[Candidate, np.ndarray]] = []
    failed: list[Candidate] = []
    for done, name in enumerate(strategies, 1):
        try:
            played.append(_played(spec.replace(strategy=name, params={}), bars_of, windows, trials, jobs, record))
        except StoreFailed:
            raise
        except CerebrolabError as error:
            failed.append(Candidate(name, " ".join(str(error).split())))
        if progress is not None:
            progress(done, len(strategies), name)
    candidates = sorted(_deflated(played), key=lambda each: math.inf if math.isnan(each.sharpe) else -each.sharpe)
    return Recommendation(spec.symbols[0], (*candidates, *failed))


def recorder(journal: Journal) -> Callable[[RunSpec, Bars, Space], Record]:
    """Every trial is written down, as those of a walk-forward are; for `recommend`."""
    return lambda spec, bars, space: window_recorder(journal, spec, bars, space, "recommend", "sharpe")


def _played(spec: RunSpec, bars_of: Callable[[RunSpec], Bars], windows: int, trials: int, jobs: int | None,
            record: Callable[[RunSpec, Bars, Space], Record] | None) -> tuple[Candidate, np.ndarray]:
    """(the candidate without its place among the others, (S,) its session returns out-of-sample)."""
    spec, space = read_space(spec, {})
    bars = bars_of(spec)
    write = record(spec, bars, space) if record else None
    tried: list[Trials] = []

    def noted(params: Sequence[Mapping[str, Any]], outcome: Trials) -> None:
        tried.append(outcome)
        if write is not None:
            write(params, outcome)

    walk = walk_forward(spec, space, bars=bars, windows=windows, anchored=True, method="random", trials=trials, jobs=jobs, record=noted)
    last = tried[-1]
    returns = metrics.session_returns(walk.equity, spec.cash)
    found = walk.metrics
    return Candidate(
        spec.strategy, sharpe=found["sharpe"], cagr=found["cagr"], max_drawdown=found["max_drawdown"], total_return=found["total_return"],
        benchmark_return=found["benchmark_return"], efficiency=walk.efficiency, overfitting=pbo(Moments(last.count, last.sum, last.square)).pbo,
        trades=int(found["trades"]), trials=walk.trials, params=dict(walk.windows[-1].params)), returns


def _deflated(played: Sequence[tuple[Candidate, np.ndarray]]) -> list[Candidate]:
    """The candidates with their deflated Sharpe ratios: as the best of so many."""
    ratios = [returns.mean() / returns.std(ddof=1) if len(returns) > 1 and returns.std(ddof=1) > 0 else math.nan for _, returns in played]
    known = [ratio for ratio in ratios if not math.isnan(ratio)]
    variance = float(np.var(known, ddof=1)) if len(known) > 1 else 0.0
    found = []
    for (candidate, returns), ratio in zip(played, ratios, strict=True):
        probability = math.nan
        if not math.isnan(ratio):
            z = (returns - returns.mean()) / returns.std()
            probability = deflated_sharpe(float(ratio), len(returns), variance, max(len(known), 1), float((z**3).mean()), float((z**4).mean()))
        found.append(Candidate(**{**vars(candidate), "deflated": probability}))
    return found
