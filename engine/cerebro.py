"""Cerebro with a faster walk over many preloaded feeds of one panel; everything else is Backtrader's own."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import backtrader as bt

from brokers.execution import Sliced
from core.errors import NoBars
from engine.turns import Seat, Turn, seated
from feeds.shared_clock import SharedClock

COLLECT_AFTER = 100_000  # new objects between two collections of garbage


@contextmanager
def rare_collections() -> Iterator[None]:
    """Collect garbage rarely: a run keeps its orders, and to look through them again and again takes a fifth of it."""
    usual = gc.get_threshold()
    gc.set_threshold(COLLECT_AFTER, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


class Cerebro(bt.Cerebro):
    """Plays whole panels by one shared clock; other feeds exactly as `bt.Cerebro` does.

    Attributes:
        stop_when: asked between two bars of live feeds; where it says so, the run ends.
        framed: entered before the first bar of live feeds, and left after the last one, before strategies are told to stop.
        seats: the feeds and the broker of each strategy, in their order, where several run on one account; empty = all see all.
        guards: `engine.guarding.Guards` of its strategies; None = nobody guards.
        at_hand: the broker that the strategy being made gets; None = the account's.
        watched: what is walked instead of the moments of a panel's bars: the same ones, with somebody looking on.
    """

    stop_when: Callable[[], bool] = staticmethod(lambda: False)
    framed: Callable[[], AbstractContextManager[Any]] = staticmethod(nullcontext)
    seats: Sequence[Seat] = ()
    guards: Any = None
    at_hand: Any = None
    watched: Callable[[Iterator[float]], Iterator[float]] = staticmethod(lambda moments: moments)

    @property
    def broker(self) -> Any:
        """The account's, or that of the strategy being made."""
        return self.at_hand or self._broker

    @broker.setter
    def broker(self, broker: Any) -> None:
        self.setbroker(broker)

    def runstrategies(self, iterstrat: Any, predata: bool = False) -> Any:
        made = seated(self, self.seats, iter(iterstrat)) if self.seats else iterstrat
        return super().runstrategies(made, predata)

    def _brokernotify(self) -> None:
        """As Backtrader's own; an order of an earlier run is told to the strategy whose feed it is on."""
        if len(self.seats) > 1:
            self._notify_owners()
        else:
            super()._brokernotify()
        for seat in self.seats:
            if isinstance(seat.broker, Sliced):
                seat.broker.turn(self.p.quicknotify)

    def _notify_owners(self) -> None:
        self._broker.next()
        owners = {feed: strategy for strategy in self.runningstrats for feed in strategy.datas}
        while (order := self._broker.get_notification()) is not None:
            owner = order.owner if order.owner is not None else owners[order.data]
            owner._addnotification(order, quicknotify=self.p.quicknotify)

    def _runnext(self, runstrats: Sequence[Any]) -> None:
        with self.framed():
            super()._runnext([Turn(strategy) for strategy in runstrats] if len(self.seats) > 1 else runstrats)

    def _storenotify(self) -> None:
        super()._storenotify()
        if self.stop_when():
            self.runstop()

    def _runonce(self, runstrats: Sequence[Any]) -> None:
        turns = [Turn(strategy) for strategy in runstrats] if len(self.seats) > 1 else runstrats
        clock = SharedClock.of(self.datas)
        if clock is None:
            super()._runonce(turns)
            return
        for strategy in runstrats:
            self._compute(strategy)
            strategy.reset()
        with rare_collections():
            for moment in self.watched(clock.ticks()):
                self._play(turns, moment)
                if self._event_stop:
                    return

    def _compute(self, strategy: Any) -> None:
        """All indicators at once; Backtrader stumbles over feeds with fewer bars than they need."""
        try:
            strategy._once()
        except IndexError as error:
            for data, needed in zip(strategy.datas, strategy._minperiods, strict=True):
                if data.buflen() < needed:
                    raise NoBars(f"the indicators of {type(strategy).__name__} need {needed} bars of {data._name}, which has "
                                 f"{data.buflen()}: name an earlier start, leave it out, or shorten them") from error
            raise

    def _play(self, runstrats: Sequence[Any], moment: float) -> None:
        """One bar, in the order of Backtrader's own loop."""
        self._check_timers(runstrats, moment, cheat=True)
        if self.p.cheat_on_open:
            for strategy in runstrats:
                strategy._oncepost_open()
                if self._event_stop:
                    return
        self._brokernotify()
        if self._event_stop:
            return
        self._check_timers(runstrats, moment, cheat=False)
        for strategy in runstrats:
            strategy._oncepost(moment)
            if self._event_stop:
                return
            self._next_writers(runstrats)
