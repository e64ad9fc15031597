"""`loop`: a daily run again and again, until it is told to stop. Imports engine.live.daily."""

import logging
from collections.abc import Callable

from brokers.alpaca.clock import BrokerClock
from core.errors import SourceUnavailable
from engine.live.daily import Daily, Report
from journal.blotter import OPEN

log = logging.getLogger(__name__)
LOOK_S, IDLE_S = 15.0, 300.0  # between looks: while orders are open in an open market, and otherwise
STEP_S = 1.0  # between questions whether to stop


def loop(daily: Daily, clock: BrokerClock, stopped: Callable[[], bool], tell: Callable[[Report], None],
         warn: Callable[[str], None]) -> Report | None:
    """Run until `stopped()`, or until the run's trading days are over; returns the last report.

    A broker or a source that does not answer is warned of, and asked again.
    """
    last = None
    while not stopped():
        try:
            report = daily.once()
        except SourceUnavailable as error:
            warn(str(error))
            report = None
        if report is not None and (last is None or report != last):
            tell(report)
            last = report
        if report is not None and report.over and report.done:
            break
        busy = report is not None and clock.is_open and any(order.state == OPEN for order in report.orders)
        _rest(clock, LOOK_S if busy else IDLE_S, stopped)
        clock.sync()
    return last


def _rest(clock: BrokerClock, seconds: float, stopped: Callable[[], bool]) -> None:
    """Wait, but no longer than to the market's next opening."""
    until = clock.now_ns() + round(seconds * 1e9)
    if not clock.is_open:
        until = min(until, max(clock.next_open_ns, clock.now_ns()))
    while clock.now_ns() < until and not stopped():
        clock.sleep(min(STEP_S, (until - clock.now_ns()) / 1e9))
