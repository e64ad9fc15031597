"""`opened`: the store of bars at a place, whether that is a folder, a database or a bucket. Imports feeds when asked."""

import re
from pathlib import Path

from core.errors import UsageError
from feeds.store import BarStore

PLACES = "write a folder, sqlite:///path/to/bars.db, postgresql://USER:PASSWORD@HOST:PORT/DATABASE, questdb://USER:PASSWORD@HOST:9000 or s3://BUCKET/PREFIX"
_FILES = ("file", "s3", "memory")


def opened(place: str | Path) -> BarStore:
    """The store at a folder (also "file:///path"), "sqlite:///path", "postgresql://…", "questdb://…" or "s3://bucket/prefix".

    Raises:
        UsageError: the place is none.
    """
    kind = place.partition("://")[0] if isinstance(place, str) and "://" in place else ""
    if kind in ("", *_FILES):
        from feeds.parquet_store import ParquetStore

        return ParquetStore(place)
    if re.fullmatch(r"(sqlite|postgresql|postgres)(\+\w+)?", kind):
        from feeds.sql_store import SqlStore

        return SqlStore(str(place))
    if kind == "questdb":
        from feeds.quest_store import QuestStore

        return QuestStore(str(place))
    raise UsageError(f"bar store {shown(place)!r} is of no kind that is known: {PLACES}")


def shown(place: str | Path) -> str:
    """The place for messages: without user, password and options."""
    return str(place) if isinstance(place, Path) else re.sub(r"://.*@", "://", place.partition("?")[0])
