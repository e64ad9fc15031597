"""Order desk: a batch of Backtrader orders is checked, named, recorded and sent; or refused, with the reason.

Imports the modules beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from backtrader import Order as BtOrder

from brokers.alpaca import rules
from brokers.alpaca.answers import DONE, ZERO, Asset, Order
from brokers.alpaca.assets import Assets
from brokers.alpaca.clock import BrokerClock
from brokers.alpaca.errors import OrderUncertain, Unauthorized
from brokers.alpaca.fields import contradictions
from brokers.alpaca.identity import client_order_id
from brokers.alpaca.increments import round_qty
from brokers.alpaca.order_book import OrderBook
from brokers.alpaca.order_holdings import Holdings
from brokers.alpaca.order_objections import Asked, Awaits, Objections
from brokers.alpaca.order_terms import bracket_of, exact_number, moment_of, oco_of, request_of, symbol_of
from brokers.alpaca.order_tickets import Batch, Ticket
from brokers.alpaca.order_tracked import TrackedOrder
from brokers.alpaca.request import OrderRequest
from brokers.alpaca.rest import Rest
from core.errors import CerebrolabError, UsageError

FRESH_NS = 15 * 60 * 10**9  # a close older than that is no quote


class Leaving(NamedTuple):
    """An order of Backtrader's, and the request that is about to be sent for it."""

    client_order_id: str
    request: OrderRequest
    order: BtOrder


class Terms(Protocol):
    """The params of the broker that a desk asks for whenever it sends."""

    @property
    def strategy(self) -> str | None:
        """A name in the client order ids in place of the order's own strategy's; None = that."""

    @property
    def persist(self) -> Callable[[Sequence[Leaving]], Any]:
        """Told what is about to be sent."""


class Unnamed:
    """Terms of nobody: ids by the strategies' own names, nothing is written down."""

    strategy = None

    @staticmethod
    def persist(leaving: Sequence[Leaving]) -> None:
        """Nothing."""


class OrderDesk:
    """Sends orders for one account.

    Args:
        account_id: the venue's; part of every client order id.

    Attributes:
        objections: judge what is to be sent. means: what the account may do.
        known: ids of the orders that existed before this run.
        stopped: symbol -> why nothing is sent for it.
    """

    def __init__(self, rest: Rest, clock: BrokerClock, assets: Assets, book: OrderBook, holdings: Holdings, account_id: str,
                 terms: Terms) -> None:
        self._rest, self._clock, self._assets, self._book, self._holdings = rest, clock, assets, book, holdings
        self._account_id, self._terms = account_id, terms
        self._attempts: Counter[tuple[str, str, int, str]] = Counter()
        self.objections = Objections(clock, book, holdings)
        self.means = self.objections.means
        self.known: set[str] = set()
        self.stopped: dict[str, str] = {}

    def prepare(self, batch: Batch) -> None:
        """Check and name a batch: from now on the lead's `part` is in the book, and what it takes of the buying power is gone.

        Raises:
            Awaits: it may be sent once another order has ended, or when its auction takes orders.
            UsageError: it is not sent; the message says why.
            BrokerUnavailable, Unauthorized: no answer to what had to be asked.
        """
        left = batch.lead.left
        try:
            self._prepare(batch)
        except Awaits as awaits:
            batch.lead.left, batch.opens_ns = left, awaits.opens_ns or batch.opens_ns  # it is asked for again as it was
            raise

    def _prepare(self, batch: Batch) -> None:
        lead = batch.lead
        if objection := self.objection(lead.order, waited=bool(batch.opens_ns)):
            raise UsageError(objection)
        asset = self._assets.of(lead.symbol)
        shares, quote = self._shares(lead, asset), self.quote(lead.order)
        asked = Asked(self._request(batch, shares), asset, quote, lead.order)
        if not contradictions(asked.request) and self.objections.of(asked):
            self.objections.refresh()
            asked = asked._replace(request=self._request(batch, shares))  # there may be other shares to close now
        self.objections.check(asked, batch.opens_ns)
        request = asked.request
        opens = self._holdings[lead.symbol].qty * request.sign >= 0
        batch.takes = rules.order_value(request, quote or request.limit_price or ZERO) if opens else ZERO
        self.means.buying_power -= batch.takes
        self._name(batch, request)

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

    # -- the request ----------------------------------------------------------------------------------

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
        positions = self._holdings[lead.symbol].qty, self.objections.own(lead.order)
        closed = min((abs(held) for held in positions if held * lead.sign < 0), default=shares)
        if lead.order.info.get("notional") is not None:
            closed = shares
        lead.left = max(shares - closed, ZERO)  # a reversal closes first, and opens when that is done
        return request_of(lead.order, min(shares, closed), today)

    def quote(self, order: BtOrder) -> Decimal | None:
        """The feed's last close, unless it is too old to say what a share costs now."""
        data = order.data
        if not len(data) or abs(self._clock.now_ns() - moment_of(data.datetime[0])) > FRESH_NS:
            return None
        return exact_number(data.close[0])

    # -- sending --------------------------------------------------------------------------------------

    def _name(self, batch: Batch, request: OrderRequest) -> None:
        """Give a request the id of the next attempt at it."""
        batch.request = replace(request, client_order_id=self.next_id(batch.lead))
        batch.lead.part = TrackedOrder(request.symbol, request.side, batch.request.client_order_id, request.qty)
        self._book.add(batch.lead.part)

    def record(self, batches: Sequence[Batch]) -> None:
        """Have batches that are prepared written down, all at once.

        Raises:
            CerebrolabError: whatever keeps them back; nothing may be sent then.
        """
        requests = [(batch, batch.request) for batch in batches if batch.request is not None]
        if requests:
            self._terms.persist([Leaving(request.client_order_id, request, batch.lead.order) for batch, request in requests])

    def post(self, batch: Batch) -> Order:
        """Send a batch that is recorded, under the first attempt that has not been used up by an earlier run.

        Raises:
            Refused, UsageError: it is not taken, or an earlier run has done it already; the message says why.
            BrokerUnavailable, Unauthorized: no answer. Where the lead has a `part` then, it may exist.
        """
        while True:
            request = batch.request
            assert request is not None
            try:
                answer = self._rest.submit(request)
            except (OrderUncertain, Unauthorized):
                raise
            except CerebrolabError:
                self.give_up(batch)
                raise
            if answer.id not in self.known:
                return answer
            try:
                self._repeat(batch, request, answer)
            except CerebrolabError:
                self.give_up(batch)
                raise

    def _repeat(self, batch: Batch, request: OrderRequest, earlier: Order) -> None:
        """Name a batch anew whose id has been used up by an order of an earlier run, if that came to nothing."""
        if earlier.status not in DONE:
            raise UsageError(f"order {request.client_order_id} of an earlier run is still open: cancel it, or let it work")
        if earlier.status == "filled":
            raise UsageError(f"order {request.client_order_id} was filled in an earlier run: it is not repeated")
        assert batch.lead.part is not None
        self._book.forget(batch.lead.part)
        self._name(batch, request)
        self.record([batch])

    def give_up(self, batch: Batch) -> None:
        """A batch that was prepared is not sent, or was not taken."""
        assert batch.lead.part is not None
        self._book.forget(batch.lead.part)
        self.means.buying_power += batch.takes
        batch.lead.part, batch.takes = None, ZERO

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
