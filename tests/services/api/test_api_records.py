"""The records of live accounts over REST: told twice recorded once, chosen and paged, exact, and nothing of what is wrong."""

import threading
import time
from contextlib import contextmanager
from decimal import Decimal

import httpx
import pytest
from api_settings import settings_in
from served import serving

from services.api.app import create_app

BUY = {"client_order_id": "c-1", "broker_id": "b", "filled": "10.50", "account": "A", "run": "r", "symbol": "AAA", "side": "buy",
       "qty": "10.50", "price": "9.123456789012345678901234567", "time_ns": 1_700_000_000_000_000_005, "commission": "0.1"}
DECISION = {"account": "A", "run_key": "r", "bar_ns": 10, "session": "2024-03-01", "strategy": "S", "strategy_source": "x", "spec": {},
            "fingerprint": "f", "equity": "100.50", "cash": "1", "targets": {"AAA": 3.0}, "notes": []}
ORDER = {"client_order_id": "c/1", "symbol": "AAA", "side": "buy", "qty": "3", "intent": "enter"}
NOTE = {"account": "A", "run": "r", "kind": "alert", "text": "look", "time_ns": 7, "facts": {"off": 5.5}}


@pytest.fixture(name="untouched", scope="module")
def _untouched(tmp_path_factory):
    """Of an API in whose journal nothing is ever written."""
    with begun(tmp_path_factory.mktemp("untouched")) as client:
        yield client


@pytest.fixture(name="client")
def _client(tmp_path):
    with begun(tmp_path) as client:
        yield client


@contextmanager
def begun(tmp_path):
    """An API with an empty journal, as a client sees it."""
    with serving(create_app(settings_in(tmp_path), rate=0)) as address, httpx.Client(base_url=f"{address}/v1", timeout=60) as client:
        yield client


def post(client, path, body, **kwargs):
    answer = client.request(kwargs.pop("method", "POST"), path, json=body)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def paged(client, path, what, **query):
    found, after = [], ""
    while after is not None:
        page = client.get(path, params={**query, "after": after}).json()
        assert len(page[what]) <= query.get("limit", 100)
        found, after = found + page[what], page["next"]
    return found


