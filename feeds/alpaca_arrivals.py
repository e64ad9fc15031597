"""What a store's stream tells its minute feeds: queued in the stream's thread, taken in Cerebro's. Imports the modules beside it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from brokers.alpaca.stream_trouble import State
from core.errors import BadSpec
from feeds.alpaca import PROXIES
from feeds.alpaca_minutes import LiveMinutes
from feeds.alpaca_rows import Values

if TYPE_CHECKING:
    from feeds.alpaca_feed import AlpacaData


BEYOND_PLAN = "(error 405)"


class Arrivals:
    """Bars go to the groups of rows that want them; what becomes of the connection, to groups and feeds.

    Args:
        store: whose websocket, clock and bell are used. report: told of what a human should know.
    """

    def __init__(self, store: Any, report: Callable[[str], None]) -> None:
        self._store, self._clock, self._report = store, store.clock, report
        self._inbox: deque[Any] = deque()
        self._stream: Any = None
        self._groups: list[LiveMinutes] = []
        self._feeds: list[AlpacaData] = []
        self._wanted: dict[str, list[tuple[LiveMinutes, str]]] = {}  # by ticker
        self._has_heard = False
        self._beyond_plan = ""  # what the venue said where its data plan has no room for the symbols

    def add(self, group: LiveMinutes, symbols: Iterable[str], feeds: Sequence[AlpacaData] = ()) -> None:
        """Tell a group what is told of some symbols, and the feeds what becomes of the connection."""
        self._groups.append(group)
        self._feeds += feeds
        for symbol in dict.fromkeys(symbols):
            self._wanted.setdefault(PROXIES.get(symbol, symbol), []).append((group, symbol))

    def listen(self) -> None:
        """Connect, if there is anything to listen to."""
        if self._wanted:
            self._stream = self._store.listen(self._wanted, self._hear, self._hear)

    def check_plan(self) -> None:
        """Look whether the venue tells what it is asked to.

        Raises:
            BadSpec: the account's data plan has no room for the symbols.
        """
        if self._beyond_plan:
            raise BadSpec(f"alpaca's data plan does not stream so many symbols ({self._beyond_plan}): name fewer, or take another plan")

    def expect(self) -> None:
        """Bars were due by now: unless one comes at once, the connection is mute and is made again."""
        self._stream.expect(0.0)

    def _hear(self, told: Any) -> None:
        """In the stream's thread."""
        self._inbox.append(told)
        self._store.bell.ring()

    def take_in(self) -> None:
        """Take what was told, in order.

        Raises:
            CerebrolabError: the venue does not say what is needed for it; nothing is lost, and it is to be called again.
        """
        while self._inbox:
            told = self._inbox[0]
            if isinstance(told, State):
                self._take_state(told)
            else:
                self._take_bar(told)
            self._inbox.popleft()

    def _take_bar(self, bar: Any) -> None:
        self._has_heard = True
        values, now = Values(bar.open, bar.high, bar.low, bar.close, bar.volume), self._clock.now_ns()
        for group, symbol in self._wanted.get(bar.symbol, ()):
            group.hear(symbol, bar.time_ns, values, now)

    def _take_state(self, state: State) -> None:
        if state.name == "connected":
            self._clock.sync()
            for group in self._groups:
                group.connected(self._clock.now_ns())
            self._tell(connected=True)
            return
        if state.name in ("lost", "refused"):
            for group in self._groups:
                group.lost()
            self._tell(connected=False)
        if BEYOND_PLAN in state.reason and not self._has_heard:
            self._beyond_plan = state.reason
        self._report(f"market data: {state.name}{f' ({state.reason})' if state.reason else ''}")

    def _tell(self, connected: bool) -> None:
        for feed in self._feeds:
            feed.put_notification(feed.CONNECTED if connected else feed.CONNBROKEN)
