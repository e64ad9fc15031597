"""Which figures a sweep has: those its space, objectives and what was checked allow. Imports optimize."""

import math
from functools import partial

import numpy as np

from analyzers import metrics
from optimize.plateau import Plateau
from optimize.result import SweepResult
from optimize.robustness import Robustness
from optimize.statistics.moments import Moments
from optimize.statistics.overfitting import Overfitting, pbo
from optimize.walk_forward import WalkForward
from reports import figures, parallel_figure, surface_figures, sweep_figures, walk_forward_figures
from reports.axes import Size
from reports.picture import HALF, PHONE, WIDE, Picture, house_style, picture
from reports.sweep_surface import Surface, surface, varied

SQUARE, PLAIN = Size(5.2, 4.2, 9.0), Size(5.2, 3.0, 9.0)
SPLIT_TRIALS = 2000  # whose choice is followed from one half of the sessions to the other
DOTS = 600
FEWEST_CASES = 6  # offsets, below which a table says it all


def main_surface(result: SweepResult, shares: dict[str, float], plateau: Plateau | None) -> Surface | None:
    """The objective over the two most important parameters; None where there are fewer, or no best trial.

    Args:
        shares: of `reports.sweep_importance`; without any, the first two of the space.
    """
    names = list(shares) or varied(result)
    if len(names) < 2:
        return None
    x, y = sorted(names[:2], key=list(result.columns).index)
    return surface(result, x, y, plateau.robust if plateau else -1)


def sweep_pictures(result: SweepResult, shares: dict[str, float], over: Surface | None, luck: float) -> list[Picture]:
    """The figures of a sweep with a best trial.

    Args:
        over: of `main_surface`. luck: objective that the best of so many trials reaches by luck, NaN = unknown.
    """
    names, drawn = varied(result), []
    with house_style():
        if over is not None:
            drawn += _surface_pictures(result, over)
        elif names:
            drawn.append(
                picture(
                    "objective",
                    f"The objective over {names[0]}",
                    partial(sweep_figures.curve, result, names[0]),
                    WIDE,
                    PHONE,
                )
            )
        if names:
            drawn.append(
                picture(
                    "parallel",
                    "Every line is a trial, from its parameters to its objective",
                    partial(parallel_figure.parallel, result, list(shares) or names),
                    WIDE,
                    PHONE,
                )
            )
        if shares:
            drawn.append(
                picture(
                    "importance",
                    "What decides whether a trial is among the best tenth",
                    partial(sweep_figures.importance, shares),
                    PLAIN,
                )
            )
        if len(result) > 1:
            drawn.append(
                picture(
                    "objectives",
                    "How many trials reached which objective",
                    partial(sweep_figures.histogram, result, luck),
                    PLAIN,
                )
            )
        if len(result.objectives) > 1:
            drawn.append(
                picture(
                    "front",
                    "Two objectives; no trial beats those on the line in all",
                    partial(sweep_figures.front, result),
                    WIDE,
                    PHONE,
                )
            )
        drawn += _split_pictures(result)
        drawn += _run_pictures(result)
    return drawn


def walk_pictures(walk: WalkForward) -> list[Picture]:
    """The figures of a walk-forward."""
    with house_style():
        return [
            picture(
                "walk-forward",
                "Account value out of sample, window after window",
                partial(walk_forward_figures.chained, walk),
                WIDE,
                PHONE,
            ),
            picture(
                "walk-forward-drawdown",
                "Fall from the highest value so far, out of sample",
                partial(walk_forward_figures.fall, walk),
                PLAIN,
            ),
            picture(
                "windows",
                "Every window's choice in sample and after",
                partial(walk_forward_figures.windows, walk),
                PLAIN,
            ),
        ]


def robustness_pictures(result: SweepResult, robust: Robustness) -> list[Picture]:
    """Paths of the cross-validation, and timing luck where there are enough offsets."""
    drawn, metric = [], result.objectives[0].metric
    offsets = np.array([found.get(metric, math.nan) for _, found in robust.timing])
    draw = walk_forward_figures.spread
    with house_style():
        if np.isfinite(robust.paths).sum() > 1:
            drawn.append(
                picture(
                    "paths",
                    "Sharpe out of sample over the paths of the cross-validation",
                    partial(draw, np.asarray(robust.paths), math.nan, "sharpe", "Paths"),
                    PLAIN,
                )
            )
        if np.isfinite(offsets).sum() >= FEWEST_CASES:
            drawn.append(
                picture(
                    "timing",
                    "The same rule with other days of rebalancing",
                    partial(draw, offsets, float(result.objective[result.best]), metric, "Offsets"),
                    PLAIN,
                )
            )
    return drawn


def _surface_pictures(result: SweepResult, over: Surface) -> list[Picture]:
    objective, what = result.objectives[0], f"the objective over {over.x.name} and {over.y.name}"
    drawn = [picture("heat-map", f"Heat map of {what}", partial(surface_figures.heat_map, over, objective), SQUARE)]
    if surface_figures.has_contour(over):
        drawn.append(
            picture("contour", f"Contour lines of {what}", partial(surface_figures.contour, over, objective), SQUARE)
        )
    return drawn


def _split_pictures(result: SweepResult) -> list[Picture]:
    found = splits_of(result)
    year = math.sqrt(metrics.sessions_a_year(result.bars))
    pairs = found.pairs(DOTS) * year
    if len(pairs) < 2:
        return []
    draw = partial(walk_forward_figures.selections, pairs, found.slope, found.intercept * year)
    return [picture("splits", "Sharpe of the chosen trial in sample against out of sample", draw, PLAIN)]


def splits_of(result: SweepResult) -> Overfitting:
    """The splits of `optimize.statistics.overfitting`, on a seeded choice of the trials where they are many."""
    rows = np.arange(len(result.kept))
    if len(rows) > SPLIT_TRIALS:
        rows = np.sort(np.random.default_rng(0).choice(rows, SPLIT_TRIALS, replace=False))
    return pbo(Moments(result.moments.count, result.moments.sum[rows], result.moments.square[rows]))


def _run_pictures(result: SweepResult) -> list[Picture]:
    run = result.best_run
    if run is None:
        return []
    return [
        picture(
            "equity", "Account value of the best trial against the benchmark", partial(figures.equity, run), WIDE, PHONE
        ),
        picture(
            "drawdown", "Fall of the best trial from its highest value so far", partial(figures.drawdown, run), HALF
        ),
        picture("exposure", "Value of all positions as a part of the account", partial(figures.exposure, run), HALF),
    ]
