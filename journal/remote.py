"""`ApiJournal`: the journal behind the REST API, which alone holds the database while services run.

It is what `Journal` is, to backtests and sweeps as to live runs; only the whole database is exported and imported where it is.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from core.clock import Clock, SystemClock
from core.errors import UnknownName
from journal.account_log import KINDS, AccountLog, LiveExecution, Note
from journal.api_client import ApiClient
from journal.blotter import Blotter, LiveOrder, is_key, named
from journal.journal import Journal
from journal.live_days import every
from journal.pages import FAR_AHEAD, LONG_AGO, Chosen, Pages, Part, RecordedOrder
from journal.remote_research import ApiLedger, ApiRuns
from journal.remote_state import ApiHistory, ApiState, ApiSteering, record
from journal.remote_subscriptions import ApiDailyLog, ApiSubscriptions
from journal.run_record import RunRecord, Values
from journal.tables import DecisionRow, ExecutionRow, OrderRow, RunRow

MOST = 10_000  # records in one answer
AT_ONCE = 500  # executions in one request


class ApiJournal(Journal):
    """The journal behind a REST API.

    Args:
        url, token, deadline_s: see `journal.api_client.ApiClient`.
        clock: stamps what is recorded.

    Every method raises StoreFailed when the API does not answer.
    """

    def __init__(self, url: str, token: str = "", clock: Clock | None = None, deadline_s: float | None = None) -> None:
        self._client = ApiClient(url, token, deadline_s)
        self._clock = clock or SystemClock()
        self._runs = ApiRuns(self._client)
        self.pages = ApiPages(self._client)
        self.ledger = ApiLedger(self._client, self._clock)
        self.blotter = ApiBlotter(self._client, self._clock)
        self.account_log = ApiAccountLog(self._client, self._clock)
        self.steering = ApiSteering(self._client, self._clock)
        self.state = ApiState(self._client, self._clock)
        self.history = ApiHistory(self._client, self._clock)
        self.subscriptions = ApiSubscriptions(self._client)
        self.daily = ApiDailyLog(self._client, self._clock)

    def close(self) -> None:
        """End the connections."""
        self._client.close()

    def insert_run(self, record: RunRecord, key: str | None = None) -> int:
        return self._runs.insert(record, key or uuid.uuid4().hex)

    def insert_executions(self, run_id: int, rows: Sequence[Values]) -> int:
        return self._runs.insert_executions(run_id, rows)

    def run(self, run_id: int) -> RunRow:
        return self._runs.run(run_id)

    def runs(self, strategy: str | None = None, limit: int | None = None, before: int | None = None) -> list[RunRow]:
        return self._runs.runs(strategy, limit, before)

    def orders(self, run_id: int) -> list[OrderRow]:
        return self._runs.orders(run_id)

    def executions(self, run_id: int) -> list[ExecutionRow]:
        return self._runs.executions(run_id)

    def together(self, durable: bool = True) -> AbstractContextManager[None]:
        """Each record arrives by itself: what is repeated because another failed changes nothing."""
        return nullcontext()


class ApiPages(Pages):
    """As `journal.pages.Pages`."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    def executions(self, chosen: Chosen, after: str = "", limit: int = MOST, owned: bool = False) -> Part[LiveExecution]:
        return self._asked("executions", chosen, after, limit, lambda each: record(LiveExecution, each), symbol=list(chosen.symbols), owned=owned)

    def notes(self, chosen: Chosen, kinds: Iterable[str], after: str = "", limit: int = MOST) -> Part[Note]:
        return self._asked("notes", chosen, after, limit, lambda each: record(Note, each), kind=list(kinds))

    def decisions(self, chosen: Chosen, after: str = "", limit: int = MOST, with_orders: bool = False, latest: bool = False) -> Part[DecisionRow]:
        return self._asked("decisions", chosen, after, limit, _decision, with_orders=with_orders, latest=latest)

    def orders(self, chosen: Chosen, after: str = "", limit: int = MOST, decisions: Sequence[int] = (), unfinished: bool = False,
               named: str | None = None) -> Part[RecordedOrder]:
        if named is not None:
            return Part([_order(self._client.get(f"/orders/{_quoted(named)}"))], "")
        return self._asked("orders", chosen, after, limit, _order, symbol=list(chosen.symbols), decision=list(decisions), unfinished=unfinished)

    def _asked(self, what: str, chosen: Chosen, after: str, limit: int, made: Callable[[Any], Any], **filters: Any) -> Part[Any]:
        since, until = (None if value in (LONG_AGO, FAR_AHEAD) else value for value in (chosen.since_ns, chosen.until_ns))
        told = self._client.get(f"/{what}", account=chosen.account, run=chosen.run, since=since, until=until, after=after, limit=limit, **filters)
        return Part([made(each) for each in told[what]], told["next"] or "")


