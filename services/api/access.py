"""Who may call, how often, and with how much: small ASGI layers around the application, each answering with a problem.

Imports core, Starlette and services.api.problems.
"""

import asyncio
import contextlib
import hmac
import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api import problems

log = logging.getLogger(__name__)
OPEN = ("/health", *(f"/v1/subscriptions/{page}" for page in ("confirm", "change", "leave")))  # need no token; a link has its own
MOST_CLIENTS = 10_000  # whose rates are remembered
DRAIN_S, DRAINED = 2.0, 20_000_000  # seconds and bytes of a body that is too large


class Caught:
    """The outermost layer: what nobody expected is logged and told as a problem, without a word of it; writes are logged."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0

        async def noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            log.error("%s %s failed", scope["method"], quote(scope["path"]), exc_info=error)
            if not status:
                found = problems.of_unexpected(error, scope["path"])
                await problems.answer(found)(scope, receive, noted)
        if scope["method"] not in ("GET", "HEAD") or status >= 400:
            log.info("%s %s from %s: %s", scope["method"], quote(scope["path"]), _client(scope), status)


class KnownHosts:
    """Takes requests for these hosts only, so that no page in a browser reaches the API under a name of its own; () takes all."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self._app, self._hosts = app, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._hosts:
            host = _header(scope, b"host").decode("latin-1").lower()
            name = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
            if name not in self._hosts:
                found = problems.problem(421, f"host {name!r:.60} is not served here: call {min(self._hosts)}", scope["path"])
                await problems.answer(found)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class RateLimit:
    """Requests a minute of each client address, evenly or in a burst; 0 = as many as there are.

    A bucket of `per_minute` tokens that fills in a minute (the token bucket of RFC 2697, with one colour).
    """

    def __init__(self, app: ASGIApp, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._app, self._most, self._clock = app, float(per_minute), clock
        self._buckets: dict[str, tuple[float, float]] = {}  # client -> (tokens, when)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wait = self._wait(_client(scope)) if scope["type"] == "http" and self._most else 0.0
        if wait > 0:
            found = problems.problem(429, f"more than {self._most:.0f} requests a minute: repeat it in {math.ceil(wait)} s", scope["path"])
            await problems.answer(found, {"Retry-After": str(math.ceil(wait))})(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _wait(self, client: str) -> float:
        """Seconds until the client may ask again; 0 = it may now, and has."""
        now, rate = self._clock(), self._most / 60
        tokens, then = self._buckets.pop(client, (self._most, now))
        tokens = min(self._most, tokens + (now - then) * rate)
        allowed = tokens >= 1
        while len(self._buckets) >= MOST_CLIENTS:
            del self._buckets[next(iter(self._buckets))]  # who has been silent longest
        self._buckets[client] = (tokens - 1 if allowed else tokens, now)
        return 0.0 if allowed else (1 - tokens) / rate


class NeedsToken:
    """Asks every request but those for the health and the pages of links for `Authorization: Bearer TOKEN`; None asks nobody."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app, self._token = app, token.encode() if token is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._token is not None and scope["path"] not in OPEN and not self._named(scope, self._token):
            found = problems.problem(401, "this needs the header Authorization: Bearer TOKEN, with the token of this API", scope["path"])
            await problems.answer(found, {"WWW-Authenticate": "Bearer"})(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _named(self, scope: Scope, token: bytes) -> bool:
        scheme, _, given = _header(scope, b"authorization").partition(b" ")
        return hmac.compare_digest(given.strip(), token) and scheme.lower() == b"bearer"


class BodyLimit:
    """Reads a request's body, up to a number of bytes, before anybody looks at it."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = _header(scope, b"content-length")
        too_large = length.isdigit() and int(length[:20]) > self._most
        body = None if too_large else await self._read(receive)
        if too_large:
            await self._drain(receive)
        if body is None:
            found = problems.problem(413, f"the body is larger than {self._most:,} bytes: send it in parts", scope["path"])
            await problems.answer(found, {"Connection": "close"})(scope, receive, send)
            return
        await self._app(scope, _again(body, receive), send)

    async def _read(self, receive: Receive) -> list[Message] | None:
        """The messages of a body; None if it is too large."""
        messages: list[Message] = []
        size = 0
        while True:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if size > self._most:
                if message.get("more_body"):
                    await self._drain(receive)
                return None
            if message["type"] != "http.request" or not message.get("more_body"):
                return messages

    async def _drain(self, receive: Receive) -> None:
        """Throw away what is still sent, within bounds: who is cut off while sending never reads the answer."""
        size = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                while size <= DRAINED:
                    message = await receive()
                    size += len(message.get("body", b""))
                    if message["type"] != "http.request" or not message.get("more_body"):
                        return


def _again(messages: list[Message], receive: Receive) -> Receive:
    """Messages that were read already, then what comes."""
    left = iter(messages)

    async def receiving() -> Message:
        message = next(left, None)
        return await receive() if message is None else message

    return receiving


def _header(scope: Scope, name: bytes) -> bytes:
    found: Any = next((value for key, value in scope["headers"] if key == name), b"")
    return found


def _client(scope: Scope) -> str:
    return scope["client"][0] if scope.get("client") else ""
