"""`Ledger`: every trial of every sweep, appended and never changed, and the verdicts of the gate."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection, Table, func, select, update

from core.clock import Clock
from core.errors import UnknownName
from core.measures import MEASURES
from journal.database import Database
from journal.tables import SweepRow, TrialRow, VerdictRow

READ_AT_ONCE = 10_000  # trials
PARTS = ("backtest", "walkforward", "recommend")  # methods of what is recorded as sweeps, and is none by itself
Row = tuple[Any, ...]
_TRIALS: Table = TrialRow.__table__
_ENCODED = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode
_NUMBERS = (int, float)
_NAMES = ("sweep_id", "number", "params", *MEASURES, "blocks")
_APPEND = f"INSERT INTO trials ({', '.join(_NAMES)}) VALUES ({', '.join('?' * len(_NAMES))}) ON CONFLICT DO NOTHING"


@dataclass(frozen=True)
class SweepHead:
    """What makes a sweep the same sweep again; fields as in `journal.tables.SweepRow`.

    Attributes:
        key: equal for equal sweeps on equal data; an unfinished one with this key is gone on with.
    """

    key: str
    strategy: str
    strategy_source: str
    universe: Sequence[str]
    fingerprint: str
    spec: Mapping[str, Any]
    space: Mapping[str, Any]
    method: str
    objective: str
    seed: int
    engine: str
    start: str
    end: str
    sessions: int


class TrialBatch(NamedTuple):
    """Trials of one sweep.

    Attributes:
        numbers: (m,) int64. params: m sets of parameters. measures: (m, len(MEASURES)) float64, NaN where not defined.
        sum, square: (m, B) float32 sums of session returns, and of their squares, by block of the sessions.
    """

    numbers: np.ndarray
    params: list[dict[str, Any]]
    measures: np.ndarray
    sum: np.ndarray
    square: np.ndarray


class Ledger:
    """The trials in one database; usable from several processes at once. Raises StoreFailed as `Journal` does."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    # -- sweeps ---------------------------------------------------------------------------------------

    def begin(self, head: SweepHead) -> tuple[int, np.ndarray]:
        """The number of a sweep, and the numbers (int64) of its trials that are recorded already.

        An unfinished sweep with the same key is gone on with; otherwise a new one begins.
        """
        self._database.keep_open()
        with self._database.writing() as session:
            known = session.scalar(select(SweepRow.id).where(SweepRow.key == head.key, SweepRow.finished_ns.is_(None))
                                   .order_by(SweepRow.id.desc()))
            if known is not None:
                done = session.scalars(select(_TRIALS.c.number).where(_TRIALS.c.sweep_id == known))
                return known, np.sort(np.fromiter(done, np.int64))
            values = {**asdict(head), "universe": sorted(head.universe)}
            row = SweepRow(created_ns=self._clock.now_ns(), finished_ns=None, **values)
            session.add(row)
            session.flush()
            return row.id, np.empty(0, np.int64)

    def append(self, sweep_id: int, numbers: Sequence[int], params: Sequence[Mapping[str, Any]], measures: np.ndarray,
               sums: np.ndarray, squares: np.ndarray) -> None:
        """Record trials; arguments as in `rows_of`, otherwise as `insert`."""
        self.insert(rows_of(sweep_id, numbers, params, measures, sums, squares))

    def insert(self, rows: Sequence[Row], finished: int | None = None) -> None:
        """Record the trials of `rows_of`, all or none; those whose number is recorded already are left as they are.

        Args:
            finished: a sweep that is complete with them.
        """
        with self._database.writing() as session:
            if rows:
                _append(session.connection(), rows)
            if finished is not None:
                session.execute(update(SweepRow).where(SweepRow.id == finished, SweepRow.finished_ns.is_(None))
                                .values(finished_ns=self._clock.now_ns()))

    def finish(self, sweep_id: int) -> None:
        """Mark a sweep as complete: the same one again is a new sweep."""
        self.insert((), sweep_id)

    def sweep(self, sweep_id: int) -> SweepRow:
        """One sweep.

        Raises:
            UnknownName: no such sweep.
        """
        with self._database.reading() as session:
            row = session.get(SweepRow, sweep_id)
            last = session.scalar(select(func.max(SweepRow.id)))
        if row is None:
            raise UnknownName(f"unknown sweep {sweep_id}: " + (f"the latest is {last}" if last else "there is none yet"))
        return row

    def sweeps(self, strategy: str | None = None, universe: Sequence[str] | None = None, after: int = 0,
               limit: int | None = None) -> list[SweepRow]:
        """Sweeps of a strategy on a universe, the first first; `after`: only those with larger numbers, `limit`: so many at most."""
        chosen = select(SweepRow).where(SweepRow.id > after).order_by(SweepRow.id).limit(limit)
        if strategy is not None:
            chosen = chosen.where(SweepRow.strategy == strategy)
        if universe is not None:
            chosen = chosen.where(SweepRow.universe == sorted(universe))
        with self._database.reading() as session:
            return list(session.scalars(chosen))

    def latest(self, limit: int) -> list[SweepRow]:
        """The sweeps that were begun last, the last first; without what was tried by hand, and in windows."""
        with self._database.reading() as session:
            chosen = select(SweepRow).where(SweepRow.method.not_in(PARTS)).order_by(SweepRow.id.desc()).limit(limit)
            return list(session.scalars(chosen))

    def trials(self, sweep_id: int) -> Iterator[TrialBatch]:
        """The trials of a sweep in order of their numbers, some thousands at a time."""
        after = -1
        while (batch := self.part(sweep_id, after, READ_AT_ONCE)) is not None:
            yield batch
            after = int(batch.numbers[-1])

    def part(self, sweep_id: int, after: int, limit: int) -> TrialBatch | None:
        """The trials of a sweep that follow a number, so many at most; None where there are none."""
        chosen = (select(*(_TRIALS.c[name] for name in _NAMES[1:])).order_by(_TRIALS.c.number).limit(limit)
                  .where(_TRIALS.c.sweep_id == sweep_id, _TRIALS.c.number > after))
        with self._database.reading() as session:
            rows = session.execute(chosen).all()
        return _batch(rows) if rows else None

    def numbers(self, sweep_id: int, after: int, limit: int) -> list[int]:
        """The numbers of the trials of a sweep that follow a number, so many at most, in order."""
        chosen = select(_TRIALS.c.number).where(_TRIALS.c.sweep_id == sweep_id, _TRIALS.c.number > after)
        with self._database.reading() as session:
            return list(session.scalars(chosen.order_by(_TRIALS.c.number).limit(limit)))

    def count(self, sweep_id: int) -> int:
        """How many trials of a sweep are recorded."""
        with self._database.reading() as session:
            return session.scalar(select(func.count()).where(_TRIALS.c.sweep_id == sweep_id)) or 0

    # -- verdicts -------------------------------------------------------------------------------------

    def record_verdict(self, key: str | None = None, **values: Any) -> int:
        """Append a verdict of the gate (fields of `journal.tables.VerdictRow`); returns its number.

        Args:
            key: names it, so that telling it twice records it once; None = it is told once.
        """
        with self._database.writing() as session:
            known = None if key is None else session.scalar(select(VerdictRow.id).where(VerdictRow.key == key))
            if known is not None:
                return known
            values["universe"] = sorted(values["universe"])
            row = VerdictRow(created_ns=self._clock.now_ns(), key=key, **values)
            session.add(row)
            session.flush()
            return row.id

    def verdict(self, strategy_source: str, params: Mapping[str, Any], universe: Sequence[str],
                fingerprint: str | None = None) -> VerdictRow | None:
        """The latest verdict on a strategy's source with these parameters on this universe (and data), if any."""
        chosen = (select(VerdictRow).order_by(VerdictRow.id.desc()).limit(1)
                  .where(VerdictRow.strategy_source == strategy_source, VerdictRow.params == dict(params),
                         VerdictRow.universe == sorted(universe)))
        if fingerprint is not None:
            chosen = chosen.where(VerdictRow.fingerprint == fingerprint)
        with self._database.reading() as session:
            return session.scalar(chosen)


