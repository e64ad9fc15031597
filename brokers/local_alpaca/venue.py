"""The venue: clock, market, account, orders and ledger put together, without any server. One lock around it all."""

import random
import threading
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from brokers.local_alpaca.account import Account, AccountRules, Position
from brokers.local_alpaca.agenda import Agenda
from brokers.local_alpaca.faults import Faults
from brokers.local_alpaca.hours import MarketHours, Milestone
from brokers.local_alpaca.ledger import Entry, Ledger
from brokers.local_alpaca.market import Market, Print
from brokers.local_alpaca.moments import SECOND, moment, new_york, text
from brokers.local_alpaca.order_desk import OrderDesk
from brokers.local_alpaca.orders import Book, Order
from brokers.local_alpaca.shareholders import pay_and_split
from brokers.local_alpaca.trade_updates import TradeUpdates
from brokers.local_alpaca.trading_floor import TradingFloor
from core.bars import Bars


class Venue:
    """A brokerage account and the market it trades on, in virtual time.

    Args:
        bars: 1m or 1d bars; those after `now` will trade, those before are history.
        cash: USD.
        now: ISO text, datetime or UTC ns; by default just before the last session of the bars opens.
        seed: of everything random: ids, order of legs, shuffled events.
        account: what the account may do.
        positions: {symbol: (qty, average price)} held at the start.
    """

    def __init__(self, bars: Bars, cash: float = 100_000.0, now: Any = None, seed: int = 0,
                 account: AccountRules | None = None,
                 positions: Mapping[str, tuple[float, float]] | None = None) -> None:
        self.lock = threading.RLock()
        self.random = random.Random(seed)
        self.hours = MarketHours(bars.calendar)
        self.now = moment(now) if now is not None else int(self.hours.calendar.open_of(bars.session[-1:])[0]) - SECOND
        self.market = Market(bars, self.now, self.hours)
        self._account = Account(Decimal(str(cash)), account or AccountRules(), self.price_of)
        for symbol, (qty, average) in (positions or {}).items():
            self.account.positions[symbol] = Position(Decimal(str(qty)), Decimal(str(average)))
        self.account_id = self.new_id()
        self.account.last_equity = self.account.equity
        self._book, self.agenda, self.faults = Book(), Agenda(), Faults(lambda: self.now)
        self._ledger = Ledger(self.account.cash, {s: held.qty for s, held in self.account.positions.items()})
        self.updates = TradeUpdates(self.ledger, self.faults, self.agenda, self.random, self.new_id)
        self.print_listeners: list[Callable[[list[Print]], None]] = []
        self.status_listeners: list[Callable[[str, bool], None]] = []
        self.liquidity: dict[str, Decimal] = {}  # shares a symbol's every print can take; unlimited where absent
        self.slippage = Decimal(0)  # part of the price that orders without a limit lose on their fills
        self.last_closes: dict[str, Decimal] = dict(self.market.last)
        self.clock_error_s = 0.0
        self.split_delay_s = 0.0  # after 04:00, how long the account waits for the shares of a split
        self.told: dict[Any, Any] = {}  # bars already made for the data API; history.py keeps it
        self.floor, self.desk = TradingFloor(self), OrderDesk(self)
        self._stamped = 0
        self._milestones = self.hours.milestones(self.now)
        self._milestone: Milestone = next(self._milestones)

    # -- what tests read: only between two events, never while a request is being carried out ------------------

    @property
    def ledger(self) -> Ledger:
        """What truly happened."""
        with self.lock:
            return self._ledger

    @property
    def book(self) -> Book:
        """Every order."""
        with self.lock:
            return self._book

    @property
    def account(self) -> Account:
        """Cash and positions."""
        with self.lock:
            return self._account

    # -- identity and time ----------------------------------------------------------------------------

    def new_id(self) -> str:
        """A UUID drawn from the seed."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def stamp(self) -> int:
        """The time, a microsecond later for every call at one moment, so that stamps are never equal."""
        self._stamped = max(self.now, self._stamped + 1000)
        return self._stamped

    def advance(self, to: Any = None, seconds: float | None = None) -> None:
        """Let time pass up to and including `to`, or by `seconds`; everything due happens, in order."""
        with self.lock:
            target = moment(to) if to is not None else self.now + round((seconds or 0.0) * SECOND)
            if target < self.now:
                raise ValueError(f"time only passes: it is {text(self.now)}, not {text(target)}")
            while (due := self._next())[0] <= target:
                self.now = max(self.now, due[0])
                due[2]()
            self.now = target

    def settle(self) -> None:
        """Do what is due at this very moment, such as routing a fresh order, without any market data."""
        with self.lock:
            while (due := self.agenda.next_moment()) is not None and due <= self.now:
                self.agenda.pop()()

    @property
    def due(self) -> int:
        """When something happens next, UTC ns."""
        with self.lock:
            return self._next()[0]

    def _next(self) -> tuple[int, int, Callable[[], None]]:
        never = 2**63
        agenda, tape = self.agenda.next_moment(), self.market.next_moment()
        return min((agenda if agenda is not None else never, 0, self._deferred),
                   (tape if tape is not None else never, 1, self._tape),
                   (self._milestone[0], 2, self._turn), key=lambda due: due[:2])

    def _deferred(self) -> None:
        self.agenda.pop()()

    def _tape(self) -> None:
        prints = self.market.step(closed_early=self._shut(self.now - 1))
        self.floor.play(prints, regular=self.hours.is_open(self.now - 1))
        self.settle()
        for listener in self.print_listeners:
            listener(prints)

    def _turn(self) -> None:
        (_, kind, date), self._milestone = self._milestone, next(self._milestones)
        if kind == "early":
            pay_and_split(self, date)
        if date not in self.hours.closures:
            self.floor.turn(kind)
        if kind == "close":
            self.account.last_equity, self.last_closes = self.account.equity, dict(self.market.last)

    def _shut(self, at: int) -> bool:
        date = new_york(at).date()
        return date in self.hours.closures and at >= self.hours.closures[date]

    # -- the market -----------------------------------------------------------------------------------

    def price_of(self, symbol: str) -> Decimal:
        """Last trade; 0 before a symbol ever traded."""
        return self.market.last.get(symbol, Decimal(0))

    def quote(self, symbol: str, price: float | str) -> None:
        """A trade at `price`, now."""
        with self.lock:
            trade = self.market.trade(symbol, Decimal(str(price)), self.now)
            self.floor.play([trade], regular=self.hours.is_open(self.now))
            self.settle()
            for listener in self.print_listeners:
                listener([trade])

    def halt(self, symbol: str) -> None:
        """Trading in a symbol stops; its bars do not happen until `resume`."""
        self._set_halt(symbol, True)

    def resume(self, symbol: str) -> None:
        """Trading in a halted symbol goes on."""
        self._set_halt(symbol, False)

    def _set_halt(self, symbol: str, halted: bool) -> None:
        with self.lock:
            (self.market.halted.add if halted else self.market.halted.discard)(symbol)
            for listener in self.status_listeners:
                listener(symbol, halted)

    def close_unscheduled(self) -> None:
        """The exchange closes now for the rest of the day; calendar and schedule do not know."""
        with self.lock:
            date = new_york(self.now).date()
            was_open = self.hours.is_open(self.now)
            self.hours.closures[date] = self.now
            if was_open:
                self.floor.turn("close")

    def block_trading(self, blocked: bool = True) -> None:
        """The broker forbids new orders, or allows them again."""
        self.account.blocked = blocked

    # -- events by hand -------------------------------------------------------------------------------

    def order(self, order_id: Any) -> Order:
        """An order by the venue's id or the client's; KeyError where there is none."""
        found = self.book.get(str(order_id)) or self.book.by_client(str(order_id))
        if found is None:
            raise KeyError(f"no order {order_id}")
        return found

    def fill(self, order_id: Any, qty: float | str | None = None, price: float | str | None = None) -> None:
        """Fill an order, or `qty` shares of it, at `price` (by default the last trade), whatever the market does."""
        with self.lock:
            order = self.order(order_id)
            at = Decimal(str(price)) if price is not None else self.price_of(order.symbol)
            self.floor.fill(order, at, None if qty is None else Decimal(str(qty)))
            self.settle()

    def cancel_externally(self, order_id: Any) -> None:
        """Somebody else (the dashboard, the exchange) cancels an order."""
        with self.lock:
            self.floor.finish(self.order(order_id), "canceled")

    def reject(self, order_id: Any) -> None:
        """The exchange rejects an order it had accepted."""
        with self.lock:
            self.floor.finish(self.order(order_id), "rejected")

    def outside_order(self, **body: Any) -> Order:
        """An order of the same account from elsewhere: the fields of a POST, a day market order by default."""
        with self.lock:
            order = self.desk.submit({"type": "market", "time_in_force": "day", **body}, outside=True)
            self.settle()
            return order

    def transfer(self, amount: float | str, kind: str | None = None) -> None:
        """Money comes into the account (or, below zero, goes) without a trade: from outside, unless `kind` names another activity
        ("JNLC", "FEE", "INT")."""
        with self.lock:
            cash = Decimal(str(amount))
            self.account.cash += cash
            self.ledger.entries.append(Entry(self.stamp(), kind or ("CSD" if cash > 0 else "CSW"), "", Decimal(0), cash,
                                             Decimal(0), self.new_id()))

    def later(self, seconds: float, what: Callable[..., Any], *arguments: Any) -> None:
        """Call `what` when `seconds` of venue time have passed."""
        with self.lock:
            self.agenda.at(self.now + round(seconds * SECOND), partial(what, *arguments))
