"""CSV files that say something of symbols, a line each: sectors, universes, events, shares to borrow. Imports core only."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

from core.errors import UsageError


def symbol_lines(file: str | Path, what: str, fits: Callable[[set[str]], bool], rule: str) -> Iterator[tuple[str, dict[str, str]]]:
    """(where it stands, column -> text without blanks) of each line that names a symbol.

    Args:
        what: the file's name for messages, such as "the universe". fits: whether these columns will do. rule: what is said where they do not.

    Raises:
        UsageError: the file cannot be read, or has other columns.
    """
    try:
        with open(file, newline="", encoding="utf-8-sig") as stream:
            lines = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"cannot read {what} {file}: {getattr(error, 'strerror', None) or error}") from None
    heads = [head.strip().lower() for head in lines[0]] if lines else []
    if not fits(set(heads)):
        raise UsageError(f"{what} {file} has the columns {', '.join(heads) or 'none'}: {rule}")
    for number, line in enumerate(lines[1:], 2):
        cells = dict(zip(heads, map(str.strip, line), strict=False))
        if cells.get("symbol"):
            yield f"{file}, line {number}: {cells['symbol']}", cells
