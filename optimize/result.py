"""SweepResult: what a sweep tried, what came out, and how much of it to believe.

Imports core and optimize.statistics.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from core.bars import Bars
from core.result import RunResult
from core.space import Space
from core.spec import RunSpec
from optimize.objective import Objective
from optimize.statistics.moments import Moments


class Agreement(NamedTuple):
    """How trials of the compiled twin compare with Cerebro's.

    Attributes:
        agrees: the same fills in the same order, equity to 1e-9; None = nothing was compared.
        compared: numbers of the trials that were played again. difference: the first difference, "" for none.
        seconds: what the comparison took.
    """

    agrees: bool | None
    compared: tuple[int, ...] = ()
    difference: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class SweepResult:
    """A finished (or interrupted) sweep; arrays have one entry per trial, M in all, in order of their numbers.

    Attributes:
        spec: the run the trials vary. bars: what they ran on. space, method, objectives: what was asked for.
        engine: "twin" or "cerebro". obstacle: why not the twin, "" with it.
        numbers: (M,) int64 number of each trial (place in the grid, or Optuna's number).
        columns: parameter name -> (M,) values, numbers as float64, others as objects.
        metrics: metric name -> (M,) float64, NaN where not defined.
        kept: (K,) int64 indices of the trials whose block moments are kept: all, or an even choice of many.
        moments: their block moments (`optimize.statistics.moments`).
        best: index of the best trial by the first objective, -1 where it is NaN for every one.
        front: indices of the trials no other is better than in every objective, best first; (best,) for one.
        best_run: the best trial played through Cerebro (or the twin where nothing was compared); None without one.
        agreement: the twin beside Cerebro.
        effective_trials: of all trials in the ledger on this strategy and universe. ledger_trials: their count.
        deflated_sharpe: probability that the best trial's Sharpe is above what so many trials bring by luck.
        pbo: probability of backtest overfitting of this sweep's choice, NaN for fewer than 2 trials.
        seconds: of the trials, up to the committed ledger. pruned, failed: trials stopped early, and those that could
            not be played. sweep_id: number in the journal, None when there is no journal.
        warnings: sentences a reader must see.
    """

    spec: RunSpec
    bars: Bars
    space: Space
    method: str
    objectives: tuple[Objective, ...]
    engine: str
    numbers: np.ndarray
    columns: Mapping[str, np.ndarray]
    metrics: Mapping[str, np.ndarray]
    kept: np.ndarray
    moments: Moments
    best: int
    front: tuple[int, ...]
    best_run: RunResult | None
    agreement: Agreement
    seconds: float
    obstacle: str = ""
    effective_trials: float = float("nan")
    ledger_trials: int = 0
    deflated_sharpe: float = float("nan")
    pbo: float = float("nan")
    pruned: int = 0
    failed: int = 0
    sweep_id: int | None = None
    warnings: Sequence[str] = field(default_factory=tuple)

    def __len__(self) -> int:
        return len(self.numbers)

    def params(self, at: int) -> dict[str, Any]:
        """Parameters of the trial at an index."""
        return {name: _plain(values[at]) for name, values in self.columns.items()}

    @cached_property
    def objective(self) -> np.ndarray:
        """(M,) first objective, as its metric stands."""
        return self.metrics[self.objectives[0].metric]

    def ranked(self, count: int) -> np.ndarray:
        """Indices of the best trials by the first objective, best first, NaN never among them."""
        scores = self.objectives[0].score(self.objective)
        order = np.argsort(-scores, kind="stable")
        return order[~np.isnan(scores[order])][:count]

    def summary(self) -> dict[str, Any]:
        """What `--json` prints."""
        best = None
        if self.best >= 0:
            best = {"number": int(self.numbers[self.best]), "params": self.params(self.best),
                    "metrics": {name: float(values[self.best]) for name, values in self.metrics.items()}}
        return {
            "strategy": self.spec.strategy,
            "symbols": list(self.spec.symbols),
            "start": str(self.bars.session[0]),
            "end": str(self.bars.session[-1]),
            "method": self.method,
            "objective": [str(each) for each in self.objectives] if len(self.objectives) > 1 else str(self.objectives[0]),
            "engine": self.engine,
            "obstacle": self.obstacle,
            "trials": len(self),
            "pruned": self.pruned,
            "failed": self.failed,
            "seconds": self.seconds,
            "rate": len(self) / self.seconds if self.seconds else float("nan"),
            "best": best,
            "agreement": self.agreement.difference or self.agreement.agrees,
            "compared": len(self.agreement.compared),
            "compare_seconds": self.agreement.seconds,
            "deflated_sharpe": self.deflated_sharpe,
            "pbo": self.pbo,
            "effective_trials": self.effective_trials,
            "ledger_trials": self.ledger_trials,
            "sweep": self.sweep_id,
            "warnings": list(self.warnings),
        }


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
