"""`live_account`: what Alpaca itself says of the account of the settings' keys. May import what lies below services."""

import threading
from dataclasses import dataclass
from functools import lru_cache

from brokers.alpaca.answers import Account, Position
from brokers.alpaca.endpoints import Endpoints
from core.errors import CerebrolabError, SourceUnavailable
from core.settings import Settings

KEPT_S, KEPT_FAILURE_S = 2.0, 10.0  # an answer, and that there was none, so that several who look do not ask several times
DEADLINE_S, WAITS_S = 5.0, 2.0  # for Alpaca; for another who asks
TIMEOUT_S = (2.0, 3.0)  # to connect, and for an answer


@dataclass(frozen=True)
class LiveAccount:
    """The account and its positions, and when they were asked for, UTC ns."""

    account: Account
    positions: tuple[Position, ...]
    time_ns: int


def live_account(settings: Settings, paper: bool = True) -> LiveAccount:
    """What Alpaca says now, or has said two seconds ago.

    Raises:
        UsageError: no keys are set, or they are not taken. SourceUnavailable: Alpaca does not answer.
    """
    return _asker(Endpoints.of(settings, paper)).ask()


class _Asker:
    """One gateway of an account, which several threads ask; none of them waits for long."""

    def __init__(self, endpoints: Endpoints) -> None:
        from brokers.alpaca.rest import Rest

        self._rest = Rest(endpoints, deadline_s=DEADLINE_S, timeout_s=TIMEOUT_S)
        self._lock = threading.Lock()
        self._until = 0.0
        self._last: LiveAccount | CerebrolabError | None = None

    def ask(self) -> LiveAccount:
        if not self._lock.acquire(timeout=WAITS_S):
            raise SourceUnavailable("Alpaca does not answer: look again in a few seconds")
        try:
            now = self._rest.local.monotonic()
            if self._last is None or now >= self._until:
                self._last = self._asked()
                self._until = self._rest.local.monotonic() + (KEPT_S if isinstance(self._last, LiveAccount) else KEPT_FAILURE_S)
            found = self._last
        finally:
            self._lock.release()
        if isinstance(found, CerebrolabError):
            raise found.with_traceback(None)
        return found

    def _asked(self) -> "LiveAccount | CerebrolabError":
        try:
            return LiveAccount(self._rest.account(), tuple(self._rest.positions()), self._rest.local.now_ns())
        except CerebrolabError as error:
            return error


@lru_cache(maxsize=4)
def _asker(endpoints: Endpoints) -> _Asker:
    return _Asker(endpoints)
