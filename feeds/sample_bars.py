"""Source "sample": real daily bars of stocks, ETFs and indices that come with the project (feeds/sample/ORIGIN.md).

Read with pyarrow directly, one row group a symbol. Imports core and feeds.source only.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import UnknownName
from core.series import FIELDS, PRICES, SymbolBars
from feeds.intervals import require_daily
from feeds.sectors import read_sectors
from feeds.source import Progress, cut_all

SAMPLE = Path(__file__).parent / "sample" / "bars.parquet"
METADATA_KEY = b"cerebrolab.sample"


class SampleSource:
    """The bars of feeds/sample: OHLCV with actions where they exist, else adjusted closes (close-only)."""

    name = "sample"
    calendar = "XNYS"
    synthetic = False
    stored = False
    market_index = "^GSPC"
    note = "real daily bars from public packages, see feeds/sample/ORIGIN.md"

    def canonical(self, symbols: Sequence[str]) -> tuple[str, ...]:
        """The names as they are.

        Raises:
            UnknownName: the sample has no such symbol.
        """
        known = _described()
        for symbol in symbols:
            if symbol not in known:
                raise UnknownName.of("symbol", symbol, known, "(source sample)")
        return tuple(symbols)

    def symbols(self) -> tuple[str, ...]:
        """All symbols, sorted."""
        return tuple(sorted(_described()))

    def describe(self, symbol: str) -> dict[str, Any]:
        """First and last session, kind ("stock", "etf", "index"), package, `close_only` and `adjusted`.

        Raises:
            UnknownName: the sample has no such symbol.
        """
        return dict(_described()[self.canonical([symbol])[0]])

    def sector(self, symbol: str) -> str:
        """The GICS sector of a stock (feeds/sample/sectors.csv); "" for funds and indices."""
        return _sectors().get(symbol, "")

    def last_session(self, symbols: Sequence[str]) -> np.datetime64:
        """The latest session of any of the symbols."""
        return max(np.datetime64(self.describe(symbol)["last"], "D") for symbol in symbols)

    def fetch(self, symbols: Sequence[str], start: str | None, end: str | None, interval: str = "1d",
              progress: Progress | None = None) -> list[SymbolBars]:
        """Daily bars of the symbols; see `feeds.source.Source.fetch`.

        Raises:
            UnknownName: the sample has no such symbol. BadSpec: the interval is not "1d".
        """
        require_daily(interval, self.name)
        return cut_all([_series(symbol) for symbol in self.canonical(symbols)], start, end)


@lru_cache(maxsize=1)
def _described() -> dict[str, dict[str, Any]]:
    import pyarrow.parquet as pq

    return json.loads(pq.read_schema(SAMPLE).metadata[METADATA_KEY])


@lru_cache(maxsize=1)
def _sectors() -> dict[str, str]:
    return read_sectors(SAMPLE.with_name("sectors.csv"))


@lru_cache(maxsize=64)
def _series(symbol: str) -> SymbolBars:
    import pyarrow.parquet as pq

    about = _described()[symbol]
    table = pq.ParquetFile(SAMPLE).read_row_group(about["group"])
    columns = {name: table.column(name).to_numpy() for name in ("session", *FIELDS, "dividend", "split")}
    for name in PRICES:  # whole numbers of 10**-decimals: the division gives back the decimal price exactly
        columns[name] = columns[name] / 10 ** about["decimals"]
    if about["close_only"]:
        columns.update(dict.fromkeys(("open", "high", "low", "volume")))
    return SymbolBars.make(symbol, table.column("time").to_numpy(), columns.pop("session"), columns.pop("close"),
                           **columns, validated=False)
