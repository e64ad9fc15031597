"""`stream`: a spec in Cerebro on a store's account and live feeds, until somebody stops it or its trading days are over.

Imports engine.build and below. Positions and orders are left as they stand at the end.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import backtrader as bt
import numpy as np

from core.bars import Bars
from core.calendars import MINUTE_NS, get_calendar
from core.clock import Clock, SystemClock
from core.day_numbers import moments_of
from core.options import Exits, read_group
from core.spec import RunSpec
from engine import resolve
from engine.build import build
from strategies.base import TargetStrategy

SETTLE_S = 10.0


@dataclass(frozen=True)
class Event:
    """Something that happened in a live run.

    Attributes:
        kind: "order", "data" (the status of a feed), "store" (what a human should know) or "end" (what is left).
        text: one line. time: by the store's clock, UTC ns; None where it has none.
        facts: of an "order" or the "end".
    """

    kind: str
    text: str
    time: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)


Tell = Callable[[Event], None]


def stream(spec: RunSpec, store: Any, stopped: Callable[[], bool], tell: Tell, bars: Bars | None = None) -> bt.Strategy:
    """Run until `stopped()`, until `spec.trading_days` live sessions are over, or until the store's feeds end.

    Args:
        store: broker and live feeds; see `engine.build.build`. tell: told what happens, in order.
        bars: what the strategy has seen before the store's bars; see `engine.live.history`.

    Returns:
        The strategy, as it ended.

    Raises:
        CerebrolabError: the run cannot begin.
    """
    cerebro = build(spec, broker=store, bars=bars)
    days = _Sessions(spec.calendar, spec.trading_days)
    clock = getattr(store, "clock", None)

    def told(kind: str, text: str, **facts: Any) -> None:
        tell(Event(kind, text, clock.now_ns() if isinstance(clock, Clock) else None, facts))

    cerebro.stop_when = _Ending(cerebro, clock if isinstance(clock, Clock) else SystemClock(),
                                lambda: stopped() or days.over or (isinstance(clock, Clock) and days.past(clock.now_ns())))
    cerebro.addstorecb(lambda message, *args, **kwargs: told("store", str(message)))
    cerebro.adddatacb(lambda data, status, *args, **kwargs: told("data", f"{data._name}: {data._getstatusname(status)}"))
    cerebro.addanalyzer(_Watch, told=told, days=days)
    strategy = cerebro.run()[0]
    held = {data._name: size for data in strategy.datas if (size := strategy.broker.getposition(data).size)}
    still = sum(order.alive() for order in strategy.broker.get_orders_open()) if hasattr(strategy.broker, "get_orders_open") else 0
    shown = ", ".join(f"{size:g} {symbol}" for symbol, size in held.items()) or "nothing"
    told("end", f"ended; it holds {shown}, and {still} of its orders are open", positions=held, open_orders=still)
    return strategy


def needs_cerebro(spec: RunSpec) -> bool:
    """Whether a spec is traded live bar by bar: a plain strategy, bars within the day, or protective exits."""
    strategy = resolve.strategy_class(spec.strategy)
    return spec.interval != "1d" or any(read_group(Exits, spec.exits)) or not issubclass(strategy, TargetStrategy)


class _Ending:
    """Says when a run ends: when it is time, and no exit waits for the end of the stop that it replaces, or soon after."""

    def __init__(self, cerebro: bt.Cerebro, clock: Clock, is_time: Callable[[], bool]) -> None:
        self._cerebro, self._clock, self._is_time = cerebro, clock, is_time
        self._until: float | None = None

    def __call__(self) -> bool:
        if self._until is None:
            if not self._is_time():
                return False
            self._until = self._clock.monotonic() + SETTLE_S
        waits = any(getattr(strategy, "unsettled", False) for strategy in self._cerebro.runningstrats)
        return not waits or self._clock.monotonic() >= self._until


class _Sessions:
    """Counts the sessions with live bars, and knows when the last one that is wanted has closed."""

    def __init__(self, calendar: str, wanted: int | None) -> None:
        self._calendar, self._wanted, self._seen = get_calendar(calendar), wanted, set[np.datetime64]()
        self._closes = 0
        self.over = False

    def live(self, moment: int) -> None:
        """A live bar was complete at a moment (UTC ns)."""
        session = self._calendar.session_of(np.array([moment]))
        self._seen.add(session[0])
        self._closes = int(self._calendar.close_of(session)[0])
        past = len(self._seen) - (moment < self._closes)  # a store that stamps the start of a bar has none at the close
        self.over = self._wanted is not None and past >= self._wanted

    def past(self, now: int) -> bool:
        """Whether the last session wanted has closed a minute ago, though no symbol may have traded at its end."""
        return self._wanted is not None and len(self._seen) >= self._wanted and now >= self._closes + MINUTE_NS


class _Watch(bt.Analyzer):
    """Tells what becomes of orders, and which sessions there were."""

    params = (("told", None), ("days", None))

    def next(self) -> None:
        for data in self.datas:
            if len(data) and data._laststatus == data.LIVE:
                self.p.days.live(int(moments_of(np.array([data.datetime[0]]))[0]))

    def prenext(self) -> None:
        self.next()

    def notify_order(self, order: bt.Order) -> None:
        if order.exectype == bt.Order.Historical:  # a position from before, put into Backtrader's books
            return
        facts = {"symbol": order.data._name, "side": "buy" if order.isbuy() else "sell", "size": abs(order.created.size),
                 "type": order.getordername(), "status": order.getstatusname(), "filled": abs(order.executed.size),
                 "price": order.executed.price if order.executed.size else None, "reason": str(order.info.get("reason") or "")}
        price = f" at {facts['price']:.4f}" if facts["price"] is not None else ""
        reason = f": {facts['reason']}" if facts["reason"] else ""
        text = (f"{facts['side']} {facts['size']:g} {facts['symbol']} ({facts['type']}) {facts['status']}, "
                f"{facts['filled']:g} filled{price}{reason}")
        self.p.told("order", text, **facts)
