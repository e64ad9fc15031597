"""The running totals of live accounts: the table `holdings`, changed by the very transactions that write executions and bookings.

A state is then a few rows, however long the history. What is told late, or out of order, has its holding worked out again
from its executions and bookings.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy.orm import Session

from core.errors import UsageError
from journal.holding import Entry, Holding, added_up
from journal.tables import AccountNoteRow, HoldingRow, LiveExecutionRow

BOOKINGS = ("cash", "transfer")  # kinds of notes; the second is of what came from outside
Key = tuple[str, str, str]  # account, run, symbol
_FIELDS = tuple(Holding.__dataclass_fields__)
_HOLDINGS: Any = HoldingRow.__table__
_TRADES: Any = LiveExecutionRow.__table__
_NOTES: Any = AccountNoteRow.__table__


def traded(number: int, row: Any) -> tuple[Key, Entry]:
    """What an execution (`journal.account_log.LiveExecution`, or its row) changes."""
    size = row.qty if row.side == "buy" else -row.qty
    return (row.account, row.run, row.symbol), Entry(row.time_ns, number, True, size, row.price, row.commission)


def booked(number: int, row: Any) -> tuple[Key, Entry]:
    """What a note of cash or shares changes: its facts `cash`, `symbol`, `qty` and `at_ns`, where it has them.

    Raises:
        UsageError: a fact that is no number.
    """
    facts = row.facts
    qty = facts.get("qty")
    entry = Entry(int(facts.get("at_ns") or row.time_ns), number, False, cash=_number("cash", facts.get("cash") or 0),
                  qty=None if qty is None else _number("qty", qty), is_transfer=row.kind == BOOKINGS[1])
    return (row.account, row.run, str(facts.get("symbol") or "")), entry


def keep(session: Session, changes: Iterable[tuple[Key, Entry]]) -> None:
    """Take new executions and bookings, which are written already, into the totals."""
    by_key: dict[Key, list[Entry]] = {}
    for key, entry in changes:
        by_key.setdefault(key, []).append(entry)
    for key, entries in by_key.items():
        row = session.get(HoldingRow, key)
        holding = _after(session, key, Holding() if row is None else holding_of(row), entries)
        if row is None:
            session.add(HoldingRow(**_values(key, holding)))
            continue
        for name in _FIELDS:
            setattr(row, name, getattr(holding, name))


def holding_of(row: Any) -> Holding:
    """The totals in a row."""
    return Holding(**{name: getattr(row, name) for name in _FIELDS})


def entries_of(session: Session, key: Key) -> list[Entry]:
    """Every execution and booking of a run in a symbol, in no particular order."""
    account, run, symbol = key
    trades = session.execute(select(_TRADES).where(_TRADES.c.account == account, _TRADES.c.run == run, _TRADES.c.symbol == symbol))
    notes = session.execute(select(_NOTES).where(_NOTES.c.account == account, _NOTES.c.run == run, _NOTES.c.kind.in_(BOOKINGS)))
    bookings = (booked(row.id, row) for row in notes)
    return [traded(row.id, row)[1] for row in trades] + [entry for other, entry in bookings if other == key]


def add_up_all(connection: Connection) -> None:
    """Fill the empty table of totals from all executions and bookings."""
    bookings: dict[Key, list[Entry]] = {}
    names = [column for column in _NOTES.c if column.name != "key"]
    for row in connection.execute(select(*names).where(_NOTES.c.kind.in_(BOOKINGS))):
        key, entry = booked(row.id, row)
        bookings.setdefault(key, []).append(entry)
    made = [_values(key, added_up([*entries, *bookings.pop(key, ())])) for key, entries in _by_key(connection)]
    made += [_values(key, added_up(entries)) for key, entries in bookings.items()]
    if made:
        connection.execute(insert(_HOLDINGS), made)


def _by_key(connection: Connection) -> Iterator[tuple[Key, list[Entry]]]:
    chosen = select(_TRADES).order_by(_TRADES.c.account, _TRADES.c.run, _TRADES.c.symbol)
    rows = connection.execute(chosen, execution_options={"yield_per": 10_000})
    for key, mine in groupby((traded(row.id, row) for row in rows), key=lambda pair: pair[0]):
        yield key, [entry for _, entry in mine]


def _values(key: Key, holding: Holding) -> Mapping[str, Any]:
    return {"account": key[0], "run": key[1], "symbol": key[2], **asdict(holding)}


def _after(session: Session, key: Key, holding: Holding, entries: list[Entry]) -> Holding:
    for entry in entries:
        if holding.is_late(entry):
            return added_up(entries_of(session, key))
        holding.take(entry)
    return holding


def _number(name: str, value: Any) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise UsageError(f"{name} {str(value)!r} of a note is no number: write it as 12.34")
    return number
