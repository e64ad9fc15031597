"""The REST server: HTTP around the answers, keys, rate limit and the faults of requests. Knows nothing of orders."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import sys
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from brokers.local_alpaca import data_answers, trading_answers
from brokers.local_alpaca.faults import AnswerFault
from brokers.local_alpaca.ledger import Request
from brokers.local_alpaca.moments import SECOND
from brokers.local_alpaca.refusals import Refusal, missing

if TYPE_CHECKING:
    from brokers.local_alpaca.venue import Venue

MINUTE = 60 * SECOND
Hook = Callable[[str, Request], None]


class Dropped(Exception):
    """The connection ends here, without an answer."""


class RestServer(ThreadingHTTPServer):
    """Serves one venue on 127.0.0.1; `hooks` are called ("before" | "after", request) around every acceptance."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, venue: Venue, keys: tuple[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), RestHandler)
        self.venue, self.keys, self.hooks = venue, keys, list[Hook]()
        self.keys_revoked = False
        self.errors: list[BaseException] = []  # of this server's own making; a test must not overlook them
        self.refusing_until = 0  # venue time; until then no connection is served
        self.per_minute: Counter[int] = Counter()  # trading requests by minute of the venue's clock
        self.connections = 0  # that were made so far
        self._open: dict[socket.socket, threading.Thread] = {}
        self._closing = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def is_out(self) -> bool:
        """Whether connections are refused now."""
        return self.venue.now < self.refusing_until

    def _serve(self) -> None:
        while not self._closing:
            self.handle_request()

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Refuse connections during an outage."""
        return not self.is_out

    def process_request(self, request: Any, client_address: Any) -> None:
        """Count a connection, and serve it."""
        self.connections += 1
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection, remembered so that it can be closed."""
        self._open[request] = threading.current_thread()
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._open.pop(request, None)

    def drop_connections(self) -> None:
        """Close every connection that is open."""
        for connection in list(self._open):
            _shut(connection)

    def close(self) -> None:
        """Stop serving; no thread and no socket is left."""
        self._closing = True
        with contextlib.suppress(OSError):  # closed already
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes who waits for a connection
        self._thread.join()
        self.server_close()
        threads = list(self._open.values())
        self.drop_connections()
        for thread in threads:
            thread.join(5)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error; anything else is the server's own, and is kept for `close`."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError):
            self.errors.append(error)


class RestHandler(BaseHTTPRequestHandler):
    """One connection, kept alive between requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: RestServer

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer a request of any method."""
        try:
            self._serve()
        except Dropped:
            self.close_connection = True

    do_POST = do_PATCH = do_DELETE = do_PUT = do_GET

    def _serve(self) -> None:
        request = self._read()
        for hook in self.server.hooks:
            hook("before", request)
        venue = self.server.venue
        with venue.lock:
            if self.server.is_out:
                raise Dropped
            fault = venue.faults.strike(AnswerFault, request.method, request.path)
            status, body = self._decide(request, fault)
            if fault and fault.events_first:
                venue.settle()
        for hook in self.server.hooks:
            hook("after", request)
        self._wait(fault)
        with venue.lock:
            self._answer(request, fault, status, body)

    def _read(self) -> Request:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length) if length else b""
        if len(raw) < length:  # the client is gone in the middle of its request
            raise Dropped
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            body = {}
        request = Request(self.server.venue.now, self.command, parts.path, dict(parse_qsl(parts.query)), body)
        self.server.venue.ledger.requests.append(request)
        if not is_data(request.path):
            self.server.per_minute[request.time // MINUTE] += 1
        return request

    def _decide(self, request: Request, fault: AnswerFault | None) -> tuple[int, Any]:
        if fault and not fault.accepted:
            return fault.status or 500, None
        try:
            self._check_keys(request)
            self._check_rate(request)
            return self._route(request)
        except Refusal as refusal:
            return refusal.status, refusal.body

    def _check_keys(self, request: Request) -> None:
        """Wrong keys: 401 from the trading API, 403 from the data API (page "Authentication")."""
        given = (self.headers.get("APCA-API-KEY-ID"), self.headers.get("APCA-API-SECRET-KEY"))
        if given == self.server.keys and not self.server.keys_revoked:
            return
        if is_data(request.path):
            raise Refusal(403, None, "forbidden.")
        raise Refusal(401, 40110000, "request is not authorized")

    def _check_rate(self, request: Request) -> None:
        limit = self.server.venue.account.rules.rate_limit
        if limit is not None and self.server.per_minute[request.time // MINUTE] > limit:
            raise Refusal(429, 42910000, "rate limit exceeded")

    def _route(self, request: Request) -> tuple[int, Any]:
        for method, path, answer in (*trading_answers.ROUTES, *data_answers.ROUTES):
            match = path.fullmatch(request.path)
            if method == request.method and match:
                return answer(self.server.venue, request, *[part for part in match.groups() if part])
        raise missing("endpoint not found")

    def _wait(self, fault: AnswerFault | None) -> None:
        if fault and fault.until is not None:
            fault.until.wait(30)
        if fault and fault.wait_s:
            threading.Event().wait(fault.wait_s)

    def _answer(self, request: Request, fault: AnswerFault | None, status: int, body: Any) -> None:
        try:
            if fault and fault.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            if fault and (fault.reset or fault.lost):
                raise Dropped
            if fault and fault.status is not None:
                status, body = fault.status, fault.body
            request.status = status
            self._write(status, body, {**self._rate_headers(request), **(fault.headers if fault else {})}, fault is not None and fault.cut)
        finally:
            self.server.venue.settle()

    def _rate_headers(self, request: Request) -> dict[str, str]:
        """What is left of this minute (page "Rate limit": 200 a minute)."""
        limit, minute = self.server.venue.account.rules.rate_limit or 200, request.time // MINUTE
        left = max(limit - self.server.per_minute[minute], 0)
        return {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(left),
                "X-RateLimit-Reset": str((minute + 1) * 60)}

    def _write(self, status: int, body: Any, headers: dict[str, str], cut: bool) -> None:
        html = isinstance(body, str)
        raw = b"" if body is None else body.encode() if html else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html" if html else "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw[: len(raw) // 2] if cut else raw)
        if cut:
            raise Dropped


def is_data(path: str) -> bool:
    """Whether a path belongs to the market data API."""
    return path.startswith(("/v2/stocks", "/v1/"))


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        connection.close()
