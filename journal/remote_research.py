"""Backtests, sweeps and verdicts behind the REST API: as `journal.journal` and `journal.ledger`.

What is larger than one request goes in several, each small enough for the API as it is usually started.
"""

import base64
import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import numpy as np

from core.clock import Clock
from core.errors import StoreFailed, UnknownName
from core.measures import MEASURES
from journal.api_client import ApiClient
from journal.columns import canonical_json
from journal.ledger import Ledger, Row, SweepHead, TrialBatch
from journal.live_days import every
from journal.pages import Part
from journal.run_record import RunRecord, Values
from journal.tables import ExecutionRow, OrderRow, RunRow, SweepRow, VerdictRow

BODY = 400_000  # bytes of records in one request
MOST_RECORDS, MOST_TRIALS, MOST_NUMBERS, MOST_ROWS = 10_000, 1_000, 100_000, 1_000  # in one request or answer
TRIES = 3  # to send all parts of a run to an API that was started again meanwhile
_ROW = 8 * len(MEASURES)  # bytes of the measures of a trial


class ApiRuns:
    """Runs, their orders and executions."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    def insert(self, record: RunRecord, key: str) -> int:
        """As `Journal.insert_run`: all or nothing, however many requests it takes."""
        *parts, last = _parts(record)
        for _ in range(TRIES):
            for number, part in enumerate(parts):
                self._client.send("PUT", f"/runs/parts/{key}/{number}", part)
            try:
                return int(self._client.send("POST", "/runs", {**record.values, **last, "key": key, "parts": len(parts)})["id"])
            except UnknownName:  # an API that was started again has no parts
                continue
        raise StoreFailed(f"the journal's API {self._client.shown} lost parts of a run {TRIES} times: look why it is started again and again")

    def insert_executions(self, run_id: int, rows: Sequence[Values]) -> int:
        """As `Journal.insert_executions`, in as many requests as it takes."""
        return sum(self._client.send("POST", f"/runs/{run_id}/executions", {"executions": each})["recorded"] for each in _batches(rows, BODY))

    def run(self, run_id: int) -> RunRow:
        """As `Journal.run`."""
        return _run(self._client.get(f"/runs/{run_id}"))

    def runs(self, strategy: str | None, limit: int | None, before: int | None) -> list[RunRow]:
        """As `Journal.runs`."""
        found: list[RunRow] = []
        while limit is None or len(found) < limit:
            wanted = min(MOST_ROWS, MOST_ROWS if limit is None else limit - len(found))
            told = self._client.get("/runs", strategy=strategy, limit=wanted, before=found[-1].id if found else before)["runs"]
            found += [_run(each) for each in told]
            if len(told) < wanted:
                break
        return found

    def orders(self, run_id: int) -> list[OrderRow]:
        """As `Journal.orders`."""
        return self._records(run_id, "orders", OrderRow, ("size", "price", "filled"))

    def executions(self, run_id: int) -> list[ExecutionRow]:
        """As `Journal.executions`."""
        found = self._records(run_id, "executions", ExecutionRow, ("size", "price", "commission"))
        return sorted(found, key=lambda row: (row.time_ns, row.id))

    def _records(self, run_id: int, what: str, kind: Callable[..., Any], decimals: Sequence[str]) -> list[Any]:
        def part(after: str) -> Part[Any]:
            told = self._client.get(f"/runs/{run_id}/{what}", after=after, limit=MOST_RECORDS)
            return Part([kind(run_id=run_id, **_exact(each, decimals)) for each in told[what]], told["next"] or "")

        return list(every(part))


class ApiLedger(Ledger):
    """As `journal.ledger.Ledger`."""

    def __init__(self, client: ApiClient, clock: Clock) -> None:
        self._client, self._clock = client, clock

    def begin(self, head: SweepHead) -> tuple[int, np.ndarray]:
        sweep_id = int(self._client.send("POST", "/ledger/sweeps", asdict(head))["id"])
        return sweep_id, np.array(list(self._every_number(sweep_id)), np.int64)

    def insert(self, rows: Sequence[Row], finished: int | None = None) -> None:
        batches = list(_trial_batches(rows)) or [[]]
        for batch in batches:
            sweep_id = batch[0][0] if batch else finished
            is_last = batch is batches[-1]
            if sweep_id is not None:
                self._client.send("POST", f"/ledger/sweeps/{sweep_id}/trials", {**_told(batch), "finished": finished is not None and is_last})

    def sweep(self, sweep_id: int) -> SweepRow:
        return SweepRow(**self._client.get(f"/ledger/sweeps/{sweep_id}"))

    def sweeps(self, strategy: str | None = None, universe: Sequence[str] | None = None, after: int = 0,
               limit: int | None = None) -> list[SweepRow]:
        def part(place: str) -> Part[SweepRow]:
            body = dict(strategy=strategy, universe=None if universe is None else list(universe), after=int(place or after),
                        limit=min(limit or MOST_ROWS, MOST_ROWS))
            told = self._client.send("POST", "/ledger/sweeps/found", body)
            return Part([SweepRow(**each) for each in told["sweeps"]], "" if limit else told["next"] or "")

        return list(every(part))

    def part(self, sweep_id: int, after: int, limit: int) -> TrialBatch | None:
        """As there; in as many answers as it takes, so that parts are the same as those of a database."""
        found: list[TrialBatch] = []
        place: str | None = str(after)
        while place is not None and limit:
            told = self._client.get(f"/ledger/sweeps/{sweep_id}/trials", after=place, limit=min(limit, MOST_TRIALS))
            place, limit = told["next"], limit - len(told["numbers"])
            if told["numbers"]:
                found.append(_batch(told))
        return _joined(found) if found else None

    def numbers(self, sweep_id: int, after: int, limit: int) -> list[int]:
        return list(self._client.get(f"/ledger/sweeps/{sweep_id}/numbers", after=after, limit=limit)["numbers"])

    def count(self, sweep_id: int) -> int:
        return int(self._client.get(f"/ledger/sweeps/{sweep_id}/count")["trials"])

    def record_verdict(self, key: str | None = None, **values: Any) -> int:
        body = {**values, "universe": list(values["universe"]), "key": key or uuid.uuid4().hex}
        return int(self._client.send("POST", "/verdicts", body)["id"])

    def verdict(self, strategy_source: str, params: Mapping[str, Any], universe: Sequence[str], fingerprint: str | None = None) -> VerdictRow | None:
        told = self._client.send("POST", "/verdicts/latest", dict(strategy_source=strategy_source, params=params, universe=list(universe),
                                                                  fingerprint=fingerprint))
        return None if told is None else VerdictRow(**told)

    def _every_number(self, sweep_id: int) -> Iterator[int]:
        after = -1
        while numbers := self.numbers(sweep_id, after, MOST_NUMBERS):
            yield from numbers
            after = numbers[-1]


# -- runs as JSON -------------------------------------------------------------------------------------


def _parts(record: RunRecord) -> list[dict[str, list[Values]]]:
    """Bodies that hold the orders and executions of a run, each small enough; one at least."""
    *orders, last_orders = _batches(record.orders, BODY // 2)
    *executions, last_executions = _batches(record.executions, BODY // 2)
    return [*({"orders": each} for each in orders), *({"executions": each} for each in executions),
            {"orders": last_orders, "executions": last_executions}]


def _batches(rows: Sequence[Values], most: int) -> list[list[Values]]:
    """Of so many bytes at most; one at least, which may be empty."""
    return [list(each) for each in _cut(rows, lambda row: len(canonical_json(row)), most)] or [[]]


def _cut(rows: Sequence[Any], size_of: Callable[[Any], int], most: int) -> Iterator[Sequence[Any]]:
    """Consecutive rows that fit into one request of so many bytes."""
    first, size = 0, 0
    for at, row in enumerate(rows):
        own = size_of(row)
        if at > first and (size + own > most or at - first >= MOST_RECORDS):
            yield rows[first:at]
            first, size = at, 0
        size += own
    if first < len(rows):
        yield rows[first:]


def _run(told: Mapping[str, Any]) -> RunRow:
    values = {**told, "directory": told["report"]}
    return RunRow(**_exact({name: value for name, value in values.items() if name not in ("created", "report")}, ("cash", "final_value")))


def _exact(told: Mapping[str, Any], decimals: Sequence[str]) -> dict[str, Any]:
    return {**told, **{name: Decimal(told[name]) for name in decimals if told[name] is not None}}


# -- trials as JSON -----------------------------------------------------------------------------------


def _trial_batches(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    return _cut(rows, lambda row: len(row[2]) + (_ROW + len(row[-1])) * 4 // 3 + 30, BODY)


def _told(rows: Sequence[Row]) -> dict[str, Any]:
    measures = np.array([row[3:-1] for row in rows], "<f8")
    return dict(names=list(MEASURES), numbers=[row[1] for row in rows], params=[json.loads(row[2]) for row in rows],
                measures=_packed(measures.tobytes()), blocks=_packed(b"".join(row[-1] for row in rows)))


def _packed(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _batch(told: Mapping[str, Any]) -> TrialBatch:
    if told["names"] != list(MEASURES):
        raise StoreFailed("the journal's API has other measures of trials than this cerebrolab: run both in the same version")
    m = len(told["numbers"])
    measures = np.frombuffer(base64.b64decode(told["measures"]), "<f8").reshape(m, len(MEASURES))
    blocks = np.frombuffer(base64.b64decode(told["blocks"]), "<f4").reshape(m, 2, -1)
    return TrialBatch(np.array(told["numbers"], np.int64), told["params"], measures, blocks[:, 0], blocks[:, 1])


def _joined(batches: Sequence[TrialBatch]) -> TrialBatch:
    numbers, params, *arrays = zip(*batches, strict=True)
    return TrialBatch(np.concatenate(numbers), [each for part in params for each in part], *(np.concatenate(each) for each in arrays))
