"""Copying bars and their coverage from one store to another, of whichever kinds. Imports core and feeds."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from core.calendars import get_calendar
from core.errors import NoBars, UnknownName
from core.series import SymbolBars
from feeds.intervals import is_intraday
from feeds.revisions import revised
from feeds.source import Progress
from feeds.store import BarStore, Holding


class Copied(NamedTuple):
    """What became of one series.

    Attributes:
        source, symbol, interval: whose bars. bars, sessions: how many of each the target did not have as they are.
    """

    source: str
    symbol: str
    interval: str
    bars: int
    sessions: int


def copy(origin: BarStore, target: BarStore, source: str | None = None, interval: str | None = None, symbols: Sequence[str] = (),
         progress: Progress | None = None) -> Iterator[Copied]:
    """Copy series after series, each as `BarStore.write` adds it: what only the target has stays.

    A series is there wholly or not at all, and one that is the same already is not written: repeat what was interrupted.

    Args:
        source, interval, symbols: which series; None and () = all.

    Raises:
        NoBars: there is nothing to copy. UnknownName: a source, interval or symbol that the origin does not have.
        StoreFailed: a store fails; what was copied before stays.
    """
    listed = origin.list()
    if not listed:
        raise NoBars(f"nothing to copy: there are no bars in {origin!r}; correct the place")
    wanted = chosen(listed, source, interval, symbols, "(of the store to copy from)")
    there = {each[:3]: each for each in target.list()}
    for done, held in enumerate(wanted, 1):
        yield _copied(origin, target, held, there.get(held[:3]))
        if progress is not None:
            progress(done, len(wanted), held.symbol)


def chosen(held: Sequence[Holding], source: str | None, interval: str | None, symbols: Sequence[str], hint: str = "") -> list[Holding]:
    """Those of some sources, intervals and symbols; None and () = all.

    Raises:
        UnknownName: a source, interval or symbol that is not among them; `hint` says where it was looked for.
    """
    for name, asked in (("source", [source]), ("interval", [interval]), ("symbol", symbols)):
        for each in asked:
            known = {str(getattr(one, name)) for one in held}
            if each is not None and each not in known:
                raise UnknownName.of(name, each, known, hint)
        held = [one for one in held if getattr(one, name) in asked] if any(asked) else held
    return list(held)


def _copied(origin: BarStore, target: BarStore, held: Holding, there: Holding | None) -> Copied:
    kept: dict[str, Any] = {"interval": held.interval, "source": held.source}
    bars = next(iter(origin.read([held.symbol], **kept)), None)
    covered, earlier = _covered(origin, held), origin.revisions(held.symbol, **kept)
    old = next(iter(target.read([held.symbol], **kept)), None)
    lacking = target.missing(held.symbol, covered, calendar=held.calendar, **kept)
    new = _new(old, bars, held.interval)
    kept_there = target.revisions(held.symbol, **kept)
    if new or len(lacking) or there is None or there.calendar != held.calendar or len(kept_there.adding(earlier)) > len(kept_there):
        target.write(held.symbol, bars, covered, calendar=held.calendar, earlier=earlier, **kept)
    return Copied(held.source, held.symbol, held.interval, new, len(lacking))


def _covered(store: BarStore, held: Holding) -> np.ndarray:
    sessions = get_calendar(held.calendar).sessions
    missing = store.missing(held.symbol, sessions, held.interval, source=held.source, calendar=held.calendar)
    return np.setdiff1d(sessions, missing)


def _new(old: SymbolBars | None, bars: SymbolBars | None, interval: str) -> int:
    """How many of the bars are not among the old ones."""
    if bars is None or old is None:
        return 0 if bars is None else len(bars)
    return len(revised(old, bars, np.zeros(len(bars), bool), not is_intraday(interval), 0)[0])
