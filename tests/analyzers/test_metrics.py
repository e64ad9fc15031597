"""Every measure by hand, against quantstats where it has the measure, and at the edges."""

import math
import warnings
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_bars import bars, frame, walk

from analyzers import metrics
from analyzers.benchmark import benchmark_equity
from analyzers.trades import positions, round_trips
from core.bars import Bars
from core.result import Fill, RunResult, Trade
from core.spec import RunSpec

DATES = np.array(["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07"], dtype="datetime64[D]")
EQUITY = np.array([110.0, 99.0, 99.0, 121.0])  # from 100: +10%, -10%, 0%, +22.2%


def trade(pnl, dividends=0.0, still_open=False):
    return Trade("A", 1.0, 0, 1, DATES[0], DATES[1], 10.0, 11.0, pnl, 0.0, dividends, 1, still_open)


def run(market, deals, cash=1_000.0, **spec):
    """A RunResult from (row, symbol, size, price) deals."""
    fills = [Fill(int(market.index[row]), market.session[row], symbol, size, price, 1.0, at)
             for at, (row, symbol, size, price) in enumerate(deals)]
    held = positions(market, fills)
    flow = np.zeros(len(market))
    for (row, _, size, price) in deals:
        flow[row] -= size * price + 1.0
    worth = np.where(held == 0, 0.0, held * market.last_close)
    at_hand = cash + np.cumsum(flow)
    equity = at_hand + worth.sum(axis=1)
    return RunResult(
        spec=RunSpec(symbols=market.symbols, cash=cash, **spec), bars=market, equity=equity, cash=at_hand,
        exposure=np.abs(worth).sum(axis=1) / equity, positions=held,
        benchmark=benchmark_equity(market, "universe", cash), orders=[], fills=fills, cash_events=[],
        trades=round_trips(market, fills))


# -- by hand ----------------------------------------------------------------------------------------------


def test_returns_start_from_the_starting_cash():
    np.testing.assert_allclose(metrics.session_returns(EQUITY, 100.0), [0.1, -0.1, 0.0, 22 / 99])


def test_growth():
    assert metrics.total_return(EQUITY, 100.0) == pytest.approx(0.21)
    assert metrics.cagr(EQUITY, DATES, 100.0) == pytest.approx(1.21 ** (365.25 / 5) - 1)


def test_risk():
    returns = np.array([0.1, -0.1, 0.0, 0.2])
    deviation = math.sqrt(((0.05**2) + 0.15**2 + 0.05**2 + 0.15**2) / 3)
    assert metrics.volatility(returns, 252) == pytest.approx(deviation * math.sqrt(252))
    assert metrics.sharpe(returns, 252) == pytest.approx(0.05 / deviation * math.sqrt(252))
    assert metrics.sortino(returns, 252) == pytest.approx(0.05 / math.sqrt(0.01 / 4) * math.sqrt(252))
    assert metrics.calmar(0.3, 0.15) == pytest.approx(2.0)


def test_the_risk_free_rate_is_compounded_down_to_a_session():
    returns = np.array([0.01, -0.02, 0.03])
    free = 1.05 ** (1 / 252) - 1
    assert metrics.sharpe(returns, 252, 0.05) == pytest.approx(metrics.sharpe(returns - free, 252))
    assert metrics.sortino(returns, 252, 0.05) == pytest.approx(metrics.sortino(returns - free, 252))


def test_drawdown_and_its_length():
    assert metrics.max_drawdown(EQUITY, 100.0) == pytest.approx(0.1)
    assert metrics.underwater(EQUITY, DATES, 100.0) == (5, 3)  # from the 2nd to the recovery on the 7th
    assert metrics.max_drawdown(np.array([90.0, 95.0]), 100.0) == pytest.approx(0.1)
    assert metrics.underwater(np.array([90.0, 95.0]), DATES[:2], 100.0) == (1, 1)
    assert metrics.underwater(np.array([101.0, 102.0]), DATES[:2], 100.0) == (0, 0)


def test_trades():
    trades = [trade(30.0), trade(-20.0, 5.0), trade(-5.0, 5.0), trade(99.0, still_open=True)]
    assert metrics.win_rate(trades) == pytest.approx(1 / 3)
    assert metrics.average_trade(trades) == pytest.approx(5.0)
    assert metrics.profit_factor(trades) == pytest.approx(2.0)
    assert metrics.profit_factor(trades[:1]) == math.inf


def test_turnover_counts_a_purchase_and_its_sale_once():
    dates = np.array(["2020-01-01", "2022-01-01"], dtype="datetime64[D]")
    assert metrics.turnover([1000.0, -1000.0], np.array([500.0, 500.0]), dates) == pytest.approx(2 / (731 / 365.25))


def test_alpha_and_beta_of_a_levered_benchmark():
    market = np.array([0.01, -0.02, 0.015, 0.003])
    assert metrics.benchmark_beta(0.001 + 1.5 * market, market) == pytest.approx(1.5)
    assert metrics.benchmark_alpha(0.001 + 1.5 * market, market, 252) == pytest.approx(0.252)
    free = 1.04 ** (1 / 252) - 1
    assert metrics.benchmark_alpha(free + 2 * (market - free), market, 252, 0.04) == pytest.approx(0.0, abs=1e-12)


