"""RunGuard: says which orders of a run are refused, and when the run is stopped. Imports core, Backtrader and the modules beside it."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from backtrader import Order

from brokers.guard import rules
from brokers.guard.asked import Asked
from brokers.guard.hours import Hours
from brokers.guard.kill_switch import REFUSED, KillSwitch, Recall, Remember
from brokers.guard.rules import Refusal
from core.calendars import get_calendar
from core.day_numbers import moments_of
from core.errors import CerebrolabError
from core.options import Guard

KILL = "kill"  # intent of the orders that close what a stopped run holds
CLOSING = (KILL, "stop", "end")  # and of those that close it at its end
MINUTE_NS = 60 * 10**9


class RunGuard:
    """The guard of one run.

    What makes a position smaller passes, unless it would turn it around, or while `Guard.hours` keeps the market closed;
    protective orders, and those that close at the end of a run or because it was stopped, pass at all times. These two kinds, the
    exits of a bracket and the second of a pair do not count as orders per minute.

    Args:
        limits: what is allowed. calendar: the exchange's. capital, transfers: see `KillSwitch`.
        now_ns: UTC ns. bar_ns: UTC ns of the newest bar that the run sees. value: of the run, account currency. held: signed shares of a feed. opened: open orders of a feed.
        quote: the last quote for an order; NaN = unknown. lacking: see `brokers.guard.splits.Splits`. remember, recall: see
            `KillSwitch`; they, value, quote, lacking and transfers may raise errors of core.errors: then nothing is opened.
        tell: told of every refusal, and what else a human should know, with facts.
    """

    def __init__(self, limits: Guard, calendar: str, *, now_ns: Callable[[], int], bar_ns: Callable[[], int], value: Callable[[], float],
                 held: Callable[[Any], float], opened: Callable[[Any], Iterable[Order]], quote: Callable[[Order], float],
                 lacking: Callable[[Any], float],
                 remember: Remember, recall: Recall, tell: Callable[..., Any], capital: float = math.inf,
                 transfers: Callable[[], Mapping[str, float]] = dict) -> None:
        self._limits, self._hours = limits, Hours(get_calendar(calendar))
        self._bar_ns, self._now_ns, self._held, self._opened, self._quote = bar_ns, now_ns, held, opened, quote
        self._lacking = lacking
        self._remember, self._tell = remember, tell
        self._switch = KillSwitch(limits.max_daily_loss, self._hours, value, remember, recall, tell, capital, transfers)
        self._sent: deque[int] = deque()  # moments of the last minute's orders
        self._taken: dict[Any, list[Order]] = {}  # by feed: those that may not be in the broker's books yet
        self._moment = 0
        self._unwritten: list[tuple[str, dict[str, Any]]] = []  # refusals
        self._trouble = ""

    @property
    def killed(self) -> str:
        """Why the run may open nothing more, "" while it may."""
        return self._switch.killed

    def look(self) -> str:
        """Look at the run as of its newest bar; why it is stopped, "" if it is not."""
        self._moment = max(self._moment, self._bar_ns())
        self._switch.look(self._moment)
        self.write()
        return self.killed

    def transferred(self, cash: float, reference: str) -> None:
        """Cash has come from outside, or gone there (below zero); `reference` is the venue's name of it, "" where it has none."""
        self._switch.transferred(cash, reference)

    def write(self) -> None:
        """Write down what was refused. It takes its time, so not before the orders that pass have been sent."""
        try:
            while self._unwritten:
                text, facts = self._unwritten[0]
                self._remember(REFUSED, text, **facts)
                del self._unwritten[0]
            self._trouble = ""
        except CerebrolabError as error:
            if str(error) != self._trouble:
                self._tell(f"refusals could not be written down yet: {error}")
            self._trouble = str(error)

    def opened(self, data: Any) -> list[Order]:
        """Open orders of a feed, those on their way to the broker included."""
        self._taken[data] = [order for order in self._taken.get(data, ()) if order.alive()]
        return list({order.ref: order for order in (*self._taken[data], *self._opened(data))}.values())

    def refuse(self, order: Order) -> str:
        """Why an order is refused, "" where it passes."""
        if order.info.get("protective"):
            return ""
        if self._bar_ns() > self._moment or self._switch.trouble:
            self.look()
        asked = Asked.of(order, self._held(order.data), self.opened(order.data))
        refusal = next(self._refusals(order, asked), None)
        if refusal is not None:
            self._note(refusal, asked)
            return refusal.text
        self._taken[order.data].append(order)
        if self._limits.orders_per_minute and not asked.part and not self._is_closing(order, asked):
            self._sent.append(self._now_ns())
        return ""

    def _is_closing(self, order: Order, asked: Asked) -> bool:
        return order.info.get("intent") in CLOSING and asked.closes

    def _refusals(self, order: Order, asked: Asked) -> Iterator[Refusal]:
        if self._is_closing(order, asked):
            return
        now, limits = self._now_ns(), self._limits
        minutes = self._hours.minutes(now) if limits.hours else None
        yield from filter(None, [rules.off_hours(asked, limits, minutes)])
        if asked.reduces:
            return
        if self._switch.killed or self._switch.trouble:
            yield self._stopped()
        yield from filter(None, [rules.at_the_edges(asked, limits, minutes)])
        if limits.active:
            yield from self._between(order.data, asked)
        if limits.stale_s:
            bar = int(moments_of(np.array([order.data.datetime[0]]))[0])
            yield from filter(None, [rules.too_old(asked, limits, self._hours.seconds_between(bar, now))])
        yield from rules.too_large(asked, limits)
        yield from self._too_many(asked, now)
        if limits.collar:
            yield from self._off_the_quote(order, asked)

    def _stopped(self) -> Refusal:
        reason = self.killed or f"whether the run was stopped is unknown: {self._switch.trouble}"
        return Refusal("max_daily_loss", self._limits.max_daily_loss, math.nan, reason)

    def _too_many(self, asked: Asked, now: int) -> Iterator[Refusal]:
        most = self._limits.orders_per_minute
        while self._sent and now - self._sent[0] >= MINUTE_NS:
            self._sent.popleft()
        if most and not asked.part and len(self._sent) >= most:
            yield Refusal("orders_per_minute", most, len(self._sent) + 1,
                          f"{len(self._sent) + 1} orders in a minute are above guard.orders_per_minute {most:g}")

    def _between(self, data: Any, asked: Asked) -> Iterator[Refusal]:
        """Whether only one of the symbol's shares and its price shows a split: what is sized by them would be of the wrong size."""
        try:
            factor, why = self._lacking(data), ""
        except CerebrolabError as error:
            factor, why = math.nan, f": {error}"
        if factor != 1:
            yield Refusal("split", 1.0, factor, f"{asked.symbol} is split, and its shares and its price do not both show it yet{why}")

    def _off_the_quote(self, order: Order, asked: Asked) -> Iterator[Refusal]:
        try:
            yield from filter(None, [rules.off_the_quote(asked, self._limits, self._quote(order))])
        except CerebrolabError as error:
            yield Refusal("collar", self._limits.collar, math.nan, f"no quote of {asked.symbol} could be read: {error}")

    def _note(self, refusal: Refusal, asked: Asked) -> None:
        facts = {"rule": refusal.rule, "limit": refusal.limit, "value": _plain(refusal.value), "symbol": asked.symbol, "side": asked.side,
                 "qty": abs(asked.shares), "price": _plain(asked.price)}
        text = f"refused to {asked.side} {abs(asked.shares):g} {asked.symbol}: {refusal.text}"
        self._tell(text, **facts)
        self._unwritten.append((text, facts))


def _plain(number: float) -> float | None:
    """None for what JSON cannot hold."""
    return number if math.isfinite(number) else None
