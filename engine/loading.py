"""`load`: the bars a spec asks for, with its universe and its events. Imports core and feeds."""

from collections.abc import Callable
from typing import Any

from core.bars import Bars
from core.clock import Clock
from core.errors import BadSpec, UsageError
from core.events import Events
from core.spec import RunSpec
from core.universe import Universe
from engine import resolve
from feeds.events_file import read_events
from feeds.load import load_bars, source_named
from feeds.universe_file import read_universe


def load(spec: RunSpec, store: Any = None, progress: Callable[..., Any] | None = None, clock: Clock | None = None) -> Bars:
    """The bars a spec asks for; see `feeds.load.load_bars`. A strategy that needs an index gets the source's.

    Raises:
        UsageError, UnknownName: its universe or its events are not understood, or not of its symbols. Otherwise as there.
    """
    reference = spec.reference
    if not reference and getattr(resolve.strategy_class(spec.strategy), "needs_index", False):
        index = source_named(spec.source, spec.calendar).market_index
        reference = (index,) if index and index not in spec.symbols else ()
    events = Events(read_events(spec.events) if spec.events else (), spec.delisting)
    universe, symbols = _universe(spec, events)
    symbols = tuple(dict.fromkeys(map(events.current, symbols)))
    if spec.events:
        events.check(symbols)
    bars = load_bars(source=spec.source, symbols=(*symbols, *events.earlier(symbols)), reference=reference, start=spec.start,
                     end=spec.end, period=spec.period, interval=spec.interval, calendar=spec.calendar,
                     sectors=spec.sectors, store=store, progress=progress, clock=clock)
    if events:
        bars = events.joined(bars)
    if universe is not None:
        bars = universe.on(bars)
    return events.paid_out(bars) if events else bars


def _universe(spec: RunSpec, events: Events) -> tuple[Universe | None, tuple[str, ...]]:
    """The universe of a spec, and the symbols to load."""
    if spec.universe is None:
        return None, spec.symbols
    universe = read_universe(spec.universe).renamed(events.current)
    known = universe.symbols()
    strangers = [symbol for symbol in spec.symbols if events.current(symbol) not in known]
    if strangers:
        raise UsageError(f"{', '.join(strangers[:5])}: not in the universe {spec.universe}: leave symbols out to trade all of it")
    return universe, spec.symbols or universe.symbols(spec.start, spec.end)


def check_past(spec: RunSpec) -> None:
    """Whether a spec can be traded live, as far as what it says of the past goes.

    Raises:
        BadSpec: it names a file of past members, or of events.
    """
    for name in ("universe", "events", "delisting"):
        if getattr(spec, name) is not None:
            raise BadSpec(f"{name} {getattr(spec, name)} is for backtests: live, name the symbols that are traded now")
