"""The table of moving averages (`feeds.averages`), on every kind of database. Imports core and feeds.

    bar_averages  one row a bar: series, time_ns and session of the bar, sma_7 … sma_200; NULL until there are bars enough
"""

import math

import numpy as np
from sqlalchemy import Connection, text

from feeds.averages import NAMES, Averages

_COLUMNS = ("time_ns", "session", *NAMES)
_PUT = text(f"INSERT INTO bar_averages (series, {', '.join(_COLUMNS)}) VALUES (:series, {', '.join(f':{name}' for name in _COLUMNS)}) "
            f"ON CONFLICT (series, time_ns) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[1:])}")
_DROPPED = text("DELETE FROM bar_averages WHERE series = :series AND time_ns = :time_ns")
_FOUND = f"SELECT {', '.join(_COLUMNS)} FROM bar_averages WHERE series = :series"


def put_averages(connection: Connection, series: int, averages: Averages, by_session: bool) -> None:
    """Add them in place of those of the same times, or of the same sessions."""
    if not len(averages):
        return
    if by_session:
        old = read_averages(connection, series, averages.symbol, str(averages.session[0]), str(averages.session[-1]))
        moved = old.index[np.isin(old.session, averages.session) & ~np.isin(old.index, averages.index)]
        if len(moved):
            connection.execute(_DROPPED, [{"series": series, "time_ns": moment} for moment in moved.tolist()])
    values = [[None if math.isnan(value) else value for value in row] for row in averages.values.tolist()]
    connection.execute(_PUT, [{"series": series, **dict(zip(_COLUMNS, (moment, session, *row), strict=True))} for moment, session, row in zip(
        averages.index.tolist(), averages.session.astype(str).tolist(), values, strict=True)])


def read_averages(connection: Connection, series: int, symbol: str, start: str | None, end: str | None) -> Averages:
    """Those of sessions from `start` to `end`, both included; None = without bound."""
    bounds = {name: value for name, value in (("start", start), ("end", end)) if value is not None}
    within = "".join(f" AND session {sign} :{name}" for name, sign in (("start", ">="), ("end", "<=")) if name in bounds)
    rows = connection.execute(text(f"{_FOUND}{within} ORDER BY time_ns"), {"series": series, **bounds}).all()
    if not rows:
        return Averages.none(symbol)
    moments, sessions, *columns = zip(*rows, strict=True)
    values = np.column_stack([np.array(column, dtype=np.float64) for column in columns])
    values.flags.writeable = False
    return Averages(symbol, np.array(moments, dtype=np.int64), np.array(sessions, dtype="datetime64[D]"), values)
