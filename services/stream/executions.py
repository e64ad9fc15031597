"""What Alpaca says was executed, as executions of the journal that are nobody's yet. Imports brokers and journal's records.

An execution is the same by websocket and by request: the client order id, and the order's shares executed so far.
"""

import logging
from collections.abc import Iterable, Iterator
from decimal import Decimal

from brokers.alpaca.answers import ZERO, Activity, Order, exact
from brokers.alpaca.errors import Refused
from brokers.alpaca.order_tracked import execution_of
from brokers.alpaca.rest import Rest
from brokers.alpaca.trade_stream import TradeUpdate
from journal.account_log import LiveExecution

log = logging.getLogger(__name__)
DAY_NS = 86_400 * 10**9
STANDS_NS = 7 * DAY_NS  # most orders are no older when they are executed
FEW = 10  # orders are read one by one, more in a list


def told_of(update: TradeUpdate, account: str) -> LiveExecution | None:
    """The execution that a trade update tells; None where it tells none, or not whole.

    Args:
        account: the broker's id of it.
    """
    execution, order = execution_of(update), update.order
    if execution is None or order.filled_qty < execution.qty:
        return None
    return LiveExecution(order.client_order_id, order.id, order.filled_qty, account, "", order.symbol, _side(order.side), execution.qty,
                         execution.price, execution.time_ns)


def listed(rest: Rest, account: str, after: int | None, names: dict[str, str]) -> list[LiveExecution]:
    """What the broker lists as executed after a moment (UTC ns; None = ever), oldest first.

    Args:
        names: the broker's id of an order -> its client order id; what is read is added.

    Raises:
        BrokerUnavailable, Unauthorized, Refused: the broker does not say.
    """
    fills = rest.activities(("FILL",), after)
    unknown = {fill.order_id: fill.time_ns for fill in reversed(fills) if fill.order_id not in names}
    for order in _read(rest, unknown):
        names[order.id] = order.client_order_id
    return [each for each in (_listed(fill, account, names.get(fill.order_id)) for fill in fills) if each is not None]


def members(orders: Iterable[Order]) -> Iterator[tuple[Order, Order]]:
    """Each order and each leg, with the order that leads its group."""
    for order in orders:
        yield order, order
        for leg in order.legs:
            yield leg, order


def _read(rest: Rest, unknown: dict[str, int]) -> Iterator[Order]:
    found: set[str] = set()
    if len(unknown) > FEW:
        for order, _ in members(rest.orders("all", after=min(unknown.values()) - STANDS_NS)):
            found.add(order.id)
            yield order
    for order_id in unknown.keys() - found:
        try:
            yield rest.order(order_id)
        except Refused as refused:
            if refused.status != 404:
                raise
            log.warning("alpaca lists an execution of the order %s, which it does not know", order_id)


def _listed(fill: Activity, account: str, name: str | None) -> LiveExecution | None:
    filled = exact(fill.raw.get("cum_qty")) or ZERO
    if name is None or not Decimal(0) < fill.qty <= filled:
        log.warning("alpaca lists an execution that cannot be read: %s", fill.id)
        return None
    return LiveExecution(name, fill.order_id, filled, account, "", fill.symbol, _side(fill.side), fill.qty, fill.price, fill.time_ns)


def _side(side: str) -> str:
    return "sell" if side.startswith("sell") else "buy"
