"""The gateway under test against a LocalAlpaca: on the venue's own clock, so that nothing is waited for."""

import threading
import time
from typing import Any

from brokers.alpaca.endpoints import Endpoints
from brokers.alpaca.request import OrderRequest
from brokers.alpaca.rest import Rest
from brokers.local_alpaca import LocalAlpaca


class VenueClock:
    """A `core.clock.Clock` on which waiting lets the venue's time pass; `skew_s` is what a wrong wall clock shows."""

    def __init__(self, alpaca: LocalAlpaca, skew_s: float = 0.0) -> None:
        self.alpaca, self.skew_s = alpaca, skew_s
        self.slept: list[float] = []
        self._start = alpaca.now

    def now_ns(self) -> int:
        """What the machine believes."""
        return self.alpaca.now + round(self.skew_s * 1e9)

    def monotonic(self) -> float:
        """Venue seconds since this clock was made."""
        return (self.alpaca.now - self._start) / 1e9

    def sleep(self, seconds: float) -> None:
        """Let the venue's time pass."""
        self.slept.append(seconds)
        self.alpaca.advance(seconds=max(seconds, 1e-9) if seconds > 0 else 0.0)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let the venue's time pass, unless the event has come; whether it has."""
        if not event.is_set():
            self.sleep(seconds)
        return event.is_set()


class CallersClock(VenueClock):
    """A `VenueClock` on which only the thread that made it moves the venue's time; other threads wait a moment."""

    def __init__(self, alpaca: LocalAlpaca) -> None:
        super().__init__(alpaca)
        self._caller = threading.current_thread()

    def sleep(self, seconds: float) -> None:
        """Let the venue's time pass, or wait for it to pass."""
        if threading.current_thread() is self._caller:
            super().sleep(seconds)
        else:
            time.sleep(0.002)


def endpoints_of(alpaca: LocalAlpaca, **other: Any) -> Endpoints:
    """The keys and addresses of a LocalAlpaca."""
    return Endpoints(**{"key_id": alpaca.key_id, "secret_key": alpaca.secret_key, "base_url": alpaca.url,
                        "data_url": alpaca.data_url, "stream_url": alpaca.stream_url,
                        "trade_stream_url": alpaca.trade_stream_url, **other})


def rest_of(alpaca: LocalAlpaca, endpoints: Endpoints | None = None, **options: Any) -> Rest:
    """A gateway to a LocalAlpaca on the venue's clock."""
    return Rest(endpoints or endpoints_of(alpaca), VenueClock(alpaca), seed=1, **options)


def buy(name: str, symbol: str = "AAA", qty: Any = 10, **more: Any) -> OrderRequest:
    """A request to buy under a client order id, at the market unless told otherwise."""
    return OrderRequest(symbol, "buy", qty=qty, client_order_id=name, **more)
