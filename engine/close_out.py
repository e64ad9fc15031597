"""Close-out: what a run that its guard has stopped holds and has ordered is brought to an end, feed by feed. Imports brokers.guard."""

from collections.abc import Sequence
from typing import Any

import backtrader as bt
from backtrader import Order

from brokers.guard import KILL
from brokers.guard.asked import DUST


def bring_to_rest(strategy: bt.Strategy, data: Any, reason: str, opened: Sequence[Order], flatten: bool) -> None:
    """Let nothing open any more on one feed; with `flatten` a market order closes what is held.

    An exit at the market that is on its way already is left to it; everything else in the way is cancelled first.

    Args:
        reason: of the cancellations. opened: open orders of the feed, those on their way to the broker included.
    """
    held = strategy.broker.getposition(data).size
    for order in opened:
        if _opens(order, held) or (flatten and not _is_at_market(order)):
            _cancel(strategy, order, reason)
    if flatten and held and not any(order.alive() for order in opened):
        strategy.close(data=data, intent=KILL, ending=True)


def _opens(order: Order, held: float) -> bool:
    left = order.executed.remsize
    return bool(left * held >= 0 or abs(left) > abs(held) * (1 + DUST))


def _is_at_market(order: Order) -> bool:
    """Whether it is to be executed at once and as a whole."""
    return order.exectype == Order.Market and not any(order.info.get(name) for name in ("auction", "execution", "slice_of"))


def _cancel(strategy: bt.Strategy, order: Order, reason: str) -> None:
    if order.alive():
        order.addinfo(reason=reason)
        strategy.cancel(order)
