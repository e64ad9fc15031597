"""`load_bars`: from the name of a source and some symbols to one aligned panel, through the store where there is one.

Imports core and the other modules of feeds.
"""

import datetime as dt
import logging
from collections.abc import Sequence

import numpy as np

from core.bars import Bars, Origin
from core.clock import Clock, SystemClock
from core.errors import NoBars, UnknownName, UsageError, named
from core.series import SymbolBars
from core.spec_texts import period_start
from feeds.refresh import refresh, stored_then
from feeds.sectors import sectors_of
from feeds.source import Progress, Source
from feeds.store import BarStore

log = logging.getLogger(__name__)
SOURCES = ("sample", "csv", "yahoo", "alpaca", "synthetic")


def source_named(text: str, calendar: str = "XNYS", clock: Clock | None = None) -> Source:
    """The source written as "sample", "csv", "csv:DIR", "csv:FILE.csv", "yahoo", "alpaca", "alpaca:sip", "synthetic" or
    "synthetic:seed=7".

    Raises:
        UnknownName: no such source, folder, feed or option. UsageError: an option for a source that has none.
        BadSpec: a calendar the source has no bars of.
    """
    name, colon, options = text.partition(":")
    if name not in SOURCES:
        raise UnknownName.of("source", name, SOURCES)
    if colon and name in ("sample", "yahoo"):
        raise UsageError(f"source {text!r}: {name} takes no options, write --source {name}")
    if name == "csv":
        from feeds.csv_files import CsvSource

        return CsvSource(options or None, calendar)
    if name == "yahoo":
        from feeds.yahoo import YahooSource

        return YahooSource(calendar, clock=clock)
    if name == "alpaca":
        from feeds.alpaca import AlpacaSource

        return AlpacaSource(options or "iex", calendar, clock=clock)
    if name == "synthetic":
        from feeds.synthetic import SyntheticSource

        return SyntheticSource.parse(options, calendar)
    from feeds.sample_bars import SampleSource

    return SampleSource()


def load_bars(*, source: str | Source, symbols: Sequence[str], reference: Sequence[str] = (), start: str | None = None,
              end: str | None = None, period: str | None = None, interval: str = "1d", calendar: str = "XNYS",
              sectors: str | None = None, store: BarStore | None = None, progress: Progress | None = None,
              clock: Clock | None = None, known_at: int | None = None, again: bool = False) -> Bars:
    """The bars of the symbols, then of the reference symbols (not tradable), aligned.

    Args:
        source: a name as in `source_named`, or a source.
        symbols: names or, for csv, files; empty = all that csv:DIR or synthetic has.
        start, end: ISO dates, both included; None = all there is.
        period: length back from `end`, or from the last session there is (network sources: from today).
        sectors: CSV file with the columns symbol and sector; None = what the source knows.
        store: where network sources keep bars; None fetches everything anew. Local sources ignore it.
        progress: called with (done, total, symbol). clock: what is complete by now; None = the system's.
        known_at: UTC ns, for what is stored as it was known then; nothing is fetched. None = as it is, and what is missing.
        again: have the source asked for what is stored too; what it changes is kept as a new version.

    Symbols without a bar in the range are left out and named in `origin.warnings` and in the log.

    Raises:
        UnknownName: no such source or symbol. UsageError: no symbols. BadSpec: interval or period not understood.
        UsageError: the sector map cannot be read, or has a hole.
        NoBars: no symbol has a bar in the range. SourceUnavailable: the network failed and nothing is stored.
        BadBars: the data breaks a rule. UsageError: `known_at` of a source whose bars are not stored.
    """
    clock = clock or SystemClock()
    found = source_named(source, calendar, clock) if isinstance(source, str) else source
    traded = tuple(dict.fromkeys(found.canonical(symbols))) if symbols else _all_symbols(found)
    references = tuple(name for name in found.canonical(reference) if name not in traded)
    names = (*traded, *references)
    if period:
        start = period_start(period, _last_date(found, traded, end, clock)).isoformat()
    warnings: list[str] = []
    if known_at is not None:
        series, warnings = stored_then(found, store, names, start, end, interval, known_at)
    elif found.stored:
        series, warnings = refresh(found, store, names, start, end, interval, clock=clock, progress=progress, again=again)
    else:
        series = found.fetch(names, start, end, interval, progress)
    series = [bars for bars in series if len(bars)]
    warnings += _absent(found, names, series, start, end, interval)
    origin = Origin(found.name, found.synthetic, found.note, tuple(warnings))
    present = {bars.symbol for bars in series}
    bars = Bars.of(series, reference=references, interval=interval, calendar=found.calendar, origin=origin,
                   sectors=sectors_of([symbol for symbol in traded if symbol in present], found, sectors))
    return _while_tradable(bars)


def _while_tradable(bars: Bars) -> Bars:
    """Without the rows before the first and after the last bar of a tradable symbol."""
    rows = np.flatnonzero(bars.traded[:, bars.tradable].any(axis=1))
    if not len(rows):
        raise NoBars(f"only reference symbols have bars in this range: {named(bars.symbols)}; "
                     "choose other dates or symbols")
    return bars.between(bars.session[rows[0]], bars.session[rows[-1]])


def _all_symbols(source: Source) -> tuple[str, ...]:
    known = source.symbols()
    if known and source.name in ("csv", "synthetic"):
        return known
    advice = f"such as --symbols {','.join(known[:3])}" if known else "such as --symbols SPY"
    raise UsageError(f"no symbols were given for the source {source.name}: name some, {advice}")


def _last_date(source: Source, symbols: Sequence[str], end: str | None, clock: Clock) -> dt.date:
    if end:
        return dt.date.fromisoformat(end)
    last = source.last_session(symbols)
    if last is None:
        return dt.datetime.fromtimestamp(clock.now_ns() / 1e9, dt.UTC).date()
    return dt.date.fromisoformat(str(last))


def _absent(source: Source, names: Sequence[str], series: Sequence[SymbolBars], start: str | None, end: str | None,
            interval: str) -> list[str]:
    """A sentence that names the symbols without bars in the range; [] when there are none.

    Raises:
        NoBars: there is none with bars.
    """
    absent = sorted(set(names) - {bars.symbol for bars in series})
    if not absent:
        return []
    wanted = f"from {start or 'the start'} to {end or 'the end'}"
    if not series:
        raise NoBars(f"no {interval} bars of {named(absent)} {wanted}: {_extent(source, names, interval)}")
    sentence = f"no bars {wanted}: {named(absent)}"
    log.warning(sentence)
    return [sentence]


def _extent(source: Source, names: Sequence[str], interval: str) -> str:
    if source.stored:
        return "choose other dates or check the symbols"
    series = source.fetch(names, None, None, interval)
    first, last = min(bars.session[0] for bars in series), max(bars.session[-1] for bars in series)
    return f"the data covers {first} to {last}"
