"""Order desk: a batch of Backtrader orders is checked, named, recorded and sent; or refused, with the reason.

Imports the modules beside it.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Protocol

from backtrader import Order as BtOrder

from brokers.alpaca import rules, windows
from brokers.alpaca.answers import DONE, ZERO, Account, Asset, Order
from brokers.alpaca.clock import BrokerClock
from brokers.alpaca.errors import OrderUncertain, Unauthorized
from brokers.alpaca.fields import contradictions
from brokers.alpaca.identity import client_order_id
from brokers.alpaca.increments import round_qty
from brokers.alpaca.moments import new_york
from brokers.alpaca.order_book import OrderBook
from brokers.alpaca.order_holdings import Holdings
from brokers.alpaca.order_terms import bracket_of, exact_number, moment_of, oco_of, request_of, symbol_of
from brokers.alpaca.order_tickets import Batch, Ticket
from brokers.alpaca.order_tracked import TrackedOrder
from brokers.alpaca.request import OrderRequest
from brokers.alpaca.rest import Rest
from core.errors import CerebrolabError, UsageError

FRESH_NS = 15 * 60 * 10**9  # a close older than that is no quote


class Terms(Protocol):
    """The params of the broker that a desk asks for whenever it sends."""

    @property
    def strategy(self) -> str | None:
        """A name in the client order ids in place of the order's own strategy's; None = that."""

    @property
    def persist(self) -> Callable[[str, OrderRequest, BtOrder], Any]:
        """Told the client order id, the request and the order before each is sent."""


class Unnamed:
    """Terms of nobody: ids by the strategies' own names, nothing is written down."""

    strategy = None

    @staticmethod
    def persist(client_order_id: str, request: OrderRequest, order: BtOrder) -> None:
        """Nothing."""


class Awaits(UsageError):
    """It can be sent later."""


class AwaitsSales(Awaits):
    """The buying power does not reach yet, but positions are being closed."""


class AwaitsOther(Awaits):
    """A market order of another run that it could trade with is still on its way."""


class AwaitsWindow(Awaits):
    """Orders for the auction are not taken yet; the batch's `opens_ns` says when."""


@dataclass
class Means:
    """What the account may do; the buying power shrinks with every order sent, until it is read again."""

    buying_power: Decimal = ZERO
    may_trade: bool = False
    may_short: bool = False

    def read(self, account: Account) -> None:
        """As the venue says."""
        self.buying_power, self.may_trade, self.may_short = account.buying_power, account.may_trade, account.may_short


