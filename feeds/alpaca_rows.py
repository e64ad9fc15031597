"""Minute bars of several symbols, as they arrive, joined into rows that are released in order: one moment, all symbols.

Pure: no clock, no network. Imports core.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from core.series import FIELDS, SymbolBars

MINUTE_NS = 60 * 10**9

Times = tuple[int, int]  # a session's open and close, UTC ns
SessionAt = Callable[[int], Times | None]  # the session of a moment's day
Fetch = Callable[[Sequence[str], str, str], Sequence[SymbolBars]]  # symbols, first session (ISO date), interval: complete bars


class Values(NamedTuple):
    """Prices in USD, volume in shares."""

    open: float
    high: float
    low: float
    close: float
    volume: float


class Row(NamedTuple):
    """What all symbols did in one bar.

    Attributes:
        moment: when it is complete, UTC ns. values: symbol -> its bar, of those that traded.
        live: it was told in time; decisions on other rows are not traded.
    """

    moment: int
    values: dict[str, Values]
    live: bool


class MinuteRows:
    """Rows of one bar length, made of minute bars.

    A row is due when every symbol has told its last minute, or `grace_ns` after its end. What arrives for a row that
    has been released is not played any more.

    Args:
        symbols: those that are waited for. step_ns: length of a bar. session_at: the trading hours; bars are counted
            from the open, the last one ends with the close, and minutes out of hours are left out.

    Attributes:
        last: rows up to this moment have been released, or need none.
    """

    def __init__(self, symbols: Sequence[str], step_ns: int, grace_ns: int, session_at: SessionAt) -> None:
        self.symbols, self._step_ns, self._grace_ns, self._session_at = frozenset(symbols), step_ns, grace_ns, session_at
        self.last = 0
        self._session: Times = (0, 0)
        self._told: dict[int, dict[str, dict[int, Values]]] = {}

    def end(self, moment: int) -> int | None:
        """The end of the bar that a minute belongs to; None out of hours."""
        session = self._session_at(moment)
        if session is None or not session[0] < moment <= session[1]:
            return None
        self._session = session
        return self._end(moment)

    def _end(self, moment: int) -> int:
        opens, closes = self._session
        return min(opens + -(-(moment - opens) // self._step_ns) * self._step_ns, closes)

    def add(self, symbol: str, moment: int, values: Values) -> bool:
        """Take in a minute bar that was complete at `moment`, or its correction; False if its row has been released."""
        end = self.end(moment)
        if end is None:
            return True
        if end <= self.last:
            return False
        self._told.setdefault(end, {}).setdefault(symbol, {})[moment] = values
        return True

    def ready(self, now: int, patient: bool) -> list[Row]:
        """Release what is due, in order; if `patient`, no row that may become more complete."""
        rows: list[Row] = []
        for end in sorted(self._told):
            if not self._complete(end) and (patient or now < end + self._grace_ns):
                break
            rows.append(self._release(end, live=True))
        return rows

    def behind(self, until: int) -> list[Row]:
        """Release every row up to a moment, as bars that come too late to trade on."""
        rows = [self._release(end, live=False) for end in sorted(self._told) if end <= until]
        self.last = max(self.last, until)
        return rows

    def skip(self, until: int) -> None:
        """Rows up to a moment have been played from elsewhere."""
        self.last = max(self.last, until)
        self._told = {end: told for end, told in self._told.items() if end > self.last}

    def awaits(self, moment: int, now: int) -> bool:
        """Whether a row of this moment may still be released in time."""
        opens, closes = self._session
        inside = opens < moment <= closes and self.last < moment
        return inside and now < moment + self._grace_ns and self._end(moment) == moment

    @property
    def due(self) -> int | None:
        """When the earliest row is released at the latest, UTC ns; None if nothing has been told."""
        return min(self._told) + self._grace_ns if self._told else None

    def _complete(self, end: int) -> bool:
        told = self._told[end]
        return all(end in told.get(symbol, ()) for symbol in self.symbols)

    def _release(self, end: int, live: bool) -> Row:
        self.last = end
        told = self._told.pop(end)
        return Row(end, {symbol: joined([minutes[at] for at in sorted(minutes)]) for symbol, minutes in told.items()}, live)


def joined(bars: Sequence[Values]) -> Values:
    """Bars in order as one."""
    return Values(bars[0].open, max(bar.high for bar in bars), min(bar.low for bar in bars), bars[-1].close,
                  sum(bar.volume for bar in bars))


def bars_of(series: SymbolBars) -> Iterator[tuple[int, Values]]:
    """The bars of a symbol, one after another, with the moments at which they were complete."""
    columns = [getattr(series, name).tolist() for name in FIELDS]
    for moment, *values in zip(series.index.tolist(), *columns, strict=True):
        yield moment, Values(*values)


def rows_of(series: Sequence[SymbolBars]) -> list[Row]:
    """The bars of several symbols, row after row; none of them live."""
    told: dict[int, dict[str, Values]] = {}
    for each in series:
        for moment, values in bars_of(each):
            told.setdefault(moment, {})[each.symbol] = values
    return [Row(moment, told[moment], live=False) for moment in sorted(told)]
