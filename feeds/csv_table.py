"""One CSV file as text columns found by their common names, with errors that name file, line and value.

Imports core only.
"""

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.errors import BadBars, UnknownName, UsageError

NAMES = {
    "date": ("date", "datetime", "timestamp", "day", "time"),
    "clock": ("time",),
    "end": ("closetime", "endtime", "end"),
    "open": ("open", "openprice", "o"),
    "high": ("high", "highprice", "h"),
    "low": ("low", "lowprice", "l"),
    "close": ("close", "closelast", "closeprice", "last", "c"),
    "volume": ("volume", "vol", "totalvolume", "v"),
    "symbol": ("symbol", "ticker"),
    "dividend": ("dividend", "dividends", "cash", "amount"),
    "split": ("split", "splits", "stocksplits", "ratio"),
    "pay_date": ("paydate", "paymentdate"),
}
DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True)
class CsvTable:
    """Text columns of equal length.

    Attributes:
        path: the file. columns: field -> texts. lines: line number of each row in the file.
    """

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The names in its symbol column, in order of appearance; empty without such a column."""
        return tuple(dict.fromkeys(self.columns.get("symbol", ())))

    def rows(self, picked: Sequence[int]) -> "CsvTable":
        """Some rows, in the given order."""
        columns = {name: [texts[row] for row in picked] for name, texts in self.columns.items()}
        return replace(self, columns=columns, lines=[self.lines[row] for row in picked])

    def of_symbol(self, symbol: str) -> "CsvTable":
        """The rows of one symbol."""
        return self.rows([row for row, name in enumerate(self.columns["symbol"]) if name == symbol])

    def bad(self, row: int, rule: str, advice: str = "correct the file") -> BadBars:
        """The error that names this file and the line of `row`."""
        symbol = self.columns["symbol"][row] if "symbol" in self.columns else symbol_of(self.path)
        return BadBars(symbol, f"{self.path} line {self.lines[row]}", rule, advice)

    def require(self, *names: str) -> None:
        """Insist on columns.

        Raises:
            BadBars: one is missing.
        """
        for name in names:
            if name not in self.columns:
                found = ", ".join(self.columns) or "none"
                raise BadBars(symbol_of(self.path), f"{self.path} line 1", f"there is no column for {name} "
                              f"(understood: {found})", "name the columns Date,Open,High,Low,Close,Volume")

    def numbers(self, name: str, empty: float | None = None) -> np.ndarray:
        """A column as float64; `empty` stands for cells without text, which are an error otherwise.

        Raises:
            BadBars: a cell is not a plain decimal number.
        """
        return np.array([self._number(name, row, text, empty) for row, text in enumerate(self.columns[name])])

    def _number(self, name: str, row: int, text: str, empty: float | None) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not text and empty is not None:
            return empty
        if not math.isfinite(value) or "_" in text:
            advice = "write plain numbers such as 1234.5, without currency signs, commas or words"
            raise self.bad(row, f"{name} {text!r} is not a number", advice)
        return value


def symbol_of(path: Path) -> str:
    """The symbol a file is named after: its stem, without the ".actions" of an actions file."""
    return path.stem.removesuffix(".actions")


def read_table(path: Path) -> CsvTable:
    """Read a file with a header line.

    Raises:
        UnknownName: there is no such file. UsageError: it cannot be read, is empty, or is not UTF-8 text.
        BadBars: a line has more or fewer cells than the header.
    """
    text = _text(path)
    reader = csv.reader(text.splitlines(), delimiter=_delimiter(text), strict=True)
    try:
        stripped = ((reader.line_num, [cell.strip() for cell in cells]) for cells in reader)
        records = [(line, cells) for line, cells in stripped if any(cells)]
    except csv.Error as error:
        raise UsageError(f"{path} line {reader.line_num} is not CSV: {error}; correct the file") from None
    if len(records) < 2:
        raise UsageError(f"{path} is empty: it needs a header line and at least one bar")
    header, body = records[0][1], records[1:]
    for line, cells in body:
        if len(cells) != len(header):
            rule = f"there are {len(cells)} cells, the header has {len(header)}"
            raise BadBars(symbol_of(path), f"{path} line {line}", rule, "correct the file")
    columns = {name: [cells[at] for _, cells in body] for name, at in _places(header).items()}
    return CsvTable(path, columns, [line for line, _ in body])


def _places(header: Sequence[str]) -> dict[str, int]:
    plain = [re.sub(r"[^a-z0-9]", "", title.lower()) for title in header]
    places = {}
    for field, names in NAMES.items():
        found = next((plain.index(name) for name in names if name in plain), None)
        if found is not None:
            places[field] = found
    if "date" not in places and plain[0] == "":  # the index column of a pandas frame has no name
        places["date"] = 0
    if places.get("clock") == places.get("date"):
        places.pop("clock", None)
    return places


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        near = [each.name for each in path.parent.glob("*.csv")] if path.parent.is_dir() else []
        raise UnknownName.of(f"file in {path.parent}", path.name, near) from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; name a CSV file") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text (byte {error.start}): save it as UTF-8 CSV") from None
    if "\0" in text:
        raise UsageError(f"{path} is a binary file: name a CSV file")
    return text


def _delimiter(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return max(DELIMITERS, key=first.count)
