"""`Client`: questions to the REST API, and what is wrong as one line. Imports core and requests."""

from functools import lru_cache
from typing import Any

import requests

from core.errors import CerebrolabError

TIMEOUT_S = (3.05, 60.0)  # to connect, and for an answer


class ApiProblem(CerebrolabError):
    """What the API says of a question, on one line; with the status of its answer, 0 without one."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class Unreachable(ApiProblem):
    """Nobody answers at the address, or what answers is no API."""


class WrongToken(ApiProblem):
    """The API asks for a token, or for another one."""


class NotServed(ApiProblem):
    """This API has no such route: it is of an earlier version."""


class Client:
    """The REST API at an address; usable from several threads.

    Args:
        url: http://HOST:PORT. token: what every request names; "" = none.
    """

    def __init__(self, url: str, token: str = "") -> None:
        self.url, self.token = url, token
        self._session = requests.Session()
        self._session.trust_env = False  # the API is one's own: neither proxies nor passwords of others
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **params: Any) -> Any:
        """The answer to a question below /v1; parameters that are None or "" are left out.

        Raises:
            ApiProblem: it cannot be answered.
        """
        return self._json(self._call("GET", f"/v1{path}", params={name: value for name, value in params.items() if value not in (None, "")}))

    def page(self, path: str) -> str:
        """A page of HTML below /v1. Raises as `get`."""
        return self._call("GET", f"/v1{path}").text

    def post(self, path: str, body: Any) -> Any:
        """What is answered to a request. Raises as `get`."""
        return self._json(self._call("POST", f"/v1{path}", json=body))

    def delete(self, path: str) -> Any:
        """What is answered where something is to end. Raises as `get`."""
        return self._json(self._call("DELETE", f"/v1{path}"))

    def alive(self) -> bool:
        """Whether the API answers, whatever the token."""
        try:
            return bool(self._json(self._call("GET", "/health")).get("status"))
        except ApiProblem:
            return False

    def _call(self, method: str, path: str, **said: Any) -> requests.Response:
        try:
            answer = self._session.request(method, f"{self.url}{path}", timeout=TIMEOUT_S, allow_redirects=False, **said)
        except requests.RequestException as error:
            raise Unreachable(f"{self.url} does not answer ({type(error).__name__})") from None
        if answer.ok:
            return answer
        raise self._problem(answer)

    def _json(self, answer: requests.Response) -> Any:
        try:
            return answer.json() if answer.content else None
        except ValueError:
            raise Unreachable(f"{self.url} is no API of cerebrolab: what answers there is no JSON") from None

    def _problem(self, answer: requests.Response) -> ApiProblem:
        try:
            told = answer.json()
            kind, detail = str(told["type"]), str(told["detail"])
        except (ValueError, TypeError, KeyError):
            return Unreachable(f"{self.url} is no API of cerebrolab: it answers with status {answer.status_code}")
        if answer.status_code == 401:
            return WrongToken(detail, 401)
        if answer.status_code in (404, 405) and kind == "about:blank":
            return NotServed(detail, answer.status_code)
        return ApiProblem(detail, answer.status_code)


@lru_cache(maxsize=32)
def client_of(url: str, token: str = "") -> Client:
    """The client of an address and a token, with the connections it has."""
    return Client(url, token)
