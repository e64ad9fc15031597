"""The page of a sweep: what it says, and in which words. The layout is in `sweep.html.j2`."""

import math
from collections.abc import Sequence
from typing import Any

from optimize.gate import LEVEL, MOST_PBO, Verdict
from optimize.plateau import Plateau
from optimize.result import SweepResult
from optimize.robustness import Robustness
from optimize.walk_forward import WalkForward
from reports.formats import count, gain_or_loss, number, percent, signed_percent
from reports.page import filled, span_of
from reports.picture import Picture
from reports.sweep_axes import shown, title
from reports.sweep_surface import Surface
from reports.sweep_tables import case_table, interval_table, quantile_table, ranked_table
from reports.sweep_words import beliefs, name_of, params_text, space_text, trials_text, whole_numbers
from reports.toml import to_toml
from reports.walk_forward_page import walk_content

Tile = tuple[str, str, str, str]  # label, value, remark, kind


def render_sweep(
    result: SweepResult,
    pictures: Sequence[Picture],
    over: Surface | None,
    judged: Verdict | None,
    plateau: Plateau | None,
    walk: WalkForward | None,
    robust: Robustness | None,
) -> str:
    """The whole page of a sweep as one HTML text that needs nothing else."""
    notes = [*result.warnings, *(walk.warnings if walk else ())]
    if result.best < 0:
        notes.insert(0, _nothing(result))
    return filled(
        "sweep.html.j2",
        kind="Parameter sweep",
        title=name_of(result.spec.strategy),
        span=span_of(result.bars),
        synthetic=result.bars.origin.synthetic,
        notes=list(dict.fromkeys(notes)),
        tiles=_tiles(result),
        figures={each.name: each for each in pictures},
        beliefs=beliefs(result, judged, plateau),
        objective=_objective(result),
        surface_note=over.note if over else "",
        holes=_holes(over),
        ranked=ranked_table(result),
        several=len(result.objectives) > 1,
        walk=walk_content(walk),
        robust=_robust(result, robust),
        best=_best(result),
        asked=_asked(result),
        toml=best_toml(result),
    )


def best_toml(result: SweepResult) -> str:
    """The best trial's specification, to run it again; "" without one."""
    if result.best < 0:
        return ""
    return to_toml(result.spec.with_assignments(whole_numbers(result.params(result.best))).masked())


# -- the sweep --------------------------------------------------------------------------------------------


def _tiles(result: SweepResult) -> list[Tile]:
    rate = f"{len(result) / result.seconds:,.0f} a second" if result.seconds else ""
    trials = ("Trials", f"{len(result):,}", rate, "")
    if result.best < 0:
        return [trials, ("Best trial", "none", "the objective is never a number", "")]
    first, params = result.objectives[0], params_text(result.params(result.best))
    found = {name: float(values[result.best]) for name, values in result.metrics.items()}
    agrees = result.agreement.agrees
    return [
        (f"Best {title(first.metric)}", shown(first.metric, found[first.metric]), params, ""),
        (
            "A year (CAGR)",
            signed_percent(found["cagr"]),
            f"max drawdown {percent(-found['max_drawdown'])}",
            gain_or_loss(found["cagr"]),
        ),
        trials,
        (
            "Deflated Sharpe",
            percent(result.deflated_sharpe),
            f"{percent(LEVEL, 0)} or more to pass",
            _passed(result.deflated_sharpe, LEVEL),
        ),
        (
            "Overfitting (PBO)",
            percent(result.pbo),
            f"{percent(MOST_PBO, 0)} or less to pass",
            _passed(-result.pbo, -MOST_PBO),
        ),
        (
            "Twin and Cerebro",
            "–" if agrees is None else "agree" if agrees else "disagree",
            f"{trials_text(len(result.agreement.compared))} compared",
            "loss" if agrees is False else "",
        ),
    ]


def _nothing(result: SweepResult) -> str:
    metric = title(result.objectives[0].metric)
    return (
        f"{metric} is not a number on any of {trials_text(len(result))}, so none is the best: "
        "did the strategy ever trade? Widen the space or lengthen the data."
    )


def _passed(value: float, bar: float) -> str:
    return "" if math.isnan(value) else "gain" if value >= bar else "loss"


def _objective(result: SweepResult) -> str:
    first = result.objectives[0]
    return f"{title(first.metric)}, {'less' if first.minimize else 'more'} is better"


def _holes(over: Surface | None) -> str:
    if over is None or not (over.cells != over.cells).any():
        return ""
    return "Empty cells were not tried, are forbidden by a rule, or have no value."


def _best(result: SweepResult) -> list[tuple[str, str]]:
    if result.best < 0:
        return []
    return [("Trial", count(int(result.numbers[result.best]))), ("Parameters", params_text(result.params(result.best)))]


def _asked(result: SweepResult) -> list[tuple[str, str]]:
    bars = result.bars
    rows, columns = bars.shape
    engine = (
        f"Cerebro ({result.obstacle})"
        if result.obstacle
        else {"twin": "compiled twin", "cerebro": "Cerebro"}.get(result.engine, result.engine)
    )
    lost = [
        f"{many:,} {word}"
        for many, word in ((result.pruned, "stopped early"), (result.failed, "could not be played"))
        if many
    ]
    return [
        ("Space", space_text(result.space)),
        ("Method", result.method),
        ("Objective", ", ".join(map(str, result.objectives))),
        ("Trials", f"{len(result):,} in {result.seconds:.2f} s" + (f"; {', '.join(lost)}" if lost else "")),
        ("Engine", engine),
        ("Data", f"{bars.origin.source or 'own data'}: {rows:,} × {bars.interval}, symbols: {columns}"),
        ("Fingerprint", bars.fingerprint),
    ]


def _robust(result: SweepResult, robust: Robustness | None) -> dict[str, Any] | None:
    if robust is None:
        return None
    measured = {name: float(values[result.best]) for name, values in result.metrics.items()} if result.best >= 0 else {}
    return {
        "level": percent(robust.level, 0),
        "break_even": _break_even(robust.break_even),
        "luck": ""
        if math.isnan(robust.timing_luck)
        else f"Luck of the day: {percent(robust.timing_luck)} a year (standard deviation).",
        "intervals": interval_table(robust, measured),
        "order": quantile_table(robust.trade_order),
        "draws": quantile_table(robust.cost_draws),
        "costs": case_table("Costs", [(f"{multiple:g} ×", found) for multiple, found in robust.costs]),
        "timing": case_table(
            "Offset", [(params_text(whole_numbers(offset)), found) for offset, found in robust.timing]
        ),
    }


def _break_even(multiple: float) -> str:
    if math.isnan(multiple):
        return ""
    if math.isinf(multiple):
        return "Even a thousand times the costs leave a profit."
    return (
        f"The profit is gone at {number(multiple, 1)} times the costs." if multiple else "There is no profit to lose."
    )
