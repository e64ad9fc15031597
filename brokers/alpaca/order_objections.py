"""Objections: why a request is refused, or has to wait, by what is known of the account and of the run that asks.

Imports the modules beside it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from backtrader import Order as BtOrder

from brokers.alpaca import rules, windows
from brokers.alpaca.answers import ZERO, Account, Asset
from brokers.alpaca.clock import BrokerClock
from brokers.alpaca.fields import contradictions
from brokers.alpaca.moments import new_york
from brokers.alpaca.order_book import OrderBook
from brokers.alpaca.order_holdings import Holding, Holdings, number
from brokers.alpaca.order_terms import symbol_of
from brokers.alpaca.order_tracked import TrackedOrder
from brokers.alpaca.request import OrderRequest
from core.errors import UsageError

AUCTIONS = {"opg": "opening auction", "cls": "closing auction"}


class Awaits(UsageError):
    """It can be sent later; from `opens_ns` on (UTC ns), if that is known."""

    opens_ns = 0


class AwaitsSales(Awaits):
    """The buying power does not reach yet, but positions are being closed."""


class AwaitsOther(Awaits):
    """A market order that it could trade with, or that is promised the shares, is still on its way."""


class AwaitsWindow(Awaits):
    """Orders for the auction are not taken yet."""

    def __init__(self, opens_ns: int) -> None:
        super().__init__("it is sent when orders for the opening auction are taken, at 19:00 New York time")
        self.opens_ns = opens_ns


@dataclass
class Means:
    """What the account may do; the buying power shrinks with every order sent, until it is read again."""

    buying_power: Decimal = ZERO
    may_trade: bool = False
    may_short: bool = False

    def read(self, account: Account) -> None:
        """As the venue says."""
        self.buying_power, self.may_trade, self.may_short = account.buying_power, account.may_trade, account.may_short


class Sharing(Protocol):
    """Who owns what where several runs share the account; a `brokers.shared_account.SharedAccount`."""

    def holding(self, order: BtOrder) -> Holding:
        """What the run whose order it is holds of its symbol."""

    def of(self, order: BtOrder) -> str:
        """The name of the run whose order it is; "" where it is nobody's."""


class Asked(NamedTuple):
    """A request, and what it is judged by: the asset, what one share costs (None = not known), and whose order it is for."""

    request: OrderRequest
    asset: Asset
    quote: Decimal | None
    order: BtOrder


