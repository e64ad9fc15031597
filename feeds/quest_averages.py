"""The table of averages in QuestDB: a log as that of the bars (`feeds.quest_rows`), of rows whose place later ones take. Imports core and feeds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.questdb_bars import found_days, within
from core.questdb_server import QuestServer, QuestTable
from feeds.averages import NAMES, PERIODS, Averages
from feeds.quest_rows import OF_SERIES, SERIES, Write, slots

if TYPE_CHECKING:
    import pandas as pd

AVERAGES = QuestTable("cerebrolab_averages", {
    "ts": "TIMESTAMP_NS", "write": "LONG", **dict.fromkeys(SERIES, "SYMBOL"), "slot": "LONG", "time_ns": "LONG", "session": "TIMESTAMP",
    **dict.fromkeys(NAMES, "DOUBLE")}, (), "YEAR", ("symbol",))
_NEWEST = f"SELECT cast(max(ts) AS LONG) FROM {AVERAGES.name} {OF_SERIES}"
_ROWS = f"SELECT slot, time_ns, cast(session AS LONG), {', '.join(NAMES)} FROM {AVERAGES.name} {OF_SERIES}"


def averages_frame(server: QuestServer, averages: Averages, interval: str, source: str, by_session: bool) -> "pd.DataFrame":
    """What is sent of averages, later than all that is there of the series."""
    (newest,), = server.ask(_NEWEST, [source, interval, averages.symbol])
    writing = Write(source, interval, averages.symbol, newest or 0)
    return writing.framed({"slot": slots(averages, by_session), "time_ns": averages.index, "session": averages.session.astype("datetime64[us]"),
                           **dict(zip(NAMES, averages.values.T, strict=True))})


def read_averages(server: QuestServer, symbol: str, start: str | None, end: str | None, interval: str, source: str) -> Averages:
    """Those of sessions from `start` to `end`, both included; None = without bound."""
    condition, bounds = within(start, end)
    rows: Sequence[tuple[Any, ...]] = server.ask(f"{_ROWS}{condition} ORDER BY ts, write", [source, interval, symbol, *bounds], binary=True)
    newest = {row[0]: row for row in rows}.values()
    ordered = sorted(newest, key=lambda row: row[1])
    values = np.array([row[3:] for row in ordered], dtype=np.float64).reshape(-1, len(PERIODS))
    values.flags.writeable = False
    return Averages(symbol, np.array([row[1] for row in ordered], dtype=np.int64), found_days([row[2] for row in ordered]), values)
