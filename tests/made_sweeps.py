"""Sweeps made up of given trials, for tests of what is computed from them."""

import numpy as np
from made_bars import bars, walk

from core.spec import RunSpec
from optimize.objective import read_objectives
from optimize.result import Agreement, SweepResult
from optimize.statistics.moments import moments_of


def swept(space, points, values, objective="sharpe", method="grid", numbers=None, spec=None, panel=None, returns=None,
          best_run=None):
    """The sweep of `points` (sets of parameters) whose first objective came out as `values`."""
    objectives = read_objectives(objective)
    panel = panel if panel is not None else bars(A=walk(20))
    scores = objectives[0].score(values)
    best = -1 if np.isnan(scores).all() else int(np.nanargmax(scores))
    returns = returns if returns is not None else np.random.default_rng(0).normal(0, 0.01, (len(points), 20))
    columns = {name: _column([point[name] for point in points]) for name in space.names}
    return SweepResult(
        spec=spec or RunSpec(symbols=("A",)), bars=panel, space=space, method=method, objectives=objectives, engine="twin",
        numbers=np.array(numbers if numbers is not None else range(len(points)), dtype=np.int64), columns=columns,
        metrics={objectives[0].metric: values}, kept=np.arange(len(points)), moments=moments_of(returns), best=best,
        front=(best,) if best >= 0 else (), best_run=best_run, agreement=Agreement(None), seconds=0.0)


def _column(values):
    number = all(isinstance(each, int | float) and not isinstance(each, bool) for each in values)
    return np.array(values, dtype=np.float64 if number else object)
