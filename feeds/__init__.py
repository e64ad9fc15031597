"""Where bars come from: sources (sample, csv, yahoo, alpaca, synthetic), the store, and the feed into Cerebro.

May import core and indicators. Names are resolved when first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feeds.alpaca_feed import AlpacaData as AlpacaData
    from feeds.cerebro_feed import BarsData as BarsData
    from feeds.load import load_bars as load_bars
    from feeds.load import source_named as source_named
    from feeds.parquet_store import ParquetStore as ParquetStore
    from feeds.source import Source as Source
    from feeds.sql_store import SqlStore as SqlStore
    from feeds.store import BarStore as BarStore

_HOME = {
    "AlpacaData": "feeds.alpaca_feed",
    "BarStore": "feeds.store",
    "BarsData": "feeds.cerebro_feed",
    "ParquetStore": "feeds.parquet_store",
    "Source": "feeds.source",
    "SqlStore": "feeds.sql_store",
    "load_bars": "feeds.load",
    "source_named": "feeds.load",
}
__all__ = ["AlpacaData", "BarStore", "BarsData", "ParquetStore", "Source", "SqlStore", "load_bars", "source_named"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'feeds' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
