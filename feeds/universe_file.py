"""A universe with dates: a CSV file with the columns symbol, entry and exit, a line for each time in it. Imports core only."""

from itertools import pairwise
from pathlib import Path

import numpy as np

from core.day_numbers import iso_date
from core.errors import UsageError
from core.universe import Spell, Universe
from feeds.symbol_lines import symbol_lines

HEADS = ("symbol", "entry", "exit")
NEVER = np.datetime64("NaT", "D")


def read_universe(file: str | Path) -> Universe:
    """The universe of a file.

    `entry` is the first session in it, none = since ever; `exit` the first session no longer in it, none = to this day. A
    symbol that comes back has another line.

    Raises:
        UsageError: the file cannot be read, has other columns or no symbol, or a line whose dates are wrong, reversed or overlap others.
    """
    spells: dict[str, list[Spell]] = {}
    for where, cells in symbol_lines(file, "the universe", set(HEADS).issubset, "its first line must name symbol, entry and exit"):
        spell = Spell(*(_date(cells.get(name, ""), where) for name in ("entry", "exit")))
        if spell.exit <= spell.entry:
            raise UsageError(f"{where}: exit {spell.exit} is not after entry {spell.entry}: swap them")
        spells.setdefault(cells["symbol"], []).append(spell)
    if not spells:
        raise UsageError(f"the universe {file} names no symbol: a line is such as AAPL,1982-11-30,")
    for symbol, known in spells.items():
        _in_order(symbol, known, file)
    return Universe(spells)


def _in_order(symbol: str, spells: list[Spell], file: str | Path) -> None:
    spells.sort(key=lambda each: (not np.isnat(each.entry), each.entry))
    for first, second in pairwise(spells):
        if np.isnat(second.entry) or np.isnat(first.exit) or second.entry < first.exit:
            raise UsageError(f"{file}: {symbol} is in it from {_shown(first)} and from {_shown(second)}: times must not overlap")


def _shown(spell: Spell) -> str:
    entry, leave = ("ever" if np.isnat(day) else str(day) for day in spell)
    return f"{entry} to {leave}"


def _date(text: str, where: str) -> np.datetime64:
    if not text:
        return NEVER
    try:
        return iso_date(text)
    except ValueError:
        raise UsageError(f"{where}: {text!r} is not a date: write it as 2015-01-31") from None
