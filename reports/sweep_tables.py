"""The tables of a sweep's page: best trials, windows of a walk-forward, chance and costs. Imports optimize."""

from collections.abc import Iterable, Mapping
from typing import Any

from optimize.result import SweepResult
from optimize.robustness import Robustness
from optimize.walk_forward import WalkForward, Window
from reports.formats import NOTHING, count, gain_or_loss
from reports.sweep_axes import shown, title
from reports.sweep_words import params_text
from reports.tables import Cell, table

RANKED = 25  # trials listed
HEADLINES = ("sharpe", "cagr", "max_drawdown", "total_return", "trades")
SIGNED = {"cagr", "total_return"}


def ranked_table(result: SweepResult) -> dict[str, Any]:
    """The best trials, or the Pareto front where there are several objectives."""
    chosen = [each.metric for each in result.objectives]
    measures = list(dict.fromkeys([*chosen, *HEADLINES]))
    several = len(result.objectives) > 1
    rows = list(result.front[:RANKED]) if several else result.ranked(RANKED).tolist()
    heads = [("Trial", ""), *((name, "") for name in result.columns), *((title(name), "") for name in measures)]

    def cells(at: int) -> list[Cell]:
        params = [
            Cell(format(value, ".6g") if isinstance(value, float) else str(value), value)
            for value in result.params(at).values()
        ]
        return [
            Cell(count(int(result.numbers[at])), int(result.numbers[at])),
            *params,
            *(_measure(name, float(result.metrics[name][at])) for name in measures),
        ]

    return table(heads, rows, cells, "trials.csv")


def window_table(walk: WalkForward) -> dict[str, Any]:
    """Every window: its dates, what was chosen, and how it did in sample and after."""
    metric = walk.objectives[0].metric
    heads = [
        ("Window", ""),
        ("Training", "text"),
        ("Test", "text"),
        ("Chosen", "text"),
        ("Trials", ""),
        (f"{title(metric)} in", ""),
        (f"{title(metric)} out", ""),
        ("Return out", ""),
        ("Trades", ""),
    ]

    def cells(numbered: tuple[int, Window]) -> list[Cell]:
        number, each = numbered
        inside, outside = (
            {name: side.get(name, float("nan")) for name in (metric, "total_return", "trades")}
            for side in (each.in_sample, each.out_of_sample)
        )
        chosen = params_text(each.params) or "flat: nothing traded in training"
        return [
            Cell(str(number), number),
            Cell(f"{each.train_start} to {each.train_end}", each.train_start, "text"),
            Cell(f"{each.test_start} to {each.test_end}", each.test_start, "text"),
            Cell(chosen, chosen, "text"),
            Cell(count(each.trials), each.trials),
            _measure(metric, inside[metric]),
            _measure(metric, outside[metric]),
            _measure("total_return", outside["total_return"]),
            _measure("trades", outside["trades"]),
        ]

    return table(heads, list(enumerate(walk.windows, 1)), cells, "walk_forward.csv")


def interval_table(robust: Robustness, measured: Mapping[str, float]) -> dict[str, Any]:
    """Bootstrap intervals beside what was measured."""
    heads = [("Measure", "text"), ("Measured", ""), ("Low", ""), ("High", "")]

    def cells(name: str) -> list[Cell]:
        low, high = robust.intervals[name]
        return [
            Cell(title(name), name, "text"),
            *(_measure(name, value) for value in (measured.get(name, float("nan")), low, high)),
        ]

    return table(heads, list(robust.intervals), cells, "sweep.json")


def quantile_table(quantiles: Mapping[str, Mapping[float, float]]) -> dict[str, Any]:
    """Measures by rows, quantiles by columns."""
    levels = sorted({level for found in quantiles.values() for level in found})
    heads = [("Measure", "text"), *((f"{level:.0%}", "") for level in levels)]

    def cells(name: str) -> list[Cell]:
        return [
            Cell(title(name), name, "text"),
            *(_measure(name, quantiles[name].get(level, float("nan"))) for level in levels),
        ]

    return table(heads, list(quantiles), cells, "sweep.json")


def case_table(heading: str, cases: Iterable[tuple[str, Mapping[str, float]]]) -> dict[str, Any]:
    """Headline measures of several cases, one a row, each with its name."""
    heads = [(heading, "text"), *((title(name), "") for name in HEADLINES)]

    def cells(case: tuple[str, Mapping[str, float]]) -> list[Cell]:
        name, found = case
        return [
            Cell(name, name, "text"),
            *(_measure(measure, found.get(measure, float("nan"))) for measure in HEADLINES),
        ]

    return table(heads, list(cases), cells, "sweep.json")


def _measure(name: str, value: float) -> Cell:
    text = shown(name, value)
    return Cell(text, value, gain_or_loss(value) if name in SIGNED and text != NOTHING else "")
