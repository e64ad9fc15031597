"""Bars: an immutable aligned panel of N symbols and T bars, the one input of every strategy.

`raw_*` prices are what trades. `open`, `high`, `low`, `close` are signal prices, forward-adjusted: raw times
`factor`, the number of shares that one share held since the first bar has become, with every split and every
dividend reinvested. No later event changes an earlier value.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from core.alignment import PANELS, aligned
from core.calendars import MINUTE_NS, get_calendar
from core.errors import NoBars, UnknownName
from core.frames import series_of
from core.panels import carried_forward
from core.series import FIELDS, SymbolBars

_DERIVED = ("traded", "last_close", "factor", "open", "high", "low", "close")
_BY_TRADABLE = ("fingerprint", "adjusted", "seen")  # derived from `tradable` too


@dataclass(frozen=True)
class Origin:
    """Where bars come from, for reports.

    Attributes:
        source: name of the source ("sample", "csv", "yahoo", "synthetic", …).
        synthetic: the bars are invented by a generator and must be labelled so.
        note: licence, or file.
        warnings: what a reader must know, such as "stored bars go up to 2024-05-03: the network failed".
    """

    source: str = ""
    synthetic: bool = False
    note: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Bars:
    """An aligned panel; NaN where a symbol has no bar.

    Attributes:
        symbols: N canonical names; their order breaks ties.
        index: (T,) int64 UTC nanoseconds of the moment each bar is complete.
        session: (T,) datetime64[D] exchange dates.
        raw_open, raw_high, raw_low, raw_close, raw_volume: (T, N) float64, C-contiguous, as traded.
        dividend: (T, N) cash per (post-split) share on the ex-date, 0 elsewhere.
        split: (T, N) new shares per old share on the ex-date, 1 elsewhere.
        pay_date: (T, N) datetime64[D], NaT where unknown.
        close_only: (N,) bool, the series knows closes only; its open, high, low and volume are NaN.
        tradable: (N,) bool, False for reference symbols such as a market index.
        interval: "1d", "1m", "5m", "1h", "1w" …
        calendar: name of the exchange calendar.
        origin: where the bars come from.
        sectors: N names of sectors, "" where unknown; () where none is known.
        member: (T, N) bool, who belongs to the universe; None = everybody always. A symbol has no bar before it has joined.
    """

    symbols: tuple[str, ...]
    index: np.ndarray
    session: np.ndarray
    raw_open: np.ndarray
    raw_high: np.ndarray
    raw_low: np.ndarray
    raw_close: np.ndarray
    raw_volume: np.ndarray
    dividend: np.ndarray
    split: np.ndarray
    pay_date: np.ndarray
    close_only: np.ndarray
    tradable: np.ndarray
    interval: str = "1d"
    calendar: str = "XNYS"
    origin: Origin = field(default_factory=Origin)
    sectors: tuple[str, ...] = ()
    member: np.ndarray | None = None

    def __post_init__(self) -> None:
        for each in fields(self):
            values = getattr(self, each.name)
            if isinstance(values, np.ndarray):
                values = values.view()  # the caller's own array stays writable
                values.flags.writeable = False
                object.__setattr__(self, each.name, values)

    # -- construction ---------------------------------------------------------------------------------

    @classmethod
    def of(cls, series: Sequence[SymbolBars], *, reference: Sequence[str] = (), interval: str = "1d",
           calendar: str = "XNYS", origin: Origin | None = None, sectors: Mapping[str, str] | None = None) -> "Bars":
        """Align validated series of several symbols on the union of their times; `sectors` maps symbol to sector.

        Raises:
            NoBars: `series` is empty.
        """
        if not series:
            raise NoBars("no symbols were given: name at least one")
        index, session, panels = aligned(series)
        symbols = tuple(each.symbol for each in series)
        return cls(
            symbols=symbols, index=index, session=session, **panels,
            close_only=np.array([each.close_only for each in series]),
            tradable=np.array([symbol not in set(reference) for symbol in symbols]),
            interval=interval, calendar=calendar, origin=origin or Origin(),
            sectors=tuple((sectors or {}).get(symbol, "") for symbol in symbols) if sectors else (),
        )

    @classmethod
    def from_frames(cls, frames: Mapping[str, Any], **options: Any) -> "Bars":
        """Bars from pandas frames (columns open, high, low, close, volume, dividend, split; any case).

        A naive midnight index is taken as exchange dates of daily bars, any other as completion times (UTC
        unless the index says otherwise). Options are those of `Bars.of`.

        Raises:
            BadBars: a rule of `core.series.validate` is broken.
        """
        calendar = get_calendar(options.get("calendar", "XNYS"))
        return cls.of([series_of(symbol, frame, calendar) for symbol, frame in frames.items()], **options)

    # -- shape ----------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.index)

    def __getstate__(self) -> dict[str, Any]:
        return {each.name: self.__dict__[each.name] for each in fields(self)}  # a copy brings nothing derived along

    @property
    def shape(self) -> tuple[int, int]:
        """(T, N): number of bars, number of symbols."""
        return len(self.index), len(self.symbols)

    def __repr__(self) -> str:
        rows, columns = self.shape
        span = f"{self.session[0]} to {self.session[-1]}" if rows else "empty"
        return f"Bars({columns} symbols x {rows} {self.interval} bars, {span}, {self.origin.source or 'own data'})"

    def column(self, symbol: str) -> int:
        """Column of a symbol.

        Raises:
            UnknownName: the symbol is not in the panel.
        """
        try:
            return self.symbols.index(symbol)
        except ValueError:
            raise UnknownName.of("symbol", symbol, self.symbols) from None

    @property
    def daily(self) -> bool:
        """Whether a bar is a whole session, or longer."""
        return self.interval[-1] in "dwM"

    # -- derived panels -------------------------------------------------------------------------------

    @cached_property
    def traded(self) -> np.ndarray:
        """(T, N) bool: where the symbol has a bar."""
        return _frozen(~np.isnan(self.raw_close))

    @cached_property
    def has_actions(self) -> np.ndarray:
        """(N,) bool: which symbols have a split or dividend anywhere."""
        return _frozen((self.dividend != 0).any(axis=0) | (self.split != 1).any(axis=0))

    @cached_property
    def last_close(self) -> np.ndarray:
        """(T, N) raw close of the latest bar up to each row; NaN before the first."""
        return _frozen(carried_forward(self.raw_close))

    @cached_property
    def factor(self) -> np.ndarray:
        """(T, N) forward adjustment: shares that one share of the first bar has become.

        On an ex-date it grows by `split / (1 - dividend * split / previous raw close)`: the usual
        back-adjustment factor (CRSP, Yahoo), applied to the later prices instead of the earlier ones.
        """
        growth: np.ndarray = np.ones(self.shape)
        if self.has_actions.any() and len(self) > 1:
            previous = self.last_close[:-1]
            ratio, cash = self.split[1:], self.dividend[1:]
            with np.errstate(invalid="ignore", divide="ignore"):
                change = ratio / (1.0 - cash * ratio / previous)
            growth[1:] = np.where(np.isnan(previous), 1.0, change)
            growth = np.cumprod(growth, axis=0)
        return _frozen(growth)

    @cached_property
    def open(self) -> np.ndarray:
        """(T, N) forward-adjusted open."""
        return self._signal(self.raw_open)

    @cached_property
    def high(self) -> np.ndarray:
        """(T, N) forward-adjusted high."""
        return self._signal(self.raw_high)

    @cached_property
    def low(self) -> np.ndarray:
        """(T, N) forward-adjusted low."""
        return self._signal(self.raw_low)

    @cached_property
    def close(self) -> np.ndarray:
        """(T, N) forward-adjusted close."""
        return self._signal(self.raw_close)

    def _signal(self, raw: np.ndarray) -> np.ndarray:
        """Raw prices forward-adjusted; the same panel where there is nothing to adjust for."""
        return _frozen(raw * self.factor) if self.has_actions.any() else raw

    @cached_property
    def minute(self) -> np.ndarray:
        """(T,) int64: minutes from the session's scheduled open to the bar's completion."""
        return _frozen((self.index - get_calendar(self.calendar).open_of(self.session)) // MINUTE_NS)

    @cached_property
    def minutes_left(self) -> np.ndarray:
        """(T,) int64: minutes from the bar's completion to the session's scheduled close."""
        return _frozen((get_calendar(self.calendar).close_of(self.session) - self.index) // MINUTE_NS)

    @cached_property
    def fingerprint(self) -> str:
        """Hexadecimal digest of everything a run can see: equal bars, equal fingerprint."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update(repr((self.symbols, self.interval, self.calendar, self.sectors)).encode())
        for name in ("index", "session", *PANELS, "close_only", "tradable"):
            digest.update(np.ascontiguousarray(getattr(self, name)).view(np.uint8).data)
        if self.member is not None:
            digest.update(np.ascontiguousarray(self.member).view(np.uint8).data)
        return digest.hexdigest()

    # -- parts ----------------------------------------------------------------------------------------

    def upto(self, row: int) -> "Bars":
        """The past as seen at `row`: rows 0 to `row` included, as a view; derived closes are computed once, here."""
        _ = self.last_close, self.close
        return self._slice(slice(0, row + 1), keep_derived=True)

    def between(self, start: Any = None, end: Any = None) -> "Bars":
        """Sessions from `start` to `end`, both included; a symbol without a bar there stays, without bars.

        Raises:
            NoBars: no session lies in the range.
        """
        first = 0 if start is None else int(np.searchsorted(self.session, np.datetime64(start, "D"), "left"))
        last = len(self) if end is None else int(np.searchsorted(self.session, np.datetime64(end, "D"), "right"))
        if first >= last:
            have = f"{self.session[0]} to {self.session[-1]}" if len(self) else "nothing"
            raise NoBars(f"no bars from {start or 'the start'} to {end or 'the end'}: the data covers {have}")
        return self._slice(slice(first, last), keep_derived=first == 0)

    def present(self) -> "Bars":
        """Without the symbols that have no bar.

        Raises:
            NoBars: no tradable symbol has one.
        """
        there: np.ndarray = np.any(self.traded, axis=0)
        if not (there & self.tradable).any():
            raise NoBars(f"no tradable symbol has a bar from {self.session[0]} to {self.session[-1]}")
        return self if there.all() else self.select([symbol for symbol, found in zip(self.symbols, there.tolist(), strict=True) if found])

    def select(self, symbols: Sequence[str]) -> "Bars":
        """The given symbols, in the given order; rows where none of them has a bar are dropped."""
        columns = [self.column(symbol) for symbol in symbols]
        rows = self.traded[:, columns].any(axis=1)
        changes: dict[str, Any] = {}
        for name in PANELS:
            changes[name] = np.ascontiguousarray(getattr(self, name)[rows][:, columns])
        for name in ("close_only", "tradable"):
            changes[name] = getattr(self, name)[columns]
        if self.member is not None:
            changes["member"] = np.ascontiguousarray(self.member[rows][:, columns])
        sectors = tuple(self.sectors[at] for at in columns) if self.sectors else ()
        return replace(self, symbols=tuple(symbols), index=self.index[rows], session=self.session[rows],
                       sectors=sectors, **changes)

    def only(self, mask: np.ndarray) -> "Bars":
        """The same bars with the symbols outside `mask` (N,) not tradable; nothing is copied or computed anew."""
        part = object.__new__(Bars)
        part.__dict__.update({name: kept for name, kept in self.__dict__.items() if name not in _BY_TRADABLE})
        object.__setattr__(part, "tradable", _frozen(self.tradable & mask))
        return part

    @cached_property
    def adjusted(self) -> "Bars":
        """The same bars with every dividend and split inside the prices, and no actions beside them.

        Volumes are divided by the factor, so that price times volume stays what it was.
        """
        return replace(self, raw_open=self.open, raw_high=self.high, raw_low=self.low, raw_close=self.close,
                       raw_volume=self.raw_volume / self.factor, dividend=np.zeros(self.shape),
                       split=np.ones(self.shape), pay_date=np.full(self.shape, np.datetime64("NaT"), "datetime64[D]"))

    @cached_property
    def seen(self) -> "Bars":
        """What a strategy is shown: the same panel without the bars of symbols that do not belong to the universe then."""
        if self.member is None:
            return self
        panels: dict[str, Any] = {name: np.where(self.member, getattr(self, name), np.nan) for name in PANELS if name.startswith("raw_")}
        part = replace(self, **panels, member=None)
        part.__dict__["factor"] = self.factor  # a split that is not seen is a split
        return part

    @cached_property
    def leaving(self) -> np.ndarray:
        """(T, N) bool: a symbol's first bar after it has left the universe."""
        member = np.ones(self.shape, np.bool_) if self.member is None else self.member
        before = np.vstack([np.zeros((1, self.shape[1])), carried_forward(np.where(self.traded, member, np.nan))[:-1]])
        return _frozen(self.traded & ~member & (before == 1.0))

    def series(self, symbol: str) -> SymbolBars:
        """The bars of one symbol, without the rows it has no bar in."""
        at = self.column(symbol)
        rows = self.traded[:, at]
        columns = {name: getattr(self, f"raw_{name}")[rows, at] for name in FIELDS}
        actions = {name: getattr(self, name)[rows, at] for name in ("dividend", "split", "pay_date")}
        return SymbolBars(symbol, self.index[rows], self.session[rows], **columns, **actions,
                          close_only=bool(self.close_only[at]))

    def _slice(self, rows: slice, keep_derived: bool) -> "Bars":
        part = replace(self, index=self.index[rows], session=self.session[rows],
                       **{name: getattr(self, name)[rows] for name in PANELS},
                       member=None if self.member is None else self.member[rows])
        if keep_derived:
            part.__dict__.update({name: self.__dict__[name][rows] for name in _DERIVED if name in self.__dict__})
            part.__dict__["_whole"] = self.__dict__.get("_whole", self)  # where `indicators.on` finds what it knows
        return part


def _frozen(values: np.ndarray) -> np.ndarray:
    values.flags.writeable = False
    return values
