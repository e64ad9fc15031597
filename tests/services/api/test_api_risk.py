"""The risk of a potential trade: restated slowly from the stored bars, and bad input."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.load import load_bars
from journal.account_log import TRANSFER, LiveExecution, Note
from services import risk

HELD = {"IBM": "100", "MSFT": "-50"}
ASKED = {"symbol": "AAPL", "side": "buy", "quantity": "10", "cash": "50000", "positions": HELD, "end": "2012-11-30"}


@pytest.fixture(name="bars", scope="module")
def _bars():
    return load_bars(source="sample", symbols=("AAPL", "IBM", "MSFT"), end="2012-11-30")


def ask(client, **changes):
    answer = client.post("/v1/risk", json={**ASKED, **changes})
    assert answer.status_code == 200, answer.text
    return answer.json()


def losses(bars, shares):
    """What holdings would have lost on each of the last 250 sessions, the largest loss last."""
    found = []
    for row in range(len(bars) - 250, len(bars)):
        change = 0.0
        for symbol, held in shares.items():
            at = bars.symbols.index(symbol)
            change += held * bars.raw_close[-1, at] * (bars.close[row, at] / bars.close[row - 1, at] - 1)
        found.append(-change)
    return sorted(found)


def restated_tail(bars, shares, confidence):
    ordered = losses(bars, shares)
    count = next(at for at in range(1, 251) if at / 250 >= confidence)
    return ordered[count - 1], sum(ordered[count - 1:]) / len(ordered[count - 1:])


def test_what_a_trade_costs_and_may_lose(client, bars):
    found = ask(client, stop="560.10", price="580.25")
    closes = dict(zip(bars.symbols, map(Decimal, map(repr, bars.raw_close[-1].tolist())), strict=True))
    equity = 50_000 + 100 * closes["IBM"] - 50 * closes["MSFT"]
    assert (found["value"], found["equity"], found["position"]) == ("5802.50", str(equity), "10")
    assert found["loss_at_stop"] == "201.50" and found["loss_part"] == pytest.approx(201.5 / float(equity))
    assert found["part"] == found["position_part"] == pytest.approx(5802.5 / float(equity)) and found["session"] == "2012-11-30"
    returns = bars.close[-250:, 0] / bars.close[-251:-1, 0] - 1
    assert found["volatility"] == pytest.approx(np.std(returns, ddof=1) * math.sqrt(252))
    assert ask(client)["loss_at_stop"] is None and Decimal(ask(client)["price"]) == closes["AAPL"]


@pytest.mark.parametrize("confidence", [0.95, 0.99, 0.5])
@pytest.mark.parametrize(("side", "sign"), [("buy", 1), ("sell", -1)])
def test_the_tail_is_that_of_the_last_sessions(client, bars, confidence, side, sign):
    found = ask(client, side=side, confidence=confidence)
    held = {"IBM": 100, "MSFT": -50}
    for name, shares in (("trade", {"AAPL": 10 * sign}), ("portfolio_before", held), ("portfolio_after", {**held, "AAPL": 10 * sign})):
        assert tuple(found[name].values()) == pytest.approx([max(each, 0) for each in restated_tail(bars, shares, confidence)]), name


def test_correlations_are_those_of_the_returns(client, bars):
    returns = bars.close[-250:] / bars.close[-251:-1] - 1
    want = np.corrcoef(returns.T)
    assert ask(client)["correlations"] == {"IBM": pytest.approx(want[0, 1]), "MSFT": pytest.approx(want[0, 2])}


@pytest.mark.parametrize(("changes", "limits", "allowed"), [
    ({}, {}, "10"),
    ({"quantity": "60"}, {"max_weight": 0.2}, "23"),  # 0.2 x 67676.25 / 585.28
    ({"quantity": "60"}, {"max_position": 3000}, "5"),
    ({"quantity": "60"}, {"max_weight": 0.2, "max_position": 3000}, "5"),  # the stricter of the two
    ({"quantity": "5.5"}, {"max_position": 3000}, "5.125751"),
    ({"quantity": "1000"}, {}, "79"),  # 98% of what the gross exposure leaves
    ({"quantity": "10"}, {"max_positions": 2}, "0"),
    ({"quantity": "10"}, {"min_position": 6000}, "0"),
    ({"quantity": "10"}, {"max_correlation": 0.1, "correlation_bars": 250}, "0"),
    ({"symbol": "IBM", "side": "sell", "quantity": "100"}, {"max_weight": 0.01, "max_positions": 1}, "100"),
    ({"symbol": "IBM", "side": "buy", "quantity": "100"}, {"max_weight": 0.3}, "6"),  # 0.3 x 67676.25 / 190.07, less the 100 held
])
def test_what_the_limits_let_through(client, changes, limits, allowed):
    found = ask(client, limits=limits, **changes)
    assert found["allowed"] == allowed
    said = {each["limit"]: each for each in found["limits"]}
    assert {"cash_buffer", "max_gross"} | set(limits) - {"correlation_bars"} == set(said)
    assert all(each["passes"] == (Decimal(each["allowed"]) == Decimal(changes.get("quantity", "10"))) for each in said.values())
    assert Decimal(allowed) <= min(Decimal(each["allowed"]) for each in said.values())


def test_the_account_of_the_journal(client, app):
    asked = {"symbol": "AAPL", "side": "buy", "quantity": "1", "account": "A", "end": ASKED["end"]}
    unknown = client.post("/v1/risk", json=asked)
    assert unknown.status_code == 422 and "cash is 0" in unknown.json()["detail"]
    log = app.state.journal.account_log
    log.add(Note("A", "r", TRANSFER, "in", 1, {"symbol": "", "cash": "60000", "qty": None}))
    log.execute([LiveExecution("c-1", "b", Decimal(100), "A", "r", "IBM", "buy", Decimal(100), Decimal(100), 5, Decimal(0))])
    log.execute([LiveExecution("c-2", "b", Decimal(50), "A", "r", "MSFT", "sell", Decimal(50), Decimal(1), 6, Decimal(0))])
    portfolio = app.state.journal.state.portfolio("A")
    assert {each.symbol: each.qty for each in portfolio.positions} == {"IBM": 100, "MSFT": -50}
    named = ask(client, quantity="1", cash=f"{portfolio.cash:f}")
    assert client.post("/v1/risk", json=asked).json() == named


@pytest.mark.parametrize(("changes", "status", "words"), [
    ({"quantity": "-1"}, 422, "quantity: Input should be greater than 0"), ({"quantity": 0}, 422, "quantity: Input should be greater than 0"),
    ({"quantity": "NaN"}, 422, "quantity: "), ({"quantity": "Infinity"}, 422, "quantity: "), ({"quantity": "x"}, 422, "quantity: "),
    ({"side": "hold"}, 422, "side: "), ({"symbol": "AAPLE"}, 404, "did you mean 'AAPL'"), ({"price": "-3"}, 422, "price: "),
    ({"stop": "900"}, 422, "stop is 900: that of a buy must be below its price"), ({"stop": "1", "side": "sell"}, 422, "must be above its price"),
    ({"positions": {"IBMM": 1}}, 404, "did you mean 'IBM'"), ({"positions": {"IBM": "NaN"}}, 422, "positions.IBM"),
    ({"cash": "-1e6"}, 422, "cash is -1E+6"), ({"confidence": 1}, 422, "confidence: "), ({"lookback": 3}, 422, "lookback: "),
    ({"limits": {"max_wight": 1}}, 404, "did you mean 'max_weight'"), ({"limits": {"max_weight": "x"}}, 422, "limits.max_weight is 'x'"),
    ({"limits": {"max_sector": 0.4}, "symbol": "MTUM", "positions": {}, "end": None}, 422, "no sector is known for MTUM"),
    ({"end": "1901-01-01"}, 404, "no 1d bars"), ({"source": "csv"}, 422, "source 'csv'"),
    ({"symbol": "FB", "end": "2012-05-17"}, 404, "symbol FB has no bar"), ({"fee": 1}, 422, "fee: "),
])
def test_bad_input_names_the_field(client, changes, status, words):
    answer = client.post("/v1/risk", json={**ASKED, **changes})
    assert answer.status_code == status and words in answer.json()["detail"], answer.text


def test_too_few_returns_are_null(client):
    found = ask(client, symbol="FB", end="2012-05-21", positions={})
    assert (found["trade"], found["portfolio_before"]) == ({"value_at_risk": None, "expected_shortfall": None},
                                                           {"value_at_risk": 0.0, "expected_shortfall": 0.0})


@given(st.lists(st.floats(-0.5, 0.5), min_size=20, max_size=60), st.floats(0.01, 0.99), st.floats(-1e5, 1e5))
def test_a_shortfall_is_no_less_than_the_value_at_risk_and_both_scale(returns, confidence, value):
    panel = np.array(returns)[:, None]
    at_risk, shortfall = risk.tail(np.array([value]), panel, confidence)
    assert 0 <= at_risk <= shortfall * (1 + 1e-12) + 1e-12
    below = np.mean(-panel[:, 0] * value <= at_risk + 1e-9 * max(1, abs(value)))
    assert below >= confidence - 1e-9
    assert risk.tail(np.array([2 * value]), panel, confidence) == pytest.approx((2 * at_risk, 2 * shortfall))
