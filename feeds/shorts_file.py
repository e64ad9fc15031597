"""Which shares can be borrowed when, and at which fee: a CSV file with the columns symbol, date, fee and available.

Imports core only.
"""

import math
from pathlib import Path

import numpy as np

from core.carry import Terms
from core.day_numbers import iso_date
from core.errors import UsageError
from feeds.symbol_lines import symbol_lines

COLUMNS = ("symbol", "date", "fee", "available")
WORDS = {"yes": True, "true": True, "1": True, "": True, "no": False, "false": False, "0": False}
SINCE_EVER = np.datetime64("NaT")


def read_shorts(file: str | Path) -> dict[str, list[Terms]]:
    """Symbol -> terms in order of their dates; symbols that are not named are borrowed as `carry.borrow` says.

    The column symbol is needed and fee, available or both; a line counts from its date on, one without a date since ever.
    A fee is written 0.25 or 25%, a part of the shares' value a year; none = `carry.borrow`.

    Raises:
        UsageError: the file cannot be read, has other columns, or a line that is not understood.
    """
    terms: dict[str, list[Terms]] = {}
    for where, cells in symbol_lines(file, "the file of shorts", _fit, "its first line must name symbol, fee or available, and may name date"):
        terms.setdefault(cells["symbol"], []).append(_terms(cells, where))
    for symbol, known in terms.items():
        known.sort(key=lambda each: (not np.isnat(each.start), each.start))
        starts = [str(each.start) for each in known]
        for start in starts:
            if starts.count(start) > 1:
                raise UsageError(f"{file}: {symbol} has two lines {'without a date' if start == 'NaT' else f'from {start} on'}: keep one")
    return terms


def _fit(columns: set[str]) -> bool:
    return "symbol" in columns and not columns.isdisjoint({"fee", "available"}) and columns.issubset(COLUMNS)


def _terms(cells: dict[str, str], where: str) -> Terms:
    word = cells.get("available", "").lower()
    if word not in WORDS:
        raise UsageError(f"{where}: available is {word!r}: write yes or no")
    try:
        start = iso_date(cells["date"]) if cells.get("date") else SINCE_EVER
    except ValueError:
        raise UsageError(f"{where}: {cells['date']!r} is not a date: write it as 2015-01-31") from None
    return Terms(start, _fee(cells.get("fee", ""), where), WORDS[word])


def _fee(text: str, where: str) -> float:
    if not text:
        return math.nan
    try:
        fee = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        fee = -1.0
    if not 0 <= fee < math.inf:
        raise UsageError(f"{where}: fee {text!r} is not understood: write 0.25 or 25%")
    return fee
