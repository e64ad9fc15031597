"""Every grpcurl line of the system's first document works as it stands, with the real grpcurl and by reflection."""

import json
import os
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from rpc_client import LINES, STOCKS, Client, grpcurl

import engine
from core.spec import RunSpec
from feeds.load import load_bars

GRPCURL = os.environ.get("GRPCURL") or shutil.which("grpcurl", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
DOCUMENTED = LINES.read_text().splitlines()


def check(method, answer, source):
    """What the line asked for is in the answer."""
    name = method.partition("/")[2]
    if name in ("GetStockData", "GetBatchStockData"):
        parts = answer.get("data", [answer])
        assert [part["symbol"] for part in parts] == ["AAPL", "GOOGL"][: len(parts)]
        bars = load_bars(source=source, symbols=("AAPL",), start="2023-01-01", end="2023-06-01")
        assert [bar["date"] for bar in parts[0]["bars"]] == [str(day) for day in bars.session]
        assert [bar["close"] for bar in parts[0]["bars"]] == bars.raw_close[:, 0].tolist()
        assert [bar["adjusted_close"] for bar in parts[0]["bars"]] == bars.close[:, 0].tolist()
    elif name == "GenerateSignals":
        assert [signal["symbol"] for signal in answer["signals"]] == STOCKS and answer["date"] == "2023-06-01"
        assert {signal["signal"] for signal in answer["signals"]} == {"HOLD", "SELL"}  # a Thursday: what stands since Wednesday
        assert all(signal["risk_unit"] > 0 and signal["decided"] == "2023-05-31" for signal in answer["signals"])
        assert 1 <= sum(signal["momentum_score"] > 0 for signal in answer["signals"]) <= 6
    elif name in ("ConfigureStrategy", "GetStrategyParameters"):
        assert answer["strategy_name"] == "Momentum"
        assert {"lookbackPeriod": "90", "lookback": "90", "topPercentage": "0.2", "riskFactor": "0.001"}.items() <= answer["parameters"].items()
    elif name == "UpdatePortfolioState":
        assert {each["name"]: each["stated"] for each in answer["differences"]} == {"AAPL": "100", "cash": "85000"}
    elif name == "GetPortfolioState":
        assert answer["cash_balance"] == answer["portfolio_value"] == 100_000.0
    elif name == "GenerateOrders":  # 100 are held by then: 100,000 x 0.001 / (0.1 x 150) = 6.7
        [order] = answer["orders"]
        assert (order["side"], order["quantity"], order["target_quantity"]) == ("sell", 94.0, 6.0) and order["client_order_id"].startswith("cl-AAPL-")
    elif name == "GetDesiredPortfolioState":
        assert answer["date"] == "2023-06-30" and sum(each["market_value"] for each in answer["positions"]) > 0
    else:
        assert int(answer["request_id"]) > 0 and answer["kind"] == ("rebalance" if name == "TriggerRebalance" else "schedule")


def parts_of(line):
    found = re.fullmatch(r"grpcurl -plaintext(?: -d '(.*)')? localhost:(\d+) (\S+)", line)
    return found[3], json.loads(found[1] or "{}")


@pytest.mark.skipif(not GRPCURL, reason="grpcurl is not there: make peers, or name it with GRPCURL")
def test_every_line_works_with_grpcurl(serve, source):
    ports = serve().ports
    for line in DOCUMENTED:
        answer, said = grpcurl(GRPCURL, line, ports)
        assert said is None, said
        check(parts_of(line)[0], answer, source)
    answer, said = grpcurl(GRPCURL, DOCUMENTED[-1].replace("weekly", "sometimes"), ports)
    assert answer is None and "Code: InvalidArgument" in said and "unknown schedule 'sometimes': write daily, weekly, monday" in said


def test_every_line_works_by_reflection(client, source, journal):
    for line in DOCUMENTED:
        method, asked = parts_of(line)
        check(method, client(method, asked), source)
    assert [(request.kind, request.strategy, request.run) for request in journal.steering.requests()] == [
        ("configure", "Momentum", ""), ("rebalance", "", "Momentum"), ("schedule", "", "Momentum")]
    [stated] = journal.state.reconciliations()
    assert stated.positions == {"AAPL": {"quantity": "100", "current_price": "150"}} and stated.cash == 85_000


def test_a_server_without_a_spec_serves_the_packaged_sample(serve):
    with Client(serve(spec=None).ports) as client:
        held = client("portfolioservice.PortfolioService/GetDesiredPortfolioState")
        assert held["date"] == "2022-12-28" and held["strategy_name"] == "Momentum" and len(held["positions"]) > 2
        status, text = client.fails(*parts_of(DOCUMENTED[0]))
        assert status == "NOT_FOUND" and text == "no 1d bars of AAPL from 2023-01-01 to 2023-06-01: the data covers 2000-03-01 to 2013-03-01"
        status, text = client.fails(*parts_of(DOCUMENTED[1]))
        assert status == "NOT_FOUND" and text.startswith("unknown symbol 'GOOGL': did you mean 'GOOG'?")
        asked = client("portfolioservice.PortfolioService/TriggerRebalance")
        assert "strategy_name" not in asked and "run" not in asked


def test_signals_are_those_of_the_command(client, spec):
    """The same as `cerebrolab signals`, for a strategy that depends on nothing before its range."""
    asked = {"symbols": ["AAPL", "MSFT"], "strategy_name": "golden_cross", "parameters": {"fast": "5", "slow": "20"}}
    answer = client("strategyservice.StrategyService/GenerateSignals", asked)
    found = engine.today(RunSpec(strategy="GoldenCross", symbols=("AAPL", "MSFT"), params={"fast": 5, "slow": 20}, source=spec.source))
    for said, row in zip(answer["signals"], found.rows, strict=True):
        assert said["current_price"] == row.close and said.get("weight", 0.0) == row.weight and said["decided"] == str(row.decided)
        assert said["momentum_score"] == row.conviction and said["numbers"] == dict(row.numbers)
        assert said["signal"] == {"OUT": "SELL"}.get(row.signal, row.signal)
    np.testing.assert_equal(answer["date"], str(found.session))


def test_many_at_once_are_all_answered_and_recorded(client, journal):
    """Sixteen callers; what each has recorded is there, once."""
    def one(at):
        client("portfoliostateservice.PortfolioStateService/UpdatePortfolioState", {"account": f"account{at}", "cash_balance": at})
        client("portfolioservice.PortfolioService/TriggerRebalance", {"requested_by": str(at)})
        return client("portfoliostateservice.PortfolioStateService/GetPortfolioState", {"account": f"account{at}"})["cash_balance"]

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(one, range(1, 49))) == list(range(1, 49))
    assert sorted(int(request.by) for request in journal.steering.requests()) == list(range(1, 49)) and len(journal.state.reconciliations()) == 48
