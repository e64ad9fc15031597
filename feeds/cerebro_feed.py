"""BarsData: the Backtrader feed of one symbol of a `Bars` panel (or of a pandas frame), loaded in bulk.

Works wherever a Backtrader feed does: resampled, replayed, plotted, preloaded or bar by bar. The simulated
broker reads `actions`, `tradable` and the session marks; target strategies read `bars` and `column`.
"""

from array import array
from functools import cached_property
from typing import Any, NamedTuple

import backtrader as bt
import numpy as np
from backtrader.linebuffer import LineBuffer

from core.bars import Bars
from core.calendars import MINUTE_NS, get_calendar
from core.day_numbers import EPOCH, day_numbers, moments_of
from core.errors import BadSpec
from feeds.intervals import interval_ns

AUCTION_CUTOFF_NS = {"open": 2 * MINUTE_NS, "close": 10 * MINUTE_NS}  # orders must be in before 09:28 and 15:50
OPENING_NS = 2 * MINUTE_NS  # what has not traded by then has had no opening auction
_UNITS = {"m": (bt.TimeFrame.Minutes, 1), "h": (bt.TimeFrame.Minutes, 60), "d": (bt.TimeFrame.Days, 1),
          "w": (bt.TimeFrame.Weeks, 1), "M": (bt.TimeFrame.Months, 1)}
_LINES = ("open", "high", "low", "close", "volume")


class Action(NamedTuple):
    """A corporate action of the feed's symbol; moments are Backtrader's day numbers.

    Attributes:
        moment: completion of the first bar on the ex-date. split: new shares per old share.
        dividend: cash per new share. pay: earliest moment of payment (`moment` where the pay date is unknown).
    """

    moment: float
    split: float
    dividend: float
    pay: float


class Auction(NamedTuple):
    """An auction as an order meets it.

    Attributes:
        kind: "open" or "close". session: its exchange date. over: the day number from which on it has taken place; infinite
            where a bar is a day or longer, and its open or close is the auction's.
        is_late: the order came between the cut-off and the auction before this one, which must have been meant.
    """

    kind: str
    session: np.datetime64
    over: float
    is_late: bool


