"""Bars in QuestDB, every bit of them, and back."""

import numpy as np

from core.errors import NoBars, StoreFailed
from core.series import FIELDS, SymbolBars
from journal.quest.server import QuestServer
from journal.quest.tables import BARS

_DATES, _NUMBERS = ("session", "pay_date"), (*FIELDS, "dividend", "split")
_SELECTED = ", ".join(["cast(ts AS LONG)", *(f'cast("{name}" AS LONG)' for name in _DATES), *(f'"{name}"' for name in _NUMBERS), "close_only"])
_CHOSEN = f'SELECT {_SELECTED} FROM {BARS.name} WHERE source = %s AND symbol = %s AND "interval" = %s'


def send_bars(server: QuestServer, source: str, interval: str, bars: SymbolBars) -> None:
    """Send a series; bars that are there with the same time are replaced.

    Raises:
        StoreFailed: a bar is from before 1970, or a number infinite, which QuestDB cannot hold; nothing is written.
    """
    import pandas as pd

    if not len(bars):
        return
    shown = f"the bars of {bars.symbol} ({source}, {interval}) cannot be copied to QuestDB"
    if bars.index.min() < 0:
        raise StoreFailed(f"{shown}: the first is of {bars.session[np.argmin(bars.index)]}, and its times begin in 1970; leave out what is before")
    unfit = [name for name in _NUMBERS if np.isinf(getattr(bars, name)).any()]
    if unfit:
        raise StoreFailed(f"{shown}: a number of {unfit[0]} is infinite; correct the data")
    named = {name: pd.Categorical([value]).repeat(len(bars)) for name, value in
             (("source", source), ("symbol", bars.symbol), ("interval", interval))}
    frame = pd.DataFrame({
        "ts": bars.index.astype("datetime64[ns]"), **named, **{name: getattr(bars, name).astype("datetime64[us]") for name in _DATES},
        **{name: getattr(bars, name) for name in _NUMBERS}, "close_only": bars.close_only})
    server.send(lambda sender: sender.dataframe(frame, table_name=BARS.name, symbols=list(named), at="ts"))


def read_bars(server: QuestServer, symbol: str, start: str | None, end: str | None, interval: str, source: str) -> SymbolBars:
    """The bars of a symbol, sessions `start` to `end` both included.

    Raises:
        NoBars: there are none.
    """
    statement = _CHOSEN
    values: list[str | int] = [source, symbol, interval]
    for sign, date in ((">=", start), ("<=", end)):
        if date is not None:
            statement += f" AND session {sign} cast(%s AS TIMESTAMP)"
            values.append(np.datetime64(date, "us").astype(np.int64).item())
    server.settle()
    rows = server.ask(statement + " ORDER BY ts", values, binary=True)
    if not rows:
        raise NoBars(f"QuestDB has no {interval} bars of {symbol} from {source} there: copy them with cerebrolab questdb copy --bars")
    columns = list(zip(*rows, strict=True))
    dates = {name: _days(column) for name, column in zip(_DATES, columns[1:3], strict=True)}
    numbers = {name: np.array(column, dtype=np.float64) for name, column in zip(_NUMBERS, columns[3:-1], strict=True)}
    return SymbolBars(symbol, np.array(columns[0], dtype=np.int64), **dates, **numbers, close_only=columns[-1][0])


def _days(microseconds: tuple[int | None, ...]) -> np.ndarray:
    return np.array([np.datetime64("NaT") if each is None else np.datetime64(each, "us") for each in microseconds], dtype="datetime64[D]")
