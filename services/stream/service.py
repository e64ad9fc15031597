"""`StreamService`: listening to one Alpaca account, and delivering what is heard. Imports the modules beside it, journal, brokers and core."""

import threading
from collections.abc import Callable

from brokers.alpaca.endpoints import Endpoints
from brokers.alpaca.rest import Rest
from core.clock import Clock, SystemClock
from journal import Journal
from services.stream.delivery import Delivery
from services.stream.listening import Listening
from services.stream.pace import EndingClock, Pace
from services.stream.queue_file import QueueFile

PER_MINUTE = 60  # requests: the account's other programs have the rest of its 200
DEADLINE_S = 10.0  # of one call; it is tried again after a pause of our own


class StreamService:
    """One account's executions, from Alpaca through a queue to the API.

    Args:
        endpoints: keys and addresses. journal: through the API. queue: where everything is between the two.
        tell, warn: told of what goes on, and of what a human should know, in any thread.
        clock: what waits. pace, seed: of the pauses.

    Raises:
        UsageError: alpaca-py is not installed.
    """

    def __init__(self, endpoints: Endpoints, journal: Journal, queue: QueueFile, tell: Callable[[str], None], warn: Callable[[str], None],
                 clock: Clock | None = None, pace: Pace | None = None, seed: int | None = None) -> None:
        self._ending = threading.Event()
        self._failures: list[Exception] = []
        own = EndingClock(clock or SystemClock(), self._ending)
        self._rest = Rest(endpoints, own, seed=seed, per_minute=PER_MINUTE, deadline_s=DEADLINE_S)
        self._rest.hurried = self._ending.is_set
        self._delivery = Delivery(queue, journal, self._rest, own, self._ending, tell, warn, pace, seed)
        self._listening = Listening(endpoints, self._rest, queue, own, self._ending, self._delivery.news.set, self._fail, tell, warn, pace, seed)

    def run(self) -> None:
        """Listen and deliver until `stop`; what is in the queue then waits for the next time.

        Raises:
            Unauthorized, BadSpec: the keys or the account are not those that were asked for. StoreFailed: the queue cannot be written.
        """
        self._listening.start()
        try:
            self._delivery.run()
        finally:
            self.stop()
            self._listening.stop()
            self._rest.close()
        for failure in self._failures:
            raise failure

    def stop(self) -> None:
        """End `run` soon; from any thread, but not from a signal handler."""
        self._ending.set()
        self._delivery.news.set()

    def _fail(self, error: Exception) -> None:
        self._failures.append(error)
        self.stop()
