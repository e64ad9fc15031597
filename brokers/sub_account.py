"""`SubAccount`: the part of an account that one run trades with, in place of the broker. Imports the modules beside it and core.

Money and shares are exact decimals, so that the parts of an account sum to it.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import backtrader as bt
from backtrader import Order

from brokers.alpaca.answers import ZERO
from brokers.alpaca.order_holdings import Holding, Holdings
from brokers.alpaca.order_terms import exact_number, symbol_of
from brokers.hooks import Executed
from brokers.timed_books import Entry, TimedBooks


class SubAccount:
    """Cash, positions and orders of one run; what it does not know it asks the account's broker.

    Args:
        name: of the run. broker: of the account. capital: its cash at the start, account currency.
        feeds: the run's own.

    Attributes:
        past: what an earlier process of the run has done (`strategies.resumed`); None = nothing.
    """

    def __init__(self, name: str, broker: Any, capital: float, feeds: Sequence[Any]) -> None:
        self.name, self.feeds = name, list(feeds)
        self._own = frozenset(feeds)  # feeds have an equality of their own kind: `in` a list would call it
        self._broker, self.capital = broker, exact_number(capital)
        self.reset()
        self.past: Any = None
        self._passed: list[Order] = []  # and may still be executed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    # -- the books ------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Nothing has been traded yet."""
        self._books = TimedBooks(self.capital)

    def book(self, executed: Executed) -> None:
        """Settle an execution of one of its orders."""
        size, price, commission = exact_number(executed.size), exact_number(executed.price), exact_number(executed.commission)
        self._books.add(Entry(executed.time_ns or self._books.latest, executed.symbol, size, price, commission))

    def move(self, symbol: str, cash: Decimal = ZERO, qty: Decimal | None = None, time_ns: int = 0, reference: str = "") -> None:
        """Book what is no trade: cash, such as a dividend, and so many shares from then on, such as after a split.

        Args:
            time_ns: when it happened, also before executions that are booked; 0 = now. reference: see `knows`.
        """
        self._books.add(Entry(time_ns or self._books.latest, symbol, cash=cash, qty=qty, reference=reference))

    def knows(self, reference: str) -> bool:
        """Whether `move` has booked it."""
        return bool(reference) and reference in self._books.references

    def held_before(self, symbol: str, time_ns: int) -> Decimal:
        """Its shares of a symbol just before a moment, UTC ns; 0 = now."""
        return self._books.held(symbol, time_ns or self._books.latest + 1)

    def close_books(self, before_ns: int) -> None:
        """Nothing that happened before a moment will be booked any more."""
        self._books.close(before_ns)

    @property
    def _holdings(self) -> Holdings:
        return self._books.now.holdings

    @property
    def realized(self) -> Decimal:
        """Profit of what was closed, without commissions, account currency."""
        return self._books.now.realized

    @property
    def paid(self) -> Decimal:
        """Commissions."""
        return self._books.now.paid

    @property
    def booked(self) -> Decimal:
        """Cash from dividends and the like."""
        return self._books.now.booked

    @property
    def cash(self) -> Decimal:
        """Exact cash, account currency."""
        return self._holdings.cash

    @property
    def held(self) -> dict[str, Decimal]:
        """Symbol -> signed shares, of what it holds."""
        return {symbol: holding.qty for symbol, holding in self._holdings}

    def holding(self, symbol: str) -> Holding:
        """What is held of a symbol, with its average price."""
        return self._holdings[symbol]

    @property
    def worth(self) -> Decimal:
        """Of the positions, at the feeds' last closes."""
        return sum((held.qty * self._price(symbol) for symbol, held in self._holdings), ZERO)

    def _price(self, symbol: str) -> Decimal:
        feed = next((data for data in self.feeds if symbol_of(data) == symbol), None)
        return exact_number(feed.close[0]) if feed is not None and len(feed) else self._holdings[symbol].mark

    # -- what strategies and sizers ask ---------------------------------------------------------------

    def getcash(self) -> float:
        """Its cash, account currency."""
        return float(self.cash)

    def getvalue(self, datas: Iterable[Any] | None = None) -> float:
        """Cash and positions, or the positions in some feeds, at the feeds' last closes."""
        if datas is not None:
            return float(sum((self._holdings[symbol_of(data)].qty * self._price(symbol_of(data)) for data in datas), ZERO))
        return float(self.cash + self.worth) + self._owed()

    def _owed(self) -> float:
        corporate = getattr(self._broker, "corporate", None)
        return sum(each.amount for each in corporate.receivables if each.data in self._own) if corporate is not None else 0.0

    get_cash, get_value = getcash, getvalue

    def getposition(self, data: Any) -> bt.Position:
        """Its shares of a feed's symbol, and their average price."""
        return self._holdings[symbol_of(data)].position

    @property
    def positions(self) -> dict[Any, bt.Position]:
        """Position by feed."""
        return {data: self.getposition(data) for data in self.feeds}

    def get_orders_open(self, safe: bool = False) -> list[Order]:
        """Its orders that have not ended; copies if `safe`."""
        return [order for order in self._broker.get_orders_open(safe) if order.data in self._own]

    @property
    def orders(self) -> list[Order]:
        """Every order of its feeds, as it stands."""
        return [order for order in self._broker.orders if order.data in self._own]

    # -- capital --------------------------------------------------------------------------------------

    def refusal(self, order: Order) -> str:
        """Why an order is beyond its means; "" where it is not.

        Positions and open orders may be worth what the sub-account is: nobody trades with the money of another.
        """
        if order.parent is not None or order.info.get("protective"):
            return ""
        reason = self._lack(order)
        if not reason:
            self._passed.append(order)
        return reason

    def _lack(self, order: Order) -> str:
        """Market orders that came before are taken for done; exits that rest free nothing until they are executed."""
        self._passed = [other for other in self._passed if other.alive()]
        passed = {other.ref for other in self._passed}
        adopted = [other for other in self.get_orders_open() if other.ref not in passed and other.info.get("client_order_id")]
        ahead = {symbol: holding.qty for symbol, holding in self._holdings}
        free = exact_number(self.getvalue()) - sum((abs(held.qty * self._price(symbol)) for symbol, held in self._holdings), ZERO)
        for other in (*adopted, *self._passed):
            symbol, size = symbol_of(other.data), exact_number(other.executed.remsize)
            opening = self._opening(ahead.get(symbol, ZERO), size, self._price_of(other))
            if opening > 0 or other.exectype == Order.Market:
                ahead[symbol] = ahead.get(symbol, ZERO) + size
                free -= opening
        opening = self._stake(order, ahead.get(symbol_of(order.data), ZERO))
        return "" if opening <= max(free, ZERO) else f"needs {opening:,.2f}, and {max(free, ZERO):,.2f} of the capital of {self.name} is free"

    def _stake(self, order: Order, held: Decimal) -> Decimal:
        notional = order.info.get("notional")
        if notional is not None:
            size = exact_number(float(notional)) / self._price_of(order)
            return self._opening(held, size if order.isbuy() else -size, self._price_of(order))
        return self._opening(held, exact_number(order.created.size), self._price_of(order))

    def _opening(self, held: Decimal, size: Decimal, price: Decimal) -> Decimal:
        """By how much an order raises what is at stake; below zero where it closes."""
        return (abs(held + size) - abs(held)) * price

    def _price_of(self, order: Order) -> Decimal:
        limit = order.created.price if order.exectype == Order.Limit else None
        return exact_number(limit or order.data.close[0])