def test_monthly_and_yearly_table():
    dates = np.array(["2019-12-30", "2019-12-31", "2020-01-31", "2020-03-02"], dtype="datetime64[D]")
    years, table = metrics.monthly_returns(np.array([105.0, 110.0, 121.0, 60.5]), dates, 100.0)
    assert years.tolist() == [2019, 2020]
    assert table[0, 11] == pytest.approx(0.10)
    assert table[1, [0, 2]] == pytest.approx([0.10, -0.5])
    assert np.isnan(table).sum() == 21
    years, totals = metrics.yearly_returns(np.array([105.0, 110.0, 121.0, 60.5]), dates, 100.0)
    assert totals == pytest.approx([0.10, -0.45])


def test_the_last_value_of_each_session_counts():
    sessions, values = metrics.session_last(DATES[[0, 0, 1, 1, 1]], np.arange(5.0))
    assert sessions.tolist() == DATES[:2].tolist()
    assert values.tolist() == [1.0, 4.0]


@pytest.mark.parametrize(("interval", "calendar", "periods"), [
    ("1d", "XNYS", 252), ("1m", "XNYS", 252), ("1h", "24/7", 365), ("1d", "24/7", 365), ("1w", "XNYS", 52),
    ("1M", "XNYS", 12), ("3M", "24/7", 4), ("2d", "XNYS", 126)])
def test_sessions_a_year(interval, calendar, periods):
    assert metrics.sessions_a_year(SimpleNamespace(interval=interval, calendar=calendar)) == periods


def test_compute_by_hand():
    market = bars(A=frame([10, 11, 12, 9], start="2020-01-02"))
    found = metrics.compute(run(market, [(0, "A", 10, 10.0), (2, "A", -10, 12.0)]))
    assert found["total_return"] == pytest.approx(0.018)
    assert found["win_rate"] == 1.0
    assert found["average_trade"] == pytest.approx(18.0)
    assert found["costs"] == 2.0
    assert found["dividends"] == 0.0
    assert found["benchmark_return"] == pytest.approx(-0.1)
    assert found["exposure"] == pytest.approx((100 / 999 + 110 / 1009) / 4)
    assert found["max_drawdown"] == pytest.approx(0.001)


def test_compute_has_every_promised_name():
    promised = {"total_return", "cagr", "volatility", "sharpe", "sortino", "calmar", "max_drawdown",
                "max_drawdown_days", "win_rate", "average_trade", "profit_factor", "exposure", "turnover", "costs",
                "dividends", "alpha", "beta", "benchmark_return"}
    found = metrics.compute(run(bars(A=walk(30)), []))
    assert promised <= found.keys()
    assert all(type(value) is float for value in found.values())


def test_minute_bars_are_measured_session_by_session():
    times = pd.to_datetime([f"2020-01-0{day} {hour}:00" for day in (2, 3) for hour in (15, 16, 17)], utc=True)
    close = np.array([10.0, 5.0, 11.0, 12.0, 3.0, 12.1])
    market = Bars.from_frames({"A": pd.DataFrame({"close": close}, index=times)}, interval="1h")
    found = metrics.compute(run(market, [(0, "A", 50, 10.0)], cash=500.0))
    assert found["volatility"] == pytest.approx(np.std([549 / 500 - 1, 604 / 549 - 1], ddof=1) * math.sqrt(252))
    assert found["max_drawdown"] == pytest.approx(1 - 149 / 599)  # within the session


# -- against quantstats -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quantstats():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from quantstats import stats
    return stats


@pytest.fixture(scope="module")
def year():
    """Two years of returns with their dates, and of a benchmark."""
    rng = np.random.default_rng(3)
    dates = pd.bdate_range("2018-01-02", periods=504)
    market = rng.normal(0.0004, 0.01, 504)
    return pd.Series(0.6 * market + rng.normal(0.0003, 0.006, 504), index=dates), pd.Series(market, index=dates)


def test_ratios_agree_with_quantstats(quantstats, year):
    returns, array = year[0], year[0].to_numpy()
    assert metrics.volatility(array, 252) == pytest.approx(quantstats.volatility(returns))
    for rate in (0.0, 0.03):
        assert metrics.sharpe(array, 252, rate) == pytest.approx(quantstats.sharpe(returns, rf=rate))
        assert metrics.sortino(array, 252, rate) == pytest.approx(quantstats.sortino(returns, rf=rate))


def test_drawdown_agrees_with_quantstats_apart_from_its_sign(quantstats, year):
    equity = 100 * np.cumprod(1 + year[0].to_numpy())
    assert metrics.max_drawdown(equity, 100.0) == pytest.approx(-quantstats.max_drawdown(year[0]))


