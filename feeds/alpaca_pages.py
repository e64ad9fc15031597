"""Questions to Alpaca's market data API through alpaca-py: timeouts, retries, the rate limit, what a refusal is called.

Imports core, the endpoints and limits of brokers.alpaca, and alpaca-py when the first question is asked.
"""

import json
import random
import warnings
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from brokers.alpaca.endpoints import Endpoints
from brokers.alpaca.limiter import WINDOW_S, Priority, RateLimiter
from core.clock import Clock
from core.errors import SourceUnavailable, UnknownName, UsageError

if TYPE_CHECKING:
    from core.settings import Settings

BARS, ACTIONS = "/stocks/bars", "/corporate-actions"
CONNECT_TIMEOUT_S, ANSWER_TIMEOUT_S = 5.0, 15.0
ATTEMPTS = 5
FIRST_DELAY_S = 1.0
TOO_MANY = 429
LIVE_KEY = "AK"
KEYS = "ALPACA_API_KEY and ALPACA_SECRET_KEY in .env or the environment"


class NoAnswer(SourceUnavailable):
    """Alpaca did not answer, or not with an answer; `reason` is a few words."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"alpaca did not answer ({reason}): check the network and try again")
        self.reason = reason


class _Passing(Exception):
    """A failure worth another try, in a few words."""


class AlpacaPages:
    """Alpaca's market data API; keys of a paper account and of a live one do equally.

    Args:
        endpoints: keys and host. clock: waits before a retry, and for the rate limit.
        attempts: how often a question is asked before it is given up.
    """

    def __init__(self, endpoints: Endpoints, clock: Clock, attempts: int = ATTEMPTS) -> None:
        self._endpoints, self._clock, self._attempts = endpoints, clock, attempts
        self._limiter = RateLimiter(clock)
        self._kept: set[str] = set()  # paths whose connection has answered, and may have been closed by the server since

    @classmethod
    def of(cls, settings: "Settings", clock: Clock) -> "AlpacaPages":
        """With the keys and the host of the settings.

        Raises:
            UsageError: there are no keys, or those of the account that ALPACA_BASE_URL is not for.
        """
        is_live = settings.alpaca_keys[0].startswith(LIVE_KEY)
        return cls(Endpoints.of(settings, paper=not is_live), clock)

    def pages(self, path: str, query: dict[str, Any], limit: int) -> Iterator[dict[str, Any]]:
        """The answers to one question, page after page, `limit` items each (across all symbols).

        Raises:
            NoAnswer: after retries. UsageError: wrong keys, or a question that Alpaca refuses.
            UnknownName: Alpaca calls a symbol invalid.
        """
        token, told = None, set[str]()
        while True:
            answer = self._answer(path, {**query, "limit": limit, "page_token": token})
            yield answer
            token = answer.get("next_page_token")
            if not token:
                return
            if token in told:
                raise NoAnswer("the same page again and again")
            told.add(token)

    def close(self) -> None:
        """End the connections, which stay open between questions; a later question opens new ones."""
        self._kept.clear()
        if "_clients" in self.__dict__:
            for client in self._clients.values():
                client._session.close()

    @cached_property
    def _clients(self) -> dict[str, Any]:
        options = {"raw_data": True, "url_override": self._endpoints.data_host}
        keys = (self._endpoints.key_id, self._endpoints.secret_key)
        return {path: _patient(kind)(*keys, **options) for path, kind in zip((BARS, ACTIONS), _sdk(), strict=True)}

    def _answer(self, path: str, query: dict[str, Any]) -> dict[str, Any]:
        """One answer, asked for up to `attempts` times, later and later."""
        for attempt in range(self._attempts):
            if attempt:
                self._clock.sleep(FIRST_DELAY_S * 2 ** (attempt - 1) * random.uniform(1.0, 1.5))
            self._limiter.acquire(Priority.POLL)
            try:
                return self._ask(path, query)
            except _Passing as failure:
                reason = str(failure)
        raise NoAnswer(reason)

    def _ask(self, path: str, query: dict[str, Any]) -> dict[str, Any]:
        _sdk()  # says it where alpaca-py is not installed
        from alpaca.common.exceptions import APIError
        from requests.exceptions import RequestException, Timeout

        try:
            answer = self._get(path, query)
        except APIError as error:
            raise self._refusal(error) from None
        except Timeout:
            raise _Passing(f"nothing within {ANSWER_TIMEOUT_S:g} s") from None
        except RequestException as error:
            raise _Passing(self._endpoints.masked(_cause(error))) from None
        if not isinstance(answer, dict):
            raise _Passing("an empty answer")
        return answer

    def _get(self, path: str, query: dict[str, Any]) -> Any:
        """An answer, over the connection that is open; over a new one where the server has closed that one meanwhile."""
        from requests.exceptions import ConnectionError, Timeout

        was_kept = path in self._kept
        self._kept.add(path)
        try:
            return self._clients[path].get(path, query)
        except ConnectionError as error:
            self._kept.discard(path)
            if not was_kept or isinstance(error, Timeout):
                raise
        answer = self._clients[path].get(path, query)
        self._kept.add(path)
        return answer

    def _refusal(self, error: Any) -> Exception:
        """What an answer with an error status is called here."""
        status, said = error.status_code, self._endpoints.masked(_message(str(error)))
        if status == TOO_MANY:
            self._limiter.hold(self._until_reset(error.response.headers))
        if status == TOO_MANY or status >= 500:
            return _Passing(f"{status} {said}")
        if status in (401, 403) and "subscription" in said:
            return UsageError(f"alpaca: {said}; use the source alpaca, or a subscription that has it")
        if status in (401, 403):
            return UsageError(f"alpaca refused the keys ({status} {said}): check {KEYS}")
        if "invalid symbol" in said:
            return UnknownName(f"alpaca: {said}; check the spelling")
        return UsageError(f"alpaca refused the question ({status} {said}): check ALPACA_DATA_URL, symbols and dates")

    def _until_reset(self, headers: Any) -> float:
        """Seconds until the rate limit starts anew, at most a minute; 0 when the answer does not say."""
        reset = str(headers.get("X-RateLimit-Reset", ""))
        left = int(reset) - self._clock.now_ns() / 1e9 if reset.isdecimal() else 0.0
        return min(max(left, 0.0), WINDOW_S)


def _sdk() -> tuple[Any, Any]:
    """alpaca-py's clients of bars and of corporate actions.

    Raises:
        UsageError: alpaca-py is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it imports what websockets is about to drop
            from alpaca.data.historical.corporate_actions import CorporateActionsClient
            from alpaca.data.historical.stock import StockHistoricalDataClient
    except ImportError:
        raise UsageError("the source alpaca needs alpaca-py: install it with pip install -e .[live]") from None
    return StockHistoricalDataClient, CorporateActionsClient


def _patient(client: type) -> type:
    """The client with a timeout, which alpaca-py does not set, and without its own retries, which block and hide."""

    class Patient(client):
        def _one_request(self, method: str, url: str, opts: dict[str, Any], retry: int) -> Any:
            timed = {**opts, "timeout": (CONNECT_TIMEOUT_S, ANSWER_TIMEOUT_S)}
            return super()._one_request(method, url, timed, 0)

    return Patient


def _message(body: str) -> str:
    """What an error body says, in one short line; HTML and other texts are cut."""
    try:
        text = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        text = body
    return " ".join(text.split())[:120] or "no reason given"


def _cause(error: BaseException) -> str:
    """The innermost reason of a failed request, such as "Connection refused"."""
    while error.__context__ is not None:
        error = error.__context__
    return str(getattr(error, "strerror", None) or error or type(error).__name__).split("\n")[0]
