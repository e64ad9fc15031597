"""The desired portfolio and its orders are the engine's own for the same state; the actual one is of executions, and nobody overwrites it."""

from decimal import Decimal

import numpy as np
import pytest
from alpaca_rest import rest_of
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from live_days import SPEC as DAILY
from live_days import Days, panel, venue

from core.errors import BadSpec, UsageError
from core.spec import RunSpec
from engine.live.wanted import wanted
from engine.loading import load
from journal import Journal
from journal.account_log import LiveExecution
from services import portfolio
from services.actual import accounts, actual, state_of
from services.told_signals import ToldSignal

GENERATE, DESIRED = "portfolioservice.PortfolioService/GenerateOrders", "portfolioservice.PortfolioService/GetDesiredPortfolioState"
SIGNALS, STATE = "strategyservice.StrategyService/GenerateSignals", "portfoliostateservice.PortfolioStateService/GetPortfolioState"
UPDATE = "portfoliostateservice.PortfolioStateService/UpdatePortfolioState"
STOCKS = portfolio.SAMPLE
SAMPLE = portfolio.DEFAULT.replace(symbols=STOCKS, start="2020-01-02", signal_start="2021-01-04")
HOLDINGS = some.dictionaries(some.sampled_from(STOCKS), some.integers(1, 400), max_size=6)


@pytest.fixture(name="spec", scope="session")
def _spec():
    """The packaged sample, which is read quickly."""
    return SAMPLE


def shown(orders):
    return [(order.symbol, order.side, order.qty if hasattr(order, "qty") else order.quantity, order.intent) for order in orders]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
@given(held=HOLDINGS, cash=some.integers(0, 200_000), sizer=some.sampled_from([None, "EqualWeight", "InverseVolatility"]),
       limits=some.sampled_from([{}, {"max_positions": 3}, {"max_weight": 0.05, "cash_buffer": 0.2}]))
def test_the_orders_are_those_of_the_engine_for_the_same_state(settings, journal, spec, held, cash, sizer, limits):
    spec = spec.replace(sizer=sizer, limits=limits)
    bars = load(spec)
    prices = dict(zip(bars.symbols, bars.last_close[-1].tolist(), strict=True))
    account = f"account{len(journal.state.reconciliations())}"
    state_of(journal, [(symbol, float(size), 0.0, 0.0) for symbol, size in held.items()], float(cash), account, "", "a test")
    plan = portfolio.desired(settings, spec, journal, account)
    value = float(cash + sum(size * Decimal(repr(prices[symbol])) for symbol, size in held.items()))
    own = wanted(spec, bars, {symbol: Decimal(size) for symbol, size in held.items()}, value, float(cash), whole=True)
    assert shown(plan.orders) == shown(own.orders) and plan.targets == own.targets and plan.value == value
    for order in plan.orders:
        change = float(order.quantity) * (1 if order.side == "buy" else -1)
        assert held.get(order.symbol, 0) + change == order.target == plan.desired().get(order.symbol, 0.0)
    assert plan.cash == pytest.approx(cash - sum(float(each.quantity) * each.price * (1 if each.side == "buy" else -1) for each in plan.orders))


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
@given(held=HOLDINGS, cash=some.integers(20_000, 200_000))
def test_orders_of_generated_signals_lead_where_the_desired_portfolio_is(client, held, cash):
    """From signals to orders by two services that know nothing of each other: the same as at once."""
    client(UPDATE, {"account": "one", "positions": [{"symbol": symbol, "quantity": size} for symbol, size in held.items()], "cash_balance": cash})
    signals = client(SIGNALS)["signals"]
    told = [{name: signal[name] for name in ("symbol", "signal", "risk_unit", "momentum_score", "current_price") if name in signal} for signal in signals]
    by_signals, at_once = client(GENERATE, {"signals": told, "account": "one"}), client(GENERATE, {"account": "one"})

    def plain(answer):
        return [(each["symbol"], each["side"], each["quantity"], each["intent"], each.get("target_quantity", 0.0)) for each in answer.get("orders", [])]

    assert plain(by_signals) == plain(at_once) and by_signals["portfolio_value"] == pytest.approx(at_once["portfolio_value"])
    wished = {each["symbol"]: each["quantity"] for each in client(DESIRED, {"account": "one"}).get("positions", [])}
    ordered = {**held, **{each["symbol"]: each.get("target_quantity", 0.0) for each in at_once.get("orders", [])}}
    assert wished == {symbol: shares for symbol, shares in ordered.items() if shares}


def test_the_daily_run_sends_these_very_orders_when_it_rebalances(settings, tmp_path, monkeypatch):
    """By their ids: what is planned for the account as the venue has it is what the run then sends there."""
    spec, path = DAILY.replace(params={"seed": 3, "density": 0.7}), tmp_path / "daily.db"
    with venue(panel()) as alpaca:
        days = Days(alpaca, panel(), path, spec)
        days.whole_day()
        positions = [(symbol, float(qty), 0.0, 0.0) for symbol, qty in alpaca.ledger.positions.items()]
        with Journal(path) as journal:
            number = journal.blotter.decisions(rest_of(alpaca).account().id)[0].account
            state_of(journal, positions, float(alpaca.account.cash), number, "", "a test")
            journal.steering.ask("rebalance", asked_ns=alpaca.now)
            monkeypatch.setattr(portfolio, "load", lambda *_: days.bars.between(None, str(days.today)))
            plan = portfolio.desired(settings, spec, journal, number)
        account = days.once()
        assert account.new and {(order.client_order_id, order.symbol, order.side, order.qty) for order in account.orders} == {
            (order.client_order_id, order.symbol, order.side, order.quantity) for order in plan.orders}
        assert len(plan.orders) >= 2 and account.targets == plan.targets and float(account.equity) == plan.value


