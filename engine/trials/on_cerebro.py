"""`CerebroPlayer`: one run of Cerebro after the other. Imports core and engine."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.result import RunResult
from engine.run import run
from engine.trials.base import Base, problem_of
from engine.trials.outcome import Trials


class CerebroPlayer(Base):
    """Plays one run of Cerebro after the other; takes every strategy that a backtest takes."""

    engine = "cerebro"

    def play(self, trials: Sequence[Mapping[str, Any]]) -> Trials:
        made = self._empty(len(trials))
        problems = [""] * len(trials)
        borders = self._window.edges
        for at, params in enumerate(trials):
            try:
                result = self.result(params)
            except Exception as error:  # noqa: BLE001  (a user's strategy may raise anything; the sweep goes on)
                problems[at] = problem_of(error)
                continue
            returns = self.session_returns(result)
            made.measures[at] = list(self.measures(result).values())
            made.sum[at] = np.add.reduceat(returns, borders[:-1])
            made.square[at] = np.add.reduceat(returns**2, borders[:-1])
        return made._replace(problems=tuple(problems))

    def returns(self, params: Mapping[str, Any]) -> np.ndarray:
        return self.session_returns(self.result(params))

    def result(self, params: Mapping[str, Any]) -> RunResult:
        return run(self._spec_of(params), bars=self.bars)
