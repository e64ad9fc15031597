"""The side of Alpaca, bar by bar: a spec in Cerebro on live feeds and an account of the local Alpaca, in virtual time.

REST and both websockets are real; time passes when nothing is left to be heard.
"""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from brokers.alpaca import AlpacaStore
from brokers.alpaca.order_desk import Leaving
from brokers.local_alpaca import LocalAlpaca, ReplayClock
from checks.parity.story import BACKFILL, Asked, Fill, Moments, Seen, Sent, State, Story, asked_of, decided_at
from core.bars import Bars
from core.day_numbers import moments_of
from core.spec import RunSpec
from engine.live.streaming import Event, stream
from feeds.intervals import is_intraday

SECOND = 10**9
AFTER_S = 30  # after the last close everything that was told has been taken in
ENDING_S = 120  # and the run's own ending is over
LOOK_S = {True: 60.0, False: 5400.0}  # a feed waits as long for news: bars within the day, or daily ones


class Streaming:
    """One streaming run on a venue.

    Args:
        venue: before the first session. bars: what the venue plays. until: UTC ns, when the run is stopped.
        store: the class of the store.
    """

    def __init__(self, venue: LocalAlpaca, spec: RunSpec, bars: Bars, until: int, store: Callable[..., Any] = AlpacaStore) -> None:
        self.venue, self.spec, self.bars, self.until = venue, spec, bars, until
        self.clock = ReplayClock(venue)
        self.clock.stops = [until, until + ENDING_S * SECOND]
        self.store = store(venue.key_id, venue.secret_key, base_url=venue.url, data_url=venue.data_url, stream_url=venue.stream_url,
                           trade_stream_url=venue.trade_stream_url, clock=self.clock)
        self._moments, self._sent = Moments(bars.index), dict[int, list[Sent]]()
        self._states: dict[int, State] = {}
        self._seen: dict[tuple[int, str], Seen] = {}
        self._placed: dict[int, int] = {}  # bar in which an order, or its group, was sent first
        self._decided: dict[int, float] = {}
        self._lengths: dict[Any, int] = {}
        self._notes: list[str] = []
        self._story: Story | None = None
        self._attend()

    def _attend(self) -> None:
        """Let the clock know what is heard, and keep what is sent."""
        listen = self.store.listen

        def listening(symbols: Iterable[str], on_bar: Callable[[Any], Any], on_state: Callable[[Any], Any]) -> Any:
            self.clock.data.state = "connecting"
            return self._expecting(listen(symbols, self.clock.data.through(on_bar), self.clock.data.through(on_state)))

        self.store.listen = listening
        self.broker = self.store.getbroker(persist=self._persist)
        self.broker.on_update = self.clock.trade.through(self.broker.on_update)
        self.broker.on_state = self.clock.trade.through(self.broker.on_state)
        self.clock.trade.state = "connecting"
        wait_s = LOOK_S[is_intraday(self.spec.interval)]
        self.store.getdata = functools.partial(self.store.getdata, qcheck=wait_s)

    def _expecting(self, listening: Any) -> Any:
        expect = listening.expect

        def expecting(within_s: float) -> None:
            expect(within_s)
            self.clock.data.state = "mute"

        listening.expect = expecting
        return listening

    def _persist(self, leaving: Sequence[Leaving]) -> None:
        for each in leaving:
            self._keep(each)

    def _keep(self, leaving: Leaving) -> None:
        order, sent = leaving.order, Sent(self.venue.now, leaving.client_order_id, float(leaving.request.qty or 0))
        self._sent.setdefault(order.ref, []).append(sent)
        if order.owner is not None and len(order.owner):
            self._decided.setdefault(order.ref, decided_at(order))
        for ref in filter(None, (order.ref, getattr(order.p.oco, "ref", None))):  # a group is one request
            self._placed.setdefault(ref, self._moments.within(sent.time_ns))

    def play(self, history: Bars | None) -> Story:
        """Run to the end; what was done.

        Args:
            history: bars before the first session.

        Raises:
            CerebrolabError: as `engine.live.streaming.stream`.
        """
        try:
            stream(self.spec, self.store, self._stopped, self._hear, history)
        finally:
            self.store.stop()
        if self._story is None:
            self._look()
            self._story = self._told()
        return self._story

    def _stopped(self) -> bool:
        self._look()
        if self.venue.now < self.until:
            return False
        self._story = self._story or self._told()
        return True

    def _hear(self, event: Event) -> None:
        if event.kind == "store" and event.text not in self._notes:
            self._notes.append(event.text)

    # -- what is seen on the way ----------------------------------------------------------------------------

    def _look(self) -> None:
        """Keep the bars that have come, and the account as it is when the strategy has decided on them."""
        datas = self.broker.cerebro.datas if self.broker.cerebro is not None else ()
        shown = [data for data in datas if len(data)]
        if not shown:
            return
        for data in shown:
            self._note_bars(data)
        latest = max(data.datetime[0] for data in shown)
        bar = self._moments.bar(latest)
        if bar not in self._states:
            self._states[bar] = self._state(latest)

    def _note_bars(self, data: Any) -> None:
        """Keep the bars that a feed shows for the first time."""
        before, self._lengths[data] = self._lengths.get(data, 0), len(data)
        for ago in range(before - len(data) + 1, 1):
            prices = tuple(float(getattr(data, name)[ago]) for name in ("open", "high", "low", "close", "volume"))
            self._seen[self._moments.bar(data.datetime[ago]), data._name] = Seen(prices, self.venue.now)

    def _state(self, number: float = float("inf")) -> State:
        """The account, with what orders from before a day number have still to trade."""
        held = {data._name: self.broker.getposition(data).size for data in self.broker.cerebro.datas}
        under_way: dict[str, float] = {}
        for order in self.broker.get_orders_open():
            if self._decided.get(order.ref, order.created.dt) < number and not order.info.get("protective"):
                under_way[order.data._name] = under_way.get(order.data._name, 0.0) + float(order.executed.remsize)
        return State(self.broker.getvalue(), self.broker.getcash(), {symbol: size for symbol, size in held.items() if size}, under_way)

    def _told(self) -> Story:
        asked = [self._asked(order) for order in self.broker.orders if not str(order.info.get("reason", "")).startswith(BACKFILL)]
        return Story("alpaca", asked, self._state(), dict(self._states), dict(self._seen), list(self._notes))

    def _asked(self, order: Any) -> Asked:
        """An order; a protective one belongs to the bar in which it was placed, on the fill of the entry."""
        asked = asked_of(order, self._moments, self._decided.get(order.ref), self._fills(order), self._sent.get(order.ref, ()))
        partner = getattr(order.p.oco, "ref", 0)
        if order.info.get("protective"):
            asked.bar_ns = self._placed.get(order.ref, self._placed.get(partner, asked.bar_ns))
        return asked

    def _fills(self, order: Any) -> list[Fill]:
        return [Fill(self._moments.within(int(moments_of(np.array([bit.dt]))[0])), float(bit.size), float(bit.price), float(bit.comm))
                for bit in order.executed.exbits]
