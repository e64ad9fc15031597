"""DataStream: bars, quotes and trades of many symbols over one websocket. Imports stream and stream_bars.

Page "Real-time Stock Data", in its JSON form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from brokers.alpaca.endpoints import Endpoints
from brokers.alpaca.stream import SILENCE_S, OnState, Stream
from brokers.alpaca.stream_bars import KINDS, Bar, Quote, SessionTimes, Trade, read_bar, read_quote, read_trade
from brokers.alpaca.stream_trouble import Trouble, keys_refused, lost, refused, slot_taken
from brokers.alpaca.stream_wire import Message
from core.clock import Clock
from core.errors import CerebrolabError, UsageError

CHANNELS = ("bars", "updatedBars", "dailyBars", "quotes", "trades")
SYMBOLS_AT_ONCE = 500  # keeps a message below 16 KB
REFUSING = frozenset({400, 405, 410})  # answers to a subscription, in place of its confirmation


class DataStream(Stream):
    """The account's one websocket for market data.

    At "connected" it is authenticated and every subscription has been answered; what was missed meanwhile is read by
    REST. Bars are told in the order of arrival: late, twice, corrected, out of regular hours, as they come; those
    that cannot be meant are dropped with a report of "nonsense". A stream that answers pings but tells nothing is
    found by `expect`, which the feed calls when a bar is due.

    Args:
        on_bar, on_quote, on_trade: told of what was subscribed to, in the stream's thread.
        session_times: open and close of a date, such as `BrokerClock.session_times`; daily bars need it.
        clock, on_state, silence_s, seed: see `Stream`.
    """

    def __init__(self, endpoints: Endpoints, clock: Clock, on_bar: Callable[[Bar], None], on_state: OnState,
                 session_times: SessionTimes | None = None, on_quote: Callable[[Quote], None] | None = None,
                 on_trade: Callable[[Trade], None] | None = None, silence_s: float = SILENCE_S,
                 seed: int | None = None) -> None:
        super().__init__("data", endpoints.data_stream, endpoints, clock, on_state, silence_s, seed)
        self._on_bar, self._on_quote, self._on_trade = on_bar, on_quote, on_trade
        self._session_times = session_times
        self._symbols: dict[str, set[str]] = {channel: set() for channel in CHANNELS}
        self._asked: dict[str, set[str]] = {}
        self._up_to_date = self._authenticated = False
        self._unanswered = 0

    def subscribe(self, symbols: Iterable[str], bars: bool = True, updated_bars: bool = True, daily: bool = False,
                  quotes: bool = False, trades: bool = False) -> None:
        """Add symbols ("*" is every one), at once or as soon as there is a connection; again after each reconnect.

        Raises:
            UsageError: nobody is there for quotes or trades, or nothing tells when a daily bar is complete.
        """
        for asked, needed, name in ((daily, self._session_times, "session_times"), (quotes, self._on_quote, "on_quote"),
                                    (trades, self._on_trade, "on_trade")):
            if asked and needed is None:
                raise UsageError(f"this subscription needs {name}: give it to DataStream")
        chosen = set(symbols)
        with self._lock:
            for channel, asked in zip(CHANNELS, (bars, updated_bars, daily, quotes, trades), strict=True):
                if asked:
                    self._symbols[channel] |= chosen
            self._up_to_date = False

    def unsubscribe(self, symbols: Iterable[str]) -> None:
        """Remove symbols from everything; what is under way may still arrive."""
        gone = set(symbols)
        with self._lock:
            for held in self._symbols.values():
                held -= gone
            self._up_to_date = False

    def _hello(self) -> Iterable[Message]:
        self._asked = {channel: set() for channel in CHANNELS}
        self._up_to_date = self._authenticated = False
        self._unanswered = 0
        return ()

    def _messages(self, frame: str | bytes) -> Iterable[Any]:
        return json.loads(frame)

    def _wanted(self) -> Iterable[Message]:
        if not self._authenticated:
            return ()
        messages = self._changes()
        self._unanswered += len(messages)
        if not self._unanswered:
            self._connected()
        return messages

    def _changes(self) -> list[Message]:
        """What to ask for, so that Alpaca knows what is subscribed to now."""
        with self._lock:
            if self._up_to_date:
                return []
            self._up_to_date = True
            wanted = {channel: set(held) for channel, held in self._symbols.items()}
        asked, self._asked = self._asked, wanted
        return [*_requests("subscribe", wanted, asked), *_requests("unsubscribe", asked, wanted)]

    def _take(self, message: Any) -> Iterable[Message]:
        kind = message["T"]
        if kind == "success":
            return self._welcome(message.get("msg"))
        if kind == "error":
            self._failed(message.get("code"), str(message.get("msg")))
        elif kind == "subscription":
            self._answered()
        else:
            self._market_data(kind, message)
        return ()

    def _welcome(self, said: str | None) -> Iterable[Message]:
        if said == "connected":
            return [{"action": "auth", "key": self._endpoints.key_id, "secret": self._endpoints.secret_key}]
        self._authenticated = self._authenticated or said == "authenticated"
        return ()

    def _answered(self) -> None:
        self._unanswered = max(self._unanswered - 1, 0)

    def _failed(self, code: int | None, said: str) -> None:
        """An error in-band: trouble where the connection is of no use any more, a report where it goes on."""
        trouble = _trouble(code, f"{said}, error {code}")
        if trouble is not None:
            raise trouble
        if code in REFUSING:
            self._answered()
        self._report("error", f"alpaca says: {said} (error {code})")

    def _market_data(self, kind: str, message: dict[str, Any]) -> None:
        """Hand on one message, or report it as nonsense; kinds nobody asked for are passed over."""
        try:
            if kind in KINDS:
                self._event(self._on_bar, read_bar(message, self._session_times))
            elif kind == "q" and self._on_quote is not None:
                self._event(self._on_quote, read_quote(message))
            elif kind == "t" and self._on_trade is not None:
                self._event(self._on_trade, read_trade(message))
        except (KeyError, TypeError, ValueError, CerebrolabError) as error:
            rule = f"it has no {error}" if isinstance(error, KeyError) else error
            self._report("nonsense", f"{message.get('S')} {message.get('t')} (message {kind!r}) is dropped: {rule}")


def _requests(action: str, wanted: dict[str, set[str]], held: dict[str, set[str]]) -> Iterator[Message]:
    """Messages that ask for what is wanted and not held, a channel and some hundred symbols each."""
    for channel in CHANNELS:
        symbols = sorted(wanted[channel] - held[channel])
        for at in range(0, len(symbols), SYMBOLS_AT_ONCE):
            yield {"action": action, channel: symbols[at:at + SYMBOLS_AT_ONCE]}


def _trouble(code: int | None, said: str) -> Trouble | None:
    """Page "Real-time Stock Data", Errors."""
    if code == 402:
        return keys_refused(said)
    if code == 406:
        return slot_taken(said)
    if code == 409:
        return refused(f"the account's market data plan does not include this feed ({said}): set ALPACA_STREAM_URL to "
                       "one it includes, such as wss://stream.data.alpaca.markets/v2/iex")
    return lost(f"alpaca ends the connection ({said})") if code in (401, 404, 407, 500) else None
