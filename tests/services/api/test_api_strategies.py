"""Strategies, their parameters and their signals by REST: the same as the command's, and configured ones take effect."""

import json

import httpx
import pytest
from api_settings import settings_in
from served import serving

import engine
from core.spec import RunSpec
from engine import resolve
from services.api.app import create_app

FUNDS = ["MTUM", "QUAL", "SIZE", "USMV", "VLUE"]


def parameters(client, name):
    return {each["name"]: each for each in client.get(f"/v1/strategies/{name}").json()["parameters"]}


def test_every_shipped_strategy_with_its_parameters(client):
    found = {each["name"]: each for each in client.get("/v1/strategies").json()}
    assert set(found) == set(resolve.strategy_names())
    for name, each in found.items():
        own = {one["name"]: one["default"] for one in each["parameters"] if "." not in one["name"]}
        assert own == resolve.defaults(resolve.strategy_class(name)) and each["meaning"] and each["rule"]
        assert all(one["meaning"] for one in each["parameters"]), name
    assert found["GoldenCross"] == client.get("/v1/strategies/golden_cross").json()
    momentum = {one["name"]: one for one in found["Momentum"]["parameters"]}
    assert (momentum["sizer.risk"]["aliases"], momentum["lookback"]["aliases"]) == (["riskFactor"], ["lookbackPeriod"])
    assert found["Momentum"]["needs_index"] and (momentum["top"]["kind"], momentum["top"]["tried"]) == ("float", "0.1:0.5:0.1")


def test_configured_parameters_are_recorded_and_hold(client, app):
    asked = {"lookbackPeriod": "60", "topPercentage": "0.3", "riskFactor": "0.002", "limits.max_weight": 0.2}
    answer = client.put("/v1/strategies/momentum/parameters", json={"parameters": asked, "by": "me"})
    want = {"lookback": 60, "top": 0.3, "sizer.risk": 0.002, "limits.max_weight": 0.2}
    assert (answer.status_code, answer.json()["parameters"], answer.json()["strategy"]) == (200, want, "Momentum")
    [request] = app.state.journal.steering.requests("configure", "Momentum")
    assert (request.facts, request.by, request.run, request.id) == ({"parameters": want}, "me", "", answer.json()["request"])
    client.put("/v1/strategies/Momentum/parameters", json={"parameters": {"lookback": 70}})
    now = parameters(client, "Momentum")
    assert {name: now[name]["configured"] for name in ("lookback", "top", "sizer.risk", "atr")} == {
        "lookback": 70, "top": 0.3, "sizer.risk": 0.002, "atr": 20}
    assert app.state.journal.steering.requests("configure", "Momentum")[-1].by == "api 127.0.0.1"


@pytest.mark.parametrize(("given", "status", "words"), [
    ({"fats": 20}, 404, "did you mean 'fast'"), ({"fast": 300}, 422, "fast=300 is not below slow=200"), ({"fast": "x"}, 422, "fast=x is not a number"),
    ({"fast": 2.5}, 422, "not a whole number"), ({"fast": 10**400}, 422, "fast is 1000"), ({"sizer.acros": 1}, 404, "did you mean 'across'"),
    ({"sizer.across": "all"}, 404, "sizer.across"), ({"limits.max_weight": -1}, 422, "limits.max_weight is -1"), ({"exit.stop": 0.1}, 404, "'exit'"),
    ({}, 422, "parameters"), ({"fast": None}, 422, "parameters.fast"), ({"fast": [1]}, 422, "parameters.fast"),
])
def test_parameters_that_are_not_possible_are_not_recorded(client, app, given, status, words):
    before = app.state.journal.steering.requests()
    answer = client.put("/v1/strategies/GoldenCross/parameters", json={"parameters": given})
    assert answer.status_code == status and words in answer.json()["detail"]
    assert app.state.journal.steering.requests() == before


def test_nan_is_no_parameter(client, app):
    answer = client.put("/v1/strategies/GoldenCross/parameters", content=b'{"parameters": {"fast": NaN}}',
                        headers={"Content-Type": "application/json"})
    assert answer.status_code == 422 and "fast is nan" in answer.json()["detail"]


