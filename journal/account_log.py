"""`AccountLog`: what was executed on live accounts, and what a human or a later run must know of them. Append-only.

Here are executions (tax lots are worked out from them by the package `taxes`), alerts, and cash and corporate actions that were
booked: dividends and splits are notes of the kind "cash", deposits and withdrawals of the kind "transfer".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from core.clock import Clock
from journal.blotter import DONE
from journal.columns import shortest
from journal.database import Database, insert_new
from journal.holding import ADDING, AVERAGING
from journal.holdings import booked, keep, traded
from journal.tables import AccountNoteRow, HoldingRow, LiveExecutionRow, LiveOrderRow

# Kinds of notes. Who writes them: the guard, the guard, whoever clears it, the ending, whatever goes wrong; sub-accounts, people.
REFUSED, KILLED, RESUMED, OUTCOME, ALERT, CASH, TRANSFER = KINDS = (
    "refused", "killed", "resumed", "outcome", "alert", "cash", "transfer")


@dataclass(frozen=True)
class LiveExecution:
    """One execution of an order of ours.

    Attributes:
        client_order_id, broker_id: the order. filled: its shares executed so far, this execution included: it is the shares
            from `filled - qty` to `filled` of the order, which count once, whoever tells them, in whatever parts.
        account, run: whose it is. symbol; side: "buy" or "sell". qty: shares. price, commission: account currency.
        time_ns: when, UTC ns.
    """

    client_order_id: str
    broker_id: str
    filled: Decimal
    account: str
    run: str
    symbol: str
    side: str
    qty: Decimal
    price: Decimal
    time_ns: int
    commission: Decimal = Decimal(0)

    @property
    def signed(self) -> Decimal:
        """Shares; negative for a sale."""
        return self.qty if self.side == "buy" else -self.qty


@dataclass(frozen=True)
class Note:
    """One thing to know of an account: `kind` is one of `KINDS`, `facts` its numbers, `time_ns` UTC."""

    account: str
    run: str
    kind: str
    text: str
    time_ns: int
    facts: dict[str, Any] = field(default_factory=dict)


class AccountLog:
    """Executions and notes of one database; usable from several processes at once. Raises StoreFailed as `Journal` does."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def execute(self, executions: Iterable[LiveExecution], changes: Mapping[str, Mapping[str, Any]] | None = None,
                at_ns: int = 0) -> int:
        """Record executions, as far as shares of their orders are not recorded yet; and what has become of orders, all or nothing.

        Args:
            changes: client order id -> fields of `journal.blotter.LiveOrder`; unknown orders, and those that are done, stay.
            at_ns: when that is recorded, UTC ns; 0 = now.

        Returns:
            How many executions had shares that were new.
        """
        new: list[tuple[Any, Any]] = []
        recorded, now = 0, at_ns or self._clock.now_ns()
        self._database.keep_open()
        with self._database.writing(durable=True) as session:
            for each in executions:
                parts = uncovered(each, _known(session, each.client_order_id))
                for part in parts:
                    row = {**vars(part), "filled": shortest(part.filled)}
                    number = session.execute(insert(LiveExecutionRow).values(**row).returning(LiveExecutionRow.id)).scalar_one()
                    new.append(traded(number, part))
                recorded += bool(parts)
            keep(session, new)
            for name, values in (changes or {}).items():
                session.execute(update(LiveOrderRow).values(**values, updated_ns=now)
                                .where(LiveOrderRow.client_order_id == name, LiveOrderRow.state != DONE))
        return recorded

    def executions(self, account: str, run: str | None = None, since_ns: int = 0, until_ns: int = 2**62) -> list[LiveExecution]:
        """What was executed on an account, of one run or all, from one moment up to, but without, another; in order."""
        chosen = select(LiveExecutionRow).where(LiveExecutionRow.account == account, LiveExecutionRow.time_ns >= since_ns,
                                                LiveExecutionRow.time_ns < until_ns)
        if run is not None:
            chosen = chosen.where(LiveExecutionRow.run == run)
        with self._database.reading() as session:
            rows = session.scalars(chosen.order_by(LiveExecutionRow.time_ns, LiveExecutionRow.id))
            return [LiveExecution(**{name: getattr(row, name) for name in LiveExecution.__dataclass_fields__}) for row in rows]

    def runs(self) -> list[tuple[str, str]]:
        """The (account, run) pairs of which something was executed; the run is "" for what was nobody's."""
        chosen = select(HoldingRow.account, HoldingRow.run).where(HoldingRow.executions > 0).distinct()
        with self._database.reading() as session:
            return sorted((account, run) for account, run in session.execute(chosen))

    def note(self, account: str, run: str, kind: str, text: str, **facts: Any) -> Note:
        """Write a note down; it outlives a power cut. See `add`."""
        return self.add(Note(account, run, kind, text, self._clock.now_ns(), facts))

    def add(self, note: Note, key: str | None = None) -> Note:
        """Write a note down as it stands; it outlives a power cut.

        Args:
            key: names it, so that telling it twice changes nothing; None = it is told once.

        Raises:
            UsageError: it books cash or shares that are no numbers.
        """
        self._database.keep_open()
        with self._database.writing(durable=True) as session:
            number = session.scalar(insert_new(session, AccountNoteRow).values(**vars(note), key=key).returning(AccountNoteRow.id))
            if number is not None and note.kind in (CASH, TRANSFER):
                keep(session, [booked(number, note)])
        return note

    def notes(self, account: str | None = None, run: str | None = None, kinds: Iterable[str] = KINDS, since_ns: int = 0) -> list[Note]:
        """Notes of some kinds, in order; of one account and run, or all."""
        chosen = select(AccountNoteRow).where(AccountNoteRow.kind.in_(list(kinds)), AccountNoteRow.time_ns >= since_ns)
        for name, value in (("account", account), ("run", run)):
            if value is not None:
                chosen = chosen.where(getattr(AccountNoteRow, name) == value)
        with self._database.reading() as session:
            rows = session.scalars(chosen.order_by(AccountNoteRow.id))
            return [Note(**{name: getattr(row, name) for name in Note.__dataclass_fields__}) for row in rows]


def uncovered(told: LiveExecution, known: Iterable[tuple[Decimal, Decimal]]) -> list[LiveExecution]:
    """The parts of an execution whose shares are not recorded: itself where none are, [] where all are.

    Args:
        known: (filled, qty) of what is recorded of its order.

    Parts have the price that was told, and their share of the commission.
    """
    with localcontext(ADDING):
        first = at = told.filled - told.qty
        gaps = []
        for begin, end in sorted((filled - qty, filled) for filled, qty in known):
            if at < min(begin, told.filled):
                gaps.append((at, min(begin, told.filled)))
            at = max(at, end)
        if at < told.filled:
            gaps.append((at, told.filled))
        if gaps == [(first, told.filled)]:
            return [told]
        return [replace(told, filled=end, qty=end - begin, commission=_part(told.commission, end - begin, told.qty)) for begin, end in gaps]


def _part(commission: Decimal, qty: Decimal, whole: Decimal) -> Decimal:
    with localcontext(AVERAGING):
        return commission * qty / whole


def _known(session: Session, client_order_id: str) -> list[tuple[Decimal, Decimal]]:
    chosen = select(LiveExecutionRow.filled, LiveExecutionRow.qty).where(LiveExecutionRow.client_order_id == client_order_id)
    return [(filled, qty) for filled, qty in session.execute(chosen)]
