"""One request through alpaca-py: with a timeout, without its blind retries, and with our errors.

The only module that imports alpaca-py. Imports endpoints and errors.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from brokers.alpaca.endpoints import Endpoints
from brokers.alpaca.errors import Refused, Unauthorized
from core.errors import UsageError

TIMEOUT_S = (5.0, 15.0)
TOO_MANY = 429
PASSING = frozenset({408, 425, TOO_MANY})  # of the 4xx, those that say "later"


class NoAnswer(Exception):
    """No usable answer.

    Attributes:
        maybe_done: whether the request may have been carried out; False where it never arrived or was put off (429).
        retry_after_s: seconds the venue asks to wait, or None.
    """

    def __init__(self, reason: str, maybe_done: bool = True, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.maybe_done, self.retry_after_s = maybe_done, retry_after_s


def trading_client(endpoints: Endpoints, timeouts: Callable[[], tuple[float, float]] = lambda: TIMEOUT_S) -> Any:
    """alpaca-py's TradingClient with raw answers, whose every request ends within the seconds of `timeouts` (connect, read).

    Its requests raise NoAnswer, Refused or Unauthorized.

    Raises:
        UsageError: alpaca-py is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it imports websockets.legacy
            from alpaca.trading.client import TradingClient
    except ImportError:
        raise UsageError("trading at Alpaca needs alpaca-py: install it with pip install -e .[live]") from None
    import requests

    class Client(TradingClient):
        def _one_request(self, method: str, url: str, opts: dict[str, Any], retry: int) -> Any:
            timeout_s = timeouts()
            try:
                response = self._session.request(method, url, timeout=timeout_s, **opts)
            except requests.exceptions.InvalidURL:
                raise UsageError(f"{endpoints.trading_host} is no address: correct ALPACA_BASE_URL") from None
            except requests.RequestException as error:
                raise _unanswered(error, timeout_s) from None
            return read(response, endpoints)

    client = Client(endpoints.key_id, endpoints.secret_key, paper=endpoints.paper, raw_data=True,
                    url_override=endpoints.trading_host)
    _read_environment_once(client._session, endpoints.trading_host)
    return client


def _read_environment_once(session: Any, host: str) -> None:
    """Proxies and certificates of the environment, which a session otherwise looks up for every request."""
    settings = session.merge_environment_settings(host, {}, None, None, None)
    session.proxies, session.verify, session.cert = settings["proxies"], settings["verify"], settings["cert"]
    session.trust_env = False


def read(response: Any, endpoints: Endpoints) -> Any:
    """The JSON of an answer, None for an empty one; numbers that are no text stay exact, as text.

    Raises:
        Unauthorized, Refused, NoAnswer: by status and body.
    """
    status = response.status_code
    body = _json(response)
    if 200 <= status < 300:
        if body is None and response.content:
            raise NoAnswer(f"HTTP {status} with a body that is not JSON")
        return body
    told = body if isinstance(body, dict) else {}
    code = told.get("code") if isinstance(told.get("code"), int) else None
    if status == 401 or (status == 403 and body is not None and (code is None or code // 100_000 == 401)):
        raise Unauthorized(f"alpaca does not accept the keys for {endpoints.trading_host} (HTTP {status}): check "
                           "ALPACA_API_KEY and ALPACA_SECRET_KEY in .env or the environment, and whether they are "
                           f"{'paper' if endpoints.paper else 'live'} keys; new ones are made at app.alpaca.markets")
    if 300 <= status < 400:
        raise Refused(status, None, f"{endpoints.trading_host} redirects; correct ALPACA_BASE_URL")
    if status >= 500 or status in PASSING or not told:
        raise NoAnswer(f"HTTP {status}", status != TOO_MANY, _retry_after(response))
    details = {name: value for name, value in told.items() if name not in ("code", "message")}
    raise Refused(status, code, endpoints.masked(str(told.get("message") or f"HTTP {status}")), details)


def _json(response: Any) -> Any:
    try:
        return response.json(parse_float=str)
    except ValueError:
        return None


def _retry_after(response: Any) -> float | None:
    try:
        return max(float(response.headers["Retry-After"]), 0.0)
    except (KeyError, ValueError):
        return None


def _unanswered(error: Exception, timeout_s: tuple[float, float]) -> NoAnswer:
    """In few words; the library's own name addresses, ports and objects in memory."""
    import requests
    from urllib3.exceptions import NewConnectionError

    if isinstance(error, requests.ConnectTimeout):
        return NoAnswer(f"no connection within {timeout_s[0]:g} s", maybe_done=False)
    if isinstance(error, requests.Timeout):
        return NoAnswer(f"no answer within {timeout_s[1]:g} s")
    cause = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(cause, NewConnectionError):
        return NoAnswer("connection refused", maybe_done=False)
    if isinstance(error, requests.ConnectionError):
        return NoAnswer("connection lost")
    return NoAnswer(type(error).__name__)