def test_configured_parameters_hold_for_the_desired_portfolio(client):
    before = client(DESIRED)["positions"]
    client("strategyservice.StrategyService/ConfigureStrategy", {"strategy_name": "momentum", "parameters": {"riskFactor": "0.0005"}})
    after = {each["symbol"]: each["quantity"] for each in client(DESIRED)["positions"]}
    assert before and all(after[each["symbol"]] == pytest.approx(each["quantity"] / 2, abs=1) for each in before)


@pytest.mark.parametrize("signal, held, order", [
    (ToldSignal("X", "BUY", 0.02, None, 50.0), 0, ("buy", 100, "enter")),  # 100,000 x 0.001 / (0.02 x 50)
    (ToldSignal("X", "BUY", 0.02, 2.5, 50.0), 60, ("buy", 43, "resize")),  # the account is worth 3,000 more
    (ToldSignal("X", "HOLD", 0.02, 2.5, 50.0), 160, ("sell", 52, "resize")),
    (ToldSignal("X", "HOLD", 0.02, None, 50.0), 160, None),
    (ToldSignal("X", "SELL", None, -3.0, 50.0), 160, ("sell", 160, "exit")),
    (ToldSignal("X", "SHORT", 0.02, None, 50.0), 0, ("sell", 100, "enter")),
])
def test_given_signals_are_sized_by_their_own_price_and_range(settings, journal, spec, signal, held, order):
    state_of(journal, [("X", float(held), 50.0, 0.0)], 100_000.0, "", "", "a test")
    plan = portfolio.orders_for(settings, spec, journal, [signal])
    assert [(each.side, int(each.quantity), each.intent) for each in plan.orders] == ([order] if order else [])


def test_what_a_signal_does_not_say_is_in_the_bars(settings, journal, spec):
    bars = load(spec.replace(symbols=("KO",), reference=()))
    plan = portfolio.orders_for(settings, spec, journal, [ToldSignal("KO", "BUY")])
    [order] = plan.orders
    assert order.price == bars.last_close[-1, 0]
    whole = portfolio.orders_for(settings, spec, journal, [ToldSignal("KO", "BUY", price=order.price * 2)]).orders
    assert float(whole[0].quantity) == pytest.approx(float(order.quantity) / 2, abs=1)
    with pytest.raises(BadSpec, match="InverseVolatility sizes by past returns"):
        portfolio.orders_for(settings, spec.replace(sizer="InverseVolatility"), journal, [ToldSignal("KO", "BUY", price=1.0)])


def test_a_plain_strategy_has_no_desired_portfolio(settings, journal, spec):
    with pytest.raises(BadSpec, match="is a plain Backtrader strategy"):
        portfolio.desired(settings, spec.replace(strategy="planned_runs:Planned", signal_start=None), journal)


# -- the actual portfolio -------------------------------------------------------------------------------


def test_a_statement_is_a_record_beside_the_executions(client, journal):
    journal.account_log.execute([LiveExecution("c1", "b1", Decimal(30), "venue", "one", "AAPL", "buy", Decimal(30), Decimal("150.25"), 10**18),
                                 LiveExecution("c2", "b2", Decimal(10), "venue", "two", "AAPL", "sell", Decimal(10), Decimal(160), 2 * 10**18)])
    before = client(STATE)
    assert before["source"] == "executions" and before["positions"] == [
        {"symbol": "AAPL", "quantity": 20.0, "current_price": 160.0, "market_value": 3200.0, "average_price": before["positions"][0]["average_price"]}]
    assert client(STATE, {"run": "one"})["positions"][0]["quantity"] == 30.0 and before["cash_balance"] == -30 * 150.25 + 1600
    said = client(UPDATE, {"positions": [{"symbol": "AAPL", "quantity": 25}, {"symbol": "MSFT", "quantity": 1}]})
    assert said["account"] == "venue" and said["differences"] == [
        {"name": "AAPL", "stated": "25", "known": "20"}, {"name": "MSFT", "stated": "1", "known": "0"}]
    assert client(STATE) == before and len(journal.state.reconciliations("venue")) == 1


def test_an_account_has_to_be_named_where_there_are_several(journal, spec):
    for name in ("a", "b"):
        state_of(journal, [("AAPL", 3.0, 10.0, 30.0)], 5.5, name, "", "")
    assert accounts(journal) == ["a", "b"]
    with pytest.raises(UsageError, match="account: there are 2 in the journal; name one of a, b"):
        actual(journal, spec)
    found = actual(journal, spec, "b")
    assert (found.source, found.held, found.portfolio.equity) == ("reconciliation", {"AAPL": Decimal(3)}, Decimal("35.5"))


def test_cash_stays_as_it_was_stated_last(journal):
    state_of(journal, [], 700.0, "a", "", "")
    state_of(journal, [("AAPL", 2.0, 10.0, 0.0)], None, "a", "", "")
    found = actual(journal, RunSpec(symbols=("AAPL",)), "a").portfolio
    assert found.cash == 700 and found.equity == 720
    np.testing.assert_equal(found.positions[0].average, Decimal(10))
