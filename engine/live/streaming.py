"""`stream`: a spec in Cerebro on a store's account and live feeds, until somebody stops it or its trading days are over.

Imports engine.build, what is beside it, and below; the journal.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import backtrader as bt
import numpy as np

from brokers.hooks import Moved
from core.bars import Bars
from core.calendars import MINUTE_NS, get_calendar
from core.clock import Clock, SystemClock
from core.day_numbers import moments_of
from core.errors import BadSpec
from core.options import Exits, Guard, read_group
from core.spec import RunSpec
from engine import resolve
from engine.live.books import books_of, check_books
from engine.live.chronicle import Chronicle
from engine.live.ending import Ending
from engine.live.market import Market
from engine.live.outage import Outage
from engine.live.past import past_of
from engine.live.recording import Recorder
from engine.live.restoring import catch_up, lately, moved_notes, moves, restored
from engine.live.steering import RunSteering, StreamSteering
from engine.several import Runs, build_runs, in_each_others_way
from engine.stores import is_alpaca
from journal import Journal
from journal.account_log import ALERT
from strategies.base import TargetStrategy


@dataclass(frozen=True)
class Event:
    """Something that happened in a live run.

    Attributes:
        kind: "order", "data" (the status of a feed), "store" (what a human should know), "guard" (what it refuses or stops),
            "alert" (what a human must see to) or "outcome" (how the run has ended).
        text: one line. time: by the store's clock, UTC ns; None where it has none.
        facts: of an "order", an "alert" or the "outcome".
    """

    kind: str
    text: str
    time: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)


Tell = Callable[[Event], None]


def stream(spec: RunSpec, store: Any, stopped: Callable[[], bool], tell: Tell, bars: Bars | None = None,
           journal: Journal | None = None) -> bt.Strategy:
    """As `stream_several`, with one run that sees the whole account, or `spec.capital` of it.

    Returns:
        The strategy, as it ended.
    """
    return stream_several([spec], store, stopped, tell, [bars], journal)[0]


def stream_several(specs: Sequence[RunSpec], store: Any, stopped: Callable[[], bool], tell: Tell, bars: Sequence[Bars | None] | None = None,
                   journal: Journal | None = None, nets: bool = False) -> list[bt.Strategy]:
    """Run until `stopped()`, until `trading_days` live sessions are over, or until the store's feeds end; then each as its `on_stop` says.

    Args:
        specs: runs that share the store's account; see `engine.several.build_several`.
        store: broker and live feeds; see `engine.build.build`. tell: told what happens, in order.
        bars: what each strategy has seen before the store's bars; see `engine.live.history`.
        journal: takes down orders, executions and the outcome, and tells what an earlier process of the runs has done; with an
            AlpacaStore only.
        nets: opposite market orders of two runs are settled between them.

    Returns:
        The strategies, as they ended.

    Raises:
        BadSpec: no session is ahead, or no symbols. AccountLeft: the run has ended, and its account is not as asked.
        CerebrolabError: the run cannot begin.
    """
    own = getattr(store, "clock", None)
    has_clock = isinstance(own, Clock)
    clock: Clock = own if isinstance(own, Clock) else SystemClock()

    def told(kind: str, text: str, **facts: Any) -> None:
        tell(Event(kind, text, clock.now_ns() if has_clock else None, facts))

    for spec in specs:
        if not spec.symbols:
            raise BadSpec("no symbols were given: name some, such as symbols = [\"SPY\"]")
        if spec.end is not None:
            told("store", f"end {spec.end} is for backtests: a live run ends by trading_days, or when it is told to")
    for waits in dict.fromkeys(Market(clock, spec.calendar).check(spec) for spec in specs):
        if waits:
            told("store", waits)
    runs = build_runs(specs, store, bars, nets)
    for text in in_each_others_way(runs.specs):
        told("store", text)
    cerebro = runs.cerebro
    days = _Sessions(specs[0].calendar, specs[0].trading_days)

    def wanted() -> str:
        return "stopped" if stopped() else "its trading days are over" if days.over or (has_clock and days.past(clock.now_ns())) else ""

    if hasattr(store, "rest"):
        store.rest.hurried = lambda: store.rest.until is not None or stopped()
    recorder = _recorded(runs, store, journal, told) if journal is not None and is_alpaca(store) else None
    ending = Ending(cerebro, specs, store, clock, wanted, told, recorder)
    outage = Outage(clock, get_calendar(specs[0].calendar), lambda text, alert: told("alert" if alert else "store", text),
                    lambda text: recorder.note("", ALERT, text) if recorder is not None else None)

    def over() -> bool:
        outage.look()
        return ending()

    cerebro.stop_when, cerebro.framed = over, ending.framed
    cerebro.addstorecb(lambda message, *args, **kwargs: told("store", str(message)))
    cerebro.adddatacb(lambda data, status, *args, **kwargs: _status(data, status, told, outage if has_clock else None))
    cerebro.addanalyzer(_Watch, told=told, days=days, heard=ending.heard, passed=recorder.chronicle.passed if recorder else None)
    try:
        strategies = cerebro.run()
    except Exception as error:
        ending.check(error)
        raise
    finally:
        cerebro.guards.stop()
    ending.check()
    return list(strategies)


def _status(data: Any, status: int, told: Callable[..., None], outage: Outage | None) -> None:
    """A feed is in another state."""
    told("data", f"{data._name}: {data._getstatusname(status)}")
    if outage is not None and status in (data.CONNBROKEN, data.DISCONNECTED, data.CONNECTED, data.LIVE):
        outage.connected(status in (data.CONNECTED, data.LIVE))


def _recorded(runs: Runs, store: Any, journal: Journal, told: Callable[..., None]) -> Recorder:
    """Have a journal take down what the broker does, and tell the runs what it knows."""
    account, log, broker = store.rest.account().id, journal.account_log, runs.cerebro.broker
    for text in check_books(runs.specs, store.rest, books_of(journal, account)):
        told("store", text)

    booked: list[Moved] = []

    def taken_over(orders: Sequence[Any]) -> None:
        since_ns, activities = lately(journal, store.rest, account, runs.specs)
        booked[:] = moves(activities)
        for text in catch_up(journal, store.rest, account, runs.specs, orders, activities):
            told("store", text)
        if runs.shared is None:
            broker.past = past_of(log, account, next(iter(runs.specs)))
        else:
            runs.shared.since_ns = since_ns
            for name, part in runs.shared.parts.items():
                restored(part, journal, account).past = past_of(log, account, name)

    broker.taken_over = taken_over
    if runs.shared is not None:
        broker.whose = journal.blotter.run_of
        broker.missed = lambda: booked
        runs.shared.on_moved = moved_notes(journal, account, lambda text: told("store", text))
    recorder = Recorder(journal, account, runs.specs, runs.of, lambda text: told("store", text), Chronicle(runs, account, store.clock.now_ns))
    recorder.listen(broker)
    _steered(runs, journal, account, recorder, store, told)
    runs.cerebro.guards.record(log, account, list(runs.specs), lambda text, **facts: told("guard", text, **facts))
    return recorder


def _steered(runs: Runs, journal: Journal, account: str, recorder: Recorder, store: Any, told: Callable[..., None]) -> None:
    """Let each run be told what others ask of it."""
    def tell(text: str) -> None:
        told("store", text)

    for name, spec in runs.specs.items():
        steering = RunSteering(journal, account, name, spec, store.clock.now_ns, tell, not store.endpoints.paper)
        broker: Any = runs.cerebro.broker if runs.shared is None else runs.shared.parts[name]
        broker.steering = StreamSteering(steering, partial(recorder.changed, name), tell)


def needs_cerebro(spec: RunSpec) -> bool:
    """Whether a spec is traded live bar by bar: a plain strategy, bars within the day, exits, slices, or a guard."""
    strategy = resolve.strategy_class(spec.strategy)
    minds_bars = spec.interval != "1d" or spec.execution is not None or not issubclass(strategy, TargetStrategy)
    return minds_bars or read_group(Guard, spec.guard).active or any(read_group(Exits, spec.exits))


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
    """Tells what becomes of orders, which sessions there were, and which live bars have passed."""

    params = (("told", None), ("days", None), ("heard", None), ("passed", None))

    def next(self) -> None:
        bar_ns = 0
        for data in self.datas:
            if len(data) and data._laststatus == data.LIVE:
                moment = int(moments_of(np.array([data.datetime[0]]))[0])
                self.p.days.live(moment)
                bar_ns = max(bar_ns, moment)
        if bar_ns and self.p.passed is not None:
            self.p.passed(self.strategy, bar_ns)
        if bar_ns and not isinstance(self.strategy, TargetStrategy) and hasattr(self.strategy.broker, "steering"):
            self.strategy.broker.steering.refuse(bar_ns)

    def prenext(self) -> None:
        self.next()

    def notify_order(self, order: bt.Order) -> None:
        if order.exectype == bt.Order.Historical:  # a position from before, put into Backtrader's books
            return
        self.p.heard.pop(order.ref, None)
        if order.alive():
            self.p.heard[order.ref] = order
        name = getattr(self.strategy.broker, "name", "")  # of a sub-account
        run = {"run": name} if name else {}
        facts = {**run, "symbol": order.data._name, "side": "buy" if order.isbuy() else "sell", "size": abs(order.created.size),
                 "type": order.getordername(), "status": order.getstatusname(), "filled": abs(order.executed.size),
                 "price": order.executed.price if order.executed.size else None, "reason": str(order.info.get("reason") or "")}
        price = f" at {facts['price']:.4f}" if facts["price"] is not None else ""
        reason = f": {facts['reason']}" if facts["reason"] else ""
        whose = f"{run['run']}: " if run else ""
        text = (f"{whose}{facts['side']} {facts['size']:g} {facts['symbol']} ({facts['type']}) {facts['status']}, "
                f"{facts['filled']:g} filled{price}{reason}")
        self.p.told("order", text, **facts)
