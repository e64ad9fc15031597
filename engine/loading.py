"""`load`: the bars a spec asks for, with its universe and its events. Imports core and feeds."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from core.bars import Bars
from core.clock import Clock, ManualClock
from core.errors import BadSpec, UnknownName, UsageError, named
from core.events import Events
from core.execution import AT_ONCE
from core.spec import RunSpec
from core.universe import Universe
from engine import resolve
from feeds.events_file import read_events
from feeds.intervals import is_intraday
from feeds.load import load_bars, source_named
from feeds.source import Source
from feeds.universe_file import read_universe
from strategies.base import TargetStrategy


def load(spec: RunSpec, store: Any = None, progress: Callable[..., Any] | None = None, clock: Clock | None = None) -> Bars:
    """The bars a spec asks for; see `feeds.load.load_bars`. A strategy that needs an index gets the source's.

    Raises:
        UsageError, UnknownName: its universe or its events are not understood, or not of its symbols. Otherwise as there.
        BadSpec: positions in a symbol that ends could not be left.
    """
    if spec.known_at is not None:
        clock = ManualClock(spec.known_at)
    found = source_named(spec.source, spec.calendar, clock)
    reference = spec.reference
    if not reference and getattr(resolve.strategy_class(spec.strategy), "needs_index", False):
        reference = (found.market_index,) if found.market_index and found.market_index not in spec.symbols else ()
    if spec.universe is None and spec.events is None and spec.delisting is None:
        return _loaded(spec, found, spec.symbols, reference, store, progress, clock)
    _check_leaving(spec)
    events = Events(read_events(spec.events) if spec.events else (), spec.delisting).named(partial(_canonical, found))
    universe, symbols = _universe(spec, found, events)
    symbols = tuple(dict.fromkeys(map(events.current, symbols)))
    if spec.events:
        events.check(symbols)
    bars = events.joined(_with_earlier(spec, found, events, symbols, reference, store, progress, clock))
    if universe is not None:
        bars = universe.on(bars)
    return events.paid_out(bars)


def _check_leaving(spec: RunSpec) -> None:
    """Whether positions can be left on the one bar on which the holders of a symbol that ends are paid.

    Raises:
        BadSpec: they would be left in slices, or in an auction that this bar is not.
    """
    strategy = resolve.strategy_class(spec.strategy)
    leaves = strategy.fills(spec.fill)[1] if issubclass(strategy, TargetStrategy) else "next_open"
    if spec.execution not in (None, AT_ONCE):
        raise BadSpec(f"execution {spec.execution} sells in slices, and who holds a symbol that ends is paid on one bar: leave execution or events out")
    if leaves == "session_close" and is_intraday(spec.interval):
        raise BadSpec("positions are left in the closing auction, and who holds a symbol that ends is paid on the first bar of its day: "
                      "use fill = \"next_open\", longer bars, or leave events out")


def _loaded(spec: RunSpec, found: Source, symbols: tuple[str, ...], reference: tuple[str, ...], *ways: Any) -> Bars:
    store, progress, clock = ways
    return load_bars(source=found, symbols=symbols, reference=reference, start=spec.start, end=spec.end, period=spec.period,
                     interval=spec.interval, calendar=spec.calendar, sectors=spec.sectors, store=store, progress=progress, clock=clock,
                     known_at=spec.known_at)


def _with_earlier(spec: RunSpec, found: Source, events: Events, symbols: tuple[str, ...], reference: tuple[str, ...], *ways: Any) -> Bars:
    """The bars of symbols and of their earlier names, as far as the source knows those."""
    earlier = events.earlier(symbols)
    try:
        return _loaded(spec, found, (*symbols, *earlier), reference, *ways)
    except UnknownName:
        if not earlier:
            raise
    bars = _loaded(spec, found, symbols, reference, *ways)
    warning = f"the source does not know all earlier names ({named(earlier)}): what it has under the latest ones is taken"
    return replace(bars, origin=replace(bars.origin, warnings=(*bars.origin.warnings, warning)))


def _canonical(found: Source, symbol: str) -> str:
    """A symbol as the source names it; one that it does not know as it is."""
    try:
        names = found.canonical((symbol,))
    except UnknownName:
        return symbol
    return names[0] if len(names) == 1 else symbol


def _latest(found: Source, events: Events, written: str) -> tuple[str, ...]:
    """The latest names of what the user wrote; the source need not know an earlier one."""
    try:
        names = found.canonical((written,))
    except UnknownName:
        if events.current(written) == written:
            raise
        names = (written,)
    return tuple(map(events.current, names))


def _universe(spec: RunSpec, found: Source, events: Events) -> tuple[Universe | None, tuple[str, ...]]:
    """The universe of a spec, and the symbols to load."""
    if spec.universe is None:
        return None, tuple(name for written in spec.symbols or found.symbols() for name in _latest(found, events, written))
    universe = read_universe(spec.universe).renamed(lambda symbol: events.current(_canonical(found, symbol)))
    known = universe.symbols()
    strangers = [symbol for symbol in spec.symbols if events.current(_canonical(found, symbol)) not in known]
    if strangers:
        raise UsageError(f"{named(strangers)}: not in the universe {spec.universe}: leave symbols out to trade all of it")
    return universe, tuple(_canonical(found, symbol) for symbol in spec.symbols) or universe.symbols(spec.start, spec.end)


def check_past(spec: RunSpec) -> None:
    """Whether a spec can be traded live, as far as what it says of the past goes.

    Raises:
        BadSpec: it names a file of past members, of events, or a time of which bars are to be taken.
    """
    for name in ("universe", "events", "delisting", "as_of"):
        if getattr(spec, name) is not None:
            raise BadSpec(f"{name} {getattr(spec, name)} is for backtests: live, name the symbols that are traded now")
