"""Bring a store up to date from a source, asking only for sessions never asked for, and read the result from it.

Imports core and the other modules of feeds.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from core.calendars import get_calendar
from core.clock import Clock
from core.errors import SourceUnavailable, UsageError, named
from core.series import SymbolBars
from feeds.coverage import complete_sessions, published, runs
from feeds.source import SETTLE_NS, PartialFetch, Progress, Source
from feeds.store import BarStore

log = logging.getLogger(__name__)
BATCH = 25  # symbols a request; what has arrived is stored before the next
TOGETHER = 64  # symbols read from the store at once

Gap = tuple[np.datetime64, np.datetime64]


def refresh(source: Source, store: BarStore | None, symbols: Sequence[str], start: str | None, end: str | None,
            interval: str, *, clock: Clock, progress: Progress | None = None, again: bool = False) -> tuple[list[SymbolBars], list[str]]:
    """(bars of the symbols from `start` to `end`, sentences a reader must see).

    Without a store everything is fetched; with `again`, also what was asked for before. When the source fails, what is
    stored is used and the sentences say up to when.

    Raises:
        SourceUnavailable: the source failed and a symbol has no stored bar in the range.
        Otherwise as `Source.fetch` and `BarStore.write`.
    """
    if store is None:
        return source.fetch(symbols, start, end, interval, progress), []
    now = clock.now_ns() - SETTLE_NS
    wanted = complete_sessions(get_calendar(source.calendar), start, end, now)
    found: dict[str, SymbolBars] = {}
    missing: dict[str, np.ndarray] = {}
    for some in _together(symbols):
        stored = {bars.symbol: bars for bars in store.read(some, start, end, interval, source=source.name)}
        for name in some:
            missing[name] = wanted if again else store.missing(name, wanted, interval, source=source.name, calendar=source.calendar)
        found |= {name: bars for name, bars in stored.items() if not len(missing[name])}
    behind = [name for name in symbols if len(missing[name])]
    failed = _fill(source, store, {name: missing[name] for name in behind}, interval, clock, progress)
    if behind:
        found |= {bars.symbol: bars for bars in store.read(behind, start, end, interval, source=source.name)}
    series = [found[name] for name in symbols if name in found]
    return series, _warnings(source, series, failed)


def stored_then(source: Source, store: BarStore | None, symbols: Sequence[str], start: str | None, end: str | None, interval: str,
                known_at: int) -> tuple[list[SymbolBars], list[str]]:
    """(stored bars as they were known at a moment, UTC ns, sentences a reader must see).

    Raises:
        UsageError: the source's bars are not kept in a store. Otherwise as `BarStore.read`.
    """
    if not source.stored or store is None:
        raise UsageError(f"bars of {source.name} have no versions: as_of is for sources whose bars are kept in the store (yahoo, alpaca)")
    calendar = get_calendar(source.calendar)
    wanted = complete_sessions(calendar, start, end, known_at - SETTLE_NS)
    series: list[SymbolBars] = []
    holes: list[str] = []
    for some in _together(symbols):
        part = store.read(some, start, end, interval, source=source.name, known_at=known_at)
        series += part
        holes += [bars.symbol for bars in part if len(store.missing(
            bars.symbol, wanted[wanted >= bars.session[0]], interval, source=source.name, calendar=source.calendar))]
    sentence = f"the store was never asked for all sessions of {named(holes)}, and as of then nothing is fetched"
    return series, [sentence] if holes else []


def _together(symbols: Sequence[str]) -> Iterator[Sequence[str]]:
    """A few at a time: what was just read is in the store's memory when it is asked for what is missing."""
    for first in range(0, len(symbols), TOGETHER):
        yield symbols[first:first + TOGETHER]


def _fill(source: Source, store: BarStore, missing: Mapping[str, np.ndarray], interval: str, clock: Clock,
          progress: Progress | None) -> dict[str, str]:
    """Fetch and store the missing sessions of each symbol; symbol -> reason for those that did not arrive."""
    now, calendar = clock.now_ns() - SETTLE_NS, get_calendar(source.calendar)
    gaps: dict[Gap, list[str]] = {}
    for symbol, sessions in missing.items():
        for gap in runs(sessions, calendar):
            gaps.setdefault(gap, []).append(symbol)
    failed: dict[str, str] = {}
    done, batches = 0, list(_batches(gaps))
    total = sum(len(names) for _, names in batches)
    for number, (gap, names) in enumerate(batches):
        try:
            series, lost = _fetch(source, gap, names, interval, _shifted(progress, done, total))
        except SourceUnavailable as error:  # nothing arrived: the rest would not either
            return failed | {name: str(error) for _, rest in batches[number:] for name in rest}
        failed |= lost
        arrived = {bars.symbol: bars for bars in series}
        for symbol in names:
            if symbol not in lost:
                bars = arrived.get(symbol)
                covered = published(calendar.between(*gap), bars.session[-1] if bars is not None else None, now)
                store.write(symbol, bars, covered, interval, source=source.name, calendar=source.calendar, now=clock.now_ns())
        done += len(names)
    return failed


def _batches(gaps: dict[Gap, list[str]]) -> Iterator[tuple[Gap, list[str]]]:
    for gap in sorted(gaps):
        for first in range(0, len(gaps[gap]), BATCH):
            yield gap, gaps[gap][first:first + BATCH]


def _fetch(source: Source, gap: Gap, names: list[str], interval: str,
           progress: Progress | None) -> tuple[list[SymbolBars], dict[str, str]]:
    """(what arrived, symbol -> reason for the rest)."""
    try:
        return source.fetch(names, str(gap[0]), str(gap[1]), interval, progress), {}
    except PartialFetch as error:
        return error.series, dict.fromkeys(error.failed, str(error))


def _shifted(progress: Progress | None, done: int, total: int) -> Progress | None:
    if progress is None:
        return None
    return lambda here, _, symbol: progress(done + here, total, symbol)


def _warnings(source: Source, series: Sequence[SymbolBars], failed: dict[str, str]) -> list[str]:
    last = {bars.symbol: bars.session[-1] for bars in series}
    lost = sorted(name for name in failed if name not in last)
    if lost:
        raise SourceUnavailable(f"nothing is stored of {named(lost)} in this range, and {failed[lost[0]]}")
    sentences = []
    for session in sorted({last[name] for name in failed}):
        names = named(sorted(name for name in failed if last[name] == session))
        sentences.append(f"{source.name} did not answer: stored bars of {names} go up to {session}")
        log.warning(sentences[-1])
    return sentences
