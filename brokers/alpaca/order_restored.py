"""Restored orders: Backtrader orders made for what the account already has. Imports the modules beside it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import backtrader as bt
from backtrader import Order as BtOrder

from brokers.alpaca.answers import Order
from brokers.alpaca.order_holdings import Holding, number

KINDS = {"market": BtOrder.Market, "limit": BtOrder.Limit, "stop": BtOrder.Stop, "stop_limit": BtOrder.StopLimit,
         "trailing_stop": BtOrder.StopTrail}


def adopted_order(data: Any, order: Order, before: Decimal, comminfo: Any, lead: str = "") -> BtOrder:
    """A Backtrader order for an open order of the venue's, of which `before` shares are filled.

    `order.info["adopted"]` is the venue's id, `order.info["tif"]` its word for how long the order is good, and `order.info["lead"]` the
    client order id that the group was sent under: the venue names the others. It has no owner: Backtrader hands it to the first strategy.
    """
    kind = KINDS.get(order.type, BtOrder.Market)
    price = float(order.stop_price or order.limit_price or 0)
    made = _make(order.side == "buy", data, number((order.qty or before) - before), price, kind,
                 pricelimit=None if order.limit_price is None else float(order.limit_price))
    made.p.simulated = False  # strategies are to hear of it
    made.addinfo(adopted=order.id, client_order_id=order.client_order_id, lead=lead or order.client_order_id, tif=order.tif)
    made.addcomminfo(comminfo)
    return made


def held_order(data: Any, held: Holding, comminfo: Any) -> BtOrder:
    """A completed order that opens in Backtrader's books the position held already; no `notify_order` hears of it."""
    size, price = held.position.size, held.position.price
    made = _make(held.qty > 0, data, abs(size), price, BtOrder.Historical)
    made.addcomminfo(comminfo)
    made.execute(0.0, size, price, 0, 0.0, 0.0, size, comminfo.getvaluesize(size, price), 0.0, comminfo.margin, 0.0,
                 size,
                 price)
    return made


def _make(buys: bool, data: Any, size: float, price: float, exectype: int, **terms: Any) -> BtOrder:
    kind = bt.BuyOrder if buys else bt.SellOrder
    return kind(owner=None, data=data, size=size, price=price, exectype=exectype, simulated=True, **terms)
