"""`SharedAccount`: an account and the parts of it that several runs trade with, which sum to it. Imports the modules beside it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from backtrader import Order

from brokers.alpaca.answers import ZERO
from brokers.alpaca.order_holdings import Holding
from brokers.alpaca.order_terms import exact_number, symbol_of
from brokers.hooks import Executed, Moved
from brokers.sub_account import SubAccount

CENT, NANO_SHARE, SHARE = Decimal("0.01"), Decimal("1e-9"), Decimal(1)


class SharedAccount:
    """Who owns what on one account.

    Args:
        broker: of the account, with `brokers.hooks.Hooks`. parts: sub-accounts, by their runs.
        nets: whether opposite market orders of two runs are settled between them (at Alpaca; `brokers.alpaca.order_netting`).

    Attributes:
        parts: name -> sub-account. rest: symbol -> shares that no run owns. rest_cash: the same of cash, below zero where the
            runs have been given more than there is.
        on_moved: told the run, the symbol, the cash, the shares from then on (None = as before) and the venue's name of what `moved` gives
            a run.
        taken: symbol -> a sentence, where somebody else has sold what runs hold, or bought what they are short of.
    """

    on_moved: Callable[[str, str, Decimal, Decimal | None, str], None] | None = None

    def __init__(self, broker: Any, parts: Sequence[SubAccount], nets: bool = False) -> None:
        self._broker, self.nets = broker, nets
        self.parts = {part.name: part for part in parts}
        self._by_feed = {feed: part for part in parts for feed in part.feeds}
        self.rest: dict[str, Decimal] = {}
        self.taken: dict[str, str] = {}
        self.on_taken: Callable[[str, str], None] = lambda symbol, text: None
        self.rest_cash = ZERO
        broker.hook(refuse=self.refuse, executed=self.executed, moved=self.moved)

    def begin(self, cash: Decimal, held: Mapping[str, Decimal], missed: Sequence[Moved] = ()) -> None:
        """What the account has as a whole: what the parts do not have of it is the rest.

        Args:
            missed: what moved since the parts were written down, and is in `cash` and `held` already.
        """
        if missed:
            before = dict(held)
            for each in missed:
                before[each.symbol] = before.get(each.symbol, ZERO) - (each.after - each.before)
            self._begin(cash - sum((each.cash for each in missed), ZERO), {symbol: qty for symbol, qty in before.items() if qty})
            for each in missed:
                now = self.held.get(each.symbol, ZERO)
                self.moved(replace(each, before=now, after=now + each.after - each.before))
        else:
            self._begin(cash, held)
        for symbol in list(self.rest):
            self._look(symbol)

    def _begin(self, cash: Decimal, held: Mapping[str, Decimal]) -> None:
        self.rest_cash = cash - sum((part.cash for part in self.parts.values()), ZERO)
        self.rest = {symbol: left for symbol in {*held, *(name for part in self.parts.values() for name in part.held)}
                     if (left := held.get(symbol, ZERO) - self._owned(symbol))}

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
        part = self._by_feed.get(executed.order.data) if executed.order is not None else None
        if part is not None:
            part.book(executed)
            return
        size = exact_number(executed.size)
        self.rest_cash -= size * exact_number(executed.price) + exact_number(executed.commission)
        self._rest(executed.symbol, size)
        self._look(executed.symbol)

    def _look(self, symbol: str) -> None:
        """Whether somebody else has taken from what the runs hold: they cannot sell what is not there."""
        rest, owned = self.rest.get(symbol, ZERO), self._owned(symbol)
        if rest * owned < 0 and symbol not in self.taken:
            self.taken[symbol] = (f"{symbol}: the runs hold {owned:f} shares and the account has {owned + rest:f}, as somebody else has traded them: "
                                  "trading in it is stopped until the two agree; trade it back, or start the runs under other names")
            self.on_taken(symbol, self.taken[symbol])

    def moved(self, moved: Moved) -> None:
        """Divide what moved without an execution among those who hold the symbol."""
        if moved.data is not None:
            self._move_one(self._by_feed[moved.data], moved)
            return
        if moved.cash:
            self._pay(moved)
        if moved.before != moved.after:
            if moved.is_split and moved.before:
                self._split(moved)
            else:
                self._rest(moved.symbol, moved.after - moved.before)

    def _move_one(self, part: SubAccount, moved: Moved) -> None:
        if moved.cash:
            self._give(part, moved, moved.cash)
        if moved.before != moved.after:
            self._give(part, moved, qty=moved.after)

    def _give(self, part: SubAccount, moved: Moved, cash: Decimal = ZERO, qty: Decimal | None = None) -> None:
        part.move(cash)
        if qty is not None:
            part.hold(moved.symbol, qty)
        if self.on_moved is not None:
            self.on_moved(part.name, moved.symbol, cash, qty, moved.reference)

    def _pay(self, moved: Moved) -> None:
        owners = self._owners(moved.symbol)
        shares = divided(moved.cash, [held for _, held in owners], CENT)
        for (part, _), cash in zip(owners, shares, strict=True):
            if part is None:
                self.rest_cash += cash
            else:
                self._give(part, moved, cash)

    def _split(self, moved: Moved) -> None:
        owners = self._owners(moved.symbol)
        step = SHARE if moved.after == moved.after.to_integral_value() else NANO_SHARE
        for (part, _), qty in zip(owners, divided(moved.after, [held for _, held in owners], step), strict=True):
            if part is None:
                self.rest[moved.symbol] = qty
            else:
                self._give(part, moved, qty=qty)

    def _owners(self, symbol: str) -> list[tuple[SubAccount | None, Decimal]]:
        """The runs that hold a symbol and how much of it, and the rest (None), which takes what nobody else does."""
        held = [(part, part.held[symbol]) for part in self.parts.values() if symbol in part.held]
        rest = self.rest.get(symbol, ZERO)
        return [*held, (None, rest)] if rest or not held else list(held)

    def _rest(self, symbol: str, change: Decimal) -> None:
        left = self.rest.get(symbol, ZERO) + change
        self.rest = {**{name: qty for name, qty in self.rest.items() if name != symbol}, **({symbol: left} if left else {})}


def divided(amount: Decimal, shares: Sequence[Decimal], step: Decimal) -> list[Decimal]:
    """An amount in proportion to signed shares, in steps, the largest remainders rounded away from zero first; the sum is exact.

    Shares that sum to zero (a long and a short of the same size) leave everything to the last.
    """
    total = sum(shares, ZERO)
    if not total:
        return [*([ZERO] * (len(shares) - 1)), amount]
    exact = [amount * share / total for share in shares]
    parts = [each.quantize(step, ROUND_HALF_EVEN) for each in exact]
    order = sorted(range(len(parts)), key=lambda at: exact[at] - parts[at])
    left = amount - sum(parts, ZERO)
    while abs(left) >= step:
        at = order.pop() if left > 0 else order.pop(0)
        parts[at] += step.copy_sign(left)
        left -= step.copy_sign(left)
    parts[-1] += left
    return parts