class OrderDesk:
    """Sends orders for one account.

    Args:
        account_id: the venue's; part of every client order id.

    Attributes:
        refresh: reads account, positions and orders again; called before an order is refused on what is known.
        known: ids of the orders that existed before this run.
        stopped: symbol -> why nothing is sent for it.
        is_shared: several runs trade on the account; opposite market orders of two wait for each other.
    """

    def __init__(self, rest: Rest, clock: BrokerClock, book: OrderBook, holdings: Holdings, account_id: str,
                 terms: Terms) -> None:
        self._rest, self._clock, self._book, self._holdings = rest, clock, book, holdings
        self._account_id, self._terms = account_id, terms
        self._assets: dict[str, tuple[Any, Asset]] = {}
        self._attempts: Counter[tuple[str, str, int, str]] = Counter()
        self.means = Means()
        self.refresh: Callable[[], Any] = lambda: None
        self.known: set[str] = set()
        self.stopped: dict[str, str] = {}
        self.is_shared = False

    def send(self, batch: Batch) -> Order:
        """Send a batch; the lead's `part` is in the book before the request leaves.

        Raises:
            Awaits: it may be sent once another order has ended, or when its auction takes orders.
            Refused, UsageError: it is not sent, or not taken; the message says why.
            BrokerUnavailable, Unauthorized: no answer. Where the lead has a `part` then, it may exist.
        """
        left = batch.lead.left
        try:
            return self._send(batch)
        except Awaits:
            batch.lead.left = left  # it is asked for again as it was
            raise

    def _send(self, batch: Batch) -> Order:
        lead = batch.lead
        if objection := self.objection(lead.order, waited=bool(batch.opens_ns)):
            raise UsageError(objection)
        asset = self._asset(lead.symbol)
        request = self._request(batch, self._shares(lead, asset))
        quote = self.quote(lead.order)
        self._check(request, asset, quote)
        self._await_window(batch, request)
        answer = self._submit(lead, request)
        if self._holdings[lead.symbol].qty * request.sign >= 0:
            self.means.buying_power -= rules.order_value(request, quote or request.limit_price or ZERO)
        return answer

    def objection(self, order: BtOrder, waited: bool = False) -> str:
        """Why an order is not sent, whatever it asks for; "" where it may be. `waited`: for its auction, since a bar that was live."""
        symbol = symbol_of(order.data)
        if symbol in self.stopped:
            return self.stopped[symbol]
        if not getattr(order.data, "tradable", True):
            return f"{symbol} is a reference symbol: it is never traded"
        if _in_backfill(order) and not waited and not order.info.get("ending"):
            return "backfill: orders on bars from before the start are not sent"
        return ""

    def _await_window(self, batch: Batch, request: OrderRequest) -> None:
        """Keep back what would be taken, but not yet.

        Raises:
            AwaitsWindow: the auction takes orders later. UsageError: it has waited, and nobody was there to send it in time.
        """
        now = self._clock.now_ns()
        if batch.opens_ns and self._has_opened(batch.opens_ns, now):
            raise UsageError("the opening auction it has waited for is over, or takes no orders any more")
        if request.tif == "opg" and windows.awaits_opg(now, self._clock.session_times(self._clock.today())):
            batch.opens_ns = windows.opg_opens(now)
            raise AwaitsWindow("it is sent when orders for the opening auction are taken, at 19:00 New York time")

    def _has_opened(self, since_ns: int, now_ns: int) -> bool:
        """Whether a session has opened between two moments."""
        date, today = new_york(since_ns).date(), new_york(now_ns).date()
        sessions = (self._clock.session_times(date + dt.timedelta(days=day)) for day in range((today - date).days + 1))
        return any(times is not None and since_ns < times[0] <= now_ns for times in sessions)

    # -- the request ----------------------------------------------------------------------------------

    def _asset(self, symbol: str) -> Asset:
        asked_on, asset = self._assets.get(symbol, (None, None))
        if asset is None or asked_on != self._clock.today():
            asset = self._rest.asset(symbol)
            self._assets[symbol] = self._clock.today(), asset
        return asset

    def _shares(self, ticket: Ticket, asset: Asset) -> Decimal:
        asked = ticket.left or exact_number(abs(ticket.order.created.size))
        shares = round_qty(asked, asset.fractionable)
        if not shares and ticket.order.info.get("notional") is None:
            raise UsageError(f"{asked:f} shares are less than can be traded of {ticket.symbol}: order more")
        return shares

    def _request(self, batch: Batch, shares: Decimal) -> OrderRequest:
        today, lead, exits = self._clock.today(), batch.lead, [exit.order for exit in batch.exits]
        if batch.kind == "bracket":
            return bracket_of(lead.order, exits, shares, today)
        if batch.kind == "oco":
            return oco_of([lead.order, *exits], shares, today)
        held = self._holdings[lead.symbol].qty
        turns = held * lead.sign < 0 and shares > abs(held) and lead.order.info.get("notional") is None
        lead.left = shares - abs(held) if turns else ZERO  # a reversal closes first, and opens when that is done
        return request_of(lead.order, abs(held) if turns else shares, today)

    def quote(self, order: BtOrder) -> Decimal | None:
        """The feed's last close, unless it is too old to say what a share costs now."""
        data = order.data
        if not len(data) or abs(self._clock.now_ns() - moment_of(data.datetime[0])) > FRESH_NS:
            return None
        return exact_number(data.close[0])

    def _check(self, request: OrderRequest, asset: Asset, quote: Decimal | None) -> None:
        reasons = contradictions(request)
        if not reasons and self._objections(request, asset, quote):
            self.refresh()
            reasons = self._objections(request, asset, quote)
        if len(reasons) == 1 and self._awaits_sales(request, quote):
            raise AwaitsSales(reasons[0])
        if reasons and self.is_shared and self._awaits_other(request) and not self._objections(request, asset, quote, own_side=True):
            raise AwaitsOther("; ".join(reasons))
        if reasons:
            raise UsageError("; ".join(reasons))

    def _awaits_other(self, request: OrderRequest) -> bool:
        """Whether all that is in the way is a market order of the other side, which ends soon."""
        others = [tracked.latest for tracked in self._book.open(request.symbol) if tracked.sign != request.sign]
        return bool(others) and all(each is None or each.type == "market" for each in others)

    def _awaits_sales(self, request: OrderRequest, quote: Decimal | None) -> bool:
        """Whether money is all that is missing, while market orders that bring some are open."""
        if quote is None or rules.order_value(request, quote) <= self.means.buying_power:
            return False
        return any(tracked.sign * self._holdings[tracked.symbol].qty < 0 and tracked.latest is not None
                   and tracked.latest.type == "market" for tracked in self._book.open())

    def _objections(self, request: OrderRequest, asset: Asset, quote: Decimal | None, own_side: bool = False) -> list[str]:
        """Why the venue would refuse; `own_side` leaves out the open orders of the symbol that it could trade with."""
        held = self._holdings[request.symbol].qty
        free = abs(held) - self._book.promised(request.symbol, held)
        orders = [tracked.latest for tracked in self._book.open() if tracked.latest is not None
                  and not (own_side and tracked.symbol == request.symbol and tracked.sign != request.sign)]
        now, session = self._clock.now_ns(), self._clock.session_times(self._clock.today())
        if request.tif == "opg" and windows.awaits_opg(now, session):
            now = windows.opg_opens(now)
        return rules.check(request, asset, self.means, held, max(free, ZERO), orders, now, session, quote)

    # -- sending --------------------------------------------------------------------------------------

    def _submit(self, ticket: Ticket, request: OrderRequest) -> Order:
        """Send under the first attempt that has not been used up by an earlier run.

        Raises:
            UsageError: an earlier run has done this order already.
        """
        while True:
            named = replace(request, client_order_id=self.next_id(ticket))
            self._terms.persist(named.client_order_id, named, ticket.order)
            tracked = TrackedOrder(request.symbol, request.side, named.client_order_id, request.qty)
            self._book.add(tracked)
            ticket.part = tracked
            try:
                answer = self._rest.submit(named)
            except (OrderUncertain, Unauthorized):
                raise
            except CerebrolabError:
                self._give_up(ticket)
                raise
            if answer.id not in self.known:
                return answer
            self._give_up(ticket)
            if answer.status not in DONE:
                raise UsageError(f"order {named.client_order_id} of an earlier run is still open: cancel it, or let it work")
            if answer.status == "filled":
                raise UsageError(f"order {named.client_order_id} was filled in an earlier run: it is not repeated")

    def _give_up(self, ticket: Ticket) -> None:
        assert ticket.part is not None
        self._book.forget(ticket.part)
        ticket.part = None

    def next_id(self, ticket: Ticket, prefix: str = "") -> str:
        """The client order id of the next attempt at an order, or at a part of it that `prefix` names."""
        order, info = ticket.order, ticket.order.info
        strategy = getattr(order.data, "run", None) or self._terms.strategy or type(order.owner).__name__
        intent = str(info.get("intent") or f"{'buy' if order.isbuy() else 'sell'}{order.getordername()}")
        if ticket.left and not prefix:
            prefix = "turn"
        intent = f"{prefix}{intent}"
        bar_ns = moment_of(order.created.dt)
        key = strategy, ticket.symbol, bar_ns, intent
        attempt = self._attempts[key]
        self._attempts[key] += 1
        return client_order_id(self._account_id, strategy, ticket.symbol, bar_ns, intent, attempt)


def _in_backfill(order: BtOrder) -> bool:
    data: Any = order.data
    if hasattr(data, "backfilling"):
        return bool(data.backfilling)
    return bool(data.islive()) and data._laststatus != data.LIVE


def legs_by_type(answer: Order) -> Mapping[bool, Order]:
    """The other orders of a group, by whether they are stops: legs come in any order."""
    return {leg.type.startswith("stop"): leg for leg in answer.legs}
