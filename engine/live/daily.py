"""`Daily`: one decision a session of a target strategy for one Alpaca account, as often as it is called.

    Daily(spec, rest, clock, journal, store).once()

Every step is written down before it acts: killed anywhere and called again, it neither repeats nor forgets an order.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np

from brokers.alpaca.answers import Account, Order
from brokers.alpaca.clock import BrokerClock
from brokers.alpaca.rest import Rest
from core.bars import Bars
from core.errors import BadSpec, CerebrolabError, SourceUnavailable
from core.spec import RunSpec
from engine import resolve
from engine.deciding import deciding
from engine.live.daily_books import DailyBooks
from engine.live.earlier import Earlier, SplitsOn
from engine.live.sending import Run, Sending
from engine.live.sessions import following, latest_and_next
from engine.live.snapshots import Snapshots, part_of
from engine.live.steering import RunSteering
from engine.live.wanted import Decided, check_daily, run_key, wanted
from engine.loading import load
from feeds.load import source_named
from journal import Journal
from journal.blotter import DONE, LiveOrder
from journal.tables import DecisionRow


@dataclass(frozen=True)
class Report:
    """How a daily run stands.

    Attributes:
        session: exchange date decided on. trades: scheduled open of the session its orders are for, UTC ns.
        new: whether the decision was made now. targets: symbol -> shares to hold. orders: every attempt.
        waiting: what waits, and for what. warnings: what a reader must know.
        over: the run's trading days are over; it decides no more.
    """

    session: str
    trades: int
    new: bool
    equity: Decimal
    cash: Decimal
    targets: dict[str, float]
    orders: tuple[LiveOrder, ...]
    waiting: tuple[str, ...]
    warnings: tuple[str, ...]
    over: bool = False

    @property
    def done(self) -> bool:
        """Whether nothing is left to do until the next decision."""
        return all(order.state == DONE for order in self.orders)


class Daily:
    """The daily run of a spec.

    Args:
        spec: the one the backtest used. rest, clock: the account's gateway and the broker's time.
        journal: where decisions and orders are kept. store: a bar store for the spec's source.
        bars_of: bars up to a session (ISO date), instead of what the spec's source delivers.
        splits_on: symbols and ISO date -> those that split then, whose orders would have another number of shares.

    Raises:
        BadSpec: the spec cannot be traded daily (see `check_daily`).
    """

    def __init__(self, spec: RunSpec, rest: Rest, clock: BrokerClock, journal: Journal, store: Any = None,
                 bars_of: Callable[[str], Bars] | None = None,
                 splits_on: SplitsOn = lambda symbols, date: {}) -> None:
        strategy: Any = check_daily(spec)
        source = source_named(spec.source, spec.calendar, clock)
        if source.stored:  # "spy" and "SPY" are one run
            spec = spec.replace(symbols=source.canonical(spec.symbols))
        self.spec, self._strategy = resolve.without_aliases(spec, strategy), strategy
        self._rest, self._clock, self._journal, self._blotter = rest, clock, journal, journal.blotter
        self._bars_of = bars_of or (lambda session: load(self.spec.replace(end=session), store, clock=clock))
        self._earlier, self._splits_on = Earlier(rest, clock, journal.blotter), splits_on
        self._params, self._name = deciding(self.spec), resolve.run_name(self.spec)
        self._snapshots, self._books = Snapshots(self.spec, rest, journal, clock.now_ns), DailyBooks(rest, journal, clock.now_ns)

    # -- a run ----------------------------------------------------------------------------------------

    def once(self, dry: bool = False) -> Report:
        """Decide if it is time, send what may be sent, and say how things stand; may be repeated at any time.

        Args:
            dry: decide on what the account holds now, write nothing down and send nothing.

        Raises:
            CerebrolabError: as `engine.run`, Unauthorized, BrokerUnavailable; a blocked account.
        """
        account = self._rest.account()
        if not account.may_trade:
            raise CerebrolabError(f"the account {account.number} is blocked from trading: see its status at Alpaca")
        session, trades = latest_and_next(self._clock)
        bars = self._bars(session)
        key = run_key(self.spec, self._params)
        warnings = list(bars.origin.warnings)
        if dry:
            decided = self._wanted(self._steering(account, key, []), bars, account, *self._barred(bars, self._rest.orders()))
            return self._report(session, trades, True, account, decided.targets, _planned(decided, _dry_identity), (), [*warnings, *decided.notes])
        over = self._over(account, key, int(bars.index[-1]))
        row, new = self._last(account, key) if over else self._decision(bars, key, account, trades)
        trades = following(self._clock, dt.date.fromisoformat(row.session))
        self._earlier.drop_split(row.id, trades, self._splits_on)
        sending = Sending(self._rest, self._clock, self._blotter, self._run(row, trades, bars))
        waiting = sending.send()
        orders = self._blotter.orders(row.id)
        report = self._report(session, trades, new, account, row.targets, orders, waiting, [*warnings, *row.notes])
        standing = row.id, report.done
        undone = [*self._books.look(standing, account.id, key, self._name), *self._snapshots.look(standing, self._name, bars)]
        return replace(report, over=over, warnings=(*report.warnings, *undone))

    def _bars(self, session: str) -> Bars:
        bars = self._bars_of(session)
        if str(bars.session[-1]) != session:
            raise SourceUnavailable(f"the bars end on {bars.session[-1]} and the last complete session is {session}: nothing is decided on "
                                    f"old bars; try again when {bars.origin.source or 'the source'} has published it")
        return bars

    # -- deciding -------------------------------------------------------------------------------------

    def _decision(self, bars: Bars, key: str, account: Account, trades: tuple[int, int]) -> tuple[DecisionRow, bool]:
        bar_ns = int(bars.index[-1])
        known = self._blotter.decision(account.id, key, bar_ns)
        if known is not None:
            return known, False
        if self._clock.now_ns() >= trades[1]:
            raise SourceUnavailable("the session is over and its bar is not complete yet: run again 20 minutes after the close")
        self._alone(account, key, bar_ns)
        stuck = self._earlier.take_back(account.id, self.spec.symbols)
        barred, notes = self._barred(bars, [order for order in self._rest.orders() if order.symbol not in stuck])
        steering = self._steering(account, key, notes)
        for request in steering.look(bar_ns, bars):
            steering.answer(request, True, f"it trades to its targets after {bars.session[-1]}", bar_ns)
        account = self._rest.account()  # what was taken back may have been filled instead
        decided = self._wanted(steering, bars, account, barred | set(stuck), [*self._missed(bars, account, key), *stuck.values(), *notes])
        name = f"{self._strategy.__name__}-{key}"
        identity = Run(account.id, name, 0, bar_ns, ("", ""), (0, 0), {}).identity
        with self._journal.together():
            if decided.said:
                self._journal.history.say(account.id, self._name, self._strategy.__name__, bar_ns, decided.said)
            self._blotter.decide(
                _planned(decided, identity), account=account.id, run_key=key, bar_ns=bar_ns, session=str(bars.session[-1]),
                strategy=self._strategy.__name__, strategy_source=resolve.source_digest(self._strategy), spec=steering.spec.masked(),
                fingerprint=bars.fingerprint, equity=account.equity, cash=account.cash, targets=dict(decided.targets), notes=list(decided.notes))
        row = self._blotter.decision(account.id, key, bar_ns)
        if row is None:
            raise CerebrolabError("the decision just recorded is not in the journal: is somebody else changing the file?")
        return row, True

    def _steering(self, account: Account, key: str, notes: list[str]) -> RunSteering:
        """What others have asked of the run so far, and it has taken; `notes` takes what a reader must know."""
        name = self.spec.name or f"{self._strategy.__name__}-{key}"
        steering = RunSteering(self._journal, account.id, name, self.spec, self._clock.now_ns, notes.append, not self._rest.endpoints.paper)
        steering.recall()
        return steering

    def _missed(self, bars: Bars, account: Account, key: str) -> list[str]:
        """A sentence on the sessions since the last decision on which nobody called."""
        before = self._blotter.decisions(account.id, key)
        since = bars.session[:-1][bars.session[:-1] > np.datetime64(before[-1].session)] if before else bars.session[:0]
        if not len(since):
            return []
        return [(f"nothing was decided on {len(since)} sessions since {before[-1].session} ({since[0]} to {since[-1]}): what they would have "
                "asked for is not made up for")]

    def _alone(self, account: Account, key: str, bar_ns: int) -> None:
        """No other run, nor this one with other parameters, has decided on these symbols on this bar.

        Raises:
            BadSpec: one has.
        """
        for row in self._blotter.decisions(account.id):
            shared = sorted(set(row.spec.get("symbols", ())) & set(self.spec.symbols))
            if row.bar_ns == bar_ns and row.run_key != key and shared:
                raise BadSpec(f"{row.strategy} with other parameters or symbols has decided on {', '.join(shared[:5])} on {row.session} already: "
                              "give each run its own symbols, or wait for the next session")

    def _barred(self, bars: Bars, orders: Sequence[Order]) -> tuple[set[str], list[str]]:
        """Symbols of the run to leave as they are: without a bar on the session, or with an open order from elsewhere; and sentences."""
        absent = {symbol for symbol, there in zip(bars.symbols, bars.traded[-1], strict=True) if not there}
        busy = {order.symbol for order in orders} & set(bars.symbols)
        notes = [f"{', '.join(sorted(absent))} has no bar on {bars.session[-1]}: left as it is"] if absent else []
        if busy:
            notes.append(f"{', '.join(sorted(busy))} has an open order from elsewhere: left as it is")
        return absent | busy, notes

    def _over(self, account: Account, key: str, bar_ns: int) -> bool:
        """Whether the run has decided on all its trading days, and this bar is none of them."""
        days = self.spec.trading_days
        decided = {row.bar_ns for row in self._blotter.decisions(account.id, key)} if days else set()
        return days is not None and bar_ns not in decided and len(decided) >= days

    def _last(self, account: Account, key: str) -> tuple[DecisionRow, bool]:
        return self._blotter.decisions(account.id, key)[-1], False

    def _wanted(self, steering: RunSteering, bars: Bars, account: Account, barred: set[str], notes: Sequence[str]) -> Decided:
        own = set(_traded(bars))
        held = {each.symbol: each.qty for each in self._rest.positions() if each.symbol in own}
        worth = sum((abs(held[symbol]) * price for symbol, price in _prices(bars).items() if symbol in held), Decimal(0))
        value, cash = (float(each) for each in part_of(account, self.spec, worth))
        whole = int(bars.index[-1]) in steering.called
        decided = wanted(steering.spec, bars, held, value, cash, barred, steering.phases, whole)
        return replace(decided, notes=(*notes, *decided.notes))

    # -- telling --------------------------------------------------------------------------------------

    def _run(self, row: DecisionRow, trades: tuple[int, int], bars: Bars) -> Run:
        fills = self._strategy.fills(self.spec.fill)
        return Run(row.account, f"{row.strategy}-{row.run_key}", row.id, row.bar_ns, fills, trades, _prices(bars))

    def _report(self, session: str, trades: tuple[int, int], new: bool, account: Account, targets: Any, orders: Sequence[LiveOrder],
                waiting: Sequence[str], warnings: Sequence[str]) -> Report:
        return Report(session, trades[0], new, account.equity, account.cash, dict(targets), tuple(orders), tuple(waiting), tuple(warnings))


def _planned(decided: Decided, identity: Callable[[str, str, int], str]) -> list[LiveOrder]:
    return [LiveOrder(identity(order.symbol, order.intent, 1), place, order.symbol, order.side, order.qty, order.intent)
            for place, order in enumerate(decided.orders)]


def _dry_identity(symbol: str, intent: str, attempt: int) -> str:
    return f"dry-{symbol}-{intent}-{attempt}"


def _prices(bars: Bars) -> dict[str, Decimal]:
    return {symbol: Decimal(repr(float(price))) for symbol, price in zip(bars.symbols, bars.last_close[-1], strict=True) if price > 0}


def _traded(bars: Bars) -> tuple[str, ...]:
    return tuple(np.array(bars.symbols)[bars.tradable].tolist())
