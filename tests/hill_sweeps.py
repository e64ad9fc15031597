"""Finished sweeps for tests of reports: a hill of Sharpe ratios over a space, with noise, made without an engine."""

import itertools
import random

import numpy as np

from core.measures import MEASURES
from core.space import Choice, Range, Space
from core.spec import RunSpec
from optimize.objective import read_objectives
from optimize.result import Agreement, SweepResult
from optimize.statistics.moments import moments_of

PLANE = Space({"fast": Range(5, 60, 5), "slow": Range(20, 200, 10)}, where=("fast < slow",))
MIXED = Space(
    {
        "fast": Range(5, 100),
        "band": Range(0.001, 0.1, log=True),
        "kind": Choice("sma", "ema", "wma"),
        "sizer.risk": Range(0.01, 0.1),
    }
)


def hill_sweep(
    bars,
    space=PLANE,
    method="grid",
    trials=None,
    objective="sharpe",
    seed=1,
    kept=1000,
    sessions=300,
    nothing=False,
    **fields,
):
    """A sweep whose objective is a hill over the places in the space; `nothing`: NaN on every trial."""
    points = list(_points(space, method, trials, seed))
    chance = np.random.default_rng(seed)
    columns = {name: _column([point[name] for _, point in points]) for name in space.names}
    hill = sum(-((_place(column) - 0.4) ** 2) * 4 / (at + 1) for at, column in enumerate(columns.values()))
    metrics = {name: np.abs(chance.normal(0.5, 0.2, len(points))) for name in MEASURES}
    metrics["sharpe"] = 0.9 + hill + chance.normal(0, 0.08, len(points))
    metrics["max_drawdown"] = 0.35 + 0.1 * hill + chance.normal(0, 0.02, len(points))
    objectives = read_objectives(objective)
    if nothing:
        metrics = {name: np.full(len(points), np.nan) for name in MEASURES}
    rows = np.unique(np.linspace(0, len(points) - 1, min(kept, len(points))).astype(np.int64))
    edge = np.nan_to_num(metrics["sharpe"][rows, None]) * 0.01 / np.sqrt(252)
    best = -1 if nothing else int(np.argmax(objectives[0].score(metrics[objectives[0].metric])))
    found = dict(
        spec=RunSpec(strategy="GoldenCross", symbols=bars.symbols),
        bars=bars,
        space=space,
        method=method,
        objectives=objectives,
        engine="twin",
        numbers=np.array([number for number, _ in points], dtype=np.int64),
        columns=columns,
        metrics=metrics,
        kept=rows,
        moments=moments_of(chance.normal(0, 0.01, (len(rows), sessions)) + edge, 16),
        best=best,
        front=_front(objectives, metrics, best),
        best_run=None,
        seconds=0.5,
        agreement=Agreement(True, (best,), seconds=0.3) if best >= 0 else Agreement(None),
        effective_trials=12.5,
        ledger_trials=len(points) + 40,
        deflated_sharpe=0.71,
        pbo=0.34,
    )
    return SweepResult(**{**found, **fields})


def _points(space, method, trials, seed):
    if method == "grid":
        return itertools.islice(space.grid(), trials)
    source = random.Random(seed)
    return enumerate(point for point in (space.sample(source) for _ in range(trials)) if space.allows(point))


def _column(values):
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return np.array(values, dtype=np.float64 if numbers else object)


def _place(column):
    places = np.unique(column.astype(str) if column.dtype == object else column, return_inverse=True)[1]
    return places / max(places.max(), 1)


def _front(objectives, metrics, best):
    if len(objectives) == 1 or best < 0:
        return (best,) if best >= 0 else ()
    scores = np.array([each.score(metrics[each.metric]) for each in objectives]).T
    ahead = [
        at for at, row in enumerate(scores) if not ((scores >= row).all(axis=1) & (scores > row).any(axis=1)).any()
    ]
    return tuple(sorted(ahead, key=lambda at: -scores[at, 0]))
