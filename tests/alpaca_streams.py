"""The streams under test against a LocalAlpaca: what they told, waited for on conditions, and a clock that hurries."""

import json
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self
from urllib.parse import urlsplit

from alpaca_rest import buy, endpoints_of
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from brokers.alpaca.answers import Order
from brokers.alpaca.data_stream import DataStream
from brokers.alpaca.endpoints import Endpoints
from brokers.alpaca.rest import Rest
from brokers.alpaca.stream import Stream
from brokers.alpaca.trade_stream import TradeStream
from brokers.local_alpaca import LocalAlpaca

PATIENCE_S = 60.0
ORDER = {"id": "one", "status": "new", "updated_at": "2024-03-01T14:31:00.5Z"}
UPDATE = {"stream": "trade_updates", "data": {"event": "new", "order": ORDER}}


class HurriedClock:
    """A `core.clock.Clock` on which a pause takes a moment only; `slept` adds the pauses up."""

    def __init__(self) -> None:
        self.slept = 0.0
        self.passed = 0.0

    def now_ns(self) -> int:
        """UTC nanoseconds since 1970, as far as this clock knows."""
        return round(self.monotonic() * 1e9)

    def monotonic(self) -> float:
        """Seconds slept, and seconds that a test let pass."""
        return self.slept + self.passed

    def sleep(self, seconds: float) -> None:
        """Hurry on by `seconds`."""
        time.sleep(0.001)
        self.slept += seconds

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Hurry on by `seconds`, unless the event has come; whether it has."""
        if not event.is_set():
            self.sleep(seconds)
        return event.is_set()


class Listening:
    """A running stream and all it told: `got` (updates or bars) and `states`, in order of arrival.

    `on_event` and `on_state` are called after that, in the stream's thread.
    """

    def __init__(self, make: Callable[..., Stream], alpaca: LocalAlpaca | None, clock: HurriedClock | None = None,
                 endpoints: Any = None, on_event: Callable[[Any], None] = lambda event: None,
                 on_state: Callable[[Any], None] = lambda state: None, **options: Any) -> None:
        self.alpaca, self.clock = alpaca, clock or HurriedClock()
        self.got, self.states = list[Any](), list[Any]()
        self._on_event, self._on_state = on_event, on_state
        self.stream: Any = make(endpoints or endpoints_of(alpaca), self.clock, self._event, self._state, seed=1,
                                **options)

    def _event(self, event: Any) -> None:
        self.got.append(event)
        self._on_event(event)

    def _state(self, state: Any) -> None:
        self.states.append(state)
        self._on_state(state)

    def __enter__(self) -> Self:
        self.stream.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.stop()
        assert self.stream.state.name == "stopped"

    @property
    def names(self) -> list[str]:
        """Names of the states told so far."""
        return [state.name for state in self.states]

    def wait(self, count: int) -> list[Any]:
        """What was told, once it is `count` events."""
        until(lambda: len(self.got) >= count, lambda: self.got)
        return self.got

    def wait_state(self, name: str, times: int = 1) -> Any:
        """The state of this name, once it was told `times` times."""
        until(lambda: self.names.count(name) >= times, lambda: self.states)
        return [state for state in self.states if state.name == name][times - 1]


def trades(alpaca: LocalAlpaca, **options: Any) -> Listening:
    """A TradeStream."""
    return Listening(TradeStream, alpaca, **options)


def listens(alpaca: LocalAlpaca, stream: Listening, times: int = 1) -> None:
    """Wait until a TradeStream has connected so often, and the venue has noticed."""
    stream.wait_state("connected", times)
    alpaca.wait_connected("trade")


def bought(rest: Rest, symbol: str = "AAA", qty: int = 10) -> Order:
    """A market order, sent; each call has a name of its own as the venue's time passes."""
    return rest.submit(buy(f"{symbol}-{rest.local.monotonic()}", symbol, qty))


def data(alpaca: LocalAlpaca, *symbols: str, **options: Any) -> Listening:
    """A DataStream, subscribed to the bars and corrections of symbols."""
    listening = Listening(DataStream, alpaca, **options)
    listening.stream.subscribe(symbols)
    return listening


def until(condition: Callable[[], bool], shown: Callable[[], Any] = lambda: "") -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: it did not come about.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {PATIENCE_S} s: {shown()}")
        time.sleep(0.002)


def stream_threads() -> list[str]:
    """Names of the streams' threads that run."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("alpaca ")]


class Scripted:
    """A websocket server on which `play(connection)` is all that happens; for answers that LocalAlpaca never gives.

    `admit(connection, request)` may answer the handshake otherwise.
    """

    def __init__(self, play: Callable[[ServerConnection], None], admit: Callable[..., Any] | None = None) -> None:
        self._server = serve(self._play, "127.0.0.1", 0, process_request=admit, close_timeout=0.2)
        self._script = play
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def _play(self, connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            self._script(connection)
            for _ in connection:
                pass

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()


def accepts(*told: Any) -> Callable[[ServerConnection], None]:
    """A script that accepts the keys, lets the client listen, and then says `told`."""
    def play(connection: ServerConnection) -> None:
        connection.recv()
        connection.send(json.dumps({"stream": "authorization", "data": {"status": "authorized", "action": "auth"}}))
        connection.recv()
        connection.send(json.dumps({"stream": "listening", "data": {"streams": ["trade_updates"]}}))
        for message in told:
            connection.send(message if isinstance(message, str | bytes) else json.dumps(message))
    return play


def scripted_trades(server: Scripted, **options: Any) -> Listening:
    """A TradeStream to a scripted server."""
    return Listening(TradeStream, None, endpoints=Endpoints("PKSCRIPTED", "scripted-secret",
                                                            trade_stream_url=server.url), **options)


class Relay:
    """A network between a stream and its server, which can vanish: `frozen`, it forwards nothing and closes nothing."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = url.replace(f":{parts.port}", f":{self._listener.getsockname()[1]}")
        self.frozen = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        peers: dict[socket.socket, socket.socket] = {}
        while not self._over.wait(0.001):
            ready = [] if self.frozen else select.select([self._listener, *peers], [], [], 0.01)[0]
            for one in ready:
                if one is self._listener:
                    near, far = self._listener.accept()[0], socket.create_connection(self._target)
                    peers |= {near: far, far: near}
                else:
                    self._forward(one, peers)
        for each in (self._listener, *peers):
            each.close()

    def _forward(self, one: socket.socket, peers: dict[socket.socket, socket.socket]) -> None:
        if one not in peers:
            return
        try:
            told = one.recv(65536)
            peers[one].sendall(told)
        except OSError:
            told = b""
        if not told:
            for end in (peers.pop(one), one):
                peers.pop(end, None)
                end.close()
