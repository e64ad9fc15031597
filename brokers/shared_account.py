"""`SharedAccount`: an account and the parts of it that several runs trade with, which sum to it. Imports the modules beside it."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from backtrader import Order, num2date

from brokers.alpaca.answers import ZERO
from brokers.alpaca.moments import SECOND_NS, at_new_york
from brokers.alpaca.order_holdings import Holding
from brokers.alpaca.order_terms import exact_number, symbol_of
from brokers.hooks import Executed, Moved
from brokers.sub_account import SubAccount

CENT, NANO_SHARE, SHARE = Decimal("0.01"), Decimal("1e-9"), Decimal(1)
KEPT_NS = 7 * 86_400 * SECOND_NS  # what is told later than that is booked as of then


class SharedAccount:
    """Who owns what on one account.

    Args:
        broker: of the account, with `brokers.hooks.Hooks`. parts: sub-accounts, by their runs.
        nets: whether opposite market orders of two runs are settled between them (at Alpaca; `brokers.alpaca.order_netting`).

    Attributes:
        parts: name -> sub-account. rest: symbol -> shares that no run owns. rest_cash: the same of cash, below zero where the
            runs have been given more than there is.
        since_ns: from when on what changed the account's shares is known, UTC ns.
        on_moved: told the run, the symbol, the cash, the shares from then on (None = as before), the name and the time (UTC ns, 0 = now) of
            what a run was given without an execution.
        taken: symbol -> a sentence, where somebody else has sold what runs hold, or bought what they are short of.
    """

    on_moved: Callable[[str, str, Decimal, Decimal | None, str, int], None] | None = None

    def __init__(self, broker: Any, parts: Sequence[SubAccount], nets: bool = False) -> None:
        self._broker, self.nets = broker, nets
        self.parts = {part.name: part for part in parts}
        self._by_feed = {feed: part for part in parts for feed in part.feeds}
        self.rest: dict[str, Decimal] = {}
        self.taken: dict[str, str] = {}
        self.on_taken: Callable[[str, str], None] = lambda symbol, text: None
        self.rest_cash = ZERO
        self.since_ns = 0
        self._changes: list[tuple[int, str, Decimal]] = []  # of the account's shares: when, of what, by how much
        self._looked: dict[Any, int] = {}
        broker.hook(refuse=self.refuse, executed=self.executed, moved=self.moved, sent=self.look)

    def begin(self, cash: Decimal, held: Mapping[str, Decimal], missed: Sequence[Moved] = ()) -> None:
        """What the account has as a whole: what the parts do not have of it is the rest.

        Args:
            missed: what moved, executions included, since the parts were written down, in order; it is in `cash` and `held` already.
        """
        self._changes = [(each.time_ns, each.symbol, each.after - each.before) for each in missed]
        for each in missed:
            if each.reference:
                self._divide(each, held.get(each.symbol, ZERO))
        self.rest_cash = cash - sum((part.cash for part in self.parts.values()), ZERO)
        self.rest = {}
        for symbol in {*held, *(name for part in self.parts.values() for name in part.held)}:
            self._leave(symbol, held.get(symbol, ZERO))
            self._look(symbol)

    def holding(self, order: Order) -> Holding:
        """What the run whose order it is holds of its symbol."""
        return self._by_feed[order.data].holding(symbol_of(order.data))

    def of(self, order: Order) -> str:
        """The name of the run whose order it is; "" where it is nobody's."""
        part = self._by_feed.get(order.data)
        return part.name if part is not None else ""

    def holders(self, symbol: str) -> Iterator[tuple[Any, Holding]]:
        """The runs that hold a symbol, as the feed on which they do, and what they hold."""
        for feed, part in self._by_feed.items():
            if symbol_of(feed) == symbol and symbol in part.held:
                yield feed, part.holding(symbol)

    def _owned(self, symbol: str) -> Decimal:
        return sum((part.held.get(symbol, ZERO) for part in self.parts.values()), ZERO)

    @property
    def cash(self) -> Decimal:
        """The sum of all cash."""
        return self.rest_cash + sum((part.cash for part in self.parts.values()), ZERO)

    @property
    def held(self) -> dict[str, Decimal]:
        """Symbol -> the sum of all shares, of what is held."""
        symbols = {*self.rest, *(symbol for part in self.parts.values() for symbol in part.held)}
        return {symbol: total for symbol in sorted(symbols) if (total := self.rest.get(symbol, ZERO) + self._owned(symbol))}

    # -- what the broker asks and tells ---------------------------------------------------------------

    def refuse(self, order: Order) -> str:
        """Why an order is beyond the means of its run; "" where it is not."""
        part = self._by_feed.get(order.data)
        return part.refusal(order) if part is not None else ""

    def executed(self, executed: Executed) -> None:
        """Book an execution where it belongs."""
        self._change(executed.time_ns, executed.symbol, exact_number(executed.size))
        part = self._by_feed.get(executed.order.data) if executed.order is not None else None
        if part is not None:
            part.book(executed)
            part.close_books(executed.time_ns - KEPT_NS)
            return
        size = exact_number(executed.size)
        self.rest_cash -= size * exact_number(executed.price) + exact_number(executed.commission)
        self._leave(executed.symbol, self.held.get(executed.symbol, ZERO) + size)
        self._look(executed.symbol)

    def _change(self, time_ns: int, symbol: str, change: Decimal) -> None:
        self._changes.append((time_ns, symbol, change))
        if self._changes[0][0] < time_ns - 2 * KEPT_NS:
            self._changes = [each for each in self._changes if each[0] >= time_ns - KEPT_NS]

    def _look(self, symbol: str) -> None:
        """Whether somebody else has taken from what the runs hold: they cannot sell what is not there."""
        rest, owned = self.rest.get(symbol, ZERO), self._owned(symbol)
        if rest * owned < 0 and symbol not in self.taken:
            self.taken[symbol] = (f"{symbol}: the runs hold {owned:f} shares and the account has {owned + rest:f}, as somebody else has traded them: "
                                  "trading in it is stopped until the two agree; trade it back, or start the runs under other names")
            self.on_taken(symbol, self.taken[symbol])

    def moved(self, moved: Moved) -> None:
        """Divide what moved without an execution among those who held the symbol then."""
        if moved.data is not None:
            self._give(self._by_feed[moved.data], moved, moved.cash, moved.after if moved.before != moved.after else None)
            return
        total = self.held.get(moved.symbol, ZERO) + moved.after - moved.before
        self._change(moved.time_ns, moved.symbol, moved.after - moved.before)
        self.rest_cash += moved.cash - self._divide(moved, total)
        self._leave(moved.symbol, total)

    def _divide(self, moved: Moved, total: Decimal) -> Decimal:
        """Give the runs their parts; `total` are the account's shares of the symbol now. The cash given."""
        before = self._total_before(moved.symbol, moved.time_ns, total, moved.after - moved.before)
        owners = self._owners(moved.symbol, moved.time_ns, before)
        after = before + moved.after - moved.before
        cash = divided(moved.cash, [held for _, held in owners], CENT)
        shares: Sequence[Decimal | None] = [None] * len(owners)
        if moved.is_split and before:
            shares = divided(after, [held for _, held in owners], SHARE if after == after.to_integral_value() else NANO_SHARE)
        return sum((self._give(part, moved, amount, qty) for (part, _), amount, qty in zip(owners, cash, shares, strict=True)), ZERO)

    def _give(self, part: SubAccount | None, moved: Moved, cash: Decimal, qty: Decimal | None) -> Decimal:
        """Book what a run gets, once; the cash that it got."""
        if part is None or part.knows(moved.reference) or not (cash or qty is not None):
            return ZERO
        part.move(moved.symbol, cash, qty, moved.time_ns, moved.reference)
        if self.on_moved is not None:
            self.on_moved(part.name, moved.symbol, cash, qty, moved.reference, moved.time_ns)
        return cash

    def _total_before(self, symbol: str, time_ns: int, total: Decimal, change: Decimal = ZERO) -> Decimal:
        """The account's shares of a symbol just before a moment, of which it has `total` now; 0 = just before the latest `change`."""
        if not time_ns:
            return total - change
        return total - sum((qty for at, name, qty in self._changes if name == symbol and at >= time_ns), ZERO)

    def _owners(self, symbol: str, time_ns: int, total: Decimal) -> list[tuple[SubAccount | None, Decimal]]:
        """The runs that held a symbol and how much of it, and the rest (None), which takes what nobody else does."""
        held = [(part, qty) for part in self.parts.values() if (qty := part.held_before(symbol, time_ns))]
        rest = total - sum((qty for _, qty in held), ZERO)
        return [*held, (None, rest)] if rest or not total else list(held)

    def _leave(self, symbol: str, total: Decimal) -> None:
        """What the runs do not have of the account's shares of a symbol is the rest."""
        left = total - self._owned(symbol)
        self.rest = {**{name: qty for name, qty in self.rest.items() if name != symbol}, **({symbol: left} if left else {})}

    # -- what the venue does not book -----------------------------------------------------------------

    def look(self, _: Any = None) -> None:
        """Carry out what has been announced to the feeds of the runs, where the venue has nothing to book."""
        for feed in self._by_feed:
            actions = getattr(feed, "actions", ())
            if len(actions) != self._looked.get(feed, 0):
                self._looked[feed] = len(actions)
                for each in actions:
                    self._act(symbol_of(feed), num2date(each.moment).date(), exact_number(each.split), exact_number(each.dividend))

    def _act(self, symbol: str, date: dt.date, split: Decimal, dividend: Decimal) -> None:
        """Split shares that runs hold against each other, and let who is short pay the dividend to who is long, on the ex-date."""
        at, total = at_new_york(date, dt.time()), self.held.get(symbol, ZERO)
        if at < self.since_ns or self._total_before(symbol, at, total):
            return
        booking = Moved(symbol, reference=f"{symbol} {date}", time_ns=at)
        owners = self._owners(symbol, at, ZERO)
        if all(part is None or part.knows(booking.reference) for part, _ in owners):
            return
        shares = rounded([held * split for _, held in owners], ZERO, NANO_SHARE)
        cash = rounded([qty * dividend for qty in shares], ZERO, CENT)
        for (part, _), amount, qty in zip(owners, cash, shares, strict=True):
            self.rest_cash -= self._give(part, booking, amount, qty if split != 1 else None)
        self._leave(symbol, total)
        if split != 1:
            self._unprotect(symbol)

    def _unprotect(self, symbol: str) -> None:
        """Cancel the protective orders of a symbol: their shares and prices are those of before a split. Strategies place them again."""
        for part in self.parts.values():
            for order in part.get_orders_open():
                if symbol_of(order.data) == symbol and order.info.get("protective"):
                    self._broker.cancel(order)


def divided(amount: Decimal, shares: Sequence[Decimal], step: Decimal) -> list[Decimal]:
    """An amount in proportion to signed shares, in steps, the largest remainders rounded away from zero first; the sum is exact.

    Shares that sum to zero (a long and a short of the same size) leave everything to the last.
    """
    total = sum(shares, ZERO)
    if not total:
        return [*([ZERO] * (len(shares) - 1)), amount]
    return rounded([amount * share / total for share in shares], amount, step)


def rounded(exact: Sequence[Decimal], amount: Decimal, step: Decimal) -> list[Decimal]:
    """Numbers that sum to about an amount, in steps, so that they sum to it exactly; the largest remainders are rounded away from zero first."""
    parts = [each.quantize(step, ROUND_HALF_EVEN) for each in exact]
    order = sorted(range(len(parts)), key=lambda at: exact[at] - parts[at])
    left = amount - sum(parts, ZERO)
    while abs(left) >= step:
        at = order.pop() if left > 0 else order.pop(0)
        parts[at] += step.copy_sign(left)
        left -= step.copy_sign(left)
    parts[-1] += left
    return parts
