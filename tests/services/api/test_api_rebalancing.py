"""The desired portfolio and calls to rebalance by REST: those of `services.portfolio`, and recorded for running strategies."""

import pytest

from core.spec import RunSpec
from services import portfolio

SPEC = {"strategy": "EtfRotation", "symbols": ["MTUM", "QUAL", "SIZE", "USMV", "VLUE"], "cash": 50_000, "params": {"top": 2}}


def test_the_desired_portfolio_is_that_of_the_service(client, app, settings):
    answer = client.post("/v1/portfolio/desired", json={"spec": SPEC})
    assert answer.status_code == 200, answer.text
    found, plan = answer.json(), portfolio.desired(settings, RunSpec(**SPEC), app.state.journal)
    assert (found["session"], found["source"], found["value"], found["strategy"]) == (plan.session, "spec", 50_000.0, "EtfRotation")
    assert {each["symbol"]: each["desired"] for each in found["positions"]} == plan.desired() and len(plan.desired()) == 2
    assert [(each["symbol"], each["side"], each["quantity"], each["client_order_id"], each["reason"]) for each in found["orders"]] == [
        (each.symbol, each.side, f"{each.quantity:f}", each.client_order_id, "to be held") for each in plan.orders]
    assert found["cash"] == pytest.approx(50_000 - sum(float(each["quantity"]) * each["price"] for each in found["orders"]))


def test_signals_of_somebody_else(client):
    signals = [{"symbol": "AAPL", "signal": "BUY", "risk_unit": 0.1, "momentum_score": 0.5, "current_price": 150.0}]
    found = client.post("/v1/portfolio/desired", json={"signals": signals}).json()
    assert [(each["symbol"], each["side"], each["quantity"]) for each in found["orders"]] == [("AAPL", "buy", "6")]  # 0.001 x 100000 / 15


def test_calls_are_recorded(client, app):
    called = client.post("/v1/rebalances", json={"strategy": "momentum", "run": "mine"})
    assert (called.status_code, called.json()["strategy"], called.json()["by"]) == (202, "Momentum", "api 127.0.0.1")
    assert client.get("/v1/schedules", params={"strategy": "momentum"}).json()["schedule"] == ""
    moved = client.put("/v1/schedules", json={"strategy": "momentum", "schedule": "weekly", "by": "me"})
    assert moved.status_code == 200 and client.get("/v1/schedules", params={"strategy": "momentum"}).json()["schedule"] == "weekly"
    made = app.state.journal.steering.requests()
    assert [(each.id, each.kind, each.strategy, each.run, each.facts) for each in made] == [
        (called.json()["request"], "rebalance", "Momentum", "mine", {}), (moved.json()["request"], "schedule", "Momentum", "", {"schedule": "weekly"})]


@pytest.mark.parametrize(("method", "path", "body", "status", "words"), [
    ("PUT", "schedules", {"schedule": "wekly"}, 404, "weekly"), ("PUT", "schedules", {}, 422, "schedule: Field required"),
    ("POST", "rebalances", {"strategy": "momentun"}, 404, "did you mean 'Momentum'"), ("POST", "rebalances", {"strategy": "x.py:Y"}, 422, "not taken"),
    ("POST", "portfolio/desired", {"account": "nobody's"}, 404, "nobody's"),
    ("POST", "portfolio/desired", {"spec": {**SPEC, "strategy": "EtfRotatio"}}, 404, "did you mean 'EtfRotation'"),
    ("POST", "portfolio/desired", {"signals": []}, 422, "signals: "),
    ("POST", "portfolio/desired", {"signals": [{"symbol": "AAPL", "signal": "BYU"}]}, 404, "signals[0].signal is 'BYU'"),
    ("POST", "portfolio/desired", {"signals": [{"symbol": "AAPL", "signal": "BUY", "current_price": -1}]}, 422, "signals[0].current_price is -1"),
])
def test_bad_input_names_the_field_and_records_nothing(client, app, method, path, body, status, words):
    before = app.state.journal.steering.requests()
    answer = client.request(method, f"/v1/{path}", json=body)
    assert answer.status_code == status and words in answer.json()["detail"], answer.text
    assert app.state.journal.steering.requests() == before
