"""What one side of a comparison did: the orders it asked for, their fills, the bars it saw, the account. Imports core only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from core.day_numbers import moments_of

BACKFILL = "backfill"
PROTECTIVE = ("stop", "trail", "profit")  # intents
HALF_MILLISECOND = 500_000  # a venue's first trade of a bar comes a millisecond after its start, the last one at its end


class Fill(NamedTuple):
    """One execution.

    Attributes:
        bar_ns: completion of the bar in which it happened. size: shares, negative for a sale. price, commission: USD.
    """

    bar_ns: int
    size: float
    price: float
    commission: float = 0.0


class Sent(NamedTuple):
    """One request to a venue: when it was sent (UTC ns), under which client order id, for how many shares."""

    time_ns: int
    client_order_id: str
    qty: float


@dataclass
class Asked:
    """One order a strategy asked for, as it stood at the end.

    Attributes:
        bar_ns: completion of the bar it was decided on. size: shares, negative for a sale. kind: Backtrader's execution type.
        intent: what for, "" for a plain strategy. status: Backtrader's; "open" where it has not ended.
        reason: why it was refused or ended without being filled. fills: in time order. sent: on the side of a venue.
        ref: the side's own reference.
    """

    bar_ns: int
    symbol: str
    size: float
    kind: str
    intent: str
    status: str
    reason: str = ""
    fills: list[Fill] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    ref: int = 0

    @property
    def filled(self) -> float:
        """Shares, negative for a sale."""
        return sum(fill.size for fill in self.fills)

    @property
    def price(self) -> float:
        """Average price of its fills; NaN without any."""
        return sum(fill.size * fill.price for fill in self.fills) / self.filled if self.filled else float("nan")

    @property
    def refused(self) -> bool:
        """Whether it was turned down."""
        return self.status in ("Margin", "Rejected")


class State(NamedTuple):
    """An account: value and cash in USD, shares by symbol without flat ones, and those that earlier orders have still to trade."""

    value: float
    cash: float
    positions: dict[str, float]
    under_way: dict[str, float] = {}


class Seen(NamedTuple):
    """A bar as a strategy saw it, and when (UTC ns)."""

    prices: tuple[float, ...]
    arrived_ns: int


@dataclass
class Story:
    """Everything one side did.

    Attributes:
        name: of the side. asked: its orders, in the order they were made. end: the account at the last bar's close.
        states: account when the strategy decided, by bar. seen: bars of the sessions played, by (bar, symbol).
        notes: what a reader must know.
    """

    name: str
    asked: list[Asked]
    end: State
    states: dict[int, State] = field(default_factory=dict)
    seen: dict[tuple[int, str], Seen] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class Moments:
    """From Backtrader's day numbers, and a venue's nanoseconds, to the moments of a panel's bars."""

    def __init__(self, index: np.ndarray) -> None:
        self._index = index

    def bar(self, number: float) -> int:
        """The bar that a day number means."""
        at = int(moments_of(np.array([number]))[0])
        return int(self._index[np.abs(self._index - at).argmin()])

    def within(self, time_ns: int) -> int:
        """The bar in which something happened; the moment itself after the last bar."""
        row = int(np.searchsorted(self._index, time_ns - HALF_MILLISECOND))
        return int(self._index[row]) if row < len(self._index) else time_ns


def decided_at(order: Any) -> float:
    """The day number of the newest bar its strategy sees; a slice is sent before the strategy itself has had its turn."""
    return float(max(data.datetime[0] for data in order.owner.datas if len(data)))


def asked_of(order: Any, moments: Moments, decided: float | None, fills: Iterable[Fill], sent: Iterable[Sent] = ()) -> Asked:
    """A Backtrader order as it stands now; `decided` is its strategy's day number then, which the order's own feed need not show."""
    return Asked(moments.bar(decided or order.created.dt), order.data._name, float(order.created.size), order.getordername(),
                 str(order.info.get("intent", "")), "open" if order.alive() else order.getstatusname(), str(order.info.get("reason", "")),
                 list(fills), list(sent), order.ref)


def renewed(asked: Sequence[Asked]) -> list[Asked]:
    """The orders, with protective ones that end by themselves and are placed again counted as one.

    A protective order for a part of a share is good for one session, and a new one follows it.
    """
    found: list[Asked] = []
    latest: dict[tuple[str, str], int] = {}
    for order in asked:
        before = latest.get((order.symbol, order.intent))
        if before is not None and _continues(found[before], order):
            earlier = found[before]
            found[before] = replace(order, bar_ns=earlier.bar_ns, fills=earlier.fills + order.fills, sent=earlier.sent + order.sent)
            continue
        if order.intent in PROTECTIVE:
            latest[order.symbol, order.intent] = len(found)
        found.append(order)
    return found


def _continues(earlier: Asked, order: Asked) -> bool:
    return earlier.status == "Expired" and earlier.size == order.size and not earlier.fills
