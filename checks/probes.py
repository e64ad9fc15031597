"""The probes: play a strategy on other bars and say where it decides differently. Imports core and checks.

A play takes bars and gives an `Outcome`; every probe stops at a deadline and says how far it came.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from checks import variants
from checks.outcome import Decisions, Difference, Orders, Outcome
from checks.report import Finding, Probe
from core.bars import Bars
from core.errors import CerebrolabError

GOLDEN = (5**0.5 - 1) / 2
SCALE = 1024.0  # a power of two, so that no rounding differs
SCALE_TOLERANCE = 1e-4  # relative, for convictions: small constants that avoid a division by zero are no price level
STARTS = 6  # later beginnings that are tried
Play = Callable[[Bars], Outcome]


class Tally:
    """Counts comparisons and keeps the earliest difference."""

    def __init__(self, bars: Bars, kind: str, tried: str, of: int = 0) -> None:
        self._bars, self._kind, self._tried, self._of = bars, kind, tried, of
        self.done = self.unjudged = 0
        self.note = ""
        self.first: tuple[Difference, str] | None = None

    def compare(self, base: Outcome, play: Callable[[], Outcome], first: int, last: int, explanation: str) -> None:
        """Compare rows `first` to `last` of `base` with another play; one that raises is not judged."""
        self.done += 1
        try:
            other = play()
        except CerebrolabError as error:
            self._unjudged(str(error))
            return
        found = base.difference(other, first, last)
        if found is None:
            if isinstance(other, Orders) and other.raised and other.raised[0] <= last and other != base:
                self._unjudged(other.raised[1])
            return
        if self.first is None or found.row < self.first[0].row:
            self.first = (found, explanation)

    def _unjudged(self, note: str) -> None:
        self.unjudged += 1
        self.note = self.note or note

    def differs_by(self, row: int) -> bool:
        """Whether a difference on `row`, or before it, is known."""
        return self.first is not None and self.first[0].row <= row

    def probe(self) -> Probe:
        """The line of the report."""
        finding = None
        if self.first is not None:
            at, explanation = self.first
            finding = Finding(self._kind, str(self._bars.session[at.row]), int(self._bars.index[at.row]), at.symbol,
                              at.seen, at.without, explanation)
        return Probe(self._kind, self._tried, self.done, self._of or self.done, self.unjudged, self.note, finding)


def spread(rows: Sequence[int], first: Iterable[int] = (), seed: int = 0) -> list[int]:
    """`rows` in an order whose every beginning is spread evenly over them; those in `first` come first."""
    order = np.argsort(np.modf(np.arange(len(rows)) * GOLDEN + np.random.default_rng(seed).random())[0])
    known = set(rows)
    return list(dict.fromkeys([*(row for row in first if row in known), *(rows[at] for at in order.tolist())]))


def by_row(kind: str, tried: str, play: Play, bars: Bars, base: Outcome, rows: Sequence[int],
           variants_of: Sequence[Callable[[int], tuple[Bars, str]]], stop: float) -> Probe:
    """Take away, or change, what comes after each of `rows`, and compare all rows up to it.

    Once a difference is known, only rows before it are tried.

    Args:
        kind, tried: of the report. play: of the strategy. base: its outcome on `bars`.
        variants_of: from a row to other bars and what was done to them. stop: `time.perf_counter` at which to end.
    """
    tally = Tally(bars, kind, tried, len(rows) * len(variants_of))
    for row in rows:
        for variant in variants_of:
            if time.perf_counter() > stop:
                return tally.probe()
            if tally.differs_by(row):
                continue
            other, explanation = variant(row)
            tally.compare(base, partial(play, other), 0, row, explanation)
    return tally.probe()


def cut_off(bars: Bars) -> Callable[[int], tuple[Bars, str]]:
    """Variant: nothing after the row."""
    return lambda row: (variants.cut(bars, row), f"when the bars after {bars.session[row]} are cut off")


def upside_down(bars: Bars) -> Callable[[int], tuple[Bars, str]]:
    """Variant: what follows the row is mirrored."""
    return lambda row: (variants.mirrored(bars, row), _changed(bars, row))


def shaken_up(bars: Bars, seed: int) -> Callable[[int], tuple[Bars, str]]:
    """Variant: what follows the row is a wild walk with other splits, dividends and listings."""
    return lambda row: (variants.shaken(bars, row, np.random.default_rng([seed, row])), _changed(bars, row))


def _changed(bars: Bars, row: int) -> str:
    return f"when the bars after {bars.session[row]} are others"


def scale_symbols(play: Play, bars: Bars, base: Decisions, stop: float) -> Probe:
    """Multiply, and divide, prices and dividends of each symbol in turn."""
    tally = Tally(bars, "scale", f"prices of each symbol x {SCALE:g} and / {SCALE:g}", 2 * len(bars.symbols))
    base = replace(base, tolerance=SCALE_TOLERANCE)
    for factor, times in ((SCALE, f"{SCALE:g} times as high"), (1 / SCALE, f"divided by {SCALE:g}")):
        for column, symbol in enumerate(bars.symbols):
            if time.perf_counter() > stop:
                return tally.probe()
            other = variants.scaled(bars, column, factor)
            tally.compare(base, partial(play, other), 0, len(bars) - 1, f"when all prices of {symbol} are {times}")
    return tally.probe()


def later_starts(play: Callable[..., Decisions], bars: Bars, warmup: int, path_dependent: bool) -> Probe:
    """Begin the bars later; decisions must be the same once `warmup` bars are there.

    Played on adjusted bars, so that the first stored bar does not change what prices are adjusted to.
    """
    adjusted = variants.rows(bars.adjusted, slice(None))
    begins = np.unique(np.linspace(1, len(bars) - warmup - 2, STARTS).astype(int))
    begins = begins[begins > 0]
    tally = Tally(bars, "warm-up", f"bars that begin later, from {warmup} bars after the beginning on", len(begins))
    base = None if path_dependent else play(adjusted)
    for begin in begins.tolist():
        settled = _settled(bars, begin, warmup)
        if settled is None:
            tally.done, tally.unjudged = tally.done + 1, tally.unjudged + 1
            continue
        since = {"signal_start": str(bars.session[settled])} if path_dependent else {}
        whole = play(adjusted, **since) if base is None else base
        part = variants.rows(adjusted, slice(begin, None))
        tally.compare(whole, partial(_play_part, play, part, begin, since), settled, len(bars) - 1,
                      f"when the bars begin on {bars.session[begin]}")
    return tally.probe()


def _play_part(play: Callable[..., Decisions], part: Bars, begin: int, since: dict[str, str]) -> Decisions:
    return play(part, **since).beginning(begin)


def _settled(bars: Bars, begin: int, warmup: int) -> int | None:
    """First row on which every symbol cut by a later beginning has more than `warmup` bars again, or none any more."""
    own = np.cumsum(bars.traded[begin:], axis=0)
    cut = bars.traded[:begin].any(axis=0)
    waiting = cut & (own <= warmup) & (own < own[-1])
    rows = np.flatnonzero(~waiting.any(axis=1))
    return int(rows[0]) + begin if len(rows) else None
