"""LocalAlpaca: one venue behind Alpaca's REST and stream addresses, for the real alpaca-py to talk to."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from brokers.local_alpaca.account import AccountRules
from brokers.local_alpaca.moments import SECOND
from brokers.local_alpaca.rest_server import Hook, RestServer
from brokers.local_alpaca.stream_server import StreamServer
from brokers.local_alpaca.venue import Venue
from core.bars import Bars


class LocalAlpaca(Venue):
    """A venue with servers; use it in a `with` block, or `close()` it.

    Attributes:
        url, data_url: REST host, for `url_override` of alpaca-py's clients.
        trade_stream_url, stream_url, sip_stream_url: full websocket URLs, for `url_override` of its streams.
        key_id, secret_key: the only keys that work.
    """

    def __init__(self, bars: Bars, cash: float = 100_000.0, now: Any = None, seed: int = 0,
                 account: AccountRules | None = None,
                 positions: Mapping[str, tuple[float, float]] | None = None) -> None:
        super().__init__(bars, cash, now, seed, account, positions)
        self.key_id, self.secret_key = f"{'AK' if self.account.rules.live else 'PK'}{seed:018d}", f"fake-secret-{seed:028d}"
        self.rest = RestServer(self, (self.key_id, self.secret_key))
        self.streams = StreamServer(self, (self.key_id, self.secret_key))
        self.url = self.data_url = f"http://127.0.0.1:{self.rest.server_address[1]}"
        self.trade_stream_url = f"ws://127.0.0.1:{self.streams.port}/stream"
        self.stream_url = f"ws://127.0.0.1:{self.streams.port}/v2/iex"
        self.sip_stream_url = f"ws://127.0.0.1:{self.streams.port}/v2/sip"
        self._stop = threading.Event()
        self._runner: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop everything; no thread, no socket is left.

        Raises:
            Exception: what failed inside the server while it answered; it must not pass for a fault.
        """
        self._stop.set()
        if self._runner is not None:
            self._runner.join()
        self.streams.close()
        self.rest.close()
        for error in (*self.rest.errors, *self.streams.errors):
            raise error

    def run(self, speed: float = 1.0) -> None:
        """Let the clock go on by itself, `speed` times as fast as real time, until `close`."""
        self._runner = threading.Thread(target=self._keep_time, args=(speed,), daemon=True)
        self._runner.start()

    def _keep_time(self, speed: float) -> None:
        start, real = self.now, time.monotonic()
        while not self._stop.wait(0.02):
            due = start + round((time.monotonic() - real) * speed * SECOND)
            with self.lock:
                if due > self.now:
                    self.advance(to=due)

    def on_request(self, hook: Hook) -> None:
        """Call `hook("before", request)` when a request has arrived and `hook("after", request)` when it has been
        decided but not answered; it runs in the connection's thread, without the venue's lock."""
        self.rest.hooks.append(hook)

    def wait_connected(self, stream: str, count: int = 1, timeout_s: float = 5.0) -> None:
        """Wait (really) until `count` connections of "trade" or "data" are ready.

        Raises:
            TimeoutError: they were not in time.
        """
        deadline = time.monotonic() + timeout_s
        while self.streams.connected(stream) != count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.streams.connected(stream)} {stream} connections after {timeout_s} s: "
                                   f"{count} were expected")
            time.sleep(0.005)

    # -- faults of the whole server ---------------------------------------------------------------------

    def mute(self, stream: str) -> None:
        """"trade" or "data" stays open and says nothing; what happens meanwhile is never told."""
        self.streams.muted.add(stream)

    def unmute(self, stream: str) -> None:
        """A muted stream speaks again."""
        self.streams.muted.discard(stream)

    def drop(self, stream: str, held_s: float = 0.0) -> None:
        """End the connections of a stream abruptly; the place stays taken for `held_s` of venue time."""
        self.streams.drop(stream, held_s)

    def take_slot(self, stream: str, seconds: float) -> None:
        """Another client holds the stream's place for `seconds` of venue time."""
        self.streams.take_slot(stream, seconds)

    def revoke_keys(self, revoked: bool = True) -> None:
        """The keys stop working everywhere, open streams included; or work again."""
        self.rest.keys_revoked = self.streams.keys_revoked = revoked
        if revoked:
            self.streams.drop("trade")
            self.streams.drop("data")

    def outage(self, seconds: float) -> None:
        """Nothing answers for `seconds` of venue time; open connections end."""
        with self.lock:
            self.rest.refusing_until = self.streams.refusing_until = self.now + round(seconds * SECOND)
        self.rest.drop_connections()
        self.streams.drop("trade")
        self.streams.drop("data")
