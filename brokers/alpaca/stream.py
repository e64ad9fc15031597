"""Stream: one websocket to Alpaca, kept open by a thread of its own. Imports the modules beside it and core.clock.

Speaks the documented protocol over `websockets`, which alpaca-py brings. A subclass of alpaca-py's streams would keep
nothing of them: connecting, authenticating, reading, reconnecting and stopping would each have to be replaced, as each
hides failures from the caller, and they stand on the deprecated half of that package.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from brokers.alpaca.endpoints import Endpoints
from brokers.alpaca.stream_trouble import State, Trouble, lost, trouble_of
from brokers.alpaca.stream_wire import HANDSHAKE_S, Message, Wire, open_wire
from core.clock import Clock
from core.errors import UsageError

log = logging.getLogger(__name__)
SILENCE_S = 20.0
TICK_S = 0.1  # how often what is to be sent, watched or stopped is looked at
STEADY_S = 30.0  # a connection that lasted as long makes the next pauses short again
STOP_S = 2.0

OnState = Callable[[State], None]


class Stream(ABC):
    """What the two streams share; a subclass speaks its protocol in `_hello`, `_messages`, `_take` and `_wanted`.

    Callbacks run in the stream's thread, in order; they should only queue. What they raise is logged.

    Args:
        name: in log lines and of the thread.
        url: websocket address.
        clock: waits between tries, and times what is expected.
        on_state: told of every change of state, and of reports (see `State`).
        silence_s: a connection that says nothing for as long, and answers no ping, is made again.
        seed: of the jitter.
    """

    def __init__(self, name: str, url: str, endpoints: Endpoints, clock: Clock, on_state: OnState,
                 silence_s: float = SILENCE_S, seed: int | None = None) -> None:
        self._name, self._url, self._endpoints, self._clock, self._on_state = name, url, endpoints, clock, on_state
        self._silence_s, self._random = silence_s, random.Random(seed)
        self._state = State("connecting")
        self._lock = threading.Lock()
        self._due: float | None = None
        self._told: float | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._cancel: Callable[[], object] = lambda: None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._state.name}>"

    @property
    def state(self) -> State:
        """The state as it was last told; "stopped" in the end."""
        return self._state

    def start(self) -> None:
        """Connect, and stay connected until `stop`.

        Raises:
            UsageError: it has been started before, or alpaca-py is not installed.
        """
        if self._thread is not None:
            raise UsageError(f"the {self._name} stream was started before: make a new one")
        try:
            import websockets.asyncio.client  # noqa: F401
        except ImportError:
            raise UsageError("streaming from Alpaca needs alpaca-py and websockets 13 or later: install them with "
                             "pip install -U -e .[live]") from None
        self._thread = threading.Thread(target=self._run, name=f"alpaca {self._name} stream", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the connection and the thread, within 2 s; a callback may call it too."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._cancel()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(STOP_S)
            if self._thread.is_alive():
                log.warning("alpaca %s stream: its thread, in a callback or a look-up, ends later", self._name)

    def expect(self, within_s: float, since: float | None = None) -> None:
        """Say that an event is due: a stream that is connected and has told none in time is mute, and is made again.

        Args:
            within_s: seconds from now, by the stream's clock.
            since: `clock.monotonic()` before what was done; an event told after it has fulfilled this already.
        """
        with self._lock:
            if since is not None and self._told is not None and self._told >= since:
                return
            due = self._clock.monotonic() + within_s
            self._due = due if self._due is None else min(self._due, due)

    # -- a subclass's protocol ----------------------------------------------------------------------------

    @abstractmethod
    def _hello(self) -> Iterable[Message]:
        """What a fresh connection says first; what was known of the last one is forgotten."""

    @abstractmethod
    def _messages(self, frame: str | bytes) -> Iterable[Any]:
        """The messages of a frame."""

    @abstractmethod
    def _take(self, message: Any) -> Iterable[Message]:
        """Take a message; what to answer. Raises Trouble; anything else it raises is reported as nonsense."""

    def _wanted(self) -> Iterable[Message]:
        """What is to be said by and by; asked every `TICK_S`."""
        return ()

    # -- for the subclass -------------------------------------------------------------------------------

    def _connected(self) -> None:
        """Authenticated and listening."""
        if self._state.name != "connected":
            with self._lock:
                self._due = None
            self._change(State("connected"))

    def _event(self, callback: Callable[[Any], None], event: object) -> None:
        """Hand on an event, which fulfils what is expected."""
        with self._lock:
            self._told, self._due = self._clock.monotonic(), None
        self._call(callback, event)

    def _report(self, name: str, reason: str) -> None:
        """Tell of an "error" or of "nonsense"."""
        state = State(name, self._endpoints.masked(reason))
        log.warning("alpaca %s stream: %s: %s", self._name, state.name, state.reason)
        self._call(self._on_state, state)

    # -- the thread -------------------------------------------------------------------------------------

    def _run(self) -> None:
        with suppress(asyncio.CancelledError):
            asyncio.run(self._keep())
        self._state = State("stopped")

    async def _keep(self) -> None:
        """Connect again and again."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def cancel() -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(task.cancel)

        self._cancel = cancel
        tries = 0
        while not self._stopping.is_set():
            began = loop.time()
            trouble = await self._attend()
            if self._state.name == "connected" and loop.time() - began >= STEADY_S:
                tries = 0
            self._change(trouble.state)
            await self._pause(trouble.pause_s(tries, self._random))
            tries += 1

    async def _attend(self) -> Trouble:
        """One connection, from its making to whatever ends it."""
        try:
            async with open_wire(self._url, self._silence_s) as wire:
                await self._converse(wire)
        except Exception as error:  # noqa: BLE001 - whatever ends a connection, the next one is tried
            return trouble_of(error)
        return lost("stopped")

    async def _converse(self, wire: Wire) -> None:
        """Read until stopped; after each frame, and every `TICK_S`, send what is wanted and watch."""
        tick = min(TICK_S, self._silence_s / 8)
        await wire.send(self._hello())
        while not self._stopping.is_set():
            frame = await wire.receive(tick)
            if frame is not None:
                await wire.send(self._read(frame))
                wire.heard()
            await wire.send(self._wanted())
            await wire.watch()
            self._check(wire.age_s)

    def _read(self, frame: str | bytes) -> list[Message]:
        """Take every message of a frame; what to answer."""
        messages = self._guarded(self._messages, frame)
        return [answer for message in messages for answer in self._guarded(self._take, message)]

    def _guarded(self, read: Callable[[Any], Iterable[Any]], what: Any) -> Iterable[Any]:
        """What `read` makes of it; what nothing can be made of is reported and dropped."""
        try:
            return read(what)
        except Trouble:
            raise
        except Exception as error:  # noqa: BLE001 - one message that is broken somehow must not cost the next
            self._report("nonsense", f"a message cannot be read ({type(error).__name__}: {error})")
            return ()

    def _check(self, age_s: float) -> None:
        """Raises Trouble where a connection does not come to listening, or what is due has not come."""
        if self._state.name != "connected":
            if age_s >= HANDSHAKE_S:
                raise lost(f"alpaca did not finish the authentication within {HANDSHAKE_S:g} s")
            return
        with self._lock:
            mute = self._due is not None and self._clock.monotonic() >= self._due
        if mute:
            raise lost("the connection is open but mute: an event that was due did not come")

    async def _pause(self, seconds: float) -> None:
        """Wait on the clock, in slices after each of which `stop` takes effect."""
        until = self._clock.monotonic() + seconds
        while (left := until - self._clock.monotonic()) > 0:
            self._clock.sleep(min(left, TICK_S))
            await asyncio.sleep(0)

    def _change(self, state: State) -> None:
        state = State(state.name, self._endpoints.masked(state.reason))
        if state == self._state or self._stopping.is_set():
            return
        self._state = state
        log.log(logging.INFO if state.name == "connected" else logging.WARNING, "alpaca %s stream: %s%s", self._name,
                state.name, f": {state.reason}" if state.reason else "")
        self._call(self._on_state, state)

    def _call(self, callback: Callable[[Any], None], argument: object) -> None:
        try:
            callback(argument)
        except Exception:
            log.exception("alpaca %s stream: a callback failed on %s", self._name, type(argument).__name__)
