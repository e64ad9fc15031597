"""Faults a test asks for: which request, event, order or bar is struck, and what happens to it. Plain records.

Each fault strikes its `nth` match (counted from 1) and the ones after it, `times` of them (0: all that follow).
"""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar


@dataclass
class Fault:
    """A matcher's counter. `seen` counts matches, `struck` the faults that happened."""

    nth: int = 1
    times: int = 1
    seen: int = field(default=0, init=False)
    struck: int = field(default=0, init=False)

    def count(self) -> bool:
        """Count a match; whether it is struck."""
        self.seen += 1
        hit = self.seen >= self.nth and (self.times == 0 or self.seen < self.nth + self.times)
        self.struck += hit
        return hit


@dataclass
class AnswerFault(Fault):
    """A request that goes wrong.

    Attributes:
        method, path: which request ("*" any; `path` is a regular expression searched in the path).
        accepted: whether the venue carries the request out before it goes wrong.
        status, body, headers: what is answered instead of the true answer; None answers the true one.
        lost: the connection is closed without an answer.
        reset: the connection is reset (TCP RST) without an answer.
        cut: the connection is closed in the middle of the answer's body.
        events_first: the events that follow from the request are sent before its answer.
        wait_s: real seconds before the answer is sent.
        until: the answer waits until this is set.
    """

    method: str = "*"
    path: str = ""
    accepted: bool = True
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    lost: bool = False
    reset: bool = False
    cut: bool = False
    events_first: bool = False
    wait_s: float = 0.0
    until: threading.Event | None = None

    def matches(self, method: str, path: str) -> bool:
        """Whether this request is meant."""
        return self.method in ("*", method) and re.search(self.path, path) is not None


@dataclass
class EventFault(Fault):
    """A trade update that goes wrong. `do` is one of:

    lose; duplicate; delay (`seconds` of venue time); shuffle (a random delay of up to `seconds`); swap (sent after
    the next event); rename (the event is called `value`); status (the order's status is `value`); alien (it
    carries an order nobody sent).
    """

    event: str = "*"
    symbol: str = "*"
    do: str = "lose"
    seconds: float = 0.0
    value: str = ""

    def matches(self, event: str, symbol: str) -> bool:
        """Whether this event is meant."""
        return self.event in ("*", event) and self.symbol in ("*", symbol)


@dataclass
class OrderFault(Fault):
    """An accepted order that is treated badly. `do` is one of:

    slow_new (`new` comes after `seconds`), stuck (it stays pending_new), reject (after acceptance), reject_after_new,
    cancel_slow (takes `seconds`), cancel_stuck (stays pending_cancel), cancel_lost (204, then nothing),
    cancel_filled (the cancel loses against a fill of `qty` shares, all if None), replace_filled (a replace loses
    against a fill), silent_sibling (the sibling is cancelled without an event).
    """

    symbol: str = "*"
    type: str = "*"
    side: str = "*"
    do: str = "stuck"
    seconds: float = 0.0
    qty: float | None = None

    def matches(self, order: Any, *kinds: str) -> bool:
        """Whether this order is meant, and one of these kinds of treatment."""
        return (self.do in kinds and self.symbol in ("*", order.symbol) and self.type in ("*", order.type)
                and self.side in ("*", order.side))


@dataclass
class BarFault(Fault):
    """A bar that goes wrong on the stream. `do` is one of:

    late (`seconds`), missing (on the stream only), duplicate, corrected (the stream first says a wrong close; 30 s
    later `updatedBars` says the right one), nonsense (a high below the low, a negative close), extended (an
    after-hours bar follows it).
    """

    symbol: str = "*"
    do: str = "missing"
    seconds: float = 0.0

    def matches(self, symbol: str) -> bool:
        """Whether this bar is meant."""
        return self.symbol in ("*", symbol)


Kind = TypeVar("Kind", bound=Fault)


@dataclass(frozen=True)
class Strike:
    """A fault that happened: when (venue time, UTC ns), and to what (an order, a symbol, a method and a path)."""

    time: int
    fault: Fault
    about: tuple[Any, ...]


class Faults:
    """The faults of one venue, in the order they were added.

    Attributes:
        strikes: what has happened, in order.
    """

    def __init__(self, now: Callable[[], int] = lambda: 0) -> None:
        self._now = now
        self._faults: list[Fault] = []
        self.strikes: list[Strike] = []

    def add(self, fault: Kind) -> Kind:
        """Add a fault; it is returned, so that a test can ask how often it struck."""
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """No more faults."""
        self._faults.clear()

    def strike(self, kind: type[Kind], *about: Any) -> Kind | None:
        """The first fault of a kind that matches and strikes; every one that matches counts."""
        struck = [fault for fault in self._faults
                  if isinstance(fault, kind) and fault.matches(*about) and fault.count()]  # type: ignore[attr-defined]
        self.strikes += [Strike(self._now(), fault, about) for fault in struck[:1]]
        return struck[0] if struck else None
