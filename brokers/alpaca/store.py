"""AlpacaStore: keys and addresses in, Backtrader's broker and notifications out. Imports core and the modules beside it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from brokers.alpaca.assets import Assets
from brokers.alpaca.bell import Bell
from brokers.alpaca.broker import AlpacaBroker
from brokers.alpaca.clock import BrokerClock
from brokers.alpaca.data_stream import DataStream
from brokers.alpaca.endpoints import Endpoints
from brokers.alpaca.rest import Rest
from brokers.alpaca.trade_stream import TradeStream
from core.clock import Clock

Notification = tuple[str, tuple[Any, ...], dict[str, Any]]


class AlpacaStore:
    """One Alpaca account for one Cerebro, as the store of alpaca-backtrader-api is used.

    Every call makes a store of its own; nothing is shared between two.

    Args:
        key_id, secret_key: never shown.
        paper: the account is a paper account.
        base_url, data_url, stream_url, trade_stream_url: other addresses than Alpaca's own.
        clock: what waits and measures time; None = the system's.
        stream: whether trade updates are listened to; without them, open orders are read every few seconds.

    Attributes:
        endpoints, rest, clock: the gateway to the account, and the venue's time. Asking for the clock asks the venue.
        bell: rung by bars, trade updates and whoever wants Cerebro to look; its feeds wait for it.
        bars: what its feeds share; theirs.
        bar_store: a `feeds.BarStore` that keeps the minutes its feeds are streamed; None = nowhere.

    Raises:
        UsageError, BadSpec: keys or addresses that cannot be right; see `Endpoints`.
    """

    DataCls: Any = None  # the feeds' class puts itself here, as is Backtrader's way

    def __init__(self, key_id: str, secret_key: str, paper: bool = True, base_url: str | None = None,
                 data_url: str | None = None, stream_url: str | None = None, trade_stream_url: str | None = None, *,
                 clock: Clock | None = None, stream: bool = True) -> None:
        self.endpoints = Endpoints(key_id, secret_key, paper, base_url, data_url, stream_url, trade_stream_url)
        self.rest = Rest(self.endpoints, clock)
        self._clock: BrokerClock | None = None
        self._assets: Assets | None = None
        self._broker: AlpacaBroker | None = None
        self._listens = stream
        self._notifications: deque[Notification] = deque()
        self._stream: TradeStream | None = None
        self._data_stream: DataStream | None = None
        self.bell = Bell(self.rest.local)
        self.bars: Any = None
        self.bar_store: Any = None

    def __repr__(self) -> str:
        return f"AlpacaStore({self.endpoints!r})"

    @property
    def clock(self) -> BrokerClock:
        """The venue's time.

        Raises:
            BrokerUnavailable, Unauthorized: it did not say.
        """
        if self._clock is None:
            self._clock = BrokerClock(self.rest)
        return self._clock

    @property
    def assets(self) -> Assets:
        """What may be done with each symbol.

        Raises:
            BrokerUnavailable, Unauthorized: as `clock`.
        """
        if self._assets is None:
            self._assets = Assets(self.rest, self.clock)
        return self._assets

    def getbroker(self, **params: Any) -> AlpacaBroker:
        """The account's broker, the same at every call; `params` are those of AlpacaBroker; `strategy`,
        `persist` and `capital` may be changed by a later call.

        Raises:
            BrokerUnavailable, Unauthorized, BadSpec: the account could not be read.
        """
        if self._broker is None:
            self._broker = AlpacaBroker(self.rest, self.clock, self.assets, self.put_notification, self._expect, **params)
            self._broker.store = self
        for name, value in params.items():
            setattr(self._broker.p, name, value)
        return self._broker

    def getdata(self, **params: Any) -> Any:
        """A live feed of a symbol: `getdata(dataname="SPY", timeframe=bt.TimeFrame.Minutes, compression=1)`.

        Raises:
            As `feeds.AlpacaData`, whose params these are.
        """
        if self.DataCls is None:
            import_module("feeds.alpaca_feed")
        return self.DataCls(store=self, **params)

    def listen(self, symbols: Iterable[str], on_bar: Callable[[Any], None], on_state: Callable[[Any], None]) -> DataStream:
        """The account's one market data websocket, started: bars of some symbols; what it tells is told in its thread.

        It is not "connected" before Alpaca has confirmed them.
        """
        if self._data_stream is None:
            self._data_stream = DataStream(self.endpoints, self.clock, on_bar, on_state, self.clock.session_times)
            self._data_stream.subscribe(symbols)
            self._data_stream.start()
        return self._data_stream

    def start(self, data: Any = None, broker: Any = None) -> None:
        """Listen to trade updates; Cerebro, the broker and each feed may call it."""
        if self._listens and self._broker is not None and self._stream is None:
            self._stream = TradeStream(self.endpoints, self.clock, self._broker.on_update, self._broker.on_state)
            self._stream.start()

    def stop(self) -> None:
        """Stop listening and close the connections."""
        if self.bars is not None:
            self.bars.stop()
        for stream in (self._stream, self._data_stream):
            if stream is not None:
                stream.stop()
        self._stream = self._data_stream = None
        self.rest.close()

    def put_notification(self, message: str, *args: Any, **kwargs: Any) -> None:
        """Tell the strategies (`notify_store`); from any thread."""
        self._notifications.append((message, args, kwargs))

    def get_notifications(self) -> list[Notification]:
        """What has not been told yet. Cerebro asks when the strategies have had their turn: orders are sent now."""
        if self._broker is not None:
            self._broker.end_turn()
            self._broker.foresee()
        return [self._notifications.popleft() for _ in range(len(self._notifications))]

    def _expect(self, within_s: float, since: float) -> None:
        if self._stream is not None:
            self._stream.expect(within_s, since)
