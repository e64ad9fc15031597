"""The real alpaca-py, pointed at a LocalAlpaca: its REST clients, and its streams running in a thread for a test.

Tests take alpaca-py's modules (`enums`, `requests`, …) from here: alpaca-py 0.44 imports websockets.legacy, whose
deprecation warning would end the import where warnings are errors.
"""

from __future__ import annotations

import asyncio
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any, Self

from brokers.local_alpaca.server import LocalAlpaca

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import alpaca.data.requests as data_requests
    from alpaca.common.exceptions import APIError
    from alpaca.data.historical.corporate_actions import CorporateActionsClient
    from alpaca.data.historical.stock import StockHistoricalDataClient
    from alpaca.data.live.stock import StockDataStream
    from alpaca.data.timeframe import TimeFrame
    from alpaca.trading import enums, requests
    from alpaca.trading.client import TradingClient
    from alpaca.trading.stream import TradingStream

__all__ = ["APIError", "StreamReader", "TimeFrame", "actions_client", "bar_reader", "data_client", "data_requests",
           "enums", "requests", "trade_reader", "trading_client"]


def trading_client(alpaca: LocalAlpaca, secret: str | None = None, **options: Any) -> TradingClient:
    """alpaca-py's TradingClient for this server."""
    return TradingClient(alpaca.key_id, secret or alpaca.secret_key, url_override=alpaca.url, **options)


def data_client(alpaca: LocalAlpaca, secret: str | None = None) -> StockHistoricalDataClient:
    """alpaca-py's StockHistoricalDataClient for this server."""
    return StockHistoricalDataClient(alpaca.key_id, secret or alpaca.secret_key, url_override=alpaca.data_url)


def actions_client(alpaca: LocalAlpaca) -> CorporateActionsClient:
    """alpaca-py's CorporateActionsClient for this server."""
    return CorporateActionsClient(alpaca.key_id, alpaca.secret_key, url_override=alpaca.data_url)


class StreamReader:
    """A stream of alpaca-py running in a thread; `got` collects what its handler received."""

    def __init__(self, stream: Any, subscribe: Callable[[Any, Callable[..., Any]], None]) -> None:
        self.stream, self.got = stream, list[Any]()
        stream._reconnect_min_backoff = 0.01  # a test does not wait for the SDK's second
        subscribe(stream, self._receive)
        self._thread = threading.Thread(target=self._run, daemon=True)

    async def _receive(self, message: Any) -> None:
        self.got.append(message)

    def _run(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            asyncio.run(self.stream._run_forever())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stream._should_run = False
        loop = self.stream._loop
        if loop is not None and loop.is_running():
            asyncio.run_coroutine_threadsafe(self._end(), loop)
        self._thread.join(60)
        assert not self._thread.is_alive()

    async def _end(self) -> None:
        await self.stream.stop_ws()
        await self.stream.close()

    def wait(self, count: int, timeout_s: float = 5.0) -> list[Any]:
        """What was received, once it is `count` messages.

        Raises:
            TimeoutError: they did not come.
        """
        deadline = time.monotonic() + timeout_s
        while len(self.got) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self.got)} of {count} messages: {self.got}")
            time.sleep(0.005)
        return self.got


def trade_reader(alpaca: LocalAlpaca, secret: str | None = None, **options: Any) -> StreamReader:
    """alpaca-py's TradingStream, listening to trade updates."""
    stream = TradingStream(alpaca.key_id, secret or alpaca.secret_key, url_override=alpaca.trade_stream_url, **options)
    return StreamReader(stream, lambda it, handler: it.subscribe_trade_updates(handler))


def bar_reader(alpaca: LocalAlpaca, *symbols: str, secret: str | None = None, url: str | None = None,
               channel: str = "bars") -> StreamReader:
    """alpaca-py's StockDataStream, subscribed to a channel ("bars", "daily_bars", "updated_bars", "quotes", …)."""
    stream = StockDataStream(alpaca.key_id, secret or alpaca.secret_key, url_override=url or alpaca.stream_url)
    return StreamReader(stream, lambda it, handler: getattr(it, f"subscribe_{channel}")(handler, *symbols))
