"""Earlier versions of stored bars: what a source said before it said something else. Imports core only.

A version is kept with the moment at which another took its place. Differences that come from a vendor's arithmetic
(`NOISE`, a relative difference) are none: the stored bar stays as it is, to the last bit.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.series import PRICES, SymbolBars

COLUMNS = ("index", "session", *PRICES, "volume", "dividend", "split", "pay_date")
CASH = 2e-5  # of a dividend, which vendors divide by later splits and round
NOISE = {**dict.fromkeys((*PRICES, "dividend", "split"), 1e-6), "volume": 1e-4}


@dataclass(frozen=True, eq=False)
class Revisions:
    """Earlier versions of the bars of one symbol.

    Attributes:
        bars: (R) rows in order of time, several of one bar in order of `until`; a close of NaN: there was no bar.
        until: (R,) int64, UTC ns, when another version took the place of each.
    """

    bars: SymbolBars
    until: np.ndarray

    def __len__(self) -> int:
        return len(self.until)

    @classmethod
    def none(cls, symbol: str) -> "Revisions":
        """No earlier version of anything."""
        return cls(SymbolBars.make(symbol, [], [], [], validated=False), np.empty(0, np.int64))

    def rows(self, at: np.ndarray) -> "Revisions":
        """Some of them."""
        return Revisions(self.bars.rows(at), self.until[at])

    def adding(self, other: "Revisions") -> "Revisions":
        """Both, each version once."""
        if not len(other):
            return self
        both = joined(self.bars, other.bars)
        until = np.concatenate([self.until, other.until])
        order = np.lexsort((until, both.index))
        same = np.r_[False, (np.diff(both.index[order]) == 0) & (np.diff(until[order]) == 0)]
        return Revisions(both.rows(order[~same]), until[order[~same]])


def joined(first: SymbolBars, second: SymbolBars) -> SymbolBars:
    """The rows of both, one after the other."""
    columns = {each: np.concatenate([getattr(first, each), getattr(second, each)]) for each in COLUMNS}
    return SymbolBars(second.symbol, **columns, close_only=first.close_only or second.close_only)


def revised(old: SymbolBars, new: SymbolBars, asked: np.ndarray, by_session: bool, moment: int) -> tuple[SymbolBars, Revisions]:
    """(the new bars that say something else than the old ones, the versions whose place they take).

    Args:
        asked: (len(new),) bool, whose session had been asked for before: a bar that was not there then is a revision too.
        by_session: whether a session has one bar; otherwise bars are told apart by their time.
        moment: when the new ones arrived, UTC ns.
    """
    key = "session" if by_session else "index"
    before, now = getattr(old, key), getattr(new, key)
    places = np.searchsorted(before, now).clip(max=max(len(before) - 1, 0))
    there = before[places] == now if len(before) else np.zeros(len(now), bool)
    same = there.copy()
    same[there] = _same(old.rows(places[there]), new.rows(there))
    unknown = new.rows(~there & asked)
    nothing: dict[str, Any] = {**{name: np.full(len(unknown), np.nan) for name in (*PRICES, "volume")}, "dividend": np.zeros(len(unknown)),
               "split": np.ones(len(unknown)), "pay_date": np.full(len(unknown), np.datetime64("NaT"), "datetime64[D]")}
    absent = SymbolBars(new.symbol, unknown.index, unknown.session, **nothing)
    earlier = joined(old.rows(places[there & ~same]), absent)
    order = np.argsort(earlier.index, kind="stable")
    return new.rows(~same), Revisions(earlier.rows(order), np.full(len(earlier), moment, np.int64))


def as_of(bars: SymbolBars, revisions: Revisions, moment: int, by_session: bool) -> SymbolBars:
    """The bars as they were known at a moment, UTC ns: those complete by then, in the version of then."""
    key = "session" if by_session else "index"
    later = revisions.rows(revisions.until > moment)
    order = np.lexsort((later.until, getattr(later.bars, key)))
    keys = getattr(later.bars, key)[order]
    standing = later.bars.rows(order[np.r_[True, keys[1:] != keys[:-1]]] if len(order) else order)
    kept = bars.rows(~np.isin(getattr(bars, key), getattr(standing, key)))
    known = joined(kept, standing.rows(~np.isnan(standing.close)))
    known = known.rows(np.argsort(known.index, kind="stable"))
    known = known.rows(known.index <= moment)
    return SymbolBars(bars.symbol, **{each: getattr(known, each) for each in COLUMNS}, close_only=bool(np.isnan(known.open).any()))


def _same(old: SymbolBars, new: SymbolBars) -> np.ndarray:
    """(T,) bool: whether two versions of the same bars differ by noise only."""
    same = (old.index == new.index) & ((old.pay_date == new.pay_date) | (np.isnat(old.pay_date) & np.isnat(new.pay_date)))
    for name, noise in NOISE.items():
        left, right = getattr(old, name), getattr(new, name)
        same &= np.isclose(left, right, rtol=noise, atol=CASH if name == "dividend" else 0.0, equal_nan=True)
    return same
