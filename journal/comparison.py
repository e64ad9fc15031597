"""Runs side by side: in what they were asked differently, and what came out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from journal.tables import RunRow


@dataclass(frozen=True)
class Comparison:
    """R runs side by side.

    Attributes:
        runs: the runs. asked: option -> R values, only options that differ; None where a run says nothing.
        metrics: metric -> R numbers, None where a run has none.
        same_data: whether all ran on the same bars.
    """

    runs: list[RunRow]
    asked: dict[str, list[Any]]
    metrics: dict[str, list[float | None]]
    same_data: bool


def compare(runs: Sequence[RunRow]) -> Comparison:
    """Put runs side by side."""
    asked = _columns([_flat(run.spec) for run in runs])
    outcome = [{"final_value": float(run.final_value), **run.metrics, "trades": run.trades, "fills": run.fills,
                "rejected": run.rejected} for run in runs]
    return Comparison(
        runs=list(runs),
        asked={name: values for name, values in asked.items() if any(value != values[0] for value in values)},
        metrics=_columns(outcome),
        same_data=len({run.fingerprint for run in runs}) <= 1,
    )


def _columns(rows: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _flat(spec: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in spec.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
