"""Random orders of trades and dearer fills, by hand and against every permutation."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers import metrics
from core.errors import UsageError
from optimize.statistics.monte_carlo import cost_stress, trade_order

CASH, YEAR = 1_000.0, 252


def run(sessions=504, seed=0):
    """Equity of a made run, with 100 fills of half the account: (equity, rows, values)."""
    random = np.random.default_rng(seed)
    equity = CASH * np.cumprod(1 + 0.01 * random.standard_normal(sessions) + 0.001)
    rows = np.sort(random.integers(1, sessions, 100))
    return equity, rows, 0.5 * equity[rows - 1]


def test_two_trades_have_two_orders():
    found = trade_order([100.0, -200.0], [1_000.0, 1_000.0], CASH, draws=200)
    assert set(np.round(found.max_drawdown, 12)) == {0.2}
    np.testing.assert_allclose(found.final, 1_000 * 1.1 * 0.8)


def test_drawdowns_are_spread_as_over_every_permutation():
    returns = np.array([0.10, -0.05, 0.03, -0.12, 0.02, -0.04])
    every = [metrics.max_drawdown(CASH * np.cumprod(1 + np.array(order)), CASH) for order in permutations(returns)]
    found = trade_order(returns * 500, np.full(6, 500.0), CASH, draws=20_000).max_drawdown
    assert set(np.round(found, 12)) <= set(np.round(every, 12))
    assert found.mean() == pytest.approx(np.mean(every), rel=0.01)
    np.testing.assert_allclose(np.quantile(found, [0.1, 0.9]), np.quantile(every, [0.1, 0.9]), rtol=0.03)


@given(st.lists(st.floats(-500, 500), max_size=30))
def test_an_order_never_changes_the_final_value(profits):
    found = trade_order(profits, np.full(len(profits), 1_000.0), CASH, draws=5)
    np.testing.assert_allclose(found.final, CASH * np.prod(1 + np.array(profits) / 1_000))
    assert ((found.max_drawdown >= 0) & (found.max_drawdown < 1)).all()


def test_drawing_with_replacement_spreads_the_final_value():
    profits = np.array([100.0, -50.0] * 50)
    found = trade_order(profits, np.full(100, 10_000.0), CASH, draws=4_000, replace=True)
    logs = np.log(found.final / CASH)
    each = np.log1p(profits / 10_000)
    assert logs.mean() == pytest.approx(each.sum(), abs=4 * each.std() * 10 / np.sqrt(4_000))
    assert logs.std() == pytest.approx(each.std() * 10, rel=0.05)
    assert (trade_order([], [], CASH, draws=3, replace=True).final == CASH).all()


def test_trades_that_do_not_fit():
    with pytest.raises(UsageError, match="got 2 and 1"):
        trade_order([1.0, 2.0], [1_000.0], CASH)
    with pytest.raises(UsageError, match="entry equity is above 0, got -5"):
        trade_order([1.0, 2.0], [1_000.0, -5.0], CASH)


def test_the_assumed_costs_change_nothing():
    equity, rows, values = run()
    found = cost_stress(equity, CASH, rows, values, 10, YEAR, multiples=(1,), draws=2, level=0, spread=0)
    returns = metrics.session_returns(equity, CASH)
    for measures in (found.at, found.drawn):
        np.testing.assert_allclose(measures["sharpe"], metrics.sharpe(returns, YEAR))
        np.testing.assert_allclose(measures["total_return"], equity[-1] / CASH - 1)
        np.testing.assert_allclose(measures["max_drawdown"], metrics.max_drawdown(equity, CASH))


def test_doubled_costs_by_hand():
    """A fill of 500 in the second of two sessions at 100 bp: 5 on 1,100."""
    found = cost_stress(np.array([1_100.0, 1_210.0]), CASH, [1], [-500.0], 100, YEAR, multiples=(0, 2), draws=1)
    assert found.at["total_return"] == pytest.approx([1.1 * (1.1 + 5 / 1_100) - 1, 1.1 * (1.1 - 5 / 1_100) - 1])


def test_first_order_is_close_to_a_run_with_these_costs():
    """An account that pays a part of itself at each fill, at 10 and at 30 bp."""
    random = np.random.default_rng(1)
    gross, turned = 1 + 0.01 * random.standard_normal(1_000) + 0.001, random.random(1_000) < 0.2

    def account(rate):
        return CASH * np.cumprod(gross - rate * turned)

    equity, rows = account(0.001), np.flatnonzero(turned)
    found = cost_stress(equity, CASH, rows, np.r_[CASH, equity][rows], 10, YEAR, multiples=(3,), draws=1)
    assert found.at["total_return"] == pytest.approx(account(0.003)[-1] / CASH - 1)


def test_more_cost_is_worse_and_the_break_even_is_where_nothing_is_left():
    equity, rows, values = run()
    found = cost_stress(equity, CASH, rows, values, 10, YEAR)
    assert (np.diff(found.at["total_return"]) < 0).all() and (np.diff(found.at["sharpe"]) < 0).all()
    assert found.break_even > 5
    at = cost_stress(equity, CASH, rows, values, 10, YEAR, multiples=(found.break_even,)).at
    assert at["total_return"] == pytest.approx(0, abs=1e-9)


def test_drawn_costs_are_the_assumed_on_average():
    equity, rows, values = run()
    found = cost_stress(equity, CASH, rows, values, 10, YEAR, multiples=(1,), draws=4_000)
    logs = np.log1p(found.drawn["total_return"])
    assert logs.mean() == pytest.approx(np.log1p(found.at["total_return"])[0], abs=4 * logs.std() / np.sqrt(4_000))
    assert logs.std() > 0.02  # 5% of costs in all, with a common factor of 53% and independent ones


def test_break_even_at_its_ends():
    equity, rows, values = run()
    assert np.isnan(cost_stress(equity, CASH, [], [], 10, YEAR, draws=2).break_even)
    assert cost_stress(equity[::-1] * CASH / equity[-1], CASH, rows, values, 0.01, YEAR, draws=2).break_even == 0
    assert cost_stress(equity, CASH, rows[:1], values[:1] / 1e9, 10, YEAR, draws=2).break_even == np.inf


@pytest.mark.parametrize(
    ("rows", "values", "cost"), [([504], [1.0], 10), ([-1], [1.0], 10), ([1, 2], [1.0], 10), ([1], [1.0], -1)])
def test_fills_that_do_not_fit(rows, values, cost):
    with pytest.raises(UsageError, match="got"):
        cost_stress(run()[0], CASH, rows, values, cost, YEAR)
