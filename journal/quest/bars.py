"""Bars in QuestDB, every bit of them, and back."""

import numpy as np

from core.errors import NoBars, StoreFailed
from core.questdb_bars import DATES, NUMBERS, asked_columns, found_days, found_numbers, sent_columns, within
from core.questdb_server import QuestServer
from core.series import SymbolBars
from journal.quest.tables import BARS

_CHOSEN = f'SELECT cast(ts AS LONG), {asked_columns((*DATES, *NUMBERS, "close_only"))} FROM {BARS.name} WHERE source = %s AND symbol = %s AND "interval" = %s'


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
    named = {name: pd.Categorical([value]).repeat(len(bars)) for name, value in
             (("source", source), ("symbol", bars.symbol), ("interval", interval))}
    frame = pd.DataFrame({"ts": bars.index.astype("datetime64[ns]"), **named, **sent_columns(bars, shown)})
    server.send(lambda sender: sender.dataframe(frame, table_name=BARS.name, symbols=list(named), at="ts"))


def read_bars(server: QuestServer, symbol: str, start: str | None, end: str | None, interval: str, source: str) -> SymbolBars:
    """The bars of a symbol, sessions `start` to `end` both included.

    Raises:
        NoBars: there are none.
    """
    condition, bounds = within(start, end)
    server.settle()
    rows = server.ask(f"{_CHOSEN}{condition} ORDER BY ts", [source, symbol, interval, *bounds], binary=True)
    if not rows:
        raise NoBars(f"QuestDB has no {interval} bars of {symbol} from {source} there: copy them with cerebrolab questdb copy --bars")
    columns = list(zip(*rows, strict=True))
    dates = {name: found_days(column) for name, column in zip(DATES, columns[1:3], strict=True)}
    numbers = {name: found_numbers(column) for name, column in zip(NUMBERS, columns[3:-1], strict=True)}
    return SymbolBars(symbol, np.array(columns[0], dtype=np.int64), **dates, **numbers, close_only=columns[-1][0])
