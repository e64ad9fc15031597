"""Bars as the columns of a table in QuestDB, with every bit, and back. Imports core.series."""

from collections.abc import Sequence

import numpy as np

from core.errors import StoreFailed
from core.series import FIELDS, SymbolBars

DATES, NUMBERS = ("session", "pay_date"), (*FIELDS, "dividend", "split")
TYPES = {"session": "TIMESTAMP", **dict.fromkeys(NUMBERS, "DOUBLE"), "pay_date": "TIMESTAMP", "close_only": "BOOLEAN"}


def sent_columns(bars: SymbolBars, what: str) -> dict[str, np.ndarray]:
    """The columns of `TYPES`, as a data frame takes them.

    Args:
        what: whose bars cannot be kept or copied, for the message.

    Raises:
        StoreFailed: a number is infinite, which QuestDB cannot hold.
    """
    unfit = [name for name in NUMBERS if np.isinf(getattr(bars, name)).any()]
    if unfit:
        raise StoreFailed(f"{what}: a number of {unfit[0]} is infinite; correct the data")
    return {**{name: getattr(bars, name).astype("datetime64[us]") for name in DATES}, **{name: getattr(bars, name) for name in NUMBERS},
            "close_only": np.full(len(bars), bars.close_only)}


def asked_columns(names: Sequence[str]) -> str:
    """What is selected, so that `found_days` and `found_numbers` can take it: dates as microseconds."""
    return ", ".join(f'cast("{name}" AS LONG)' if name in DATES else f'"{name}"' for name in names)


def found_days(microseconds: Sequence[int | None]) -> np.ndarray:
    """(T,) datetime64[D] of the microseconds of a column; None is NaT."""
    return np.array(microseconds, dtype="datetime64[us]").astype("datetime64[D]")


def found_numbers(values: Sequence[float | None]) -> np.ndarray:
    """(T,) float64 of a column; None is NaN."""
    return np.array(values, dtype=np.float64)


def within(start: str | np.datetime64 | None, end: str | np.datetime64 | None) -> tuple[str, list[int]]:
    """The condition that a session is from `start` to `end`, both included (None = without bound), and its values."""
    bounds = [(sign, np.datetime64(str(day), "us").astype(np.int64).item()) for sign, day in ((">=", start), ("<=", end)) if day is not None]
    return "".join(f" AND session {sign} cast(%s AS TIMESTAMP)" for sign, _ in bounds), [value for _, value in bounds]
