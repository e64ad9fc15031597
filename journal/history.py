"""`History`: what strategies have said on each bar, and what live accounts were worth and held, per account and run. Append-only.

Here are signals, and snapshots of equity, cash and positions. What a decision saw (`journal.blotter`) is a point of the equity too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from core.clock import Clock
from journal.database import Database, insert_new
from journal.tables import DecisionRow, SignalRow, SnapshotRow

DECISION = "decision"  # the source of points that decisions have left


@dataclass(frozen=True)
class Signal:
    """What a strategy has said on a bar: `convictions` by symbol, 0 = out, above = hold, below = short; `bar_ns` UTC."""

    account: str
    run: str
    strategy: str
    bar_ns: int
    convictions: dict[str, float]


@dataclass(frozen=True)
class Snapshot:
    """What an account (`run` "") or a run on it was worth at a moment, account currency.

    Attributes:
        time_ns: UTC ns. positions: symbol -> {"quantity", "price"}, decimals as text. source: who says so, such as "broker".
    """

    account: str
    run: str
    time_ns: int
    equity: Decimal
    cash: Decimal
    positions: dict[str, Any]
    source: str


@dataclass(frozen=True)
class EquityPoint:
    """Equity and cash at a moment, and where they are from: the source of a snapshot, or "decision"."""

    account: str
    run: str
    time_ns: int
    equity: Decimal
    cash: Decimal
    source: str


class History:
    """Signals and snapshots of one database; usable from several processes at once. Raises StoreFailed as `Journal` does."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def say(self, account: str, run: str, strategy: str, bar_ns: int, convictions: Mapping[str, float]) -> None:
        """Record what a strategy says on a bar; what it has said first on it stays."""
        self._add(SignalRow, dict(account=account, run=run, strategy=strategy, bar_ns=bar_ns, convictions=dict(convictions)))

    def signals(self, account: str | None = None, run: str | None = None, since_ns: int = 0, until_ns: int = 2**62) -> list[Signal]:
        """What was said for an account and run, or all, on the bars from one moment up to, but without, another; in order."""
        return [Signal(**values) for values in self._chosen(SignalRow, Signal, "bar_ns", account, run, since_ns, until_ns)]

    def take(self, account: str, run: str, equity: Decimal, cash: Decimal, positions: Mapping[str, Any] | None = None,
             source: str = "broker", time_ns: int = 0) -> None:
        """Record a snapshot; the first of a moment stays.

        Args:
            time_ns: when it was so, UTC ns; 0 = now.
        """
        self._add(SnapshotRow, dict(account=account, run=run, time_ns=time_ns or self._clock.now_ns(), equity=equity, cash=cash,
                                    positions=dict(positions or {}), source=source))

    def snapshots(self, account: str | None = None, run: str | None = None, since_ns: int = 0, until_ns: int = 2**62) -> list[Snapshot]:
        """Snapshots of an account and run, or all, from one moment up to, but without, another; in order."""
        return [Snapshot(**values) for values in self._chosen(SnapshotRow, Snapshot, "time_ns", account, run, since_ns, until_ns)]

    def equity(self, account: str, run: str | None = None, since_ns: int = 0, until_ns: int = 2**62) -> list[EquityPoint]:
        """Equity and cash of an account over time, as snapshots and decisions have seen them, in order; of one run or all."""
        seen = [EquityPoint(each.account, each.run, each.time_ns, each.equity, each.cash, each.source)
                for each in self.snapshots(account, run, since_ns, until_ns)]
        row = DecisionRow
        chosen = select(row.account, row.run_key, row.bar_ns, row.equity, row.cash).where(
            row.account == account, row.bar_ns >= since_ns, row.bar_ns < until_ns)
        if run is not None:
            chosen = chosen.where(row.run_key == run)
        with self._database.reading() as session:
            decided = [EquityPoint(*values, DECISION) for values in session.execute(chosen)]
        return sorted([*seen, *decided], key=lambda point: (point.time_ns, point.run, point.source))

    def _add(self, table: Any, row: dict[str, Any]) -> None:
        self._database.keep_open()
        with self._database.writing() as session:
            session.execute(insert_new(session, table).values(**row))

    def _chosen(self, table: Any, record: Any, time: str, account: str | None, run: str | None, since_ns: int,
                until_ns: int) -> list[dict[str, Any]]:
        moment = getattr(table, time)
        chosen = select(table).where(moment >= since_ns, moment < until_ns).order_by(moment, table.id)
        for name, value in (("account", account), ("run", run)):
            if value is not None:
                chosen = chosen.where(getattr(table, name) == value)
        with self._database.reading() as session:
            return [{name: getattr(row, name) for name in record.__dataclass_fields__} for row in session.scalars(chosen)]
