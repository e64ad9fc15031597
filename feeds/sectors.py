"""Sectors of symbols: from a CSV file with the columns symbol and sector, or from what a source knows of its own.

Imports core and feeds.
"""

from collections.abc import Sequence
from pathlib import Path

from core.errors import UsageError
from feeds.source import Source
from feeds.symbol_lines import symbol_lines

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
    sectors: dict[str, str] = {}
    for where, cells in symbol_lines(file, "the sector map", set(HEADS).issubset, "its first line must name symbol and sector"):
        symbol, sector = cells["symbol"], cells.get("sector", "")
        if sector and sectors.setdefault(symbol, sector) != sector:
            raise UsageError(f"{where} is in {sector}, and in {sectors[symbol]} above: keep one")
    return sectors
