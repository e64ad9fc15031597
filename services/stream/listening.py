"""`Listening`: what Alpaca tells of an account's executions, by websocket and by request, into the queue. Imports brokers and core.

What happened while nobody listened is read: at the start, after every connection that was made again, and now and then, since the broker
may list late, or tell nothing on a connection that stays open or that another program has.
"""

import logging
import random
import threading
from collections.abc import Callable

from brokers.alpaca.endpoints import Endpoints
from brokers.alpaca.errors import BrokerUnavailable, Refused, Unauthorized
from brokers.alpaca.rest import Rest
from brokers.alpaca.stream_trouble import State
from brokers.alpaca.trade_stream import TradeStream, TradeUpdate
from core.clock import Clock
from core.errors import CerebrolabError, StoreFailed
from services.stream.executions import listed, told_of
from services.stream.pace import Pace
from services.stream.queue_file import OVERLAP_NS, QueueFile

log = logging.getLogger(__name__)
READS = ("connected", "nonsense")  # states after which something may be missing
TROUBLE = (BrokerUnavailable, Unauthorized, Refused, StoreFailed)


class Listening:
    """Listens in threads of its own, from `start` to `stop`.

    Args:
        clock, seed: of the pauses. ending: set when nothing more is to be done.
        on_news: told when something new is in the queue. on_failure: told why it cannot begin (the keys are wrong, or the account is not of
            the kind that was asked for) or go on.
        tell, warn: told of what goes on, and of what a human should know.
    """

    def __init__(self, endpoints: Endpoints, rest: Rest, queue: QueueFile, clock: Clock, ending: threading.Event, on_news: Callable[[], None],
                 on_failure: Callable[[Exception], None], tell: Callable[[str], None], warn: Callable[[str], None],
                 pace: Pace | None = None, seed: int | None = None) -> None:
        self._endpoints, self._rest, self._queue, self._clock, self._ending = endpoints, rest, queue, clock, ending
        self._on_news, self._on_failure, self._tell, self._warn = on_news, on_failure, tell, warn
        self._pace, self._random = pace or Pace(), random.Random(seed)
        self._names: dict[str, str] = {}
        self._due = threading.Event()
        self._account = ""
        self._thread = threading.Thread(target=self._run, name="account reader", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after `ending` was set."""
        self._due.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._account = self._persist(lambda: self._rest.account().id, (BrokerUnavailable, Refused))
            if self._account:
                self._listen()
        except Exception as error:  # noqa: BLE001 - whoever waits for this thread must know that it is over
            self._on_failure(error)

    def _listen(self) -> None:
        stream = TradeStream(self._endpoints, self._clock, self._on_update, self._on_state)
        stream.start()
        try:
            self._persist(self._read, TROUBLE)
            while not self._ending.is_set():
                self._clock.wait(self._due, self._pace.read_s)
                self._due.clear()
                self._persist(self._read, TROUBLE)
        finally:
            stream.stop()

    def _persist(self, ask: Callable[[], str], trouble: tuple[type[CerebrolabError], ...]) -> str:
        """What `ask` answers, after as many tries as it takes; "" at the end."""
        tries = 0
        while not self._ending.is_set():
            try:
                return ask()
            except trouble as error:
                if not tries:
                    self._warn(f"{error}; it is tried again")
                log.info("not read: %s", error)
                self._clock.wait(self._ending, self._pace.pause_s(tries, self._random))
                tries += 1
        return ""

    def _read(self) -> str:
        """Put what the broker lists since the last execution it has listed into the queue."""
        known = self._queue.listed_ns(self._account)
        found = listed(self._rest, self._account, None if known is None else known - OVERLAP_NS, self._names)
        if found and self._queue.put(found, (self._account, max(each.time_ns for each in found))):
            self._on_news()
        return ""

    def _on_update(self, update: TradeUpdate) -> None:
        execution = told_of(update, self._account)
        if execution is None:
            if update.qty is not None:
                self._due.set()  # a fill that is not told whole, or under a name that nobody knows
            return
        try:
            self._queue.put([execution])
        except StoreFailed as error:
            self._warn(f"{error}; what was told is read again")
            self._due.set()
            return
        self._on_news()

    def _on_state(self, state: State) -> None:
        if state.name in READS:
            self._due.set()
        if state.name == "connected":
            self._tell(f"listening to trade updates of account {self._account}")
        else:
            self._warn(f"trade updates: {state.name}{f': {state.reason}' if state.reason else ''}")
