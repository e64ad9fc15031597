"""`loop`: a daily run again and again, until it is told to stop. Imports engine.live.daily and brokers.alpaca."""

import logging
from collections.abc import Callable
from typing import Protocol

from brokers.alpaca.clock import BrokerClock
from core.errors import BadSpec, CerebrolabError, UsageError
from engine.live.daily import Report
from journal.blotter import OPEN

log = logging.getLogger(__name__)
LOOK_S, IDLE_S = 15.0, 300.0  # between looks: while orders are open in an open market, and otherwise
STEP_S = 1.0  # between questions whether to stop


class Turns(Protocol):
    """What is done again and again: `engine.live.daily.Daily`, or one that waits for its turn."""

    def once(self, dry: bool = False) -> Report:
        """One turn."""


def loop(daily: Turns, clock: BrokerClock, stopped: Callable[[], bool], tell: Callable[[Report], None],
         warn: Callable[[str], None]) -> Report | None:
    """Run until `stopped()`, or until the run's trading days are over; returns the last report.

    A broker or a source that does not answer, or refuses, is warned of and asked again; wrong keys and a wrong spec end it.
    """
    last = None
    while not stopped():
        report = None
        try:
            report = daily.once()
            if report != last:
                tell(report)
                last = report
            if report.over and report.done:
                break
            busy = clock.is_open and any(order.state == OPEN for order in report.orders)
            until = _next_look(clock, LOOK_S if busy else IDLE_S)
            clock.sync()
        except (UsageError, BadSpec):
            raise
        except CerebrolabError as error:
            warn(str(error))
            until = clock.now_ns() + round(IDLE_S * 1e9)
        while clock.now_ns() < until and not stopped():
            clock.sleep(min(STEP_S, (until - clock.now_ns()) / 1e9))
    return last


def _next_look(clock: BrokerClock, seconds: float) -> int:
    """The moment (UTC ns) `seconds` from now, or the market's next opening if that comes before."""
    until = clock.now_ns() + round(seconds * 1e9)
    return until if clock.is_open else min(until, max(clock.next_open_ns, clock.now_ns()))
