"""`Blotter`: what was decided for live accounts, and every attempt to trade on it, written before it is sent."""

import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from core.clock import Clock
from core.errors import UnknownName
from journal.database import Database
from journal.tables import DecisionRow, LiveOrderRow

PLANNED, SENDING, OPEN, DONE = "planned", "sending", "open", "done"
STATES = (PLANNED, SENDING, OPEN, DONE)
_DECISIONS: Any = DecisionRow.__table__
_ORDERS: Any = LiveOrderRow.__table__


@dataclass(frozen=True)
class LiveOrder:
    """One attempt to trade.

    Attributes:
        client_order_id: names it at the broker, for ever.
        place: its turn among the orders of its decision. attempt: from 1, of the same symbol and intent.
        side: "buy" or "sell". qty: shares. intent: "enter", "resize" or "exit". tif: time in force it was sent with, "" before.
        state: "planned" (not sent), "sending" (about to be sent, perhaps arrived), "open" (the broker has it), "done".
        broker_id, status: the broker's. filled, price: shares and their average price, None before a fill.
        reason: why it is done without all its shares, "" otherwise.
    """

    client_order_id: str
    place: int
    symbol: str
    side: str
    qty: Decimal
    intent: str
    attempt: int = 1
    state: str = PLANNED
    tif: str = ""
    broker_id: str = ""
    status: str = ""
    filled: Decimal = Decimal(0)
    price: Decimal | None = None
    reason: str = ""


