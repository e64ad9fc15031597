"""AlpacaData: one symbol at Alpaca as a live Backtrader feed. `AlpacaStore.getdata()` makes it. Imports the modules beside it."""

from __future__ import annotations

import datetime as dt
import logging
from collections import deque
from collections.abc import Iterable
from typing import Any

import backtrader as bt
import numpy as np

from brokers.alpaca.store import AlpacaStore
from core.bars import Bars
from core.calendars import get_calendar
from core.clock import SystemClock
from core.day_numbers import EPOCH, day_numbers
from core.errors import BadSpec, UnknownName, UsageError
from core.series import FIELDS, SymbolBars
from feeds.alpaca import PROXIES
from feeds.alpaca_actions import Action as Announced
from feeds.alpaca_live import CALENDAR, LiveBars
from feeds.alpaca_rows import Values
from feeds.cerebro_feed import Action

log = logging.getLogger(__name__)
OLD = ("backfill", "backfill_from", "bidask", "useask", "includeFirst", "reconnect", "reconnections", "reconntimeout")
HISTORY = {bt.TimeFrame.Minutes: 10, bt.TimeFrame.Days: 500}  # sessions before today, when no `fromdate` is given
FOREVER = 2**62


class AlpacaData(bt.feed.DataBase):
    """A symbol's history up to now and its bars from now on, in minutes or days; raw prices in USD.

    All feeds of a store get the bars of one moment together: as soon as each has its own, or `bar_grace_s` after the
    bar's end; a symbol without trades does not hold up the others. Notifications of status: DELAYED for bars from
    before the start or told too late, LIVE when bars come in time, CONNBROKEN and CONNECTED as the stream is lost and
    found. What was missed meanwhile follows, in order and once, as DELAYED.

    Args:
        given: the params below; options of alpaca-backtrader-api's feed that have no meaning here are ignored.

    Params:
        dataname: symbol. timeframe, compression: minutes (such as 1, 5, 15, 30 or 60), or a day.
        store: whose account, clock and websocket it uses.
        historical: end when the history has been played. fromdate, todate: as in every feed.
        backfill_start: begin with history; from `fromdate`, else 10 sessions of minutes or 500 days.
        history: `Bars` that are played as history in place of the venue's.
        bar_grace_s: how long a moment waits for symbols without a bar.
        tradable: False for a reference symbol; indices (^GSPC) come with the prices of their funds (SPY).
        bar_store: a `feeds.BarStore` that keeps the streamed minutes.
        qcheck: longest wait for news, seconds.

    Raises:
        UnknownName, BadSpec: Alpaca has no such symbol, or does not trade it; it has no such bars.
        Unauthorized, BrokerUnavailable: it could not be asked.
    """

    params = (("store", None), ("historical", False), ("backfill_start", True), ("history", None), ("bar_grace_s", 3.0),
              ("tradable", True), ("bar_store", None), ("qcheck", 1.0))

    def __init__(self, **given: Any) -> None:
        super().__init__()
        unknown = sorted(set(given) - set(OLD))
        if unknown:
            raise UnknownName.of("option of AlpacaData", unknown[0], [*self.params._getkeys(), *OLD])
        if not isinstance(self.p.store, AlpacaStore):
            raise UsageError(f"an Alpaca feed needs its store, not {self.p.store!r}: make it with store.getdata(dataname=...)")
        self.symbol, self.interval = str(self.p.dataname), _interval(self.p.timeframe, self.p.compression)
        self.tradable = bool(self.p.tradable)
        self.actions: list[Action] = []
        self._acted: set[np.datetime64] = set()
        self._queue: deque[tuple[float, Values, bool]] = deque()
        self._in_time = False
        self._check()
        self._live = LiveBars.of(self.p.store)
        self._live.join(self)

    def _check(self) -> None:
        ticker = PROXIES.get(self.symbol, self.symbol)
        if ticker.startswith("^"):
            raise UnknownName(f"alpaca has no indices, and no fund stands for {self.symbol!r}: use a fund")
        asset = self.p.store.rest.asset(ticker)
        if asset.status != "active" or not asset.tradable:
            said = "not traded" if asset.status == "active" else asset.status
            raise BadSpec(f"{self.symbol} is {said} at Alpaca: leave it out")

    # -- what its store's LiveBars asks and tells ------------------------------------------------------

    @property
    def first(self) -> str | None:
        """The session its history begins with (ISO date); None = it has none."""
        if not (self.p.backfill_start or self.p.historical):
            return None
        if self.p.fromdate is not None:
            return str(self.p.fromdate.date())
        today = np.datetime64(self.p.store.clock.today())
        return str(get_calendar(CALENDAR).step(today, -HISTORY[self.p.timeframe]))

    @property
    def history(self) -> SymbolBars | None:
        """The history that was given."""
        if not isinstance(self.p.history, Bars):
            return None
        bars = self.p.history.series(self.symbol)
        self.act_on(bars)
        return bars

    @property
    def ends_ns(self) -> int:
        """The moment after which it has no more bars, UTC ns."""
        if self.p.historical:
            return 0
        return FOREVER if self.p.todate is None else round(self.p.todate.replace(tzinfo=dt.UTC).timestamp() * 1e9)

    def take(self, moment: int, values: Values, is_live: bool) -> None:
        """Put a bar into the queue."""
        self._queue.append((float(day_numbers(np.array([moment]))[0]), values, is_live))

    def act_on(self, bars: SymbolBars) -> None:
        """Note the corporate actions beside some bars."""
        for row in np.flatnonzero((bars.split != 1) | (bars.dividend != 0)).tolist():
            pay = bars.pay_date[row]
            self._act(bars.session[row], int(bars.index[row]), float(bars.split[row]), float(bars.dividend[row]), pay)

    def act(self, announced: Iterable[Announced], opens_ns: int) -> None:
        """Note what happens to the shares at an open."""
        for each in announced:
            self._act(each.ex_date, opens_ns, each.split, each.cash, each.pay_date)

    def _act(self, date: np.datetime64, moment: int, split: float, cash: float, pay: np.datetime64) -> None:
        if date in self._acted:
            return
        self._acted.add(date)
        number = float(day_numbers(np.array([moment]))[0])
        paid = number if np.isnat(pay) else max(float(EPOCH + int(pay.astype(np.int64))), number)
        self.actions.append(Action(number, split, cash, paid))

    # -- what Cerebro asks ----------------------------------------------------------------------------

    def setenvironment(self, env: Any) -> None:
        super().setenvironment(env)
        env.addstore(self.p.store)

    def islive(self) -> bool:
        return True

    def haslivedata(self) -> bool:
        return bool(self._queue)

    @property
    def backfilling(self) -> bool:
        """Whether its current bar is from before the start, or was told too late to be traded on."""
        return not self._in_time

    def start(self) -> None:
        super().start()
        self._live.begin()

    def _timeoffset(self) -> dt.timedelta:
        """What Backtrader's resampling adds to the machine's clock, to have the venue's."""
        return dt.timedelta(seconds=(self.p.store.clock.now_ns() - SystemClock().now_ns()) / 1e9)

    def _load(self) -> bool | None:
        if not self._queue:
            self._live.pump(self._qcheck)
        if not self._queue:
            return self._idle()
        moment, values, self._in_time = self._queue.popleft()
        self.put_notification(self.LIVE if self._in_time else self.DELAYED)
        self.lines.datetime[0] = moment
        for name, value in zip(FIELDS, values, strict=True):
            getattr(self.lines, name)[0] = value
        return True

    def _idle(self) -> bool | None:
        """No bar: None while there may be more."""
        if self._live.over(self):
            return False
        if self._live.is_live(self):
            self._in_time = True
            self.put_notification(self.LIVE)
        return None


def _interval(timeframe: int, compression: int) -> str:
    """The bars of a feed, in the words of a spec.

    Raises:
        BadSpec: Alpaca's streams do not make them.
    """
    if timeframe == bt.TimeFrame.Days and compression == 1:
        return "1d"
    if timeframe == bt.TimeFrame.Minutes and 1 <= compression <= 60 and 60 % compression == 0:
        return f"{compression}m"
    name = bt.TimeFrame.getname(timeframe, compression)
    raise BadSpec(f"no live bars of {compression} {name}: use minutes that divide an hour, or 1 day, and resample them")


AlpacaStore.DataCls = AlpacaData
