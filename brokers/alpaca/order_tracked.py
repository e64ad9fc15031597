"""Tracked order: what the venue has said of one order, in whatever order it said it, as steps for Backtrader.

Pure: no network, no clock, no threads. Imports answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import Any

from backtrader import Order as BtOrder

from brokers.alpaca.answers import OPEN, ZERO, Activity, Order


class Stage(IntEnum):
    """How far an order is, as Backtrader counts it."""

    SUBMITTED = BtOrder.Submitted
    ACCEPTED = BtOrder.Accepted
    PARTIAL = BtOrder.Partial
    COMPLETED = BtOrder.Completed
    CANCELED = BtOrder.Canceled
    EXPIRED = BtOrder.Expired
    REJECTED = BtOrder.Rejected


ENDS = {"filled": Stage.COMPLETED, "canceled": Stage.CANCELED, "expired": Stage.EXPIRED, "rejected": Stage.REJECTED,
        "replaced": Stage.CANCELED}
EVENT_STATUS = {"fill": "filled", "partial_fill": "partially_filled"}  # other events are called as the status
ON_THE_WAY = frozenset({"pending_new", "pending_review"})  # taken in, but nobody has agreed to it yet


@dataclass(frozen=True)
class Execution:
    """Shares that changed hands (no sign), at a price in USD; `id` is "" where the venue did not tell them one by one."""

    id: str
    qty: Decimal
    price: Decimal
    time_ns: int


@dataclass(frozen=True)
class Change:
    """One step of an order: the stage it is in now, and the execution that brought it there, if one did."""

    stage: Stage
    execution: Execution | None = None


class TrackedOrder:
    """One order at the venue.

    Each execution counts once, by its id. A total (`filled_qty`) beyond the executions known leaves a `gap`, which
    `explain` or `infer` closes, or an execution that arrives late. The end is told when nothing is missing any more, so
    the steps of one order always lead to the same shares, cash and stage, however its events are ordered or repeated.

    Args:
        qty: shares asked for; None for a notional order.
        before: shares filled before we looked, which are in the account already; `paid` is what they cost.

    Attributes:
        id, client_order_id: the venue's name for it ("" until it has answered), and ours.
        claim: whose shares it holds: the orders of a group hold them once.
        latest: what the venue said last, None before it said anything.
    """

    def __init__(self, symbol: str, side: str, client_order_id: str, qty: Decimal | None = None,
                 before: Decimal = ZERO, paid: Decimal = ZERO) -> None:
        self.symbol, self.sign, self.client_order_id, self.qty = symbol, 1 if side == "buy" else -1, client_order_id, qty
        self.id, self.claim, self.stage = "", client_order_id, Stage.SUBMITTED
        self.latest: Order | None = None
        self._filled, self._cost = before, paid
        self._told, self._told_cost = before, paid
        self._executions: dict[str, Execution] = {}  # as the stream told them
        self._listed: dict[str, Execution] = {}  # as the account's activities told them
        self._unclaimed = ZERO  # shares counted that an execution from the stream may still turn out to be
        self._accepted = False
        self._end: Stage | None = None

    @property
    def alive(self) -> bool:
        """Whether its end has not been told yet."""
        return self.stage < Stage.COMPLETED

    @property
    def filled(self) -> Decimal:
        """Shares executed as far as they are counted."""
        return self._filled

    @property
    def remaining(self) -> Decimal:
        """Shares still to be executed; 0 for a notional order, which does not say."""
        return ZERO if self.qty is None else max(self.qty - self._filled, ZERO)

    @property
    def gap(self) -> Decimal:
        """Shares the venue says are executed and nobody has told us about one by one."""
        return max(self._told - self._filled, ZERO)

    # -- what the venue says --------------------------------------------------------------------------

    def update(self, event: str, order: Order, execution: Execution | None = None) -> list[Change]:
        """An event from the stream; `execution` only where the event is a fill."""
        self._note(order)
        self._note_status(EVENT_STATUS.get(event, event))
        return self._advance(self._count(execution) if execution is not None else None)

    def snapshot(self, order: Order) -> list[Change]:
        """The order as read by a request."""
        self._note(order)
        return self._advance()

    def explain(self, activities: Iterable[Activity]) -> list[Change]:
        """Close the gap with the account's own list of executions (kind "FILL"), as far as they are this order's."""
        fills = [each for each in activities if each.kind == "FILL" and each.order_id == self.id]
        changes = []
        for fill in self._unseen(fills):
            self._listed[fill.id] = fill
            changes += self._advance(self._add(fill, claimable=True))
        return changes

    def infer(self, now_ns: int) -> list[Change]:
        """Close the gap at its average price; nothing changes where the venue has not told that price."""
        price = (self._told_cost - self._cost) / self.gap if self.gap else ZERO
        if price <= 0:
            return []
        return self._advance(self._add(Execution("", self.gap, price, now_ns), claimable=True))

    def vanish(self) -> list[Change]:
        """The venue does not know it any more, as after the reset of a paper account."""
        self._end, self._told = self._end or Stage.CANCELED, self._filled
        return self._advance()

    # -- bookkeeping ----------------------------------------------------------------------------------

    def _note(self, order: Order) -> None:
        newer = self.latest is None or (order.updated_ns or 0) >= (self.latest.updated_ns or 0)
        if newer or order.done:
            self.latest = order
        self.id = order.id
        if order.filled_qty > self._told:
            self._told = order.filled_qty
            self._told_cost = order.filled_qty * (order.filled_avg_price or ZERO)
        self._note_status(order.status)

    def _note_status(self, status: str) -> None:
        if status in ENDS:
            self._end = self._end or ENDS[status]
        elif status in OPEN and status not in ON_THE_WAY:
            self._accepted = True

    def _count(self, execution: Execution) -> Execution | None:
        """The part of an execution that is news; None where nothing is."""
        if execution.id in self._executions:
            return None
        self._executions[execution.id] = execution
        listed = self._listed.get(execution.id)
        claimed = listed.qty if listed else min(max(self._filled + execution.qty - self._told, ZERO), self._unclaimed)
        self._unclaimed -= claimed
        new = execution.qty - claimed
        return self._add(Execution(execution.id, new, execution.price, execution.time_ns)) if new > 0 else None

    def _add(self, execution: Execution, claimable: bool = False) -> Execution:
        self._filled += execution.qty
        self._cost += execution.qty * execution.price
        if claimable:
            self._unclaimed += execution.qty
        if self._filled > self._told:
            self._told, self._told_cost = self._filled, self._cost
        return execution

    def _unseen(self, fills: Iterable[Activity]) -> list[Execution]:
        """Activities that are no execution known already, by id or, where their ids differ, by size and price."""
        listed = [(fill.id.rpartition("::")[2], fill) for fill in fills]
        missing = [(name, fill) for name, fill in listed if name not in self._executions and name not in self._listed]
        if sum((fill.qty for _, fill in missing), ZERO) > self.gap:
            named = {name for name, _ in listed}
            known = [(each.qty, each.price) for name, each in self._executions.items() if name not in named]
            for name, fill in list(missing):
                if (fill.qty, fill.price) in known:
                    known.remove((fill.qty, fill.price))
                    missing.remove((name, fill))
        left, found = self.gap, []
        for name, fill in missing:
            if fill.qty <= left:
                left -= fill.qty
                found.append(Execution(name, fill.qty, fill.price, fill.time_ns))
        return found

    def _advance(self, execution: Execution | None = None) -> list[Change]:
        """The steps from the stage told last to what is known now."""
        if not self.alive:
            return [Change(self.stage, execution)] if execution is not None else []
        if self.qty is not None and self._filled >= self.qty:
            self._end = Stage.COMPLETED  # also where a cancellation lost against the last fill
        end = self._end if not self.gap else None
        steps = []
        if self.stage < Stage.ACCEPTED and (execution or self._accepted or end == Stage.COMPLETED):
            steps.append(Change(Stage.ACCEPTED))
        if execution is not None:
            steps.append(Change(Stage.COMPLETED if end == Stage.COMPLETED else Stage.PARTIAL, execution))
        if end is not None and (not steps or steps[-1].stage != end):
            steps.append(Change(end))
        self.stage = steps[-1].stage if steps else self.stage
        return steps


def execution_of(update: Any) -> Execution | None:
    """What a trade update says was executed; None unless it is a fill that names itself, its shares and its price."""
    if update.event not in EVENT_STATUS or not (update.execution_id and update.qty and update.price):
        return None
    return Execution(update.execution_id, update.qty, update.price, update.time_ns)