class ApiBlotter(Blotter):
    """As `journal.blotter.Blotter`."""

    def __init__(self, client: ApiClient, clock: Clock) -> None:
        self._client, self._clock, self._pages = client, clock, ApiPages(client)

    def decide(self, orders: Iterable[LiveOrder], at_ns: int = 0, **decision: Any) -> int:
        body = {**decision, "orders": [vars(each) for each in orders], "at_ns": at_ns or self._clock.now_ns()}
        return int(self._client.send("POST", "/decisions", body)["id"])

    def latest(self, account: str, run_key: str) -> int:
        return int(self._client.get("/decisions/latest", account=account, run=run_key)["bar_ns"])

    def decision(self, account: str, run_key: str, bar_ns: int) -> DecisionRow | None:
        return next(iter(self._pages.decisions(Chosen(account, run_key, (), bar_ns, bar_ns + 1)).records), None)

    def decisions(self, account: str, run_key: str | None = None) -> list[DecisionRow]:
        return list(every(lambda after: self._pages.decisions(Chosen(account, run_key), after)))

    def orders(self, decision_id: int) -> list[LiveOrder]:
        return self._found(Chosen(), decisions=[decision_id])

    def unfinished(self, account: str, symbols: Iterable[str]) -> list[LiveOrder]:
        wanted = set(symbols)
        return [order for order in self._found(Chosen(account), unfinished=True) if order.symbol in wanted]

    def unfinished_of(self, account: str, run_key: str) -> list[LiveOrder]:
        return self._found(Chosen(account, run_key), unfinished=True)

    def run_of(self, client_order_id: str) -> str:
        try:
            order = self._pages.orders(Chosen(), named=client_order_id).records[0]
        except UnknownName:
            return ""
        if not is_key(order.run):
            return order.run
        return named(self._pages.decisions(Chosen(order.account, order.run), latest=True).records[0])

    def add(self, decision_id: int, *orders: LiveOrder, at_ns: int = 0) -> None:
        body = dict(decision=decision_id, orders=[vars(each) for each in orders], at_ns=at_ns or self._clock.now_ns())
        self._client.send("POST", "/orders", body)

    def change(self, client_order_id: str, at_ns: int = 0, **values: Any) -> LiveOrder:
        body = {**values, "at_ns": at_ns or self._clock.now_ns()}
        return _order(self._client.send("PATCH", f"/orders/{_quoted(client_order_id)}", body)).order

    def _found(self, chosen: Chosen, **filters: Any) -> list[LiveOrder]:
        return [each.order for each in every(lambda after: self._pages.orders(chosen, after, **filters))]


class ApiAccountLog(AccountLog):
    """As `journal.account_log.AccountLog`."""

    def __init__(self, client: ApiClient, clock: Clock) -> None:
        self._client, self._clock, self._pages = client, clock, ApiPages(client)

    def execute(self, executions: Iterable[LiveExecution], changes: Mapping[str, Mapping[str, Any]] | None = None, at_ns: int = 0) -> int:
        told, recorded = [vars(each) for each in executions], 0
        for first in range(0, max(len(told), 1), AT_ONCE):  # what has arrived is not recorded twice when the rest is told again
            last = first + AT_ONCE >= len(told)
            body = dict(executions=told[first:first + AT_ONCE], changes=changes or {} if last else {}, at_ns=at_ns or self._clock.now_ns())
            recorded += int(self._client.send("POST", "/executions", body)["recorded"])
        return recorded

    def executions(self, account: str, run: str | None = None, since_ns: int = LONG_AGO, until_ns: int = FAR_AHEAD) -> list[LiveExecution]:
        return list(every(lambda after: self._pages.executions(Chosen(account, run, (), since_ns, until_ns), after)))

    def runs(self) -> list[tuple[str, str]]:
        return [(each["account"], each["run"]) for each in self._client.get("/executions/runs")]

    def add(self, note: Note, key: str | None = None) -> Note:
        self._client.send("POST", "/notes", {**vars(note), "key": key or uuid.uuid4().hex})
        return note

    def notes(self, account: str | None = None, run: str | None = None, kinds: Iterable[str] = KINDS, since_ns: int = LONG_AGO) -> list[Note]:
        wanted = list(kinds)
        return list(self._noted(account, run, wanted, since_ns)) if wanted else []

    def _noted(self, account: str | None, run: str | None, kinds: list[str], since_ns: int) -> Iterator[Note]:
        return every(lambda after: self._pages.notes(Chosen(account, run, (), since_ns), kinds, after))


def _decision(told: Mapping[str, Any]) -> DecisionRow:
    return DecisionRow(**{**told, "equity": Decimal(told["equity"]), "cash": Decimal(told["cash"])})


def _order(told: Mapping[str, Any]) -> RecordedOrder:
    return RecordedOrder(record(LiveOrder, told), *(told[name] for name in RecordedOrder._fields[1:]))


def _quoted(name: str) -> str:
    return quote(name, safe="")
