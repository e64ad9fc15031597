"""`aligned`: series of several symbols as panels over one time axis. Imports core.series only."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.series import FIELDS, SymbolBars

PANELS = tuple(f"raw_{name}" for name in FIELDS) + ("dividend", "split", "pay_date")
EMPTY = {"dividend": 0.0, "split": 1.0, "pay_date": np.datetime64("NaT")}  # where there is no bar; NaN in all others
TOGETHER = 64  # symbols


def aligned(series: Sequence[SymbolBars]) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """(T,) the union of the times of all, UTC ns, (T,) their exchange dates, and the (T, N) panels by name."""
    index, session = _union(series)
    rows = [_rows(index, each.index) for each in series]
    return index, session, {name: _panel(series, name, len(index), rows) for name in PANELS}


def _union(series: Sequence[SymbolBars]) -> tuple[np.ndarray, np.ndarray]:
    """The times of all in order, and their sessions."""
    index, session = series[0].index, series[0].session
    for each in series[1:]:
        if not len(index) or not np.array_equal(index[_rows(index, each.index)], each.index):
            index, where = np.unique(np.concatenate([index, each.index]), return_index=True)
            session = np.concatenate([session, each.session])[where]
    return index, session


def _rows(index: np.ndarray, times: np.ndarray) -> slice | np.ndarray:
    """Where `times` are in `index`, as a slice where they follow one another there; what is missing in it is anywhere."""
    first = int(np.searchsorted(index, times[0])) if len(times) else 0
    part = slice(first, first + len(times))
    return part if np.array_equal(index[part], times) else np.searchsorted(index, times).clip(max=len(index) - 1)


def _panel(series: Sequence[SymbolBars], name: str, length: int, rows: Sequence[slice | np.ndarray]) -> np.ndarray:
    """(T, N); filled some symbols at a time, since a column of a wide panel is far apart in memory."""
    attribute = name.removeprefix("raw_")
    empty: Any = EMPTY.get(name, np.nan)
    panel = np.empty((length, len(series)), "datetime64[D]" if name == "pay_date" else np.float64)
    for at in range(0, len(series), TOGETHER):
        part = series[at : at + TOGETHER]
        lines = np.full((len(part), length), empty, panel.dtype)
        for line, each, where in zip(lines, part, rows[at : at + TOGETHER], strict=True):
            line[where] = getattr(each, attribute)
        panel[:, at : at + TOGETHER] = lines.T
    return panel