class Objections:
    """Judges requests.

    Attributes:
        means: of the account.
        refresh: reads account, positions and orders again; to be called before an order is refused on what is known.
        sharing: None where one run has the account to itself. run_of: the run that an order at the venue works for; "" = none.
    """

    def __init__(self, clock: BrokerClock, book: OrderBook, holdings: Holdings) -> None:
        self._clock, self._book, self._holdings = clock, book, holdings
        self.means = Means()
        self.refresh: Callable[[], Any] = lambda: None
        self.sharing: Sharing | None = None
        self.run_of: Callable[[TrackedOrder], str] = lambda tracked: ""

    def own(self, order: BtOrder) -> Decimal:
        """Signed shares that the run whose order it is holds of its symbol."""
        return (self._holdings[symbol_of(order.data)] if self.sharing is None else self.sharing.holding(order)).qty

    def of(self, asked: Asked, without: Collection[TrackedOrder] = ()) -> list[str]:
        """Why a request is refused, were it not for some of the open orders; [] where it is not.

        It is judged by what its run holds, as if that were alone: what a run may do does not depend on who else is there; then as the
        venue does, which sees one account.
        """
        return contradictions(asked.request) or self._alone(asked, without) or self._at_venue(asked, without)

    def check(self, asked: Asked, since_ns: int = 0) -> None:
        """Judge a request.

        Args:
            since_ns: when the window opened for which it has waited, UTC ns; 0 = it has waited for none.

        Raises:
            Awaits: it may be sent once another order has ended, or when its auction takes orders.
            UsageError: it is refused; the message says why.
        """
        try:
            self._check(asked)
        except AwaitsOther:
            self._check_window(asked.request, since_ns)  # which may be what it waits for longer
            raise
        self._check_window(asked.request, since_ns)

    def _check(self, asked: Asked) -> None:
        reasons = self.of(asked)
        if not reasons:
            return
        said = "; ".join(reasons)
        if len(reasons) == 1 and self._awaits_sales(asked):
            raise AwaitsSales(said)
        if self.sharing is not None and self._awaits_other(asked):
            raise AwaitsOther(said)
        raise UsageError(f"{said}{self._whose(asked)}")

    def _check_window(self, request: OrderRequest, since_ns: int) -> None:
        """Keep back what would be taken, but not yet, and refuse what has waited and nobody was there to send in time."""
        now = self._clock.now_ns()
        if since_ns and self._has_opened(since_ns, now):
            raise UsageError("the opening auction it has waited for is over, or takes no orders any more")
        if request.tif == "opg" and windows.awaits_opg(now, self._clock.session_times(self._clock.today())):
            raise AwaitsWindow(windows.opg_opens(now))

    def _has_opened(self, since_ns: int, now_ns: int) -> bool:
        """Whether a session has opened between two moments."""
        date, today = new_york(since_ns).date(), new_york(now_ns).date()
        sessions = (self._clock.session_times(date + dt.timedelta(days=day)) for day in range((today - date).days + 1))
        return any(times is not None and since_ns < times[0] <= now_ns for times in sessions)

    def _awaits_sales(self, asked: Asked) -> bool:
        """Whether money is all that is missing, while market orders that bring some are open."""
        if asked.quote is None or rules.order_value(asked.request, asked.quote) <= self.means.buying_power:
            return False
        return any(tracked.sign * self._holdings[tracked.symbol].qty < 0 and tracked.latest is not None
                   and tracked.latest.type == "market" for tracked in self._book.open())

    def _awaits_other(self, asked: Asked) -> bool:
        """Whether all that is in the way are orders of its symbol that end soon; before the opening auction none does in time."""
        if asked.request.tif == "opg" and windows.accepts_opg(self._clock.now_ns()):
            return False
        ending = [tracked for tracked in self._book.open(asked.request.symbol) if not self._rests(tracked)]
        return bool(ending) and not self.of(asked, ending)

    def _rests(self, tracked: TrackedOrder) -> bool:
        """Whether it may stay for long: a market order does so only until its auction."""
        latest, now = tracked.latest, self._clock.now_ns()
        if latest is None or latest.type != "market":
            return latest is not None
        if latest.tif == "opg":
            return windows.accepts_opg(now)
        session = self._clock.session_times(self._clock.today())
        return latest.tif == "cls" and (windows.in_session(now, session) or windows.accepts_cls(now, session))

    def _at_venue(self, asked: Asked, without: Collection[TrackedOrder]) -> list[str]:
        """Why the venue would refuse."""
        request, asset, quote, _ = asked
        held = self._holdings[request.symbol].qty
        orders = [tracked.latest for tracked in self._book.open() if tracked.latest is not None and tracked not in without]
        now, session = self._clock.now_ns(), self._clock.session_times(self._clock.today())
        if request.tif == "opg" and windows.awaits_opg(now, session):
            now = windows.opg_opens(now)
        return rules.check(request, asset, self.means, held, self._free(request.symbol, held, without), orders, now, session, quote)

    def _alone(self, asked: Asked, without: Collection[TrackedOrder]) -> list[str]:
        """Why the shares that its run holds would not allow it, if the run had the account to itself."""
        if self.sharing is None:
            return []
        request, asset, quote, order = asked
        run, own = self.sharing.of(order), self.own(order)
        others = [tracked for tracked in self._book.open(request.symbol) if tracked in without or self.run_of(tracked) != run]
        reasons = rules.check_shares(request, asset, self.means, own, self._free(request.symbol, own, others), quote)
        return [f"{reason} ({run} holds {number(own)} {request.symbol})" for reason in reasons]

    def _free(self, symbol: str, held: Decimal, without: Collection[TrackedOrder]) -> Decimal:
        return max(abs(held) - self._book.promised(symbol, held, without), ZERO)

    def _whose(self, asked: Asked) -> str:
        """The resting orders of other runs that are in the way, as the end of a sentence; "" where there are none."""
        if self.sharing is None:
            return ""
        groups: dict[str, list[TrackedOrder]] = {}
        for tracked in self._book.open(asked.request.symbol):
            groups.setdefault(tracked.claim, []).append(tracked)
        run, reasons = self.sharing.of(asked.order), self.of(asked)
        names = [f"the {_kind(group)} order of {self.run_of(group[0])}" for group in groups.values()
                 if self._rests(group[0]) and self.run_of(group[0]) not in ("", run) and self.of(asked, group) != reasons]
        return f": {' and '.join(names)} {'rests' if len(names) == 1 else 'rest'} there" if names else ""


def _kind(group: Collection[TrackedOrder]) -> str:
    """What a resting order, or a group of which one cancels the other, is called."""
    kinds = [AUCTIONS.get(each.latest.tif, each.latest.type.replace("_", " ")) for each in group if each.latest is not None]
    return " or ".join(dict.fromkeys(kinds))