def signals(client, **body):
    answer = client.post("/v1/signals", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_signals_are_those_of_the_command(client):
    found = signals(client, strategy="EtfRotation", symbols=[*FUNDS, "FB"], params={"top": "2"}, cash=5000)
    want = json.loads(json.dumps(engine.today(RunSpec(strategy="EtfRotation", symbols=(*FUNDS, "FB"), params=dict(top=2), cash=5000.0)).summary(),
                                 default=str).replace("NaN", "null"))
    assert {name: found[name] for name in want} == want
    assert found["params"] == {"top": 2} and found["signals"][-1]["weight"] is None


def test_signals_use_what_is_configured_and_what_is_asked_for_wins(client):
    asked = dict(strategy="MeanReversion", symbols=["AAPL", "IBM"], end="2012-11-30")
    shipped = signals(client, **asked)
    client.put("/v1/strategies/mean_reversion/parameters", json={"parameters": {"period": 20, "entry": 1.0}})
    configured, own = signals(client, **asked), signals(client, **asked, params={"period": 50, "entry": "2"})
    assert configured["params"] == {"period": 20, "entry": 1.0} and own["signals"] == shipped["signals"] != configured["signals"]
    want = engine.today(RunSpec(strategy="MeanReversion", symbols=("AAPL", "IBM"), end="2012-11-30", params=dict(period=20, entry=1.0)))
    assert [row["numbers"] for row in configured["signals"]] == [dict(row.numbers) for row in want.rows]


def test_a_sizer_that_is_asked_for_does_not_get_the_other_ones_parameters(client):
    client.put("/v1/strategies/buy_and_hold/parameters", json={"parameters": {"sizer.rounding": "greedy", "reinvest": False}})
    found = signals(client, strategy="BuyAndHold", symbols=["AAPL"], sizer="FixedFraction")
    assert found["params"] == {"reinvest": False} and signals(client, strategy="BuyAndHold", symbols=["AAPL"], quantity=7)["signals"][0]["shares"] == 7


@pytest.mark.parametrize(("body", "status", "words"), [
    ({"symbols": ["AAPL"]}, 422, "strategy: Field required"),
    ({"strategy": "GoldenCros", "symbols": ["AAPL"]}, 404, "did you mean 'GoldenCross'"),
    ({"strategy": "mine.py:Mine", "symbols": ["AAPL"]}, 422, "not taken from outside"),
    ({"strategy": "os:path", "symbols": ["AAPL"]}, 422, "not taken from outside"),
    ({"strategy": "GoldenCross", "symbols": ["AAPL"], "sizer": "mine.py:Mine"}, 422, "not taken from outside"),
    ({"strategy": "GoldenCross", "symbols": ["AAPLE"]}, 404, "did you mean 'AAPL'"),
    ({"strategy": "GoldenCross", "symbols": ["prices.csv"]}, 422, "not taken from outside"),
    ({"strategy": "GoldenCross", "symbols": []}, 422, "symbols"),
    ({"strategy": "GoldenCross", "symbols": ["AAPL"], "start": "2012-01-01", "end": "2011-01-01"}, 422, "start 2012-01-01 is after end"),
    ({"strategy": "GoldenCross", "symbols": ["AAPL"], "cash": -5}, 422, "cash: Input should be greater than 0"),
    ({"strategy": "GoldenCross", "symbols": ["AAPL"], "quantity": 0}, 422, "quantity: Input should be greater than 0"),
    ({"strategy": "GoldenCross", "symbols": ["AAPL"], "params": {"fats": 1}}, 404, "did you mean 'fast'"),
    ({"strategy": "GoldenCross", "symbols": ["AAPL"], "parms": {}}, 422, "parms: Extra inputs are not permitted"),
    ({"strategy": "GoldenCross", "symbols": ["AAPL"], "interval": "1 day"}, 422, "interval '1 day'"),
    ({"strategy": "GoldenCross", "symbols": ["AAPL", "AAPL"]}, 422, "symbol AAPL is named twice"),
])
def test_bad_requests_for_signals(client, body, status, words):
    answer = client.post("/v1/signals", json=body)
    assert answer.status_code == status and words in answer.json()["detail"], answer.text


def test_strategies_of_ones_own_where_they_are_allowed(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import numpy as np\nfrom strategies import TargetStrategy\n\n\nclass Mine(TargetStrategy):\n"
        "    params = dict(bad=0)\n\n    @classmethod\n    def signals(cls, bars, p):\n        return np.where(bars.traded, 1 / (1 - p.bad), np.nan)\n")
    own = f"{tmp_path}/mine.py:Mine"
    with serving(create_app(settings_in(tmp_path), files=True)) as address, httpx.Client(base_url=address, timeout=60) as client:
        assert signals(client, strategy=own, symbols=["AAPL"])["signals"][0]["signal"] == "HOLD"
        failed = client.post("/v1/signals", json={"strategy": own, "symbols": ["AAPL"], "params": {"bad": 1}})
    assert failed.status_code == 422 and failed.json()["detail"] == "mine.py raised ZeroDivisionError: division by zero (line 10)"