def executed(client, count):
    rows = [{**BUY, "client_order_id": f"c-{at}", "run": "rs"[at % 2], "symbol": f"S{at % 3}", "time_ns": 100 + at // 2} for at in range(count)]
    assert post(client, "/executions", {"executions": rows}) == {"recorded": count}
    return rows


def test_an_execution_told_twice_is_recorded_once_and_exact(client):
    assert post(client, "/executions", {"executions": [BUY, BUY]}) == {"recorded": 1}
    assert post(client, "/executions", {"executions": [{**BUY, "filled": 10.5, "price": 1}]}) == {"recorded": 0}
    [found] = client.get("/executions").json()["executions"]
    assert found == {**BUY, "filled": "10.5"}


def test_executions_come_in_pages_and_can_be_chosen(client):
    rows = executed(client, 11)
    assert paged(client, "/executions", "executions", limit=3) == [{**each, "filled": "10.5"} for each in rows]
    chosen = paged(client, "/executions", "executions", account="A", run="r", symbol=["S0", "S1"], since=101, until=105, limit=1)
    assert [each["client_order_id"] for each in chosen] == ["c-4", "c-6"]
    assert client.get("/executions", params={"since": "1970-01-01T00:00:01Z"}).json()["executions"] == []
    assert len(client.get("/executions", params={"until": "1970-01-01T00:00:01"}).json()["executions"]) == 11
    assert client.get("/executions/runs").json() == [{"account": "A", "run": "r"}, {"account": "A", "run": "s"}]


def test_pages_leave_out_nothing_that_is_recorded_between_them(client):
    executed(client, 4)
    first = client.get("/executions", params={"limit": 2}).json()
    post(client, "/executions", {"executions": [{**BUY, "time_ns": 1}, {**BUY, "client_order_id": "late", "time_ns": 10**6}]})
    second = client.get("/executions", params={"limit": 10, "after": first["next"]}).json()
    assert [each["client_order_id"] for each in first["executions"] + second["executions"]] == ["c-0", "c-1", "c-2", "c-3", "late"]


def test_a_decision_its_orders_and_what_becomes_of_them(client):
    number = post(client, "/decisions", {**DECISION, "orders": [ORDER], "at_ns": 5})["id"]
    assert post(client, "/decisions", {**DECISION, "cash": "7"})["id"] == number
    [decision] = client.get("/decisions", params={"account": "A", "run": "r"}).json()["decisions"]
    assert (decision["equity"], decision["targets"], decision["created_ns"]) == ("100.50", {"AAA": 3.0}, 5)
    post(client, "/orders", {"decision": number, "orders": [{**ORDER, "client_order_id": "c-2", "attempt": 2, "state": "open"}]})
    assert post(client, "/orders/c%2F1", {"state": "done", "filled": "3", "price": "9.5"}, method="PATCH")["state"] == "done"
    assert post(client, "/orders/c%2F1", {"state": "open"}, method="PATCH")["state"] == "done"
    assert [each["client_order_id"] for each in paged(client, "/orders", "orders", limit=1)] == ["c/1", "c-2"]
    assert [each["client_order_id"] for each in client.get("/orders", params={"unfinished": True, "run": "r"}).json()["orders"]] == ["c-2"]
    assert client.get("/orders/c%2F1").json() | {"decision": number, "run": "r", "price": "9.5"} == client.get("/orders/c%2F1").json()
    assert client.get("/decisions/latest", params={"account": "A", "run": "r"}).json() == {"bar_ns": 10}


def test_notes_and_alerts(client):
    for body in ({**NOTE, "key": "k"}, {**NOTE, "key": "k"}, {**NOTE, "kind": "refused", "key": "other"}):
        assert post(client, "/notes", body) == {name: value for name, value in body.items() if name != "key"}
    assert client.get("/alerts").json() == {"notes": [NOTE], "next": None}
    assert [each["kind"] for each in paged(client, "/notes", "notes", limit=1)] == ["alert", "refused"]
    assert client.get("/notes", params={"kind": ["refused"], "account": "A", "since": 8}).json()["notes"] == []


def test_the_portfolio_is_what_was_executed_and_booked(client):
    post(client, "/executions", {"executions": [{**BUY, "price": "10"}]})
    post(client, "/notes", {**NOTE, "kind": "transfer", "facts": {"cash": "1000.10", "symbol": ""}})
    assert client.get("/positions", params={"account": "A"}).json() == [
        {"symbol": "AAA", "quantity": "10.50", "average_price": "10", "last_price": "10", "market_value": "105.00", "unrealized": "0.00"}]
    found = client.get("/portfolio", params={"account": "A"}).json()
    assert (Decimal(found["cash"]), Decimal(found["equity"]), found["executions"]) == (Decimal("895.00"), Decimal("1000.00"), 1)
    said = post(client, "/portfolio/reconciliations", {"account": "A", "positions": [{"symbol": "AAA", "quantity": 100, "market_value": 1000.0}],
                                                       "cash": 85000.0, "by": "me"})
    assert said["differences"] == {"AAA": {"stated": "100", "known": "10.5"}, "cash": {"stated": "85000", "known": "895"}}
    assert client.get("/portfolio", params={"account": "A"}).json() == found
    assert client.get("/portfolio/reconciliations").json() == {"reconciliations": [said], "next": None}
    assert client.get("/portfolio", params={"account": "A", "run": ""}).json()["positions"] == []


def test_equity_and_signals_as_they_were_recorded(client):
    post(client, "/decisions", DECISION)
    post(client, "/equity", {"account": "A", "run": "r", "equity": "99.10", "cash": "0.5", "time_ns": 11})
    assert [(each["time_ns"], each["equity"], each["source"]) for each in client.get("/equity", params={"account": "A"}).json()["equity"]] == [
        (10, "100.50", "decision"), (11, "99.10", "broker")]
    first = client.get("/equity", params={"account": "A", "limit": 1}).json()
    rest = client.get("/equity", params={"account": "A", "limit": 1, "after": first["next"]}).json()
    assert [each["time_ns"] for each in (*first["equity"], *rest["equity"])] == [10, 11] and rest["next"] is None
    assert client.get("/equity/snapshots").json()["snapshots"][0]["equity"] == "99.10"
    signal = {"account": "A", "run": "r", "strategy": "S", "bar_ns": 10, "convictions": {"AAA": 1.5}}
    post(client, "/signals", signal, method="PUT")
    assert client.get("/signals", params={"account": "A"}).json() == {"signals": [signal], "next": None}


def test_steering_shows_what_was_asked_and_answered(client):
    asked = post(client, "/steering", {"kind": "configure", "strategy": "Momentum", "facts": {"lookback": "90"}, "by": "me", "key": "k"})
    assert post(client, "/steering", {"kind": "rebalance", "key": "k"}) == asked
    assert client.get("/steering/waiting", params={"account": "A", "run": "r", "strategy": "Momentum"}).json()[0]["id"] == asked["id"]
    post(client, f"/steering/{asked['id']}/answers", {"account": "A", "run": "r", "taken": True, "text": "lookback = 90", "bar_ns": 5})
    [shown] = client.get("/steering").json()["requests"]
    assert [(each["taken"], each["text"]) for each in shown["answers"]] == [(True, "lookback = 90")]
    assert client.get("/steering/waiting", params={"account": "A", "run": "r", "strategy": "Momentum"}).json() == []


@pytest.mark.parametrize(("method", "path", "body", "status", "field"), [
    *[("POST", "/executions", {"executions": [{**BUY, **wrong}]}, 422, f"executions.0.{next(iter(wrong))}") for wrong in (
        {"qty": "-1"}, {"qty": "NaN"}, {"qty": 0}, {"qty": "Infinity"}, {"price": -1}, {"price": "x"}, {"side": "hold"}, {"symbol": ""},
        {"symbol": "A\x00"}, {"filled": "1e400"}, {"time_ns": -1}, {"time_ns": 2**70}, {"account": ""}, {"qtty": 1})],
    ("POST", "/decisions", {**DECISION, "equity": "NaN"}, 422, "equity"),
    ("POST", "/notes", {**NOTE, "kind": ""}, 422, "kind"),
    ("POST", "/portfolio/reconciliations", {"account": "A", "positions": [{"symbol": "A", "quantity": "nan"}]}, 422, "positions.0.quantity"),
    ("POST", "/steering", {"kind": "rebalence"}, 422, "kind"),
    ("GET", "/executions?since=yesterday", None, 422, "since"),
    ("GET", "/executions?limit=0", None, 422, "limit"),
])
def test_what_is_wrong_is_named_and_nothing_is_written(untouched, method, path, body, status, field):
    answer = untouched.request(method, path, json=body)
    assert answer.status_code == status and answer.headers["content-type"] == "application/problem+json"
    assert any(each["field"].startswith(field) for each in answer.json()["errors"]), answer.text
    assert untouched.get("/executions").json()["executions"] == untouched.get("/decisions").json()["decisions"] == []
    assert untouched.get("/notes").json()["notes"] == untouched.get("/steering").json()["requests"] == []


@pytest.mark.parametrize(("method", "path", "body", "status", "detail"), [
    ("PATCH", "/orders/nobody", {"state": "done"}, 404, "unknown order nobody"),
    ("GET", "/orders/nobody", None, 404, "unknown order nobody"),
    ("POST", "/orders", {"decision": 9, "orders": [ORDER]}, 404, "unknown decision 9"),
    ("POST", "/steering/9/answers", {"account": "A", "run": "r", "taken": True, "text": "", "bar_ns": 5}, 404, "unknown steering request 9"),
    ("POST", "/notes", {**NOTE, "kind": "cash", "facts": {"cash": "a lot"}}, 422, "cash 'a lot' of a note is no number"),
    ("POST", "/portfolio/reconciliations", {"account": "A", "positions": [{"symbol": "A", "quantity": 1}] * 2}, 422, "A is there twice"),
    ("GET", "/executions?after=1-2-3", None, 422, "is no place to go on from"),
    ("GET", "/orders?after=x", None, 422, "is no place to go on from"),
    ("GET", f"/notes?after={2**80}", None, 422, "is no place to go on from"),
])
def test_what_is_not_there_is_one_clear_line(untouched, method, path, body, status, detail):
    answer = untouched.request(method, path, json=body)
    assert answer.status_code == status and detail in answer.json()["detail"] and "\n" not in answer.json()["detail"]


def told_by_many(client, clients, seconds, most):
    """Executions posted by many clients at once, each of them twice; returns the ids of those acknowledged."""
    told, troubles, until = [], [], time.monotonic() + seconds

    def tell(name):
        with httpx.Client(base_url=client.base_url, timeout=60) as own:
            for at in range(most):
                if time.monotonic() > until:
                    return
                row = {**BUY, "client_order_id": f"{name}-{at}", "symbol": f"S{at % 5}", "time_ns": 10 + at}
                answers = [own.post("/executions", json={"executions": [row]}) for _ in range(2)]
                if [(each.status_code, each.text) for each in answers] != [(200, '{"recorded":1}'), (200, '{"recorded":0}')]:
                    troubles.append([each.text for each in answers])
                told.append(row["client_order_id"])

    threads = [threading.Thread(target=tell, args=(name,)) for name in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    return told


@pytest.mark.parametrize(("clients", "seconds", "most"), [(10, 60, 6), pytest.param(100, 60, 10**6, marks=pytest.mark.soak)])
def test_many_clients_lose_and_double_nothing(client, clients, seconds, most):
    told = told_by_many(client, clients, seconds, most)
    found = paged(client, "/executions", "executions", limit=1000)
    assert sorted(each["client_order_id"] for each in found) == sorted(told) and len(told) >= clients
    assert sum(Decimal(each["quantity"]) for each in client.get("/positions", params={"account": "A"}).json()) == len(told) * Decimal("10.5")
