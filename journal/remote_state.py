"""Steering, actual portfolios and history behind the REST API: as `journal.steering`, `journal.state` and `journal.history`."""

import uuid
from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any, TypeVar

from core.clock import Clock
from journal.api_client import ApiClient
from journal.history import EquityPoint, History, Signal, Snapshot
from journal.live_days import every
from journal.pages import FAR_AHEAD, LONG_AGO, Part
from journal.state import Portfolio, Position, Reconciliation, State
from journal.steering import Steering, SteeringAnswer, SteeringRequest

MOST, FEW = 10_000, 1_000  # records in one answer; of those that name every symbol
Made = TypeVar("Made")


def record(kind: type[Made], told: Mapping[str, Any]) -> Made:
    """A record as the API tells it; its decimals are texts."""
    decimals = {each.name for each in fields(kind) if "Decimal" in str(each.type)}  # type: ignore[arg-type]
    return kind(**{each.name: Decimal(told[each.name]) if each.name in decimals and told[each.name] is not None else told[each.name]
                   for each in fields(kind)})  # type: ignore[arg-type]


class ApiSteering(Steering):
    """As `journal.steering.Steering`."""

    def __init__(self, client: ApiClient, clock: Clock) -> None:
        self._client, self._clock = client, clock

    def ask(self, kind: str, strategy: str = "", run: str = "", facts: Mapping[str, Any] | None = None, by: str = "", key: str = "",
            asked_ns: int = 0) -> SteeringRequest:
        self.check(kind)
        body = dict(kind=kind, strategy=strategy, run=run, facts=dict(facts or {}), by=by, key=key or uuid.uuid4().hex,
                    asked_ns=asked_ns or self._clock.now_ns())
        return record(SteeringRequest, self._client.send("POST", "/steering", body))

    def waiting(self, account: str, run: str, strategy: str) -> list[SteeringRequest]:
        return [record(SteeringRequest, each) for each in self._client.get("/steering/waiting", account=account, run=run, strategy=strategy)]

    def taken(self, account: str, run: str) -> list[SteeringRequest]:
        return [record(SteeringRequest, each) for each in self._client.get("/steering/taken", account=account, run=run)]

    def answer(self, request_id: int, account: str, run: str, taken: bool, text: str, bar_ns: int, answered_ns: int = 0) -> None:
        body = dict(account=account, run=run, taken=taken, text=text, bar_ns=bar_ns, answered_ns=answered_ns or self._clock.now_ns())
        self._client.send("POST", f"/steering/{request_id}/answers", body)

    def requests(self, kind: str | None = None, strategy: str | None = None, run: str | None = None, after: int = 0,
                 limit: int | None = None) -> list[SteeringRequest]:
        def part(place: str) -> Part[SteeringRequest]:
            told = self._client.get("/steering", kind=kind, strategy=strategy, run=run, after=place or after, limit=limit or MOST)
            return Part([record(SteeringRequest, each) for each in told["requests"]], "" if limit else told["next"] or "")

        return list(every(part))

    def answers(self, request_id: int | None = None, account: str | None = None, run: str | None = None) -> list[SteeringAnswer]:
        return [record(SteeringAnswer, each) for each in self._client.get("/steering/answers", request_id=request_id, account=account, run=run)]


class ApiState(State):
    """As `journal.state.State`."""

    def __init__(self, client: ApiClient, clock: Clock) -> None:
        self._client, self._clock = client, clock

    def portfolio(self, account: str, run: str | None = None, prices: Mapping[str, Decimal] | None = None) -> Portfolio:
        told = self._client.get("/portfolio", account=account, run=run)
        held = [Position(each["symbol"], *(Decimal(each[name]) for name in ("quantity", "average_price", "last_price")))
                for each in told["positions"]]
        known = prices or {}
        positions = tuple(Position(each.symbol, each.qty, each.average, known.get(each.symbol, each.price)) for each in held)
        return record(Portfolio, {**told, "positions": positions, "booked": told["dividends"]})

    def reconcile(self, account: str, positions: Mapping[str, Mapping[str, Any]], cash: Decimal | None = None, run: str | None = None,
                  by: str = "", key: str = "", time_ns: int = 0) -> Reconciliation:
        body = dict(account=account, run=run, cash=cash, by=by, key=key or uuid.uuid4().hex, time_ns=time_ns or self._clock.now_ns(),
                    positions=[{"symbol": symbol, **facts} for symbol, facts in positions.items()])
        return record(Reconciliation, self._client.send("POST", "/portfolio/reconciliations", body))

    def reconciliations(self, account: str | None = None, after: int = 0, limit: int | None = None) -> list[Reconciliation]:
        def part(place: str) -> Part[Reconciliation]:
            told = self._client.get("/portfolio/reconciliations", account=account, after=place or after, limit=limit or MOST)
            return Part([record(Reconciliation, each) for each in told["reconciliations"]], "" if limit else told["next"] or "")

        return list(every(part))


class ApiHistory(History):
    """As `journal.history.History`."""

    def __init__(self, client: ApiClient, clock: Clock) -> None:
        self._client, self._clock = client, clock

    def say(self, account: str, run: str, strategy: str, bar_ns: int, convictions: Mapping[str, float]) -> None:
        self._client.send("PUT", "/signals", dict(account=account, run=run, strategy=strategy, bar_ns=bar_ns, convictions=dict(convictions)))

    def signals(self, account: str | None = None, run: str | None = None, since_ns: int = LONG_AGO, until_ns: int = FAR_AHEAD) -> list[Signal]:
        return self._every("/signals", "signals", Signal, account, run, since_ns, until_ns)

    def take(self, account: str, run: str, equity: Decimal, cash: Decimal, positions: Mapping[str, Any] | None = None, source: str = "broker",
             time_ns: int = 0) -> None:
        self._client.send("POST", "/equity", dict(account=account, run=run, equity=equity, cash=cash, positions=dict(positions or {}),
                                                  source=source, time_ns=time_ns or self._clock.now_ns()))

    def snapshots(self, account: str | None = None, run: str | None = None, since_ns: int = LONG_AGO,
                  until_ns: int = FAR_AHEAD) -> list[Snapshot]:
        return self._every("/equity/snapshots", "snapshots", Snapshot, account, run, since_ns, until_ns)

    def equity(self, account: str, run: str | None = None, since_ns: int = LONG_AGO, until_ns: int = FAR_AHEAD) -> list[EquityPoint]:
        found = self._every("/equity", "equity", EquityPoint, account, run, since_ns, until_ns)
        return sorted(found, key=lambda point: (point.time_ns, point.run, point.source))

    def _every(self, path: str, what: str, kind: type[Made], account: str | None, run: str | None, since_ns: int, until_ns: int) -> list[Made]:
        def part(after: str) -> Part[Made]:
            told = self._client.get(path, account=account, run=run, since=since_ns, until=until_ns, after=after, limit=FEW)
            return Part([record(kind, each) for each in told[what]], told["next"] or "")

        return list(every(part))
