"""AlpacaData: one symbol at Alpaca as a live Backtrader feed. `AlpacaStore.getdata()` makes it. Imports the modules beside it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from typing import Any

import backtrader as bt
import numpy as np

from brokers.alpaca.store import AlpacaStore
from core.bars import Bars
from core.calendars import get_calendar
from core.day_numbers import EPOCH, day_numbers, moments_of
from core.errors import BadSpec, UnknownName, UsageError
from core.series import FIELDS, SymbolBars
from feeds.alpaca import PROXIES
from feeds.alpaca_actions import Action as Announced
from feeds.alpaca_actions import placed
from feeds.alpaca_copy import AlpacaCopy
from feeds.alpaca_live import LiveBars
from feeds.alpaca_rows import Row, Values
from feeds.cerebro_feed import Action
from feeds.intervals import interval_ns, is_intraday

log = logging.getLogger(__name__)
OLD = ("backfill", "backfill_from", "bidask", "useask", "includeFirst", "reconnect", "reconnections", "reconntimeout")
HISTORY = {True: 10, False: 500}  # sessions before today, by whether bars are shorter than one, when no start is given
FOREVER = 2**62
KEPT = 512  # bars that stay in the lines of a feed that frees the others
CALENDAR = "XNYS"


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
        self.symbol, self.interval = str(self.p.dataname), live_interval(self.p.timeframe, self.p.compression)
        self.tradable = bool(self.p.tradable)
        self.actions: list[Action] = []
        self._acted: set[np.datetime64] = set()
        self._queue: deque[tuple[float, Values, bool]] = deque()
        self._since, self._is_over, self._freed, self._given_sessions = 0, False, 0, 0
        self._check_asset()
        self._check_history()
        self._live = LiveBars.of(self.p.store)
        self._live.join(self)

    def _check_asset(self) -> None:
        ticker = PROXIES.get(self.symbol, self.symbol)
        if ticker.startswith("^"):
            raise UnknownName(f"alpaca has no indices, and no fund stands for {self.symbol!r}: use a fund")
        asset = self.p.store.assets.of(ticker)
        if asset.status != "active" or not asset.tradable:
            said = "not traded" if asset.status == "active" else asset.status
            raise BadSpec(f"{self.symbol} is {said} at Alpaca: leave it out")

    def _check_history(self) -> None:
        bars = self.p.history
        if bars is None:
            return
        if not isinstance(bars, Bars):
            raise BadSpec(f"history is {type(bars).__name__}: give core.bars.Bars, or nothing and it is fetched")
        bars.column(self.symbol)
        self._given_sessions = len(np.unique(bars.session))
        same = is_intraday(self.interval) and is_intraday(bars.interval) and interval_ns(bars.interval) == interval_ns(self.interval)
        if bars.interval != self.interval and not same:
            raise BadSpec(f"the history of {self.symbol} is in bars of {bars.interval}: a feed of {self.interval} needs its own")

    # -- what its store's LiveBars asks and tells ------------------------------------------------------

    @property
    def first(self) -> str | None:
        """The session its history begins with (ISO date); None = it has none."""
        if not (self.p.backfill_start or self.p.historical):
            return None
        if self.p.fromdate is not None:
            return str(self.p.fromdate.date())
        return str(_back(np.datetime64(self.p.store.clock.today()), HISTORY[is_intraday(self.interval)]))

    def oldest(self, session: np.datetime64) -> np.datetime64 | None:
        """The first session that is needed once `session` has begun: what a run that starts then is shown, it remembers; None = all it has seen.

        Minutes only, and no `fromdate`; of a given history as many sessions as it had.
        """
        if self.p.fromdate is not None or not is_intraday(self.interval):
            return None
        return _back(session, max(HISTORY[True], self._given_sessions))

    @property
    def history(self) -> SymbolBars | None:
        """The history that was given."""
        if self.p.history is None:
            return None
        bars = self.p.history.series(self.symbol)
        self.act_on(bars)
        return bars if len(bars) else None

    @property
    def ends_ns(self) -> int:
        """The moment after which it has no more bars, UTC ns."""
        return FOREVER if self.todate == float("inf") else int(moments_of(np.array([self.todate]))[0])

    def free(self) -> None:
        """Lose all but the last `KEPT` bars of its lines, which count on as before."""
        spare = self.lines.datetime.idx + 1 - KEPT
        if spare < KEPT:
            return
        for line in self.lines:
            del line.array[:spare]
            line.idx -= spare
        self._freed += spare

    def buflen(self) -> int:
        """As Backtrader's, with the bars that are freed: it is compared with how many were shown."""
        return int(self.lines.buflen()) + self._freed

    def take(self, row: Row, number: float) -> bool:
        """Put its bar into the queue, if it wants one of the row's; `number` is the row's moment as a day number."""
        wanted = self.symbol in row.values and row.moment > self._since and not self._is_over
        if wanted:
            self._queue.append((number, row.values[self.symbol], row.live))
        return wanted

    def act_on(self, bars: SymbolBars) -> None:
        """Note the corporate actions beside some bars."""
        for row in np.flatnonzero((bars.split != 1) | (bars.dividend != 0)).tolist():
            pay = bars.pay_date[row]
            self._act(bars.session[row], int(bars.index[row]), float(bars.split[row]), float(bars.dividend[row]), pay)

    def act(self, announced: Sequence[Announced]) -> None:
        """Note what happens to the shares, at the open of each ex-date."""
        dates = np.unique(np.array([each.ex_date for each in announced], "datetime64[D]"))
        columns = placed(dates, announced)
        moments = get_calendar(CALENDAR).open_of(dates).tolist()
        for row, date in enumerate(dates):
            self._act(date, moments[row], *(columns[name][row] for name in ("split", "dividend", "pay_date")))

    def _act(self, date: np.datetime64, moment: int, split: float, cash: float, pay: np.datetime64) -> None:
        if date in self._acted:
            return
        self._acted.add(date)
        number = float(day_numbers(np.array([moment]))[0])
        paid = number if np.isnat(pay) else max(float(EPOCH + int(pay.astype(np.int64))), number)
        self.actions.append(Action(number, float(split), float(cash), paid))
        self.actions.sort(key=lambda action: action.moment)

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
        """Whether the moment shown now is from before the start, or was told too late to be traded on."""
        return not self._live.in_time

    @property
    def now_ns(self) -> int:
        """The venue's time, UTC ns."""
        return int(self.p.store.clock.now_ns())

    def start(self) -> None:
        super().start()
        self._since = self._begin_ns()
        self._is_endless = not self.p.historical and self.p.todate is None
        self._live.begin(self)

    def _begin_ns(self) -> int:
        if self.p.history is not None:
            return 0
        first = self.first
        return int(self.p.store.clock.now_ns() if first is None else np.datetime64(first, "ns").astype(np.int64))

    def next(self, datamaster: Any = None, ticks: bool = True) -> bool | None:
        if datamaster is None:
            self._live.ask(self)
        if len(self) < self.buflen() or self._barstack or self._barstash or self._has_bar():
            return super().next(datamaster, ticks)
        if ticks:
            self._tick_nullify()
        return self._idle()  # as Backtrader would, that moves every line forward and back to find it out

    def _has_bar(self) -> bool:
        if not self._queue and not self._ended():
            self._live.pump(self._qcheck)
        return bool(self._queue)

    def clone(self, **options: Any) -> AlpacaCopy:
        return AlpacaCopy(dataname=self, **options)

    def _check(self, forcedata: Any = None) -> None:
        """Ends a resampled bar when another bar says so; see AlpacaCopy."""
        if forcedata is not None:
            super()._check(forcedata)

    def _load(self) -> bool | None:
        if not self._has_bar():
            return self._idle()
        moment, values, is_live = self._queue.popleft()
        self._live.delivered()
        self.put_notification(self.LIVE if is_live else self.DELAYED)
        self.lines.datetime[0] = moment
        for name, value in zip(FIELDS, values, strict=True):
            getattr(self.lines, name)[0] = value
        return True

    def _ended(self) -> bool:
        self._is_over = self._is_over or (not self._is_endless and self._live.is_over(self))
        return self._is_over

    def _idle(self) -> bool | None:
        """No bar: None while there may be more."""
        if self._ended():
            return False
        if self._live.is_live(self):
            self._live.in_time = True
            self.put_notification(self.LIVE)
        return None


def _back(session: np.datetime64, count: int) -> np.datetime64:
    return get_calendar(CALENDAR).step(session, -count)


def live_interval(timeframe: int, compression: int) -> str:
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