class Blotter:
    """Decisions and live orders of one database; usable from several processes at once. Raises StoreFailed as `Journal` does."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    # -- decisions ------------------------------------------------------------------------------------

    def decide(self, orders: Iterable[LiveOrder], at_ns: int = 0, **decision: Any) -> int:
        """Record a decision (fields of `journal.tables.DecisionRow`) and the orders it asks for, all or nothing.

        Args:
            at_ns: when it is recorded, UTC ns; 0 = now; as in `add` and `change`.

        Returns:
            Its number; that of the one recorded before, unchanged, if this account and run has decided on this bar already.
        """
        now = at_ns or self._clock.now_ns()
        with self._writing() as session:
            known = session.scalar(_decision(decision["account"], decision["run_key"], decision["bar_ns"]).with_only_columns(DecisionRow.id))
            if known is not None:
                return int(known)
            number = session.scalar(insert(_DECISIONS).values(created_ns=now, **decision).returning(DecisionRow.id))
            _insert(session, int(number or 0), now, orders)
            return int(number or 0)

    def latest(self, account: str, run_key: str) -> int:
        """The bar of a run's latest decision, UTC ns; 0 where it has made none."""
        mine = (DecisionRow.account == account, DecisionRow.run_key == run_key)
        with self._database.reading() as session:
            return int(session.scalar(select(func.max(DecisionRow.bar_ns)).where(*mine)) or 0)

    def decision(self, account: str, run_key: str, bar_ns: int) -> DecisionRow | None:
        """What was decided on a bar, if it was."""
        with self._database.reading() as session:
            return session.scalar(_decision(account, run_key, bar_ns))

    def decisions(self, account: str, run_key: str | None = None) -> list[DecisionRow]:
        """The decisions for an account, the first first."""
        chosen = select(DecisionRow).where(DecisionRow.account == account).order_by(DecisionRow.bar_ns, DecisionRow.id)
        if run_key is not None:
            chosen = chosen.where(DecisionRow.run_key == run_key)
        with self._database.reading() as session:
            return list(session.scalars(chosen))

    # -- orders ---------------------------------------------------------------------------------------

    def orders(self, decision_id: int) -> list[LiveOrder]:
        """The orders of a decision, every attempt, in their turns."""
        return self._orders(LiveOrderRow.decision_id == decision_id)

    def unfinished(self, account: str, symbols: Iterable[str]) -> list[LiveOrder]:
        """The orders in these symbols on an account that are not done, of all runs and decisions."""
        mine = select(DecisionRow.id).where(DecisionRow.account == account)
        return self._orders(LiveOrderRow.decision_id.in_(mine), LiveOrderRow.symbol.in_(list(symbols)), LiveOrderRow.state != DONE)

    def unfinished_of(self, account: str, run_key: str) -> list[LiveOrder]:
        """The orders of one run that are not done, of all its decisions."""
        mine = select(DecisionRow.id).where(DecisionRow.account == account, DecisionRow.run_key == run_key)
        return self._orders(LiveOrderRow.decision_id.in_(mine), LiveOrderRow.state != DONE)

    def run_of(self, client_order_id: str) -> str:
        """The name of the run that an order was for; "" where the journal has no order of that name."""
        chosen = select(DecisionRow).join(LiveOrderRow, LiveOrderRow.decision_id == DecisionRow.id)
        with self._database.reading() as session:
            row = session.scalar(chosen.where(LiveOrderRow.client_order_id == client_order_id))
        return "" if row is None else named(row)

    def add(self, decision_id: int, *orders: LiveOrder, at_ns: int = 0) -> None:
        """Record more attempts; the same one again changes nothing.

        Raises:
            UnknownName: no such decision.
        """
        now = at_ns or self._clock.now_ns()
        with self._writing() as session:
            if session.get(DecisionRow, decision_id) is None:
                raise UnknownName(f"unknown decision {decision_id}: the journal has none of that number")
            known = set(session.scalars(select(LiveOrderRow.client_order_id).where(
                LiveOrderRow.client_order_id.in_([order.client_order_id for order in orders]))))
            _insert(session, decision_id, now, [order for order in orders if order.client_order_id not in known])

    def change(self, client_order_id: str, at_ns: int = 0, **values: Any) -> LiveOrder:
        """Record what has become of an order (fields of `LiveOrder`); what is done stays done.

        Raises:
            UnknownName: no such order.
        """
        with self._writing() as session:
            session.execute(update(LiveOrderRow).values(**values, updated_ns=at_ns or self._clock.now_ns())
                            .where(LiveOrderRow.client_order_id == client_order_id, LiveOrderRow.state != DONE))
            row = session.get(LiveOrderRow, client_order_id, populate_existing=True)
            if row is None:
                raise UnknownName(f"unknown order {client_order_id}: the journal has no order of that name")
            return _order(row)

    def _writing(self) -> AbstractContextManager[Session]:
        self._database.keep_open()
        return self._database.writing(durable=True)  # what was sent must be known even after a power cut

    def _orders(self, *conditions: Any) -> list[LiveOrder]:
        chosen = select(LiveOrderRow).where(*conditions)
        with self._database.reading() as session:
            return [_order(row) for row in session.scalars(chosen.order_by(
                LiveOrderRow.decision_id, LiveOrderRow.place, LiveOrderRow.attempt))]


def _insert(session: Session, decision_id: int, now_ns: int, orders: Iterable[LiveOrder]) -> None:
    values = [{**vars(order), "decision_id": decision_id, "created_ns": now_ns, "updated_ns": now_ns} for order in orders]
    if values:
        session.execute(insert(_ORDERS), values)


def _decision(account: str, run_key: str, bar_ns: int) -> Any:
    return select(DecisionRow).where(DecisionRow.account == account, DecisionRow.run_key == run_key, DecisionRow.bar_ns == bar_ns)


def _order(row: LiveOrderRow) -> LiveOrder:
    return LiveOrder(**{name: getattr(row, name) for name in LiveOrder.__dataclass_fields__})


def is_key(run: str) -> bool:
    """Whether it is the key under which a daily run decides: it changes with the parameters, the run's name does not."""
    return re.fullmatch(r"[0-9a-f]{16}", run) is not None


def named(decision: DecisionRow) -> str:
    """The name of the run that has decided."""
    if not is_key(decision.run_key):
        return decision.run_key
    return str(decision.spec.get("name") or decision.strategy)
