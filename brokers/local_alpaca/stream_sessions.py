"""One websocket connection each: the trade update stream (JSON) and the market data stream (msgpack, or JSON).

Rests on the pages "Websocket Streaming" (authentication, listening, binary frames) and "Real-time Stock Data"
(control messages, errors, subscriptions).
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgpack
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection

from brokers.local_alpaca.moments import text
from brokers.local_alpaca.shapes import Json

if TYPE_CHECKING:
    from brokers.local_alpaca.stream_server import StreamServer

ERRORS = {400: "invalid syntax", 401: "not authenticated", 402: "auth failed", 403: "already authenticated",
          404: "auth timeout", 405: "symbol limit exceeded", 406: "connection limit exceeded", 407: "slow client",
          409: "insufficient subscription", 410: "invalid subscribe action for this feed", 500: "internal error"}
CHANNELS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds", "corrections", "cancelErrors")
FREE_SYMBOLS = 30  # trades and quotes of the basic plan
AUTH_SECONDS = 10


class Session:
    """A connection with an outbox of its own, so that a slow reader never holds up the venue.

    Attributes:
        told: trade updates, or messages about symbols, that it has been sent.
    """

    def __init__(self, server: StreamServer, connection: ServerConnection, path: str) -> None:
        self.server, self.connection, self.path = server, connection, path
        self.authorized = False
        self.told = 0
        self._outbox: queue.SimpleQueue[bytes | str | None] = queue.SimpleQueue()
        self._sender = threading.Thread(target=self._send_all, daemon=True)

    def run(self) -> None:
        """Serve until the connection ends."""
        self._sender.start()
        try:
            self.greet()
            self.receive(self.connection.recv(timeout=AUTH_SECONDS))
            for message in self.connection:
                self.receive(message)
        except TimeoutError:
            self.late()
        except ConnectionClosed:
            pass
        finally:
            self._outbox.put(None)
            self._sender.join()

    def put(self, message: bytes | str) -> None:
        """Queue a message."""
        self._outbox.put(message)

    def _send_all(self) -> None:
        try:
            while (message := self._outbox.get()) is not None:
                self.connection.send(message)
        except ConnectionClosed:
            pass

    def greet(self) -> None:
        """What is said before anything is asked."""

    def late(self) -> None:
        """The client did not authenticate in time."""

    def receive(self, message: str | bytes) -> None:
        """Take a message of the client's."""
        raise NotImplementedError


class TradeSession(Session):
    """The `trade_updates` stream: binary frames of JSON."""

    listening = False

    def tell(self, stream: str, data: Any) -> None:
        """Send one message of a stream."""
        self.put(json.dumps({"stream": stream, "data": data}).encode())

    def receive(self, message: str | bytes) -> None:
        """`authenticate` (or `auth`) and `listen`."""
        try:
            asked = json.loads(message)
        except ValueError:
            asked = {}
        action, data = asked.get("action"), asked.get("data") or {}
        if action in ("authenticate", "auth"):
            keys = (data.get("key_id") or asked.get("key"), data.get("secret_key") or asked.get("secret"))
            self.authorized = self.server.knows(keys)
            status = "authorized" if self.authorized else "unauthorized"
            self.tell("authorization", {"status": status, "action": action})
        elif not self.authorized:
            self.tell("authorization", {"status": "unauthorized", "action": action})
        elif action == "listen":
            streams = [name for name in data.get("streams", []) if name == "trade_updates"]
            self.tell("listening", {"streams": streams})
            self.listening = bool(streams)

    def update(self, update: Json) -> None:
        """Pass on a trade update, if it is listened to."""
        if self.listening:
            self.told += 1
            self.tell("trade_updates", update)


class DataSession(Session):
    """A feed of market data; times are msgpack timestamps, or text where the client speaks JSON."""

    def __init__(self, server: StreamServer, connection: ServerConnection, path: str) -> None:
        super().__init__(server, connection, path)
        assert connection.request is not None
        self.packed = "msgpack" in connection.request.headers.get("Content-Type", "")
        self.wanted: dict[str, set[str]] = {channel: set() for channel in CHANNELS}

    def tell(self, messages: list[Json]) -> None:
        """Send a list of messages as one frame; a nanosecond stamp under "t" gets the wire's form."""
        form: Callable[[int], Any] = msgpack.Timestamp.from_unix_nano if self.packed else text
        shown = [{**each, "t": form(each["t"])} if "t" in each else each for each in messages]
        self.put(msgpack.packb(shown) if self.packed else json.dumps(shown))

    def error(self, code: int) -> None:
        """An in-band error; the connection stays open (alpaca closes it after some, the SDK always does)."""
        self.tell([{"T": "error", "code": code, "msg": ERRORS[code]}])

    def greet(self) -> None:
        """The welcome message."""
        self.tell([{"T": "success", "msg": "connected"}])

    def late(self) -> None:
        """404 in-band."""
        self.error(404)

    def receive(self, message: str | bytes) -> None:
        """`auth`, `subscribe` and `unsubscribe`."""
        try:
            asked = msgpack.unpackb(message) if isinstance(message, bytes) else json.loads(message)
            action = asked.get("action")
        except (ValueError, AttributeError, msgpack.exceptions.ExtraData):
            return self.error(400)
        if action == "auth":
            return self._authenticate((asked.get("key"), asked.get("secret")))
        if not self.authorized:
            return self.error(401)
        if action not in ("subscribe", "unsubscribe"):
            return self.error(400)
        self._subscribe(action, {name: set(asked[name]) for name in CHANNELS if asked.get(name)})

    def _authenticate(self, keys: tuple[str | None, str | None]) -> None:
        refused = self.server.refuses(self, keys)
        if refused:
            return self.error(refused)
        self.authorized = True
        self.tell([{"T": "success", "msg": "authenticated"}])

    def _subscribe(self, action: str, asked: dict[str, set[str]]) -> None:
        after = {name: (held | asked.get(name, set()) if action == "subscribe" else held - asked.get(name, set()))
                 for name, held in self.wanted.items()}
        basic = self.server.venue.account.rules.plan == "basic"
        if basic and max(len(after["trades"]), len(after["quotes"])) > FREE_SYMBOLS:
            return self.error(405)
        self.wanted = after
        self.tell([{"T": "subscription", **{name: sorted(held) for name, held in after.items()}}])

    def wants(self, channel: str, symbol: str) -> bool:
        """Whether the client subscribed to a symbol of a channel."""
        return bool({symbol, "*"} & self.wanted[channel])
