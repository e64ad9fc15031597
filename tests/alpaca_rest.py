"""The gateway under test against a LocalAlpaca: on the venue's own clock, so that nothing is waited for."""

from typing import Any

from brokers.alpaca.endpoints import Endpoints
from brokers.alpaca.request import OrderRequest
from brokers.alpaca.rest import Rest
from brokers.local_alpaca import CallersClock, LocalAlpaca, VenueClock

__all__ = ["CallersClock", "LocalAlpaca", "VenueClock", "buy", "endpoints_of", "rest_of"]


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
