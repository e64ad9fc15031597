"""Cerebro with a faster walk over many preloaded feeds of one panel; everything else is Backtrader's own."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import backtrader as bt

from core.errors import NoBars
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
    """

    stop_when: Callable[[], bool] = staticmethod(lambda: False)

    def _storenotify(self) -> None:
        super()._storenotify()
        if self.stop_when():
            self.runstop()

    def _runonce(self, runstrats: Sequence[Any]) -> None:
        clock = SharedClock.of(self.datas)
        if clock is None:
            super()._runonce(runstrats)
            return
        for strategy in runstrats:
            self._compute(strategy)
            strategy.reset()
        with rare_collections():
            for moment in clock.ticks():
                self._play(runstrats, moment)
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
