"""`stream`: a spec in Cerebro on a store's account and live feeds, until somebody stops it or its trading days are over.

Imports engine.build and below. Positions and orders are left as they stand at the end.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import backtrader as bt
import numpy as np

from core.bars import Bars
from core.calendars import get_calendar
from core.day_numbers import moments_of
from core.spec import RunSpec
from engine import resolve
from engine.build import build
from strategies.base import TargetStrategy


@dataclass(frozen=True)
class Event:
    """Something that happened in a live run.

    Attributes:
        kind: "order", "data" (the status of a feed) or "store" (what a human should know).
        text: one line. order: its facts, of an "order".
    """

    kind: str
    text: str
    order: dict[str, Any] = field(default_factory=dict)


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
    cerebro.stop_when = lambda: stopped() or days.over
    cerebro.addstorecb(lambda message, *args, **kwargs: tell(Event("store", str(message))))
    cerebro.adddatacb(lambda data, status, *args, **kwargs: tell(Event("data", f"{data._name}: {data._getstatusname(status)}")))
    cerebro.addanalyzer(_Watch, tell=tell, days=days)
    return cerebro.run()[0]


def needs_cerebro(spec: RunSpec) -> bool:
    """Whether a spec is traded live bar by bar: a plain strategy, bars within the day, or protective exits."""
    strategy = resolve.strategy_class(spec.strategy)
    return spec.interval != "1d" or bool(spec.exits) or not issubclass(strategy, TargetStrategy)


class _Sessions:
    """Counts the sessions with live bars, and knows when the last one that is wanted has closed."""

    def __init__(self, calendar: str, wanted: int | None) -> None:
        self._calendar, self._wanted, self._seen = get_calendar(calendar), wanted, set[np.datetime64]()
        self.over = False

    def live(self, moment: int) -> None:
        """A live bar was complete at a moment (UTC ns)."""
        session = self._calendar.session_of(np.array([moment]))
        self._seen.add(session[0])
        closes = int(self._calendar.close_of(session)[0])
        past = len(self._seen) - (moment < closes)  # a store that stamps the start of a bar has none at the close
        self.over = self._wanted is not None and past >= self._wanted


class _Watch(bt.Analyzer):
    """Tells what becomes of orders, and which sessions there were."""

    params = (("tell", None), ("days", None))

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
                 "kind": order.getordername(), "status": order.getstatusname(), "filled": abs(order.executed.size),
                 "price": order.executed.price if order.executed.size else None, "reason": str(order.info.get("reason") or "")}
        price = f" at {facts['price']:.4f}" if facts["price"] is not None else ""
        reason = f": {facts['reason']}" if facts["reason"] else ""
        text = (f"{facts['side']} {facts['size']:g} {facts['symbol']} ({facts['kind']}) {facts['status']}, "
                f"{facts['filled']:g} filled{price}{reason}")
        self.p.tell(Event("order", text, facts))
