"""`Delivery`: executions from the queue to the API, in order, each until it is acknowledged. Imports journal, brokers and core."""

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import replace

from brokers.alpaca.errors import BrokerUnavailable, Refused, Unauthorized
from brokers.alpaca.rest import Rest
from core.clock import Clock
from core.errors import StoreFailed, UsageError
from journal import Journal
from journal.account_log import LiveExecution, uncovered
from journal.live_days import every
from journal.pages import Chosen
from services.stream.executions import DAY_NS, members
from services.stream.pace import Pace
from services.stream.queue_file import QueueFile, Waiting

log = logging.getLogger(__name__)
LASTING_NS = 95 * DAY_NS  # orders that are good till cancelled last 90 days
NEAR_NS = 3_600 * 10**9  # shares are recorded when they are executed, or later where several executions are recorded as one
IDLE_S = 60.0


class Unknown(UsageError):
    """The broker does not know the order that something was told of."""


class Delivery:
    """Posts what the queue holds.

    Args:
        journal: through the API. rest: whose orders nobody has written down are looked up there.
        clock, seed: of the pauses. ending: set when nothing more is to be done.
        tell, warn: told of what was delivered, and of what a human should know.

    Attributes:
        news: set by whoever has put something into the queue, and with `ending`.
    """

    def __init__(self, queue: QueueFile, journal: Journal, rest: Rest, clock: Clock, ending: threading.Event, tell: Callable[[str], None],
                 warn: Callable[[str], None], pace: Pace | None = None, seed: int | None = None) -> None:
        self._queue, self._journal, self._rest, self._clock = queue, journal, rest, clock
        self._ending, self._tell, self._warn = ending, tell, warn
        self._pace, self._random = pace or Pace(), random.Random(seed)
        self._leads: dict[str, str] = {}  # order of no run -> client order id of the first of its group
        self.news = threading.Event()

    def run(self) -> None:
        """Deliver until the end."""
        tries = 0
        while not self._ending.is_set():
            self.news.clear()
            try:
                waiting = self._queue.first()
                if waiting is not None:
                    self.deliver(waiting)
            except (StoreFailed, BrokerUnavailable, Unauthorized, Refused) as error:
                self._failed(tries, error)
                tries += 1
                continue
            if tries:
                self._tell("delivering again")
                tries = 0
            if waiting is None and not self._ending.is_set():
                self._clock.wait(self.news, IDLE_S)

    def deliver(self, waiting: Waiting) -> None:
        """Post one, and take it out of the queue; what the API refuses for good is set aside and told.

        Raises:
            StoreFailed: the API does not answer. BrokerUnavailable, Unauthorized, Refused: nor does the broker, which has to be asked.
        """
        told = waiting.execution
        try:
            news = self._news_of(told)
            recorded = self._journal.account_log.execute(news) if news else 0
        except UsageError as error:
            if isinstance(error, Unauthorized):
                raise
            self._queue.refuse(waiting.number, str(error))
            self._warn(f"set aside in {self._queue.path}: {_words(told)} of order {told.client_order_id}: {error}")
            return
        self._queue.done(waiting.number)
        for each in news if recorded else ():
            self._tell(f"{_words(each)}{f' of {each.run}' if each.run else ''}")

    def _news_of(self, told: LiveExecution) -> list[LiveExecution]:
        """The execution with the run it belongs to, as far as the journal lacks it; what is recorded meanwhile, the journal leaves out."""
        chosen = Chosen(told.account, None, (told.symbol,), told.time_ns - NEAR_NS, told.time_ns + LASTING_NS)
        known = [each for each in every(lambda after: self._journal.pages.executions(chosen, after)) if each.client_order_id == told.client_order_id]
        news = uncovered(told, [(each.filled, each.qty) for each in known])
        run = self._run_of(told) if news else ""
        return [replace(each, run=run) for each in news]

    def _run_of(self, told: LiveExecution) -> str:
        """The run whose order it is; the legs of a group are whose the group is."""
        run = self._journal.blotter.run_of(told.client_order_id)
        if run:
            return run
        lead = self._leads.get(told.broker_id)
        if lead is None:
            lead = self._leads[told.broker_id] = self._lead_of(told)
        return self._journal.blotter.run_of(lead) if lead != told.client_order_id else ""

    def _lead_of(self, told: LiveExecution) -> str:
        try:
            order = self._rest.order(told.broker_id)
        except Refused as refused:
            if refused.status != 404:
                raise
            raise Unknown(f"alpaca does not know the order {told.broker_id}: nothing was recorded") from None
        if order.order_class != "simple" and not order.legs:
            for each, lead in members(self._rest.orders("all", after=told.time_ns - LASTING_NS, symbols=(told.symbol,))):
                if each.id == order.id:
                    return lead.client_order_id
        return order.client_order_id

    def _failed(self, tries: int, error: Exception) -> None:
        if not tries:
            self._warn(f"{error}; {self._queue.count()} executions wait in {self._queue.path}, and it is tried again")
        log.info("not delivered: %s", error)
        self._clock.wait(self._ending, self._pace.pause_s(tries, self._random))


def _words(execution: LiveExecution) -> str:
    return f"{execution.side} {execution.qty:f} {execution.symbol} at {execution.price:f}"
