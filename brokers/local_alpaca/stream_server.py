"""The stream server: both websocket streams of one venue, their connection limits, and the faults of streams and bars."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import weakref
from collections.abc import Iterable
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from brokers.local_alpaca.data_answers import quote_json
from brokers.local_alpaca.faults import BarFault
from brokers.local_alpaca.history import DataBar, bars_of, row_bar
from brokers.local_alpaca.market import Print
from brokers.local_alpaca.moments import SECOND
from brokers.local_alpaca.shapes import Json
from brokers.local_alpaca.stream_sessions import DataSession, Session, TradeSession

if TYPE_CHECKING:
    from brokers.local_alpaca.venue import Venue

FEEDS = {"/v2/iex": "iex", "/v2/sip": "sip"}
CORRECTION_S = 30


class StreamServer:
    """Serves /stream (trade updates) and /v2/iex, /v2/sip (market data) on one port of 127.0.0.1.

    Attributes:
        muted: kinds of stream ("trade", "data") that stay open and say nothing.
        taken_until: {path: venue time} until which a connection that is gone holds its place.
    """

    def __init__(self, venue: Venue, keys: tuple[str, str]) -> None:
        self.venue, self.keys = venue, keys
        self.keys_revoked = False
        self.refusing_until = 0
        self.muted: set[str] = set()
        self.taken_until: dict[str, int] = {}
        self.errors: list[BaseException] = []
        self._sessions: list[Session] = []
        self._lock = threading.Lock()
        self._closing = False
        self._connections: weakref.WeakSet[ServerConnection] = weakref.WeakSet()  # those in the handshake too
        self._server = serve(self._serve, "127.0.0.1", 0, process_request=self._admit, compression=None,
                             ping_interval=None, close_timeout=0.2, create_connection=cast(Any, self._connect))
        self._server.SHUTDOWN_POLLING_INTERVAL = 0.002
        self.port = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        venue.updates.listeners.append(self._update)
        venue.print_listeners.append(self._prints)
        venue.status_listeners.append(self._halted)

    def close(self) -> None:
        """End every connection, whatever its client is doing, and close the port; no thread is left."""
        self._closing = True
        for connection in list(self._connections):
            _hang_up(connection)
        self._server.shutdown()
        self._thread.join()

    # -- connections ----------------------------------------------------------------------------------

    def _connect(self, *arguments: Any, **options: Any) -> ServerConnection:
        connection = ServerConnection(*arguments, **options)
        self._connections.add(connection)
        if self._closing:
            _hang_up(connection)
        return connection

    def knows(self, keys: tuple[str | None, str | None]) -> bool:
        """Whether these are the account's keys."""
        return keys == self.keys and not self.keys_revoked

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.venue.now < self.refusing_until:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "out of service\n")
        if request.path == "/stream":  # a second trade update stream is refused in the handshake
            busy = self._holders("/stream") or self.venue.now < self.taken_until.get("/stream", 0)
            return connection.respond(HTTPStatus.TOO_MANY_REQUESTS, "too many connections\n") if busy else None
        return None if request.path in FEEDS else connection.respond(HTTPStatus.NOT_FOUND, "no such stream\n")

    def _holders(self, path: str) -> list[Session]:
        with self._lock:
            return [each for each in self._sessions if each.path == path and (each.authorized or path == "/stream")]

    def refuses(self, session: DataSession, keys: tuple[str | None, str | None]) -> int:
        """The error a data connection's authentication meets; 0 for none."""
        if session.authorized:
            return 403
        if not self.knows(keys):
            return 402
        if FEEDS[session.path] == "sip" and self.venue.account.rules.plan == "basic":
            return 409
        taken = self.venue.now < self.taken_until.get(session.path, 0)
        return 406 if taken or self._holders(session.path) else 0

    def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        path = connection.request.path
        session = (TradeSession if path == "/stream" else DataSession)(self, connection, path)
        with self._lock:
            self._sessions.append(session)
        try:
            session.run()
        finally:
            error = sys.exc_info()[1]
            if error is not None:  # an end of the connection is none: a session keeps that to itself
                self.errors.append(error)
            self._forget(session)

    def _forget(self, session: Session) -> None:
        with self._lock:
            if session in self._sessions:
                self._sessions.remove(session)

    def _open(self, kind: type[Session]) -> list[Any]:
        with self._lock:
            return [session for session in self._sessions if isinstance(session, kind)]

    def connected(self, stream: str) -> int:
        """How many connections of "trade" or "data" are ready: listening, or authorized and subscribed."""
        if stream == "trade":
            return sum(session.listening for session in self._open(TradeSession))
        return sum(any(session.wanted.values()) for session in self._open(DataSession))

    def told(self, stream: str) -> int:
        """How many updates or messages the newest connection of "trade" or "data" has been sent; 0 where there is none."""
        sessions = self._open(TradeSession if stream == "trade" else DataSession)
        return sessions[-1].told if sessions else 0

    def drop(self, stream: str, held_s: float = 0.0) -> None:
        """End the connections of "trade" or "data" without a goodbye; their places stay taken for `held_s`."""
        for session in self._open(TradeSession if stream == "trade" else DataSession):
            self.taken_until[session.path] = self.venue.now + round(held_s * SECOND)
            self._forget(session)
            session.connection.close_socket()

    def take_slot(self, stream: str, seconds: float) -> None:
        """Somebody else holds the place of "trade" or "data" for `seconds` of venue time."""
        for path in ("/stream",) if stream == "trade" else FEEDS:
            self.taken_until[path] = self.venue.now + round(seconds * SECOND)

    def send_error(self, code: int) -> None:
        """An in-band error to every data connection."""
        for session in self._open(DataSession):
            session.error(code)

    # -- what is told -----------------------------------------------------------------------------------

    def _update(self, update: Json) -> None:
        if "trade" not in self.muted:
            for session in self._open(TradeSession):
                session.update(update)

    def send(self, channel: str, messages: Iterable[Json]) -> None:
        """Messages of one channel to every connection that wants their symbols."""
        messages = list(messages)
        for session in self._open(DataSession) if "data" not in self.muted else ():
            wanted = [each for each in messages if session.wants(channel, each["S"])]
            if wanted:
                session.told += len(wanted)
                session.tell(wanted)

    def _halted(self, symbol: str, halted: bool) -> None:
        code, message = ("H", "Trading Halt") if halted else ("T", "Trading Resumption")
        self.send("statuses", [{"T": "s", "S": symbol, "sc": code, "sm": message, "rc": "T12", "rm": "", "z": "C",
                                "t": self.venue.now}])

    def _prints(self, prints: list[Print]) -> None:
        if self._asked("trades"):
            self.send("trades", [{"T": "t", "S": each.symbol, "i": 1, "x": "V", "p": float(each.price), "s": 100,
                                  "c": ["@"], "z": "C", "t": each.time} for each in prints])
        if self._asked("quotes"):
            self.send("quotes", [{**quote_json(self.venue, each.symbol), "T": "q", "S": each.symbol, "t": each.time}
                                 for each in prints])
        whole = [each for each in prints if each.whole]
        told: list[Json] = []
        for each in whole:
            bar = row_bar(self.venue, each.row, self.venue.market.bars.column(each.symbol))
            told += self._faulty(each.symbol, bar)
        self.send(self._channel, told)
        if whole and not self.venue.market.daily and self._asked("dailyBars"):
            self.send("dailyBars", [bar_message(each.symbol, bars_of(self.venue, each.symbol, "1Day")[-1], "d")
                                    for each in whole])

    def _asked(self, channel: str) -> bool:
        return any(session.wanted[channel] for session in self._open(DataSession))

    @property
    def _channel(self) -> str:
        return "dailyBars" if self.venue.market.daily else "bars"

    def _faulty(self, symbol: str, bar: DataBar) -> list[Json]:
        """The messages of one bar, after the fault that strikes it; later ones are put on the agenda."""
        kind = "d" if self.venue.market.daily else "b"
        fault = self.venue.faults.strike(BarFault, symbol)
        do, message = fault.do if fault else "", bar_message(symbol, bar, kind)
        if fault and do == "late":
            self.venue.later(fault.seconds, self.send, self._channel, [message])
        if do == "corrected":
            self.venue.later(CORRECTION_S, self.send, "updatedBars", [{**message, "T": "u"}])
            message = {**message, "c": message["l"], "v": message["v"] // 2}
        if do == "nonsense":
            message = {**message, "h": message["l"] / 2, "c": -message["c"]}
        if do == "extended":
            after = replace(bar, start=bar.start + 7 * 3600 * SECOND)
            return [message, bar_message(symbol, after, kind)]
        return [message] * {"late": 0, "missing": 0, "duplicate": 2}.get(do, 1)


def _hang_up(connection: ServerConnection) -> None:
    with contextlib.suppress(OSError):  # ended already
        connection.socket.shutdown(socket.SHUT_RDWR)


def bar_message(symbol: str, bar: DataBar, kind: str) -> Json:
    """A bar as the stream tells it; "t" in nanoseconds."""
    return {**bar.json(), "T": kind, "S": symbol, "t": bar.start}
