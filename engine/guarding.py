"""`guarded`: the guards of the strategies in a Cerebro. They are asked about orders, look at every bar, and close what a stopped run holds.

Imports brokers, strategies and core. What they say is written down where a live run has a journal (`Guards.record`).
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

import backtrader as bt
from backtrader import Order

from brokers.guard import RunGuard
from brokers.guard.transfers import is_transfer
from brokers.hooks import Hooks, Moved
from core.errors import BadSpec
from core.options import Guard, read_group
from core.spec import RunSpec
from engine.close_out import bring_to_rest
from engine.guarded_account import GuardedAccount, GuardedAlpaca, newest_bar
from strategies.base import TargetStrategy
from strategies.resumed import is_past

BACKFILL = "backfill: orders on bars from before the start are not sent"
UNREAD = "the account has not been read yet"


class Log(Protocol):
    """Where notes are kept; `journal.account_log.AccountLog`."""

    def note(self, account: str, run: str, kind: str, text: str, **facts: Any) -> Any:
        """Write one down for good."""

    def notes(self, account: str | None, run: str | None, kinds: Any) -> Sequence[Any]:
        """Those of some kinds, in order."""


def guarded(cerebro: bt.Cerebro, specs: Sequence[RunSpec], store: Any = None) -> "Guards":
    """Guard every strategy of a Cerebro by its spec's limits; before `cerebro.run()`.

    Args:
        specs: in the order in which the strategies were added; a single one is for all.
        store: the `AlpacaStore` of a live run, whose clock and quotes count; None = the bars' time and closes do.

    Returns:
        The guards, also as `cerebro.guards`.

    Raises:
        BadSpec: a limit, but the broker asks nobody; or a limit on losses that `capital` would hide.
    """
    broker: Any = cerebro.broker
    cerebro.guards = guards = Guards(specs, broker, store)
    if not (guards.active or store is not None):
        return guards
    if not isinstance(broker, Hooks):
        if guards.active:
            raise BadSpec(f"guard: {type(broker).__name__} asks nobody about its orders; drop the guard, or use the simulated broker or Alpaca")
        return guards
    hides = getattr(getattr(broker, "p", None), "capital", None) is not None and not hasattr(type(broker), "equity")
    if hides and any(limits.max_daily_loss for limits in guards.limits):
        raise BadSpec(f"guard.max_daily_loss: {type(broker).__name__} does not show what its capital loses; drop one of both")
    broker.hook(refuse=guards.refuse, moved=guards.moved)
    cerebro.addanalyzer(_Look, guards=guards)
    return guards


class Guards:
    """One guard for each strategy, made when it is first needed.

    Attributes:
        limits: of each spec.
    """

    def __init__(self, specs: Sequence[RunSpec], broker: Any, store: Any = None) -> None:
        self._specs = list(specs)
        self._account = GuardedAccount(broker) if store is None else GuardedAlpaca(broker, store, {name for spec in specs for name in spec.symbols})
        self.limits = [read_group(Guard, spec.guard) for spec in specs]
        self._guards: dict[int, RunGuard] = {}
        self._closed: set[bt.Strategy] = set()  # whose positions are closed, and not protected any more
        self._live: dict[int, list[Any]] = {}  # feeds
        self._log: Log | None = None
        self._number, self._names = "", [""] * len(specs)
        self._tell: Callable[..., Any] = lambda text, **facts: None

    @property
    def active(self) -> bool:
        """Whether any limit is set."""
        return any(limits.active for limits in self.limits)

    def record(self, log: Log, account: str, names: Sequence[str], tell: Callable[..., Any]) -> None:
        """Write down what the guards say, and go on from what is written there; before `cerebro.run()`.

        Args:
            account: the broker's id of it. names: of the runs, as `specs`. tell: told a line and its facts.
        """
        self._log, self._number, self._names, self._tell = log, account, list(names), tell

    # -- what Cerebro and the broker ask --------------------------------------------------------------

    def refuse(self, order: Order) -> str:
        """Why an order is refused, "" where it passes; see `brokers.hooks.Hooks`."""
        strategy = _strategy_of(order)
        if order.info.get("protective") or order.info.get("ending"):
            return ""
        if not _begun(strategy):
            return UNREAD
        return BACKFILL if self._in_past(strategy) else self._of(strategy).refuse(order)

    def moved(self, moved: Moved) -> None:
        """Cash has changed without a trade: what comes from outside is no profit of a run that has the account to itself."""
        for guard in self._guards.values() if len(self._specs) == 1 and is_transfer(moved) else ():
            guard.transferred(float(moved.cash), moved.reference)

    def look(self, strategy: bt.Strategy) -> None:
        """Look at a run on a bar; what it holds is closed if it has been stopped."""
        if _begun(strategy) and not self._in_past(strategy):
            self._of(strategy).look()
            self.close_out(strategy)

    def ended(self, strategy: bt.Strategy) -> None:
        """An order has been cancelled: of a run that has been stopped, the next step is due."""
        if _begun(strategy) and not self._in_past(strategy) and self._of(strategy).killed:
            self.close_out(strategy)

    def close_out(self, strategy: bt.Strategy) -> None:
        """Cancel what would open a position, and close what is held where the limits say so, of a run that has been stopped."""
        guard = self._of(strategy)
        flatten = bool(guard.killed and self.limits[self._place(strategy)].flatten)
        if flatten != (strategy in self._closed):
            self._closed ^= {strategy}
            if isinstance(strategy, TargetStrategy):
                strategy.wind_down(not flatten)  # until it may go on, no protective order is in the way
        for data in strategy.datas if guard.killed else ():
            bring_to_rest(strategy, data, guard.killed, guard.opened(data), flatten)

    def write(self) -> None:
        """Write down what was refused."""
        for guard in self._guards.values():
            guard.write()

    def stop(self) -> None:
        """Write down what was refused, and end the connection that quotes came by."""
        self.write()
        self._account.close()

    def _in_past(self, strategy: bt.Strategy) -> bool:
        """Whether what a strategy sees is too old to trade on."""
        if strategy._id not in self._live:
            self._live[strategy._id] = [data for data in strategy.datas if data.islive()]
        return any(is_past(data) for data in self._live[strategy._id])

    # -- making a guard -------------------------------------------------------------------------------

    def _place(self, strategy: bt.Strategy) -> int:
        return int(strategy._id) if len(self._specs) > 1 else 0

    def _of(self, strategy: bt.Strategy) -> RunGuard:
        if strategy._id not in self._guards:
            self._guards[strategy._id] = self._made(strategy)
        return self._guards[strategy._id]

    def _made(self, strategy: bt.Strategy) -> RunGuard:
        place, broker, log, account = self._place(strategy), strategy.broker, self._log, self._account
        spec, name = self._specs[place], self._names[place]
        alone = len(self._specs) == 1
        return RunGuard(
            self.limits[place], spec.calendar,
            bar_ns=partial(newest_bar, strategy), now_ns=partial(account.now_ns, strategy), value=partial(account.worth, strategy, alone),
            held=lambda data: broker.getposition(data).size,
            opened=lambda data: [order for order in broker.get_orders_open() if order.data is data],
            quote=account.quote, lacking=account.lacking, tell=self._tell, capital=spec.capital or math.inf,
            transfers=account.transfers if alone else dict,  # of an account that is shared, they are nobody's
            remember=partial(log.note, self._number, name) if log is not None else lambda kind, text, **facts: None,
            recall=partial(log.notes, self._number, name) if log is not None else lambda kinds: ())


def _strategy_of(order: Order) -> bt.Strategy:
    """Whose order it is; an owner that acts for a strategy names it."""
    return getattr(order.owner, "strategy", order.owner)


def _begun(strategy: bt.Strategy) -> bool:
    """Whether positions are known; before, the value of an account is not."""
    return bool(getattr(strategy.broker, "begun", True))


class _Look(bt.Analyzer):
    """Gives the guards their look at every bar, and at the end of every order that stood in the way."""

    params = (("guards", None),)

    def prenext(self) -> None:
        self.next()

    def next(self) -> None:
        self.p.guards.look(self.strategy)

    def notify_order(self, order: Order) -> None:
        if order.status == Order.Rejected:
            self.p.guards.write()
        if order.status == Order.Canceled:
            self.p.guards.ended(self.strategy)

    def stop(self) -> None:
        self.p.guards.stop()
