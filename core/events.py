"""What ends a symbol, or its name: delistings, mergers for cash, new symbols. Imports core only.

Who holds shares on the last bar of a symbol that is delisted or bought leaves it then, and is paid on the first bar of the
panel from the event's date on: a bar of that price stands there, and no later one. What is worthless is paid `WORTHLESS`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from core.bars import Bars
from core.errors import UnknownName, UsageError
from core.series import FIELDS, SymbolBars

DELISTED, MERGED, RENAMED = KINDS = ("delisted", "merged", "renamed")
WORTHLESS = 1e-9  # a price is above 0
ENDED = 10  # bars without a symbol at the end, after which it is taken for delisted where a haircut is named
AMPLE = 1e15  # volume of what is paid for all


class Event(NamedTuple):
    """What happens to a symbol.

    Attributes:
        date: first session on which it does not trade under its name. kind: one of `KINDS`.
        value: paid for a share, account currency; NaN = the last close, less the haircut. to: the new symbol, "" = none.
    """

    date: np.datetime64
    symbol: str
    kind: str
    value: float = np.nan
    to: str = ""


class Events:
    """The events of a run.

    Args:
        events: at most one of a symbol.
        haircut: part of the last close that is lost in a delisting without a value; None = 0, and nothing is delisted without an event.
    """

    def __init__(self, events: Sequence[Event] = (), haircut: float | None = None) -> None:
        self._events = {each.symbol: each for each in events}
        self._haircut = haircut

    def __bool__(self) -> bool:
        return bool(self._events) or self._haircut is not None

    def named(self, name: Callable[[str], str]) -> "Events":
        """The events with every symbol under another name.

        Raises:
            UsageError: two of them are of one symbol then, or new symbols lead back to an old one.
        """
        events: dict[str, Event] = {}
        for old in self._events.values():
            each = old._replace(symbol=name(old.symbol), to=name(old.to) if old.to else "")
            if each.symbol in events:
                raise UsageError(f"{old.symbol} and another symbol of the events are both {each.symbol}: leave one line of them")
            if each.kind != RENAMED or each.to != each.symbol:  # the source calls both by one name
                events[each.symbol] = each
        found = Events(tuple(events.values()), self._haircut)
        for symbol in events:
            found._check_ends(symbol)
        return found

    def _check_ends(self, symbol: str) -> None:
        passed = {symbol}
        while symbol in self._events and self._events[symbol].kind == RENAMED:
            symbol = self._events[symbol].to
            if symbol in passed:
                raise UsageError(f"the new symbols of {symbol} lead back to it: correct the events")
            passed.add(symbol)

    def current(self, symbol: str) -> str:
        """The latest name of a symbol."""
        while symbol in self._events and self._events[symbol].kind == RENAMED:
            symbol = self._events[symbol].to
        return symbol

    def earlier(self, symbols: Sequence[str]) -> tuple[str, ...]:
        """Earlier names of symbols that are called by their latest."""
        return tuple(old for old, each in self._events.items() if each.kind == RENAMED and self.current(old) in symbols)

    def check(self, symbols: Sequence[str]) -> None:
        """See to it that every event is of one of the symbols, by whatever name.

        Raises:
            UnknownName: one is not.
        """
        for symbol in self._events:
            if self.current(symbol) not in symbols:
                raise UnknownName.of("symbol of an event", symbol, symbols, "(take its line out of the events, or trade it)")

    # -- new symbols ----------------------------------------------------------------------------------

    def joined(self, bars: Bars) -> Bars:
        """One series of each symbol under its latest name; where there are no bars of an earlier one, the latest's are taken for them."""
        if all(self.current(symbol) == symbol for symbol in bars.symbols):
            return bars
        names = tuple(dict.fromkeys(map(self.current, bars.symbols)))
        sectors = {self.current(symbol): sector for symbol, sector in zip(bars.symbols, bars.sectors, strict=False) if sector}
        reference = [symbol for symbol, tradable in zip(bars.symbols, bars.tradable, strict=True) if not tradable]
        return Bars.of([self._series(name, bars) for name in names], reference=reference, interval=bars.interval, calendar=bars.calendar,
                       origin=bars.origin, sectors=sectors or None)

    def _series(self, name: str, bars: Bars) -> SymbolBars:
        parts: list[SymbolBars] = []
        since: np.datetime64 = np.datetime64("0001-01-01", "D")
        earlier = [old for old in self.earlier([name]) if old in bars.symbols]
        for symbol in [*sorted(earlier, key=lambda old: self._events[old].date), *([name] if name in bars.symbols else [])]:
            until: np.datetime64 = self._events[symbol].date if self.current(symbol) != symbol else np.datetime64("9999-12-31", "D")
            part = bars.series(symbol)
            parts.append(part.rows((part.session >= since) & (part.session < until)))
            since = until
        columns = {each: np.concatenate([getattr(part, each) for part in parts])
                   for each in ("index", "session", *FIELDS, "dividend", "split", "pay_date")}
        return SymbolBars(name, **columns, close_only=any(part.close_only for part in parts))

    # -- the end of a symbol --------------------------------------------------------------------------

    def paid_out(self, bars: Bars) -> Bars:
        """The bars with the last one of every symbol that ends, at which its holders are paid; it belongs to nobody's universe after.

        Raises:
            UsageError: a symbol has bars after it is said to have ended.
        """
        panels = {f"raw_{name}": getattr(bars, f"raw_{name}").copy() for name in FIELDS}
        member = np.ones(bars.shape, np.bool_) if bars.member is None else bars.member.copy()
        told = []
        for column in np.flatnonzero(bars.tradable).tolist():
            event = self._end(bars, column)
            rows = np.flatnonzero(bars.traded[:, column])
            if event is None or not len(rows):
                continue
            last = int(rows[-1])
            if bars.session[last] >= event.date:
                raise UsageError(f"{event.symbol} trades on {bars.session[last]}, and is {event.kind} on {event.date}: correct the date in the events")
            later = np.flatnonzero(bars.session[last + 1 :] >= event.date)
            if not len(later):
                continue
            row, price = last + 1 + int(later[0]), self._price(event, float(bars.raw_close[last, column]))
            for name, panel in panels.items():
                if name == "raw_close" or not bars.close_only[column]:
                    panel[row, column] = AMPLE if name == "raw_volume" else price
            member[last:, column] = False
            told.append(f"{event.symbol} is {event.kind}: {price:,.2f} a share on {bars.session[row]}")
        if not told:
            return bars
        return replace(bars, **panels, member=member, origin=replace(bars.origin, warnings=(*bars.origin.warnings, *told)))

    def _end(self, bars: Bars, column: int) -> Event | None:
        symbol = bars.symbols[column]
        if symbol in self._events:
            return self._events[symbol]
        rows = np.flatnonzero(bars.traded[:, column])
        if self._haircut is None or not len(rows) or len(bars) - 1 - rows[-1] < ENDED:
            return None
        return Event(bars.session[rows[-1]] + 1, symbol, DELISTED)

    def _price(self, event: Event, close: float) -> float:
        price = event.value if not np.isnan(event.value) else close * (1.0 - (self._haircut or 0.0 if event.kind == DELISTED else 0.0))
        return max(price, WORTHLESS)