def test_growth_agrees_with_quantstats_where_a_year_is_252_sessions(quantstats, year):
    equity = 100 * np.cumprod(1 + year[0].to_numpy())
    assert metrics.total_return(equity, 100.0) == pytest.approx(quantstats.comp(year[0]))
    two_years = np.full(504, "2018-01-01", dtype="datetime64[D]")
    two_years[-1] += np.timedelta64(round(2 * 365.25), "D")
    growth = metrics.cagr(equity, two_years, 100.0)
    assert growth == pytest.approx(quantstats.cagr(year[0]), rel=1e-2)  # 730 days are not quite two years
    assert metrics.calmar(growth, metrics.max_drawdown(equity, 100.0)) == pytest.approx(
        quantstats.calmar(year[0]), rel=1e-2)


def test_alpha_and_beta_agree_with_quantstats(quantstats, year):
    returns, market = year
    greeks = quantstats.greeks(returns, market)
    assert metrics.benchmark_beta(returns.to_numpy(), market.to_numpy()) == pytest.approx(greeks["beta"])
    assert metrics.benchmark_alpha(returns.to_numpy(), market.to_numpy(), 252) == pytest.approx(greeks["alpha"])


def test_monthly_table_agrees_with_quantstats(quantstats, year):
    returns = year[0]
    equity = 100 * np.cumprod(1 + returns.to_numpy())
    dates = returns.index.to_numpy().astype("datetime64[D]")
    theirs = quantstats.monthly_returns(returns, eoy=True)
    years, table = metrics.monthly_returns(equity, dates, 100.0)
    assert years.tolist() == [int(label) for label in theirs.index]
    np.testing.assert_allclose(np.nan_to_num(table), theirs.iloc[:, :12].to_numpy(float), atol=1e-12)
    np.testing.assert_allclose(metrics.yearly_returns(equity, dates, 100.0)[1], theirs["EOY"].to_numpy(float))


def test_trade_measures_agree_with_quantstats_over_trades_instead_of_days(quantstats):
    profits = pd.Series([30.0, -20.0, 12.0, -4.0, 7.5])
    trades = [trade(profit) for profit in profits]
    assert metrics.win_rate(trades) == pytest.approx(quantstats.win_rate(profits, prepare_returns=False))
    assert metrics.profit_factor(trades) == pytest.approx(quantstats.profit_factor(profits, prepare_returns=False))


# -- at the edges -----------------------------------------------------------------------------------------


def test_no_trade():
    found = metrics.compute(run(bars(A=walk(50)), []))
    assert found["total_return"] == 0 and found["cagr"] == 0
    assert found["volatility"] == 0 and found["max_drawdown"] == 0 and found["turnover"] == 0
    assert found["beta"] == pytest.approx(0.0)
    undefined = {name for name, value in found.items() if math.isnan(value)}
    assert undefined == {"sharpe", "sortino", "calmar", "win_rate", "average_trade", "profit_factor"}


def test_one_bar():
    found = metrics.compute(run(bars(A=frame([10])), [(0, "A", 10, 10.0)]))
    assert found["total_return"] == pytest.approx(-0.001)
    assert found["max_drawdown"] == pytest.approx(0.001)
    assert math.isnan(found["cagr"]) and math.isnan(found["sharpe"]) and math.isnan(found["alpha"])


def test_total_loss_and_worse():
    dates = DATES[:3]
    for last in (0.0, -50.0):
        equity = np.array([100.0, last, last])
        assert metrics.cagr(equity, dates, 100.0) == -1.0
        assert metrics.session_returns(equity, 100.0)[2] == 0.0
        assert metrics.max_drawdown(equity, 100.0) == 1 - last / 100


def test_growth_beyond_all_numbers_is_undefined():
    assert math.isnan(metrics.cagr(np.array([1e30]), DATES[[0, 1]], 1.0))


def test_constant_returns_have_no_sharpe():
    assert math.isnan(metrics.sharpe(np.full(100, 0.001), 252))
    assert math.isnan(metrics.sortino(np.full(100, 0.001), 252))
    assert math.isnan(metrics.benchmark_beta(np.array([0.1, 0.2]), np.array([0.1, 0.1])))


amounts = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40)


@given(amounts)
def test_any_account_value_gives_numbers_without_a_warning(values):
    market = bars(A=walk(len(values)))
    blank = run(market, [])
    result = RunResult(**{**vars(blank), "equity": np.array(values)})
    found = metrics.compute(result)
    assert found["max_drawdown"] >= 0
    assert found["max_drawdown_bars"] < len(values)
    assert not any(math.isinf(value) for value in found.values())


@given(st.lists(st.floats(0.5, 2.0), min_size=2, max_size=200), st.floats(1, 1e6))
def test_months_compound_to_the_total_return(growth, cash):
    dates = np.datetime64("2018-11-20") + np.arange(len(growth)) * 3
    equity = cash * np.cumprod(growth)
    _, table = metrics.monthly_returns(equity, dates, cash)
    _, totals = metrics.yearly_returns(equity, dates, cash)
    total = pytest.approx(metrics.total_return(equity, cash) + 1, rel=1e-9)
    assert np.nanprod(1 + table) == total
    assert np.nanprod(1 + totals) == total
