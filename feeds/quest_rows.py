"""The table of bars in QuestDB, a log in the order of writing: what is sent of a write, and what is found of a series.

    ts, write   when it was written, and a random number: the same for all rows of a write; what was written later counts more
    kind        "bar"; "earlier": a version that another store has kept, until moment_ns; "asked", "forgotten": the sessions from
                session to last_session were asked for, or are to be asked for again
    slot        what bars are told apart by: the session in ns, within the day the time. The bars as they are now:
                SELECT * FROM cerebrolab_store WHERE kind = 'bar' LATEST ON ts PARTITION BY source, "interval", symbol, slot
    time_ns     when a bar is complete, UTC; moment_ns: when it arrived
    asked, told see `feeds.quest_log.WrittenBars`

Imports core and feeds.
"""

import secrets
import time
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from core.questdb_bars import NUMBERS, TYPES, asked_columns, found_days, found_numbers, sent_columns
from core.questdb_server import QuestTable
from core.series import SymbolBars
from feeds.averages import Averages
from feeds.quest_log import SeriesLog, WrittenBars
from feeds.revisions import Revisions

if TYPE_CHECKING:
    import pandas as pd

BAR, EARLIER, ASKED, FORGOTTEN = "bar", "earlier", "asked", "forgotten"
SERIES = ("source", "interval", "symbol")
SYMBOLS = (*SERIES, "kind", "calendar")
OF_SERIES = 'WHERE source = %s AND "interval" = %s AND symbol = %s'
TABLE = QuestTable("cerebrolab_store", {
    "ts": "TIMESTAMP_NS", "write": "LONG", **dict.fromkeys(SYMBOLS, "SYMBOL"), "slot": "LONG", "time_ns": "LONG", **TYPES,
    "last_session": "TIMESTAMP", "moment_ns": "LONG", "asked": "BOOLEAN", "told": "BOOLEAN"}, (), "YEAR", ("symbol",))
CHANGE = 'cast(ts AS LONG), write, kind, calendar, cast(session AS LONG), cast(last_session AS LONG)'
_FIELDS = ("time_ns", "moment_ns", "asked", "told", "close_only", *NUMBERS, "pay_date")
SELECTED = f"{CHANGE}, {asked_columns(_FIELDS)}"
_KIND, _CALENDAR, _SESSION, _LAST, _FIRST_FIELD = range(2, 7)


class Write:
    """One write of a series, as data frames for the client.

    Args:
        after: the newest write of the series that this one has seen, as the table counts them; 0 = none.
    """

    def __init__(self, source: str, interval: str, symbol: str, after: int) -> None:
        self._names = {"source": source, "interval": interval, "symbol": symbol}
        self._time, self._number = max(after + 1, time.time_ns()), secrets.randbits(62)
        self._what = f"the bars of {symbol} ({source}, {interval}) cannot be kept in QuestDB"

    def bars(self, written: WrittenBars, by_session: bool) -> "pd.DataFrame":
        """Bars.

        Raises:
            StoreFailed: a number is infinite.
        """
        bars = written.bars
        return self.framed({"slot": slots(bars, by_session), "time_ns": bars.index, **sent_columns(bars, self._what), "moment_ns": written.moment,
                            "asked": written.asked, "told": written.told}, kind=BAR)

    def earlier(self, revisions: Revisions) -> "pd.DataFrame":
        """Versions that another store has kept.

        Raises:
            StoreFailed: a number is infinite.
        """
        return self.framed({"time_ns": revisions.bars.index, **sent_columns(revisions.bars, self._what), "moment_ns": revisions.until},
                           kind=EARLIER)

    def sessions(self, kind: str, ranges: Sequence[tuple[np.datetime64, np.datetime64]], calendar: str) -> "pd.DataFrame":
        """Sessions asked for or forgotten, from the first to the last of each range; without one, that there is such a series."""
        first, last = np.array(ranges or [(np.datetime64("NaT"),) * 2], dtype="datetime64[us]").T
        return self.framed({"session": first, "last_session": last}, kind=kind, calendar=calendar)

    def framed(self, columns: Mapping[str, np.ndarray], **named: str) -> "pd.DataFrame":
        """Rows of this write; named: symbols that are the same in all of them."""
        import pandas as pd

        rows = len(columns["session"])
        same = {name: pd.Categorical([value]).repeat(rows) for name, value in {**self._names, **named}.items()}
        return pd.DataFrame({"ts": np.full(rows, self._time).astype("datetime64[ns]"), "write": np.full(rows, self._number), **same, **columns})


def slots(rows: SymbolBars | Averages, by_session: bool) -> np.ndarray:
    """(T,) int64: what rows are told apart by."""
    return rows.session.astype("datetime64[ns]").astype(np.int64) if by_session else rows.index


def log_of(symbol: str, rows: Sequence[tuple[Any, ...]]) -> SeriesLog:
    """What is known of a series by its rows, of `SELECTED`; of `CHANGE`, where bars do not matter. At least one is of a write."""
    ordered = sorted(rows, key=itemgetter(0, 1))
    kinds: dict[str, list[tuple[Any, ...]]] = {kind: [] for kind in (BAR, EARLIER, ASKED, FORGOTTEN)}
    for row in ordered:
        kinds[row[_KIND]].append(row)
    bars, fields = _bars(symbol, kinds[BAR])
    kept, kept_fields = _bars(symbol, kinds[EARLIER])
    written = WrittenBars(bars, fields["moment_ns"], fields["asked"].astype(bool), fields["told"].astype(bool))
    calendar = [row[_CALENDAR] for row in ordered if row[_KIND] == ASKED][-1]
    return SeriesLog(written, Revisions(kept, kept_fields["moment_ns"]), changes(ordered), calendar,
                     newest=ordered[-1][0], rows=len(rows))


def changes(rows: Sequence[tuple[Any, ...]]) -> list[tuple[np.datetime64, np.datetime64, bool]]:
    """The ranges of sessions that were asked for (True) or forgotten, of rows in order."""
    chosen = [row for row in rows if row[_KIND] in (ASKED, FORGOTTEN) and row[_SESSION] is not None]
    first, last = (found_days([row[at] for row in chosen]) for at in (_SESSION, _LAST))
    return list(zip(first, last, [row[_KIND] == ASKED for row in chosen], strict=True))


def _bars(symbol: str, rows: Sequence[tuple[Any, ...]]) -> tuple[SymbolBars, dict[str, np.ndarray]]:
    """The bars of rows, and all their fields."""
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [()] * (_FIRST_FIELD + len(_FIELDS))
    found = dict(zip(_FIELDS, columns[_FIRST_FIELD:], strict=True))
    numbers = {name: found_numbers(found[name]) for name in NUMBERS}
    fields = {name: np.array(found[name], dtype=np.int64) for name in ("time_ns", "moment_ns", "asked", "told")}
    days: dict[str, Any] = {"session": found_days(columns[_SESSION]), "pay_date": found_days(found["pay_date"])}
    return SymbolBars(symbol, fields["time_ns"], **days, **numbers, close_only=any(found["close_only"])), fields
