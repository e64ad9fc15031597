"""What a source has changed of stored bars, and which past signals that would have flipped.

Changes that arrived together, each within a minute of the one before, are compared as one: the decisions on the bars as they
were just before, with those on the bars as they were just after, on every bar known by then. Imports journal, engine, feeds and core.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.bars import Bars
from core.errors import CerebrolabError, NoBars
from core.series import FIELDS, SymbolBars
from core.spec import RunSpec
from engine.loading import load
from engine.today import STANDING, decided
from feeds.intervals import is_intraday
from feeds.load import source_named
from feeds.revisions import Revisions, as_of
from feeds.store import BarStore
from journal import Journal
from journal.live_days import every
from journal.pages import Chosen

TOGETHER_NS = 60 * 10**9
FOREVER = 2**62
VALUES = (*FIELDS, "dividend", "split")


@dataclass(frozen=True)
class Change:
    """A stored bar that a source has told otherwise.

    Attributes:
        source, symbol, interval: whose bars. bar_ns: UTC ns, when the bar was complete. session: its exchange date.
        time_ns: UTC ns, when the other version arrived. before, after: the values that differ, by name; without `before`
            there was no bar.
    """

    source: str
    symbol: str
    interval: str
    bar_ns: int
    session: np.datetime64
    time_ns: int
    before: Mapping[str, float]
    after: Mapping[str, float]


@dataclass(frozen=True)
class Flip:
    """A past signal that changes would have flipped.

    Attributes:
        run: name of the run, or of the strategy. account: the live account whose run it is; "" for none.
        symbol, session, bar_ns: on which bar. said, says: "HOLD", "OUT", "SHORT", or "-" for no decision, before and after.
        time_ns: UTC ns, when the changes arrived. told: whether the journal has it that a live run said so on this bar.
    """

    run: str
    account: str
    symbol: str
    session: np.datetime64
    bar_ns: int
    said: str
    says: str
    time_ns: int
    told: bool


@dataclass(frozen=True)
class Asked:
    """A run whose signals are looked at."""

    name: str
    account: str
    spec: RunSpec


def changes(store: BarStore, source: str | None = None, interval: str | None = None, symbols: Sequence[str] = (), since_ns: int = 0) -> list[Change]:
    """What sources have told otherwise from a moment on, in the order in which it arrived.

    Raises:
        StoreFailed: the store cannot be read.
    """
    found: list[Change] = []
    for held in store.list():
        if held.source == (source or held.source) and held.interval == (interval or held.interval) and (not symbols or held.symbol in symbols):
            kept = store.revisions(held.symbol, held.interval, source=held.source)
            if len(kept):
                bars = next(iter(store.read([held.symbol], interval=held.interval, source=held.source)), kept.bars.rows(slice(0)))
                found += _changes(held.source, held.interval, bars, kept)
    return sorted((each for each in found if each.time_ns >= since_ns), key=lambda each: (each.time_ns, each.symbol, each.bar_ns))


def _changes(source: str, interval: str, bars: SymbolBars, kept: Revisions) -> Iterable[Change]:
    by_session = not is_intraday(interval)
    for row in range(len(kept)):
        until = int(kept.until[row])
        key = "session" if by_session else "index"
        mine = getattr(kept.bars, key) == getattr(kept.bars, key)[row]
        then = as_of(bars.rows(getattr(bars, key) == getattr(kept.bars, key)[row]), kept.rows(mine), until, by_session)
        before = {name: float(getattr(kept.bars, name)[row]) for name in VALUES} if not np.isnan(kept.bars.close[row]) else {}
        after = {name: float(getattr(then, name)[0]) for name in VALUES} if len(then) else {}
        differ = [name for name in VALUES if before.get(name) != after.get(name) and not np.isnan(after.get(name, before.get(name, np.nan)))]
        yield Change(source, bars.symbol, interval, int(kept.bars.index[row]), kept.bars.session[row], until,
                     {name: before[name] for name in differ if name in before}, {name: after[name] for name in differ if name in after})


def live_runs(journal: Journal) -> list[Asked]:
    """The runs that have decided on live accounts, each as it was specified last."""
    rows = every(lambda after: journal.pages.decisions(Chosen(), after, latest=True))
    return [Asked(row.run_key, row.account, RunSpec.from_dict(row.spec)) for row in rows]


def flips(asked: Sequence[Asked], found: Sequence[Change], store: BarStore, journal: Journal,
          progress: Callable[[int, int, str], None] | None = None) -> tuple[list[Flip], list[str]]:
    """(the past signals that changes would have flipped, sentences a reader must see)."""
    flipped: list[Flip] = []
    warnings: list[str] = []
    for done, each in enumerate(asked, 1):
        try:
            flipped += _flips(each, found, store, journal)
        except CerebrolabError as error:
            warnings.append(f"{each.name}: {error}")
        if progress is not None:
            progress(done, len(asked), each.name)
    return flipped, warnings


def _flips(asked: Asked, found: Sequence[Change], store: BarStore, journal: Journal) -> list[Flip]:
    spec = asked.spec.replace(trading_days=None, end=None)
    source = source_named(spec.source, spec.calendar)
    names = {*source.canonical(spec.symbols), *source.canonical(spec.reference), *([source.market_index] if source.market_index else [])}
    named = spec.universe is None and spec.events is None  # else files say whose bars are looked at
    mine = [each for each in found if each.source == source.name and each.interval == spec.interval and (each.symbol in names or not named)]
    flipped: list[Flip] = []
    for first, last in together([each.time_ns for each in mine]):
        try:
            before, after = (load(spec.replace(as_of=_text(moment)), store) for moment in (first - 1, last + 999))
        except NoBars:
            continue
        flipped += _between(asked, before, after, last, _said(journal, asked))
    return flipped


def together(moments: Sequence[int]) -> list[tuple[int, int]]:
    """(first, last) of the moments, UTC ns in order, of which each is within a minute of the one before."""
    if not moments:
        return []
    times = np.unique(moments)
    breaks = np.flatnonzero(np.diff(times) > TOGETHER_NS)
    return [(int(times[first]), int(times[last])) for first, last in zip(np.r_[0, breaks + 1], np.r_[breaks, len(times) - 1], strict=True)]


def _between(asked: Asked, before: Bars, after: Bars, time_ns: int, told: Mapping[tuple[int, str], float]) -> list[Flip]:
    _, old_rows, new_rows = np.intersect1d(before.index, after.index, return_indices=True)
    old, new = decided(asked.spec, before)[old_rows], decided(asked.spec, after)[new_rows]
    flipped = []
    for symbol in before.symbols:
        if symbol not in after.symbols:
            continue
        said, says = old[:, before.symbols.index(symbol)], new[:, after.symbols.index(symbol)]
        for row in np.flatnonzero((np.sign(said) != np.sign(says)) & ~(np.isnan(said) & np.isnan(says))).tolist():
            bar_ns = int(before.index[old_rows[row]])
            known = told.get((bar_ns, symbol), np.nan)
            flipped.append(Flip(asked.name, asked.account, symbol, before.session[old_rows[row]], bar_ns, _word(said[row]), _word(says[row]), time_ns,
                                bool(np.sign(known) == np.sign(said[row]))))
    return sorted(flipped, key=lambda each: each.bar_ns)


def _said(journal: Journal, asked: Asked) -> dict[tuple[int, str], float]:
    if not asked.account:
        return {}
    said = journal.history.signals(asked.account, asked.name)
    return {(each.bar_ns, symbol): conviction for each in said for symbol, conviction in each.convictions.items()}


def _word(decision: float) -> str:
    return "-" if np.isnan(decision) else STANDING[int(np.sign(decision))]


def _text(moment: int) -> str:
    return (dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=moment // 1_000)).isoformat() + "Z"


def summary(found: Sequence[Change], flipped: Sequence[Flip], warnings: Sequence[str]) -> dict[str, Any]:
    """What `--json` prints."""
    return {"changes": [_plain(each) for each in found], "flips": [_plain(each) for each in flipped], "warnings": list(warnings)}


def _plain(record: Change | Flip) -> dict[str, Any]:
    values: dict[str, Any] = dict(vars(record))
    times = {name.removesuffix("_ns"): time_text(values.pop(name)) for name in ("bar_ns", "time_ns")}
    return {**values, "session": str(record.session), **times}


def time_text(moment: int) -> str:
    """UTC ns as ISO text to the second."""
    return f"{dt.datetime.fromtimestamp(moment // 10**9, dt.UTC):%Y-%m-%dT%H:%M:%SZ}"

