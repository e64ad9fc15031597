"""Reconciliation: the account as the venue has it, against the order book and the holdings. Imports the modules beside it.

What others did is adopted and reported; what nobody can explain stops trading in that symbol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from decimal import Decimal

from brokers.alpaca.answers import ZERO, Account, Activity, Order, Position
from brokers.alpaca.clock import BrokerClock
from brokers.alpaca.errors import Refused
from brokers.alpaca.moments import SECOND_NS
from brokers.alpaca.order_book import OrderBook
from brokers.alpaca.order_desk import OrderDesk
from brokers.alpaca.order_holdings import Holdings
from brokers.alpaca.order_owner import Owner
from brokers.alpaca.order_tracked import TrackedOrder
from brokers.alpaca.rest import Rest
from brokers.hooks import Moved

PASSES = 4  # looks at an account that changes while it is looked at
RECENT_NS = 7 * 86_400 * SECOND_NS  # orders of earlier runs are looked for so far back
LATE_NS = 60 * SECOND_NS  # activities may be listed late
CENT = Decimal("0.01")


class Reconciler:
    """Compares, explains and adopts.

    Args:
        expecting: whether an order whose answer is lost may turn up; unknown orders are not adopted then.
    """

    def __init__(self, rest: Rest, clock: BrokerClock, book: OrderBook, holdings: Holdings, desk: OrderDesk,
                 owner: Owner, expecting: Callable[[], bool]) -> None:
        self._rest, self._clock, self._book, self._holdings, self._desk = rest, clock, book, holdings, desk
        self._owner, self._expecting = owner, expecting
        self._since_ns = 0  # activities up to here are in the holdings
        self._told: set[str] = set()  # ids of activities that cash was attributed by

    def begin(self) -> None:
        """Take over the account as it stands: cash, positions, and every open order.

        Raises:
            BrokerUnavailable, Unauthorized, Refused: it could not be read.
        """
        self._since_ns = self._clock.now_ns()
        orders, positions = self._consistent()
        self._owner.taken_over(orders)
        self._read_account()
        self._holdings.take(positions)
        self._desk.known = {each.id for order in orders for each in _members(order)}
        for order in orders:
            for each in _members(order):
                if each.open:
                    tracked = self._owner.adopt(each, each.filled_qty, order.id, order.client_order_id)
                    self._owner.tell(tracked, tracked.snapshot(each))

    def run(self) -> None:
        """Compare everything, until two looks agree or differ in the same way.

        Raises:
            BrokerUnavailable, Unauthorized, Refused: it could not be read.
        """
        before: dict[str, tuple[Decimal, Decimal]] | None = None
        now = self._clock.now_ns()
        for _ in range(PASSES):
            positions, account = self._rest.positions(), self._rest.account()
            self.poll()
            differences = self._holdings.differences(positions)
            if differences and differences == before:
                if self._expecting():
                    return  # an order that may exist could explain it: looked at again when that is known
                self._settle(differences, positions)
                differences = {}
            if not differences:
                self._take_account(account)
                self._since_ns = now
                return
            self._learn([each for each in self._activities() if each.kind == "FILL" and each.symbol in differences])
            before = differences

    def poll(self) -> None:
        """Read every open order.

        Raises:
            BrokerUnavailable, Unauthorized, Refused: it could not be read.
        """
        seen = set()
        for order in self._rest.orders("open"):
            for each in _members(order):
                seen.add(each.id)
                self._take(each, order.id)
        for tracked in self._book.open():
            if tracked.id and tracked.id not in seen:
                self._read(tracked)
        self._close_gaps()

    def look_at(self, tracked: TrackedOrder) -> None:
        """Read one order, and what belongs to it.

        Raises:
            BrokerUnavailable, Unauthorized, Refused: it could not be read.
        """
        if tracked.id:
            self._read(tracked)
            self._close_gaps()

    def meet(self, order_id: str) -> None:
        """Follow an order nobody here has sent, if the venue has it: an event alone proves nothing.

        Raises:
            Refused: it has not. BrokerUnavailable, Unauthorized: it could not be read.
        """
        order = self._rest.order(order_id)
        if self._book.find(order) is None:
            self._owner.adopt(order, ZERO, order.id)
        self._take_all(order)
        self._close_gaps()

    # -- orders ---------------------------------------------------------------------------------------

    def _consistent(self) -> tuple[list[Order], list[Position]]:
        """Orders and positions of one moment: nothing was filled while they were read."""
        orders = self._every_order()
        for _ in range(PASSES):
            positions, again = self._rest.positions(), self._every_order()
            if _totals(orders) == _totals(again):
                break
            orders = again
        return again, positions

    def _every_order(self) -> list[Order]:
        recent = self._rest.orders("all", after=self._since_ns - RECENT_NS)
        listed = {order.id for order in recent}
        return recent + [order for order in self._rest.orders("open") if order.id not in listed]

    def _read(self, tracked: TrackedOrder) -> None:
        try:
            self._take_all(self._rest.order(tracked.id))
        except Refused as refused:
            if refused.status != 404:
                raise
            self._owner.tell(tracked, tracked.vanish())

    def _take_all(self, order: Order) -> None:
        for each in _members(order):
            self._take(each, order.id)

    def _take(self, order: Order, claim: str) -> None:
        tracked = self._book.find(order)
        if tracked is None:
            if order.id in self._desk.known or order.done or self._expecting():
                return
            tracked = self._owner.adopt(order, ZERO, claim)
        self._owner.tell(tracked, tracked.snapshot(order))

    def _close_gaps(self) -> None:
        """Find executions that nobody has told us about: one by one, else at their average price."""
        lacking = [tracked for tracked in self._book.open() if tracked.gap]
        if not lacking:
            return
        starts = [tracked.latest.submitted_ns for tracked in lacking if tracked.latest and tracked.latest.submitted_ns]
        fills = self._rest.activities(("FILL",), after=min(starts, default=self._since_ns) - LATE_NS)
        for tracked in lacking:
            self._owner.tell(tracked, tracked.explain(fills))
            self._owner.tell(tracked, tracked.infer(self._clock.now_ns()))

    # -- differences ----------------------------------------------------------------------------------

    def _activities(self) -> list[Activity]:
        return self._rest.activities(after=self._since_ns - LATE_NS)

    def _learn(self, fills: list[Activity]) -> None:
        """Orders from elsewhere that have come and gone between two looks, and what happened after an end was told."""
        for order_id in dict.fromkeys(fill.order_id for fill in fills):
            tracked = self._book.by_id(order_id)
            if tracked is not None and not tracked.alive:
                self._read(tracked)
                self._owner.tell(tracked, tracked.explain(fills))
            elif tracked is None and order_id not in self._desk.known and not self._expecting():
                self.meet(order_id)

    def _settle(self, differences: dict[str, tuple[Decimal, Decimal]], positions: list[Position]) -> None:
        """Take the venue's word; where no booking explains the change, stop trading in the symbol."""
        activities = [each for each in self._activities() if each.kind != "FILL" and each.qty]
        splits = {each.symbol: each for each in activities if each.kind == "SPLIT" and each.symbol in differences}
        for symbol, (ours, theirs) in differences.items():
            bookings = dict.fromkeys(each.kind for each in activities if each.symbol == symbol)
            what = f"{symbol}: {ours:f} shares were expected and Alpaca has {theirs:f}"
            if bookings:
                self._owner.trouble.report(f"{what}; booked as {', '.join(bookings)} and adopted", symbol=symbol)
            else:
                self._desk.stopped[symbol] = f"{what}, which nothing explains: trading in it is stopped until it is resumed"
                self._owner.trouble.report(self._desk.stopped[symbol], symbol=symbol)
        self._holdings.take(positions)
        for symbol, (ours, theirs) in differences.items():
            moved = Moved(symbol, before=ours, after=theirs)
            if symbol in splits:
                moved = replace(moved, is_split=True, reference=splits[symbol].id, time_ns=splits[symbol].time_ns)
            self._owner.moved(moved)
        for symbol in splits:
            self._owner.unprotect(symbol)

    def _read_account(self) -> None:
        account = self._rest.account()
        self._holdings.cash = account.cash
        self._desk.means.read(account)

    def _take_account(self, account: Account) -> None:
        difference = account.cash - self._holdings.cash
        if abs(difference) >= CENT:
            self._owner.trouble.report(f"cash: {difference:+,.2f} USD that is no trade of ours was booked and is adopted")
            self._attribute(difference)
        self._holdings.cash = account.cash
        self._desk.means.read(account)

    def _attribute(self, difference: Decimal) -> None:
        """Tell what cash was booked for; what no activity names is nobody's."""
        for each in self._activities():
            if each.kind != "FILL" and each.net_amount and each.id not in self._told:
                self._told.add(each.id)
                self._owner.moved(Moved(each.symbol, cash=each.net_amount, reference=each.id, kind=each.kind, time_ns=each.time_ns))
                difference -= each.net_amount
        if difference:
            self._owner.moved(Moved("", cash=difference))


def _members(order: Order) -> Iterator[Order]:
    yield order
    yield from order.legs


def _totals(orders: Iterable[Order]) -> dict[str, Decimal]:
    return {each.id: each.filled_qty for order in orders for each in _members(order)}
