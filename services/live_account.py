"""`live_account`: what Alpaca itself says of the account of the settings' keys. May import what lies below services."""

import threading
from dataclasses import dataclass
from functools import lru_cache

from brokers.alpaca.answers import Account, Position
from brokers.alpaca.endpoints import Endpoints
from core.settings import Settings

KEPT_S = 2.0  # an answer, so that several who look do not ask several times
DEADLINE_S = 8.0


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
    """One gateway of an account, which several threads ask."""

    def __init__(self, endpoints: Endpoints) -> None:
        from brokers.alpaca.rest import Rest

        self._rest = Rest(endpoints, deadline_s=DEADLINE_S)
        self._lock = threading.Lock()
        self._last: tuple[float, LiveAccount] | None = None

    def ask(self) -> LiveAccount:
        clock = self._rest.local
        with self._lock:
            if self._last is None or clock.monotonic() - self._last[0] >= KEPT_S:
                found = LiveAccount(self._rest.account(), tuple(self._rest.positions()), clock.now_ns())
                self._last = clock.monotonic(), found
            return self._last[1]


@lru_cache(maxsize=4)
def _asker(endpoints: Endpoints) -> _Asker:
    return _Asker(endpoints)
