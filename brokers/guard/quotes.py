"""Quotes: what Alpaca's market data says a share costs now. Imports brokers.alpaca and core."""

from collections.abc import Iterable
from typing import Any

from brokers.alpaca.endpoints import Endpoints
from brokers.alpaca.errors import Refused, Unauthorized
from brokers.alpaca.transport import NoAnswer, read
from core.clock import Clock
from core.errors import SourceUnavailable

TIMEOUT_S = (2.0, 3.0)
FRESH_S = 1.0  # how long one answer serves: the orders of one moment ask once


class Quotes:
    """The latest quotes of some symbols; they are asked for together, when one is needed."""

    def __init__(self, endpoints: Endpoints, clock: Clock, symbols: Iterable[str]) -> None:
        self._endpoints, self._clock, self._symbols = endpoints, clock, sorted(set(symbols))
        self._session: Any = None
        self._told: dict[str, Any] = {}
        self._told_at = -FRESH_S

    def of(self, symbol: str, is_buy: bool) -> float:
        """The ask for a buy, the bid for a sale, the other one where it has none; NaN where it has neither.

        Raises:
            SourceUnavailable: there was no answer.
        """
        if self._clock.monotonic() - self._told_at >= FRESH_S:
            self._told = self._ask()
            self._told_at = self._clock.monotonic()
        quote = self._told.get(symbol, {})
        bid, ask = (float(quote.get(name) or 0.0) for name in ("bp", "ap"))
        return (ask or bid if is_buy else bid or ask) or float("nan")

    def _ask(self) -> dict[str, Any]:
        import requests

        if self._session is None:
            self._session = requests.Session()
            self._session.headers.update({"APCA-API-KEY-ID": self._endpoints.key_id, "APCA-API-SECRET-KEY": self._endpoints.secret_key})
        query = {"symbols": ",".join(self._symbols), "feed": self._endpoints.data_feed}
        try:
            answer = self._session.get(f"{self._endpoints.data_host}/v2/stocks/quotes/latest", params=query, timeout=TIMEOUT_S)
            return dict(read(answer, self._endpoints)["quotes"])
        except (requests.RequestException, NoAnswer, Refused, Unauthorized, KeyError, TypeError) as error:
            reason = type(error).__name__ if isinstance(error, requests.RequestException) else str(error)
            raise SourceUnavailable(f"alpaca gave no latest quotes ({reason}): check the network") from None

    def close(self) -> None:
        """End the connection."""
        if self._session is not None:
            self._session.close()
