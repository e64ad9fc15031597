"""The stored bars of a live day, without asking anybody, and the prices in them. Imports feeds, engine and core."""

import csv
import datetime as dt
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from checks.shadow_parts import exact
from core.bars import Bars, Origin
from core.calendars import get_calendar
from core.errors import NoBars, UsageError
from core.spec import RunSpec
from core.spec_texts import period_start
from engine import resolve
from engine.build import trades_adjusted
from engine.live.history import back_adjusted
from feeds.alpaca_feed import HISTORY
from feeds.intervals import is_intraday
from feeds.load import load_bars, source_named
from feeds.store import BarStore

QUOTES = ("time", "symbol", "bid", "ask")


def stored_bars(spec: RunSpec, day: np.datetime64, store: BarStore) -> Bars:
    """What a live run of a spec had seen by the end of a day: raw bars, or for a plain strategy back-adjusted ones.

    Raises:
        NoBars: nothing is stored of a symbol, or nothing of that day. Otherwise as `feeds.load.load_bars`.
    """
    source = source_named(spec.source, spec.calendar)
    start = _first(spec, day)
    if source.stored:
        names = source.canonical((*spec.symbols, *spec.reference))
        series = store.read(names, start, str(day), spec.interval, source=source.name)
        absent = [name for name in names if name not in {each.symbol for each in series}]
        if absent:
            raise _nothing(spec, absent, f"up to {day}", day)
        reference = source.canonical(spec.reference)
        bars = Bars.of(series, reference=reference, interval=spec.interval, calendar=source.calendar,
                       origin=Origin(source.name, source.synthetic, source.note))
    else:
        bars = load_bars(source=source, symbols=spec.symbols, reference=spec.reference, start=start, end=str(day),
                         interval=spec.interval)
    if bars.session[-1] != day:
        raise _nothing(spec, bars.symbols, f"on {day}; they end on {bars.session[-1]}", day)
    return back_adjusted(bars, {}) if trades_adjusted(spec, resolve.strategy_class(spec.strategy)) else bars


def _first(spec: RunSpec, day: np.datetime64) -> str:
    """Where the history of a live run begins, as `engine.live.history` has it."""
    if spec.period:
        return str(period_start(spec.period, dt.date.fromisoformat(str(day))))
    return spec.start or str(get_calendar(spec.calendar).step(day, -HISTORY[is_intraday(spec.interval)]))


def _nothing(spec: RunSpec, symbols: Sequence[str], when: str, day: np.datetime64) -> NoBars:
    names = ",".join(symbols[:5])
    return NoBars(f"no {spec.interval} bars of {names} are stored {when}: fetch them with cerebrolab data fetch --symbols {names} "
                  f"--source {spec.source} --interval {spec.interval} --start {day} --end {day}")


class Prices:
    """Prices of one day at moments within it, as exact fractions.

    Args:
        bars: up to the day. day: its session. quotes: half spreads, see `read_quotes`.
    """

    def __init__(self, bars: Bars, day: np.datetime64, quotes: "Mapping[str, Quotes] | None" = None) -> None:
        self.bars, self.day, self._quotes = bars, day, quotes or {}
        self._rows = np.flatnonzero(bars.session == day)

    def close(self, symbol: str) -> Fraction:
        """The price at which the day ends.

        Raises:
            NoBars: the symbol has never traded.
        """
        return self.last(symbol, len(self.bars) - 1)

    def last(self, symbol: str, row: int) -> Fraction:
        """The latest close on a row of the bars.

        Raises:
            NoBars: there is none by then.
        """
        return self._exact(symbol, float(self.bars.last_close[row, self.bars.column(symbol)]))

    def decided(self, symbol: str, bar_ns: int) -> Fraction:
        """The last close when a bar was complete."""
        row = max(int(np.searchsorted(self.bars.index, bar_ns, "right")) - 1, 0)
        return self.last(symbol, row)

    def sent(self, symbol: str, sent_ns: int, tif: str = "") -> Fraction:
        """What an order met that was sent then: the open of the bar under way, or of the next; the print of its auction.

        Args:
            tif: "opg" and "cls" are for the day's auctions.
        """
        column = self.bars.column(symbol)
        if tif == "cls":
            return self.close(symbol)
        first = int(self._rows[0]) if tif == "opg" else int(np.searchsorted(self.bars.index, sent_ns, "right"))
        rows = [row for row in self._rows.tolist() if row >= first and self.bars.traded[row, column]]
        if not rows:
            return self.close(symbol)
        opened = float(self.bars.raw_open[rows[0], column])
        return self._exact(symbol, float(self.bars.raw_close[rows[0], column]) if math.isnan(opened) else opened)

    def half_spread(self, symbol: str, sent_ns: int) -> Fraction | None:
        """Half the spread of the last quote by then; None where none is known."""
        quotes = self._quotes.get(symbol)
        return quotes.half_spread(sent_ns) if quotes else None

    def _exact(self, symbol: str, price: float) -> Fraction:
        if math.isnan(price):
            raise NoBars(f"{symbol} has no bar by then, and was held or traded on {self.day}: fetch its bars with cerebrolab data fetch")
        return exact(price)


class Quotes:
    """Quotes of one symbol: moments (UTC ns, in order), and half their spreads."""

    def __init__(self, moments: Sequence[int], halves: Sequence[Fraction]) -> None:
        self._moments, self._halves = moments, halves

    def half_spread(self, moment: int) -> Fraction | None:
        """Of the last quote up to a moment."""
        at = bisect_right(self._moments, moment)
        return self._halves[at - 1] if at else None


def read_quotes(path: Path) -> dict[str, Quotes]:
    """Quotes by symbol, from a CSV file with the columns time (ISO with its zone, or UTC), symbol, bid and ask.

    Raises:
        UsageError: it cannot be read, or a row makes no sense.
    """
    found: dict[str, list[tuple[int, Fraction]]] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            missing = [name for name in QUOTES if name not in (rows.fieldnames or ())]
            if missing:
                raise UsageError(f"{path} has no column {missing[0]}: quotes have {', '.join(QUOTES)}")
            for row in rows:
                found.setdefault(row["symbol"], []).append(_quote(path, rows.line_num, row))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"cannot read the quotes {path}: {error}") from None
    return {symbol: Quotes(*zip(*sorted(quotes), strict=True)) for symbol, quotes in found.items()}


def _quote(path: Path, line: int, row: Mapping[str, str]) -> tuple[int, Fraction]:
    import pandas as pd

    try:
        moment, bid, ask = pd.Timestamp(row["time"]), Fraction(row["bid"]), Fraction(row["ask"])
        moment = moment.tz_localize("UTC") if moment.tz is None else moment
        at = int(moment.tz_convert("UTC").tz_localize(None).to_datetime64().astype("datetime64[ns]").astype(np.int64))
    except (ValueError, TypeError, AttributeError, ZeroDivisionError):
        shown = ", ".join(str(row[name]) for name in QUOTES)
        raise UsageError(f"{path}, line {line}: {shown} is no quote: write {', '.join(QUOTES)}") from None
    if not 0 < bid <= ask:
        raise UsageError(f"{path}, line {line}: bid {row['bid']} and ask {row['ask']} are no quote: 0 < bid <= ask")
    return at, (ask - bid) / 2