class BarsData(bt.feed.DataBase):
    """One symbol as a Cerebro feed: `BarsData(dataname=bars, symbol="SPY")` or `BarsData(dataname=frame)`.

    Params:
        dataname: `core.bars.Bars`, or a pandas frame as `bt.feeds.PandasData` takes it (dates in the index,
            columns open, high, low, close, volume, openinterest in any case).
        symbol: which column of the bars; may be left out when there is only one.
        prices: "raw" (as traded; the simulated broker books splits and dividends) or "adjusted"
            (forward-adjusted; both are inside the price).
    """

    params = (("symbol", None), ("prices", "raw"))

    def __init__(self) -> None:
        super().__init__()
        self.bars: Bars | None = None
        self.column = 0
        self.tradable = True
        self.actions: list[Action] = []
        if isinstance(self.p.dataname, Bars):
            self._take_bars(self.p.dataname)
        else:
            self._take_frame(self.p.dataname)
        self._bulk = False

    def _take_bars(self, bars: Bars) -> None:
        if self.p.symbol is None and len(bars.symbols) > 1:
            raise BadSpec(f"the bars hold {len(bars.symbols)} symbols: say which with symbol={bars.symbols[0]!r}")
        if self.p.prices == "adjusted" and bars.has_actions.any():
            bars = bars.adjusted
        self.bars, self.column = bars, bars.column(self.p.symbol or bars.symbols[0])
        self.tradable = bool(bars.tradable[self.column])
        if bars.has_actions[self.column]:
            self.actions = self._list_actions(bars)
        unit, count = _UNITS[bars.interval[-1]]
        self.p.timeframe, self.p.compression = unit, count * int(bars.interval[:-1])
        self.p.name = self.p.name or bars.symbols[self.column]

    def _take_frame(self, frame: Any) -> None:
        self._named = {str(name).lower(): name for name in frame.columns}
        if "close" not in self._named:
            raise BadSpec(f"the frame has no close column (it has {', '.join(map(str, frame.columns))})")

    def _list_actions(self, bars: Bars) -> list[Action]:
        rows = self._rows(bars)
        moments = day_numbers(bars.index[rows])
        split, cash, pay = (panel[rows, self.column] for panel in (bars.split, bars.dividend, bars.pay_date))
        found = np.flatnonzero((split != 1) | (cash != 0))
        paid = [EPOCH + int(day.astype(np.int64)) if not np.isnat(day) else 0 for day in pay[found]]
        return [Action(moments[at], split[at], cash[at], max(day, moments[at]))
                for at, day in zip(found.tolist(), paid, strict=True)]

    def _rows(self, bars: Bars) -> np.ndarray:
        return np.flatnonzero(bars.traded[:, self.column])

    # -- loading --------------------------------------------------------------------------------------

    def start(self) -> None:
        super().start()
        self._next_row, self._bulk = 0, False
        self._moments, self._values = self._read()

    def _read(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Day numbers and line values, row by row of the symbol's own bars."""
        if self.bars is not None:
            rows = self._rows(self.bars)
            panels = {name: getattr(self.bars, f"raw_{name}") for name in _LINES}
            values = {name: np.ascontiguousarray(panel[rows, self.column]) for name, panel in panels.items()}
            return day_numbers(self.bars.index[rows]), values
        frame = self.p.dataname
        wanted = [name for name in (*_LINES, "openinterest") if name in self._named]
        values = {name: np.ascontiguousarray(frame[self._named[name]], dtype=np.float64) for name in wanted}
        index = frame.index.tz_convert("UTC").tz_localize(None) if frame.index.tz is not None else frame.index
        return day_numbers(index.to_numpy().astype("datetime64[ns]").astype(np.int64)), values

    def preload(self) -> None:
        """Fill the line buffers at once; bar by bar where filters, time zones or look-ahead ask for it."""
        plain = not (self._filters or self._ffilters or self._tzinput or self.lines.datetime.extension)
        if not plain or any(line.bindings for line in self.lines):
            super().preload()
            return
        first, last = np.searchsorted(self._moments, [self.fromdate, np.nextafter(self.todate, np.inf)])
        for line in self.lines:
            line.__class__ = LineBuffer  # it may have followed a shared clock in an earlier run
        for name in self.getlinealiases():
            values = self._moments if name == "datetime" else self._values.get(name)
            filled = array("d", [float("nan")]) * int(last - first)
            if values is not None and filled:
                np.frombuffer(filled)[:] = values[first:last]
            getattr(self.lines, name).array = filled
        self._bulk, self._skipped, self._length = True, int(first), int(last - first)
        self._moments, self._values = np.empty(0), {}  # the lines hold them now
        self._buffers, self._clock_line = list(self.lines), self.lines.datetime
        self.home()

    def shows_whole(self, bars: Bars) -> bool:
        """Whether it is preloaded with every bar that its symbol has in `bars`."""
        return self.bars is bars and self._bulk and not self._skipped and self._length == len(self._rows(bars))

    def _load(self) -> bool:
        row = self._next_row
        if row >= len(self._moments):
            return False
        self._next_row += 1
        self.lines.datetime[0] = self._moments[row]
        for name, values in self._values.items():
            getattr(self.lines, name)[0] = values[row]
        return True

    # -- stepping -------------------------------------------------------------------------------------

    def advance_peek(self) -> float:
        if not self._bulk:
            return super().advance_peek()
        coming = self._clock_line._idx + 1
        return self._clock_line.array[coming] if coming < self._length else float("inf")

    def advance(self, size: int = 1, datamaster: Any = None, ticks: bool = True) -> None:
        if not self._bulk or datamaster is not None:
            super().advance(size, datamaster, ticks)
            return
        for line in self._buffers:
            line._idx += size
            line.lencount += size

    # -- sessions -------------------------------------------------------------------------------------

    def next_auction(self, kind: str, placed: float) -> Auction | None:
        """The auction that an order for the "open" or the "close" is for, by the moment at which it was placed (a day number).

        Returns:
            None where the feed does not know its sessions (a pandas frame, a resampled or replayed feed).
        """
        if self.bars is None or self._filters:
            return None
        calendar = get_calendar(self.bars.calendar)
        moment, cutoff = int(moments_of(np.array([placed]))[0]), AUCTION_CUTOFF_NS[kind]
        moments = calendar.opens if kind == "open" else calendar.closes
        if kind == "open" or self.bars.daily:
            at = int(np.searchsorted(moments - cutoff, moment, "right"))
            is_late = at > 0 and moment < moments[at - 1]
        else:
            at = int(np.searchsorted(moments, moment, "left"))
            is_late = at < len(moments) and moment >= moments[at] - cutoff
        if at == len(moments):
            return None
        over = np.inf if self.bars.daily else day_numbers(moments[at : at + 1] + (OPENING_NS if kind == "open" else 0))[0]
        return Auction(kind, calendar.sessions[at], float(over), bool(is_late))

    def trades_in(self, auction: Auction) -> bool:
        """Whether the current bar is of an auction's session."""
        assert self.bars is not None
        skipped = self._skipped if self._bulk else int(np.searchsorted(self._moments, self.fromdate))
        return bool(self._session_edges[0][len(self) - 1 + skipped] == auction.session)

    def prints(self, auction: Auction) -> bool:
        """Whether the current bar holds an auction's price: its open, or its close."""
        assert self.bars is not None
        skipped = self._skipped if self._bulk else int(np.searchsorted(self._moments, self.fromdate))
        at = len(self) - 1 + skipped
        sessions, edges = self._session_edges
        return bool(sessions[at] >= auction.session if self.bars.daily else sessions[at] == auction.session and edges[auction.kind][at])

    @cached_property
    def _session_edges(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The session of each own bar; which bars hold an opening print, in time for the auction, and which a closing one."""
        assert self.bars is not None
        rows, calendar = self._rows(self.bars), get_calendar(self.bars.calendar)
        session, index = self.bars.session[rows], self.bars.index[rows]
        if self.bars.daily:
            return session, {}
        opens, same = calendar.open_of(session), session[1:] == session[:-1]
        regular = (index > opens) & (index <= calendar.close_of(session))
        in_time = index - interval_ns(self.bars.interval) < opens + OPENING_NS
        return session, {"open": regular & in_time & ~np.r_[False, same & regular[:-1]], "close": regular & ~np.r_[same & regular[1:], False]}
