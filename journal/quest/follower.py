"""`follow`: what is new in the journal, copied to QuestDB: complete, never doubled, and gone on with where it ended.

The journal numbers its records in the order they are committed, so the highest number in QuestDB says all that is there.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import func, literal, select

from core.errors import StoreFailed
from journal.account_log import LiveExecution
from journal.database import Database
from journal.history import DECISION, EquityPoint
from journal.quest.quest import DECIDED, EXECUTION, KINDS, SNAPSHOT, Kind, Quest, Record
from journal.tables import DecisionRow, LiveExecutionRow, SnapshotRow

BATCH = 5_000
_ROWS: Mapping[Kind, Any] = {EXECUTION: LiveExecutionRow, SNAPSHOT: SnapshotRow, DECIDED: DecisionRow}
_FIELDS: Mapping[Kind, list[Any]] = {
    EXECUTION: [getattr(LiveExecutionRow, name) for name in LiveExecution.__dataclass_fields__],
    SNAPSHOT: [getattr(SnapshotRow, name) for name in EquityPoint.__dataclass_fields__],
    DECIDED: [DecisionRow.account, DecisionRow.run_key, DecisionRow.bar_ns, DecisionRow.equity, DecisionRow.cash, literal(DECISION)],
}


class Standing(NamedTuple):
    """Records of a kind: how many QuestDB and the journal have, and by how many QuestDB is behind."""

    kind: str
    there: int
    journal: int
    behind: int

    @property
    def lost(self) -> int:
        """How many QuestDB lacks of those that were copied: somebody removed them, or its disk is damaged."""
        return self.journal - self.behind - self.there


def follow(journal: Database, quest: Quest, batch: int = BATCH) -> dict[str, int]:
    """Copy what QuestDB has not, until it has everything.

    Args:
        batch: records sent at a time; each batch arrives whole, or not at all.

    Returns:
        Kind of record -> how many were copied.

    Raises:
        StoreFailed: QuestDB or the journal fails, QuestDB holds records of another journal, or cannot hold one exactly.
    """
    quest.settle()
    copied = {kind.name: _copy(journal, quest, kind, batch) for kind in KINDS}
    if any(copied.values()):
        quest.settle()
    return copied


def standings(journal: Database, quest: Quest) -> list[Standing]:
    """How far QuestDB has come.

    Raises:
        StoreFailed: as `follow`.
    """
    quest.settle()
    return [_standing(journal, quest, kind) for kind in KINDS]


def _standing(journal: Database, quest: Quest, kind: Kind) -> Standing:
    last, row = _last(journal, quest, kind), _ROWS[kind]
    with journal.reading() as session:
        total = session.scalar(select(func.count()).select_from(row)) or 0
        behind = session.scalar(select(func.count()).select_from(row).where(row.id > last)) or 0
    return Standing(kind.name, quest.count(kind), total, behind)


def _copy(journal: Database, quest: Quest, kind: Kind, batch: int) -> int:
    copied, last = 0, _last(journal, quest, kind)
    while records := _after(journal, kind, last, batch):
        quest.append(kind, records)
        copied, last = copied + len(records), records[-1][0]
    return copied


def _last(journal: Database, quest: Quest, kind: Kind) -> int:
    """The highest number that QuestDB has; 0 = it has none.

    Raises:
        StoreFailed: the journal has another record of that number, or none.
    """
    newest = quest.newest(kind)
    if newest is None:
        return 0
    if _after(journal, kind, newest[0] - 1, 1) != [newest]:
        raise StoreFailed(f"{quest.shown} holds the records of another journal ({kind.name} {newest[0]} is not the one of this journal): "
                          "name another QuestDB in CEREBROLAB_QUESTDB, or drop its tables cerebrolab_executions and cerebrolab_equity")
    return newest[0]


def _after(journal: Database, kind: Kind, number: int, limit: int) -> list[tuple[int, Record]]:
    row = _ROWS[kind]
    chosen = select(row.id, *_FIELDS[kind]).where(row.id > number).order_by(row.id).limit(limit)
    with journal.reading() as session:
        return [(found, kind.record(*values)) for found, *values in session.execute(chosen)]
