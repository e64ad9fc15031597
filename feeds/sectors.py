"""Sectors of symbols: from a CSV file with the columns symbol and sector, or from what a source knows of its own.

Imports core and feeds.source only.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

from core.errors import UsageError
from feeds.source import Source

HEADS = ("symbol", "sector")


def sectors_of(symbols: Sequence[str], source: Source, file: str | Path | None = None) -> dict[str, str]:
    """The sector of each symbol, from the file or, without one, from the source; unknown ones are left out.

    Raises:
        UsageError: the file cannot be read, has other columns, or names no sector for one of the symbols.
    """
    if file is None:
        known = {symbol: source.sector(symbol) for symbol in symbols}
        return {symbol: sector for symbol, sector in known.items() if sector}
    sectors = read_sectors(file)
    holes = [symbol for symbol in symbols if symbol not in sectors]
    if holes:
        raise UsageError(f"{file} names no sector for {', '.join(holes[:5])}{', …' if len(holes) > 5 else ''}: "
                         f"add the line {holes[0]},<sector>")
    return {symbol: sectors[symbol] for symbol in symbols}


def read_sectors(file: str | Path) -> dict[str, str]:
    """Symbol -> sector, as written in a CSV file; lines without a sector are left out.

    Raises:
        UsageError: the file cannot be read, has other columns, or names two sectors for one symbol.
    """
    try:
        with open(file, newline="", encoding="utf-8-sig") as stream:
            lines = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"cannot read the sector map {file}: {getattr(error, 'strerror', None) or error}") from None
    heads = [head.strip().lower() for head in lines[0]] if lines else []
    if not set(HEADS) <= set(heads):
        raise UsageError(f"the sector map {file} has the columns {', '.join(heads) or 'none'}: "
                         "its first line must name symbol and sector")
    sectors: dict[str, str] = {}
    for number, line in enumerate(lines[1:], 2):
        cells = dict(zip(heads, map(str.strip, line), strict=False))
        symbol, sector = cells.get("symbol", ""), cells.get("sector", "")
        if symbol and sector and sectors.setdefault(symbol, sector) != sector:
            raise UsageError(f"{file}, line {number}: {symbol} is in {sector}, and in {sectors[symbol]} above: keep one")
    return sectors
