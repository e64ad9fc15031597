"""Wire: one open websocket and its watchdog. Imports stream_trouble only; websockets when a wire is opened."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from brokers.alpaca.stream_trouble import lost

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

HANDSHAKE_S = 10.0
CLOSE_S = 1.0
MAX_BYTES = 2**24  # a minute's bars of every symbol come in one message

Message = Mapping[str, Any]


@asynccontextmanager
async def open_wire(url: str, silence_s: float) -> AsyncIterator[Wire]:
    """A wire to `url`, closed at the end; raises what `websockets` and the network raise."""
    from websockets.asyncio.client import connect

    class Connect(connect):
        def process_redirect(self, exc: Exception) -> Exception | str:
            return exc  # the keys go to no other address

    silent = logging.Logger("websockets", logging.CRITICAL + 1)  # noqa: LOG001 - its DEBUG lines show the keys
    connection = await Connect(url, open_timeout=HANDSHAKE_S, close_timeout=CLOSE_S, ping_interval=None, max_queue=None,
                               max_size=MAX_BYTES, logger=silent)
    try:
        yield Wire(connection, silence_s)
    finally:
        try:
            await connection.close()
        finally:
            connection.transport.abort()  # a close that is cancelled leaves the socket, and the account's place, taken


class Wire:
    """Sends and receives; `watch` finds a dead peer by the local monotonic clock.

    Half of `silence_s` without a frame asks with a ping, the other half waits for the answer. The second half counts
    from the ping, so that a thread that was kept from running, or a slow consumer, blames nobody.
    """

    def __init__(self, connection: ClientConnection, silence_s: float) -> None:
        self._connection, self._half_s = connection, silence_s / 2
        self._loop = asyncio.get_running_loop()
        self._opened = self._heard = self._loop.time()
        self._pong: asyncio.Future[float] | None = None

    @property
    def age_s(self) -> float:
        """How long it has been open."""
        return self._loop.time() - self._opened

    async def send(self, messages: Iterable[Message]) -> None:
        """Send each message as JSON."""
        async with asyncio.timeout(HANDSHAKE_S):
            for message in messages:
                await self._connection.send(json.dumps(message))

    async def receive(self, within_s: float) -> str | bytes | None:
        """The next frame, or None where there is none yet."""
        try:
            async with asyncio.timeout(within_s):
                return await self._connection.recv()
        except TimeoutError:
            return None

    def heard(self) -> None:
        """A frame has been received and dealt with."""
        self._heard, self._pong = self._loop.time(), None

    async def watch(self) -> None:
        """Ask whether the peer is alive, where it has been silent.

        Raises:
            Trouble: it has not answered.
        """
        if self._pong is not None and self._pong.done():
            self.heard()
        if self._loop.time() - self._heard < self._half_s:
            return
        if self._pong is not None:
            self._connection.transport.abort()  # nobody is there for a closing handshake
            raise lost(f"nothing was heard for {2 * self._half_s:g} s, and a ping was not answered")
        self._pong = asyncio.ensure_future(await self._connection.ping())
        self._heard = self._loop.time()
