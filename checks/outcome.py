"""Outcomes of a play, to be compared bar by bar: decisions of a target strategy, orders of any strategy."""

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

TOLERANCE = 1e-9  # relative, for convictions, sizes and prices


class Difference(NamedTuple):
    """Where two outcomes part: row and symbol, and what each of them has there."""

    row: int
    symbol: str
    seen: str
    without: str


@dataclass(frozen=True)
class Decisions:
    """The decisions of a target strategy.

    Attributes:
        symbols: N names. values: (T, N) convictions. begin: number of rows before the first of them.
        tolerance: relative, for convictions; whether there is one, and its sign, is exact.
    """

    symbols: tuple[str, ...]
    values: np.ndarray
    begin: int = 0
    tolerance: float = TOLERANCE

    def beginning(self, begin: int) -> "Decisions":
        """The same, with rows counted from `begin` on."""
        return replace(self, begin=begin)

    @property
    def rows(self) -> list[int]:
        """Rows with a decision."""
        return (np.flatnonzero((~np.isnan(self.values)).any(axis=1)) + self.begin).tolist()

    def difference(self, other: Any, first: int, last: int) -> Difference | None:
        """The first difference from other decisions on rows `first` to `last`; None = the same."""
        mine = self.values[first - self.begin : last + 1 - self.begin]
        others = other.values[first - other.begin : last + 1 - other.begin]
        same = np.abs(mine - others) <= self.tolerance * np.maximum(np.abs(mine), np.abs(others))
        same = (same & (np.sign(mine) == np.sign(others))) | (mine == others) | (np.isnan(mine) & np.isnan(others))
        if same.all():
            return None
        row, column = np.argwhere(~same)[0]
        return Difference(int(row) + first, self.symbols[column],
                          _conviction(mine[row, column]), _conviction(others[row, column]))


class Placed(NamedTuple):
    """One order as it was created, or its cancellation.

    Attributes:
        row: bar. symbol, size: negative for a sale. kind: execution type, or "cancel". price: limit or trigger.
    """

    row: int
    symbol: str
    size: float
    kind: str
    price: float = math.nan

    def __str__(self) -> str:
        side = "buy" if self.size > 0 else "sell"
        price = "" if math.isnan(self.price) else f" at {self.price:.10g}"
        return f"{'cancel: ' if self.kind == 'cancel' else ''}{side} {abs(self.size):g}" + (
            f" {self.kind}{price}" if self.kind not in ("Market", "cancel") else "")


@dataclass(frozen=True)
class Orders:
    """Orders and cancellations in the order they came.

    Attributes:
        placed: what was ordered. raised: the exception that ended the run, with the row it came on; None = none.
        prices: how many times as high prices are as those it is compared with.
    """

    placed: list[Placed]
    raised: tuple[int, str] | None = None
    prices: float = 1.0

    def priced(self, factor: float) -> "Orders":
        """The same, at prices that are `factor` times as high."""
        return replace(self, prices=factor)

    @property
    def rows(self) -> list[int]:
        """Rows with an order."""
        return sorted({each.row for each in self.placed})

    def difference(self, other: Any, first: int, last: int) -> Difference | None:
        """The first difference from other orders on rows `first` to `last`, as far as both came; None = the same."""
        last = min([last, *(each.raised[0] - 1 for each in (self, other) if each.raised)])
        mine = [each for each in self.placed if first <= each.row <= last]
        others = [each for each in other.placed if first <= each.row <= last]
        scale = self.prices / other.prices
        for at in range(max(len(mine), len(others))):
            one, two = (each[at] if at < len(each) else None for each in (mine, others))
            if one is None or two is None or not _same(one, two, scale):
                return _parted(one, two)
        return None


Outcome = Decisions | Orders


def _conviction(value: float) -> str:
    return "no decision" if math.isnan(value) else f"{value:.10g}"


def _same(one: Placed, two: Placed, scale: float) -> bool:
    return (one.row, one.symbol, one.kind) == (two.row, two.symbol, two.kind) and _close(
        one.size, two.size) and _close(one.price, two.price * scale)


def _close(one: float, two: float) -> bool:
    return math.isclose(one, two, rel_tol=TOLERANCE) or (math.isnan(one) and math.isnan(two))


def _parted(one: Placed | None, two: Placed | None) -> Difference:
    """The earlier of two orders that should be the same; where the bars are the same, both."""
    nothing = "no order"
    if one is None or (two is not None and two.row < one.row):
        return Difference(two.row, two.symbol, nothing, str(two))  # type: ignore[union-attr]
    if two is None or one.row < two.row:
        return Difference(one.row, one.symbol, str(one), nothing)
    if one.symbol != two.symbol:
        return Difference(one.row, one.symbol, str(one), f"{two} of {two.symbol}")
    return Difference(one.row, one.symbol, str(one), str(two))
