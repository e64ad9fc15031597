"""A scripted vendor of bars, hand-made bars, and their comparison, for the tests of feeds."""

import numpy as np

from core.calendars import get_calendar
from core.errors import SourceUnavailable
from core.series import SymbolBars
from feeds.source import cut_all


def daily_bars(symbol: str, sessions, seed: int = 0, **actions) -> SymbolBars:
    """Valid OHLCV bars on the given sessions, the numbers decided by symbol, seed and date alone."""
    sessions = np.asarray(sessions, dtype="datetime64[D]")
    days = sessions.astype(np.int64)
    close = 50 + 10 * np.sin(days / 7 + seed + len(symbol))
    index = get_calendar("XNYS").close_of(sessions)
    return SymbolBars.make(symbol, index, sessions, close, open=close - 0.5, high=close + 1, low=close - 1,
                           volume=1_000.0 + days % 97, **actions)


class ScriptedSource:
    """A vendor that knows a fixed history, counts what it is asked for, and can be told to fail."""

    name = "yahoo"
    calendar = "XNYS"
    synthetic = False
    stored = True
    note = "scripted"
    market_index = ""

    def __init__(self, *history: SymbolBars) -> None:
        self.history = {bars.symbol: bars for bars in history}
        self.asked: list[tuple[str, str, str]] = []
        self.down = False

    def canonical(self, symbols):
        return tuple(symbols)

    def symbols(self):
        return tuple(self.history)

    def sector(self, symbol):
        return ""

    def last_session(self, symbols):
        return None

    def fetch(self, symbols, start, end, interval="1d", progress=None):
        if self.down:
            raise SourceUnavailable("yahoo did not answer (scripted): check the network and try again")
        self.asked += [(symbol, start, end) for symbol in symbols]
        return cut_all([self.history[symbol] for symbol in symbols if symbol in self.history], start, end)

    def sessions_asked(self, symbol: str) -> list[np.datetime64]:
        """Every session asked for, as often as it was."""
        calendar = get_calendar(self.calendar)
        return [day for name, start, end in self.asked if name == symbol for day in calendar.between(start, end)]


def same_bars(left: SymbolBars, right: SymbolBars) -> bool:
    """Whether two series agree in every field."""
    names = ("index", "session", "open", "high", "low", "close", "volume", "dividend", "split")
    paid = np.array_equal(left.pay_date.astype(str), right.pay_date.astype(str))
    return left.symbol == right.symbol and paid and left.close_only == right.close_only and all(
        np.array_equal(getattr(left, name), getattr(right, name), equal_nan=name not in ("index", "session"))
        for name in names)
