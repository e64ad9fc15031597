"""Writing the report of a sweep, or of a walk-forward: page, figures and numbers in one directory, whole or not at all.

index.html       the page                      sweep.json        what `--json` prints, spec, space, importance, …
trials.csv       every trial, every measure    heat_map.csv      the cells of the heat map
best.toml        runs the best trial           figures/*.png     the figures
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from optimize.result import SweepResult
from reports.archive import FIGURES, check_target, replace, write_figures, write_json

if TYPE_CHECKING:
    from optimize.robustness import Robustness
    from optimize.walk_forward import WalkForward
    from reports.sweep_surface import Surface

PAGE, SWEEP, TRIALS, HEAT_MAP, BEST = "index.html", "sweep.json", "trials.csv", "heat_map.csv", "best.toml"
WALK, WINDOWS, EQUITY = "walk_forward.json", "walk_forward.csv", "equity.csv"
_OURS = {PAGE, SWEEP, TRIALS, HEAT_MAP, BEST, WALK, WINDOWS, EQUITY, FIGURES}


def write_sweep(
    result: SweepResult,
    directory: str | Path,
    walk_forward: "WalkForward | None" = None,
    robustness: "Robustness | None" = None,
) -> Path:
    """Write the report of a sweep; an older one in `directory` is replaced when the new one is complete.

    Returns:
        The path of index.html.

    Raises:
        BadSpec: `directory` is a file, or a directory that holds something else than the report of a sweep.
        StoreFailed: it could not be written; an older report is untouched.
    """
    from optimize.plateau import plateau
    from reports import sweep_page, sweep_pictures
    from reports.sweep_importance import importances
    from reports.sweep_words import verdict

    directory = Path(directory)
    check_target(directory, SWEEP)
    shares, judged = importances(result), verdict(result)
    level = (robustness and robustness.plateau) or plateau(result)
    over = sweep_pictures.main_surface(result, shares, level)
    pictures = sweep_pictures.sweep_pictures(result, shares, over, _luck(result, judged)) if result.best >= 0 else []
    pictures += sweep_pictures.walk_pictures(walk_forward) if walk_forward else []
    pictures += sweep_pictures.robustness_pictures(result, robustness) if robustness else []
    page = sweep_page.render_sweep(result, pictures, over, judged, level, walk_forward, robustness)
    document = {
        **_document(result, walk_forward, robustness),
        "importance": shares,
        "verdict": judged and judged._asdict(),
        "plateau": level and level._asdict(),
    }

    def fill(fresh: Path) -> None:
        (fresh / PAGE).write_text(page, encoding="utf-8")
        write_figures(fresh, {each.name: each.png for each in pictures})
        write_json(fresh / SWEEP, document)
        _write_csv(fresh / TRIALS, {"number": result.numbers, **result.columns, **result.metrics})
        if result.best >= 0:
            (fresh / BEST).write_text(sweep_page.best_toml(result), encoding="utf-8")
        if over is not None:
            _write_csv(fresh / HEAT_MAP, _cells(over, result.objectives[0].metric))
        if walk_forward:
            _write_walk(fresh, walk_forward)

    replace(directory, fill, _OURS, SWEEP)
    return directory / PAGE


def write_walk_forward(walk: "WalkForward", directory: str | Path) -> Path:
    """Write the report of a walk-forward.

    Returns:
        The path of index.html.

    Raises:
        BadSpec, StoreFailed: as `write_sweep`.
    """
    from reports import sweep_pictures
    from reports.walk_forward_page import render_walk_forward

    directory = Path(directory)
    check_target(directory, WALK)
    pictures = sweep_pictures.walk_pictures(walk)
    page = render_walk_forward(walk, pictures)

    def fill(fresh: Path) -> None:
        (fresh / PAGE).write_text(page, encoding="utf-8")
        write_figures(fresh, {each.name: each.png for each in pictures})
        write_json(fresh / WALK, {**walk.summary(), "spec": walk.spec.masked(), "space": walk.space.to_dict()})
        _write_walk(fresh, walk)

    replace(directory, fill, _OURS, WALK)
    return directory / PAGE


def _document(
    result: SweepResult, walk_forward: "WalkForward | None", robustness: "Robustness | None"
) -> dict[str, Any]:
    return {
        **result.summary(),
        "spec": result.spec.masked(),
        "space": result.space.to_dict(),
        "front": [result.params(at) for at in result.front],
        "walk_forward": walk_forward and walk_forward.summary(),
        "robustness": robustness and {name: value for name, value in vars(robustness).items() if name != "plateau"},
    }


def _luck(result: SweepResult, judged: Any) -> float:
    """What luck alone reaches, where the objective is the Sharpe ratio."""
    return judged.numbers["luck_sharpe"] if judged is not None and result.objectives[0].metric == "sharpe" else math.nan


def _cells(over: "Surface", metric: str) -> dict[str, np.ndarray]:
    rows, columns = np.nonzero(np.isfinite(over.cells))
    return {over.x.name: over.x.values[columns], over.y.name: over.y.values[rows], metric: over.cells[rows, columns]}


def _write_walk(directory: Path, walk: "WalkForward") -> None:
    measures = sorted({name for each in walk.windows for name in (*each.in_sample, *each.out_of_sample)})
    names = list(dict.fromkeys(name for each in walk.windows for name in each.params))
    columns: dict[str, list[Any]] = {
        name: [getattr(each, name) for each in walk.windows]
        for name in ("train_start", "train_end", "test_start", "test_end", "trials")
    }
    columns |= {name: [each.params.get(name) for each in walk.windows] for name in names}
    for side in ("in_sample", "out_of_sample"):
        columns |= {f"{side}.{name}": [getattr(each, side).get(name) for each in walk.windows] for name in measures}
    _write_csv(directory / WINDOWS, columns)
    _write_csv(directory / EQUITY, {"session": walk.sessions, "equity": walk.equity, "benchmark": walk.benchmark})


def _write_csv(path: Path, columns: Any) -> None:
    """A CSV file; what is not a number is an empty cell, text is in quotes."""
    import pyarrow as pa
    from pyarrow import csv

    csv.write_csv(pa.table({name: _column(values) for name, values in columns.items()}), path)


def _column(values: Any) -> Any:
    import pyarrow as pa

    if getattr(values, "dtype", None) == object or (
        isinstance(values, list) and len(set(map(type, values)) - {int, float, type(None)})
    ):
        values = [None if value is None else str(value) for value in values]
    return pa.array(values, from_pandas=True)
