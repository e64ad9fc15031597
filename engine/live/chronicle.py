"""`Chronicle`: what live runs say on each bar, and what they and their account are worth, for the journal's history.

It is made up once the orders of a turn have left: nothing waits for it. Imports engine.several, what is beside it, and below.
"""

import logging
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from itertools import islice
from typing import Any

from brokers.alpaca.order_terms import exact_number
from core.calendars import MINUTE_NS, get_calendar
from core.errors import UsageError
from engine.live.snapshots import ALL, Worth
from engine.several import Runs
from journal.history import History, Signal, Snapshot
from strategies.base import TargetStrategy

log = logging.getLogger(__name__)
MOST = 10_000  # records that wait for a journal that fails; beyond that the oldest are lost
AT_ONCE = 100  # records that one turn writes down
FOREVER = 2**62


class Chronicle:
    """Signals of every live bar on which a strategy says something, and snapshots.

    Snapshots are taken of each run and of the account (run ""): as the process begins and ends, a minute after each session's close, and on every
    bar on which the run says something, or its cash or shares are others than at the snapshot before.

    Args:
        runs: at work in their Cerebro. account: the broker's id of theirs. now: UTC ns, the venue's.
    """

    def __init__(self, runs: Runs, account: str, now: Callable[[], int]) -> None:
        self._runs, self._account, self._now = runs, account, now
        self._broker = runs.cerebro.broker
        self._closes = get_calendar(next(iter(runs.specs.values())).calendar).closes
        self._pending: deque[Signal | Snapshot] = deque(maxlen=MOST)
        self._passed: list[tuple[Any, int]] = []
        self._held: dict[str, Any] = {}  # cash and shares of each run at its latest snapshot
        self._due_ns = 0
        self._is_held_off = self._is_new = False

    def passed(self, strategy: Any, bar_ns: int) -> None:
        """A strategy has had its turn on a live bar (UTC ns)."""
        self._passed.append((strategy, bar_ns))

    def look(self) -> None:
        """Note what has been said, and what everything is worth, since it was looked last."""
        now, passed = self._now(), self._passed
        self._passed, self._is_new = [], False
        if not self._broker.begun:
            return
        try:
            for bar_ns in sorted({each for _, each in passed}):
                self._bar(bar_ns, [strategy for strategy, each in passed if each == bar_ns])
            if now >= self._due_ns:
                self.take()
        except UsageError as error:  # a worth that is no number stops nobody's trading
            log.warning("no snapshot: %s", error)
        if now >= self._due_ns:
            later = self._closes[self._closes + MINUTE_NS > now]
            self._due_ns = int(later[0]) + MINUTE_NS if len(later) else FOREVER

    def take(self) -> None:
        """Take a snapshot of every run and of the account now."""
        now = self._now()
        for name, strategy in self._strategies().items():
            self._take(name, self._worth_of(strategy), now)
        self._take(ALL, self._of_account(), now)

    # -- writing --------------------------------------------------------------------------------------

    @property
    def waits(self) -> bool:
        """Whether there is something to write down."""
        return bool(self._pending)

    @property
    def due(self) -> bool:
        """Whether it is time to: a turn later, as an order that has left is heard of by then; after a failure, when there is more."""
        return self.waits and not (self._is_held_off or self._is_new)

    def write(self, history: History) -> None:
        """Write the oldest records down; `written` is to be told of the success, `failed` of its failure.

        Raises:
            StoreFailed: it cannot be done.
        """
        for record in islice(self._pending, AT_ONCE):
            try:
                (history.say if isinstance(record, Signal) else history.take)(**vars(record))
            except UsageError as error:
                log.warning("not recorded: %s", error)

    def written(self) -> None:
        """What `write` has written is there."""
        for _ in range(min(AT_ONCE, len(self._pending))):
            self._pending.popleft()

    def failed(self) -> None:
        """It is not, and is tried again when there is more."""
        self._is_held_off = True

    # -- what is noted --------------------------------------------------------------------------------

    def _strategies(self) -> dict[str, Any]:
        return dict(zip(self._runs.specs, self._runs.cerebro.runningstrats, strict=True))

    def _bar(self, bar_ns: int, strategies: list[Any]) -> None:
        before = len(self._pending)
        for name, strategy in self._strategies().items():
            if not any(strategy is each for each in strategies):
                continue
            said = strategy.said(bar_ns) if isinstance(strategy, TargetStrategy) else {}
            if said:
                self._add(Signal(self._account, name, type(strategy).__name__, bar_ns, said))
            worth = self._worth_of(strategy)
            if said or _held(worth) != self._held.get(name):
                self._take(name, worth, bar_ns)
        if len(self._pending) > before:
            self._take(ALL, self._of_account(), bar_ns)

    def _take(self, run: str, worth: Worth, time_ns: int) -> None:
        self._held[run] = _held(worth)
        self._add(worth.snapshot(self._account, run, time_ns))

    def _add(self, record: Signal | Snapshot) -> None:
        self._pending.append(record)
        self._is_held_off, self._is_new = False, True

    def _of_account(self) -> Worth:
        cash, positions = self._broker.holdings.cash, self._broker.held
        return Worth(cash + sum((qty * price for qty, price in positions.values()), Decimal(0)), cash, positions)

    def _worth_of(self, strategy: Any) -> Worth:
        """What the run of a strategy is worth: the account, the part of it that it may use, or its sub-account."""
        broker = strategy.broker
        if self._runs.shared is None and self._broker.p.capital is None:
            return self._of_account()
        positions = {data._name: broker.getposition(data) for data in strategy.datas}
        prices = {data._name: data.close[0] if len(data) else positions[data._name].price for data in strategy.datas}
        held = {symbol: (exact_number(each.size), exact_number(prices[symbol])) for symbol, each in positions.items() if each.size}
        return Worth(exact_number(broker.getvalue()), exact_number(broker.getcash()), held)


def _held(worth: Worth) -> tuple[Decimal, dict[str, Decimal]]:
    return worth.cash, {symbol: qty for symbol, (qty, _) in worth.positions.items()}
