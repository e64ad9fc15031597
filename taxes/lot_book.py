"""`LotBook`: from executions to lots and disposals, by one of the methods of choosing lots. Imports core and `taxes.lots`."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from core.errors import UnknownName, UsageError
from taxes.holding import trade_date
from taxes.lots import MONEY, ZERO, Disposal, Lot, Trade, portion

SHARE = Decimal("1e-9")
METHODS = ("fifo", "lifo", "highest_cost", "specific")


class LotBook:
    """Open lots of all accounts and runs; each run sells its own.

    Args:
        method: which lots a sale takes: "fifo", "lifo", "highest_cost" (by adjusted basis a share; of short sales those that received
            least) or "specific".
        chosen: order of a sale -> {order of a purchase: shares}, for "specific"; what is not in it is sold first in, first out, as
            Publication 550 has it for shares that were not identified.
        groups: symbol -> a name that is the same for what is substantially identical; the default is the symbol.

    Raises:
        UnknownName: a method nobody knows. UsageError: lots are chosen for another method.
    """

    def __init__(self, method: str = "fifo", chosen: Mapping[str, Mapping[str, Decimal]] | None = None,
                 groups: Mapping[str, str] | None = None) -> None:
        if method not in METHODS:
            raise UnknownName.of("lot method", method, METHODS)
        if chosen and method != "specific":
            raise UsageError(f'lots are chosen for {len(chosen)} sales, and the method is {method!r}: use "specific", or choose none')
        self.method = method
        self._chosen = {sale: dict(lots) for sale, lots in (chosen or {}).items()}
        self._groups = dict(groups or {})
        self._open: dict[tuple[str, str, str], list[Lot]] = {}
        self._keys: dict[str, list[tuple[str, str, str]]] = {}  # of `_open`, by group

    @property
    def open_lots(self) -> list[Lot]:
        """All of them, in the order of acquisition."""
        return sorted((lot for lots in self._open.values() for lot in lots), key=lambda lot: lot.acquired_ns)

    def group(self, symbol: str) -> str:
        """The name of what is substantially identical to a symbol."""
        return self._groups.get(symbol, symbol)

    def identical(self, group: str) -> list[Lot]:
        """The open lots of a group, in the order of acquisition."""
        return sorted((lot for key in self._keys.get(group, ()) for lot in self._open[key]), key=lambda lot: lot.acquired_ns)

    def lots(self, account: str, run: str, symbol: str) -> list[Lot]:
        """The open lots of a run in a symbol, in the order of acquisition."""
        return list(self._open.get((account, run, symbol), ()))

    def trade(self, trade: Trade) -> tuple[list[Disposal], Lot | None]:
        """Book an execution: what it closes, by lots, and the lot it opens.

        Raises:
            UsageError: lots were chosen that are not there, or fewer shares of them than are sold.
        """
        key = trade.account, trade.run, trade.symbol
        money = (abs(trade.qty) * trade.price).quantize(MONEY)
        money += trade.commission.quantize(MONEY) if trade.qty > 0 else -trade.commission.quantize(MONEY)
        left, closed = abs(trade.qty), []
        for part in self._taken(trade, self._open.get(key, [])):
            amount = portion(money, abs(part.qty), left)
            closed.append(_disposed(part, trade, amount))
            money, left = money - amount, left - abs(part.qty)
        if not left:
            return closed, None
        opened = Lot(*key, trade.order or f"@{trade.time_ns}", left.copy_sign(trade.qty), money, trade.time_ns, trade_date(trade.time_ns))
        self._lots_at(key).append(opened)
        return closed, opened

    def exchange(self, lot: Lot, parts: Iterable[Lot]) -> None:
        """Put other lots in the place of one."""
        lots = self._open[lot.account, lot.run, lot.symbol]
        at = next(at for at, each in enumerate(lots) if each is lot)
        lots[at:at + 1] = parts

    def hold(self, account: str, run: str, symbol: str, qty: Decimal) -> Decimal:
        """So many shares from now on, at the cost of the old ones: a split; cash dividends change no lot.

        Returns:
            New shares for each old one.

        Raises:
            UsageError: nothing is held that could become them.
        """
        lots = self._open.get((account, run, symbol), [])
        before = sum((lot.qty for lot in lots), ZERO)
        if before * qty <= 0:
            raise UsageError(f"{symbol}: {before.normalize():f} shares of {run or 'nobody'} cannot become {qty.normalize():f} by a split; "
                             "state the trade between them")
        self._open[account, run, symbol] = _scaled(lots, qty, before)
        return qty / before

    def rename(self, symbol: str, new: str) -> None:
        """The shares of a symbol are called otherwise from now on; cost and holding period stay."""
        self._groups[new] = self.group(symbol)
        for account, run, name in list(self._open):
            if name == symbol:
                lots = self._lots_at((account, run, new))
                lots += [replace(lot, symbol=new) for lot in self._open[account, run, symbol]]
                lots.sort(key=lambda lot: lot.acquired_ns)
                self._open[account, run, symbol] = []

    def _lots_at(self, key: tuple[str, str, str]) -> list[Lot]:
        if key not in self._open:
            self._open[key] = []
            self._keys.setdefault(self.group(key[2]), []).append(key)
        return self._open[key]

    def _taken(self, trade: Trade, lots: list[Lot]) -> list[Lot]:
        """Take what an execution closes from the lots of its run."""
        left, taken = abs(trade.qty), []
        for lot, most in self._order(trade, [lot for lot in lots if lot.qty * trade.qty < 0], left):
            shares = min(left, most, abs(lot.qty))
            if shares:
                part, *rest = lot.parted(shares)
                self.exchange(lot, rest)
                taken.append(part)
                left -= shares
        return taken

    def _order(self, trade: Trade, lots: list[Lot], shares: Decimal) -> list[tuple[Lot, Decimal]]:
        """Lots in the order in which they are sold, and how many shares of each at most."""
        if trade.order in self._chosen:
            return self._specified(trade, lots, shares)
        if self.method == "lifo":
            lots = lots[::-1]
        elif self.method == "highest_cost":
            lots = sorted(lots, key=lambda lot: -lot.basis / lot.qty)
        return [(lot, abs(lot.qty)) for lot in lots]

    def _specified(self, trade: Trade, lots: list[Lot], shares: Decimal) -> list[tuple[Lot, Decimal]]:
        chosen, found = self._chosen[trade.order], []
        shares = min(shares, sum((abs(lot.qty) for lot in lots), ZERO))
        for order, most in chosen.items():
            named = [lot for lot in lots if lot.order == order]
            there, wanted = sum((abs(lot.qty) for lot in named), ZERO), min(most, shares)
            if there < wanted:
                raise UsageError(f"sale {trade.order}: {wanted:f} {trade.symbol} are chosen of lot {order}, which has {there:f}; "
                                 f"there are {', '.join(dict.fromkeys(lot.order for lot in lots)) or 'none'}")
            chosen[order], shares = most - wanted, shares - wanted
            for lot in named:
                found.append((lot, min(abs(lot.qty), wanted)))
                wanted -= found[-1][1]
        if shares:
            raise UsageError(f"sale {trade.order}: the chosen lots are {shares:f} {trade.symbol} fewer than are sold; choose lots for all of it")
        return found


def _disposed(lot: Lot, trade: Trade, money: Decimal) -> Disposal:
    proceeds, cost = (lot.cost, money) if lot.is_short else (money, lot.cost)
    return Disposal(lot.account, lot.run, lot.symbol, trade.order, lot.order, abs(lot.qty), lot.is_short, lot.acquired_ns, trade.time_ns,
                    proceeds, cost, lot.held_since, lot.carried, boxed=lot.boxed)


def _scaled(lots: list[Lot], qty: Decimal, before: Decimal) -> list[Lot]:
    """The lots with `qty` shares in place of `before`; a lot that has less than a `SHARE` then is one with its neighbour."""
    scaled: list[Lot] = []
    old = new = cost = carried = ZERO
    for at, lot in enumerate(lots):
        old, cost, carried = old + lot.qty, cost + lot.cost, carried + lot.carried
        until = (qty * old / before).quantize(SHARE) if at < len(lots) - 1 else qty
        if until != new:
            scaled.append(replace(lot, qty=until - new, cost=cost, carried=carried))
            new, cost, carried = until, ZERO, ZERO
    scaled[-1] = replace(scaled[-1], cost=scaled[-1].cost + cost, carried=scaled[-1].carried + carried)
    return scaled
