"""`ApiClient`: questions and records to the REST API, again where that is safe, and what it answers as errors of `core.errors`.

Every record names itself, so that telling the API twice records once: whatever got no answer is sent again.
"""

import time
from typing import Any

import requests

from core.api_address import read_api_address
from core.errors import CerebrolabError, StoreFailed, UnknownName, UsageError
from journal.columns import canonical_json

DEADLINE_S = 20.0  # of one record or question, with what is sent again
TIMEOUT_S = (3.05, 60.0)  # to connect, and for an answer: longer than the API waits for others that write, so that nothing lands late
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 2.0
AGAIN = (429, 502, 504)
_KINDS: dict[str, type[CerebrolabError]] = {"unknown-name": UnknownName, "store-failed": StoreFailed}
_TRANSIENT = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


class NoApi(StoreFailed):
    """What answers is no API of a journal, or asks for another token."""


class ApiClient:
    """The REST API at an address.

    Args:
        url: http://HOST:PORT or https://, with the token as a password (http://token:TOKEN@HOST:PORT) where none is given apart.
        token: what every request names; "" = none, or the one in `url`.
        deadline_s: how long one call may go on trying; DEADLINE_S unless told.

    Raises:
        UsageError: the address is none.
    """

    def __init__(self, url: str, token: str = "", deadline_s: float | None = None) -> None:
        self._base, stated = read_api_address(url)
        self._deadline_s = DEADLINE_S if deadline_s is None else deadline_s
        self._session = requests.Session()
        self._session.trust_env = False  # the API is one's own: neither proxies nor passwords of others
        secret = token or stated
        if secret:
            self._session.headers["Authorization"] = f"Bearer {secret}"

    @property
    def shown(self) -> str:
        """The address, without the token."""
        return self._base

    def close(self) -> None:
        """End the connections."""
        self._session.close()

    def get(self, path: str, **params: Any) -> Any:
        """The answer to a question; parameters that are None are left out.

        Raises:
            UnknownName, UsageError: what the API says of the question. StoreFailed: it does not answer, or cannot.
        """
        return self._call("GET", path, {name: value for name, value in params.items() if value is not None}, None)

    def send(self, method: str, path: str, body: Any) -> Any:
        """Record something; None where there is no answer but that it is recorded. Raises as `get`."""
        return self._call(method, path, None, canonical_json(body).encode())

    def _call(self, method: str, path: str, params: Any, body: bytes | None) -> Any:
        until, pause = time.monotonic() + self._deadline_s, FIRST_PAUSE_S
        while True:
            answer, trouble = self._once(method, path, params, body)
            if answer is not None and answer.status_code not in AGAIN:
                return self._read(answer)
            wait = max(pause, _seconds(answer))
            if time.monotonic() + wait > until:
                raise StoreFailed(f"the journal's API {self._base} does not answer ({trouble}): start it with cerebrolab serve api, or set "
                                  "CEREBROLAB_JOURNAL to another place")
            time.sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _once(self, method: str, path: str, params: Any, body: bytes | None) -> tuple[requests.Response | None, str]:
        try:
            answer = self._session.request(method, f"{self._base}/v1{path}", params=params, data=body, timeout=TIMEOUT_S, allow_redirects=False,
                                           headers={"Content-Type": "application/json"} if body is not None else None)
        except _TRANSIENT as error:
            return None, type(error).__name__
        except (requests.RequestException, ValueError) as error:
            raise StoreFailed(f"the journal's API {self._base} cannot be asked: {error}; correct CEREBROLAB_JOURNAL") from None
        return answer, f"status {answer.status_code}"

    def _read(self, answer: requests.Response) -> Any:
        if answer.status_code == 204:
            return None
        try:
            told = answer.json()
        except ValueError:
            told = {}
        if answer.ok and told != {}:
            return told
        if answer.status_code == 401:
            raise NoApi(f"the journal's API {self._base} wants a token: write it as http://token:TOKEN@HOST:PORT in CEREBROLAB_JOURNAL")
        detail = told.get("detail") if isinstance(told, dict) else None
        if not detail:
            raise NoApi(f"{self._base} is no API of a journal (status {answer.status_code}): correct CEREBROLAB_JOURNAL")
        kind = str(told.get("type", "")).rpartition(":")[2]
        raise _KINDS.get(kind, UsageError if answer.status_code in (404, 413, 422) else StoreFailed)(str(detail))


def _seconds(answer: requests.Response | None) -> float:
    told = answer.headers.get("Retry-After", "") if answer is not None else ""
    return float(told) if told.isdigit() else 0.0