def rows_of(sweep_id: int, numbers: Sequence[int], params: Sequence[Mapping[str, Any]], measures: np.ndarray,
            sums: np.ndarray, squares: np.ndarray) -> list[Row]:
    """Trials as they are recorded.

    Args:
        params: plain numbers, texts, true or false by name. The others as in `TrialBatch`.
    """
    blocks = np.concatenate([sums, squares], axis=1, dtype=np.float32, casting="same_kind")
    width = blocks.shape[1] * blocks.itemsize
    raw = blocks.tobytes()
    return [(sweep_id, int(number), _text(each), *values, raw[at : at + width])
            for number, each, values, at in zip(numbers, params, measures.tolist(), range(0, len(raw), width), strict=True)]


def _append(connection: Connection, rows: Sequence[Row]) -> None:
    if connection.dialect.name == "postgresql":
        from journal.postgres import copy_new

        copy_new(connection, _TRIALS, rows)
    else:
        connection.exec_driver_sql(_APPEND, list(rows))


def _text(params: Mapping[str, Any]) -> str:
    """As `journal.columns.canonical_json`, for plain values."""
    return "{" + ",".join([f"{text}:{repr(params[name]) if type(params[name]) in _NUMBERS else _ENCODED(params[name])}"
                           for name, text in _names(tuple(params))]) + "}"


@lru_cache(1_000)
def _names(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """The names in order, and each as JSON has it."""
    return [(name, _ENCODED(name)) for name in sorted(names)]


def _batch(rows: Sequence[Any]) -> TrialBatch:
    numbers, params, *columns, blobs = zip(*rows, strict=True)
    blocks = np.frombuffer(b"".join(blobs), np.float32).reshape(len(rows), 2, -1)
    measures = np.array(columns, dtype=np.float64).T  # NULL becomes NaN
    return TrialBatch(np.array(numbers, np.int64), [json.loads(text) for text in params], measures, blocks[:, 0], blocks[:, 1])

