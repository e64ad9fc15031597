"""The sizers that solve: optimal, honest about failures, and never asking twice."""

import itertools

import numpy as np
import pandas as pd
import pytest
from made_bars import bars, frame
from pypfopt.expected_returns import mean_historical_return
from pypfopt.risk_models import CovarianceShrinkage

import sizers
from core.options import Limits
from sizers import efficient_frontier
from sizers.window import usable, window_of

PYPFOPT = ("BlackLitterman", "CriticalLine", "HierarchicalRiskParity", "MaxSharpe", "MinVolatility")


def simplex(count, parts):
    """Every way to share a whole among `count` in steps of 1 / parts."""
    cuts = itertools.combinations(range(parts + count - 1), count - 1)
    return np.array([np.diff([-1, *cut, parts + count - 1]) - 1 for cut in cuts]) / parts


def few(stocks, seed, count):
    """A decision on a few random stocks on a random day: conviction, history, their closes."""
    random = np.random.default_rng(seed)
    history = stocks.upto(int(random.integers(260, len(stocks))))
    conviction = np.zeros(20)
    conviction[random.choice(20, count, replace=False)] = 1.0
    return conviction, history, pd.DataFrame(usable(window_of(history, np.flatnonzero(conviction), 252), 252)[0])


@pytest.mark.parametrize("seed, count", [(1, 2), (2, 3), (3, 4), (4, 5), (5, 5)])
def test_minimum_volatility_is_not_beaten_on_a_grid(stocks, seed, count):
    conviction, history, closes = few(stocks, seed, count)
    risk = CovarianceShrinkage(closes).ledoit_wolf().to_numpy()

    def variance(weights):
        return np.einsum("...i,ij,...j->...", weights, risk, weights)

    found = sizers.MinVolatility().weights(conviction, history)[conviction != 0]
    assert found.sum() == pytest.approx(1)
    assert variance(found) <= variance(simplex(count, {2: 2_000, 3: 200}.get(count, 40))).min() * (1 + 1e-6)


@pytest.mark.parametrize("name", ["MaxSharpe", "CriticalLine"])
@pytest.mark.parametrize("seed, count", [(1, 2), (2, 3), (3, 4), (4, 5), (9, 5)])
def test_the_largest_sharpe_ratio_is_not_beaten_on_a_grid(stocks, name, seed, count):
    conviction, history, closes = few(stocks, seed, count)
    expected, risk = mean_historical_return(closes).to_numpy(), CovarianceShrinkage(closes).ledoit_wolf().to_numpy()

    def sharpe(weights):
        return weights @ expected / np.sqrt(np.einsum("...i,ij,...j->...", weights, risk, weights))

    sizer = getattr(sizers, name)()
    found = sizer.weights_from(conviction, history, conviction)[conviction != 0]
    assert not sizer.notes
    assert sharpe(found) >= sharpe(simplex(count, {2: 2_000, 3: 200}.get(count, 40))).max() * (1 - 1e-6)


@pytest.mark.parametrize("name", PYPFOPT)
def test_a_short_is_the_mirror_of_a_long(stocks, name):
    conviction, history, _ = few(stocks, 4, 5)
    mixed = conviction.copy()
    mixed[np.flatnonzero(conviction)[:2]] = -1.0
    found = getattr(sizers, name)().weights(mixed, history)
    assert (found * mixed >= 0).all() and np.abs(found).sum() == pytest.approx(1, abs=1e-4)
    falls = history.close[-253:].copy()  # prices of funds that are short what is sold
    falls[1:] = np.cumprod(1 + np.where(mixed < 0, -1, 1) * (falls[1:] / falls[:-1] - 1), axis=0)
    falls[0] = 1.0
    funds = bars(**{name: frame(falls[:, at]) for at, name in enumerate(history.symbols)})
    assert np.abs(found) == pytest.approx(getattr(sizers, name)().weights(conviction, funds), abs=1e-5)


def test_black_litterman_follows_the_convictions(stocks):
    conviction, history, _ = few(stocks, 4, 4)
    at = np.flatnonzero(conviction)
    plain = sizers.BlackLitterman().weights(conviction, history)
    for favourite in at:
        conviction[at] = 0.2
        conviction[favourite] = 1.0
        assert sizers.BlackLitterman().weights(conviction, history)[favourite] > plain[favourite]
    assert (sizers.BlackLitterman().weights(7.0 * conviction, history) ==
            sizers.BlackLitterman().weights(conviction, history)).all()


def test_newcomers_get_the_equal_share(stocks):
    conviction, history, _ = few(stocks, 4, 4)
    at = np.flatnonzero(conviction)[0]
    late = history.raw_close.copy()
    late[:-30, at] = np.nan
    object.__setattr__(history, "raw_close", late)
    history.__dict__.pop("close", None)
    found = sizers.MinVolatility().weights(conviction, history)
    conviction_of_others = conviction.copy()
    conviction_of_others[at] = 0.0
    others = sizers.MinVolatility().weights(conviction_of_others, history)
    assert found[at] == 0.25
    assert np.delete(found, at) == pytest.approx(0.75 * np.delete(others, at))


# -- failures ----------------------------------------------------------------------------------------------


def test_a_market_that_only_falls_has_no_sharpe_ratio_and_says_so(stocks):
    falling = stocks.upto(300)
    object.__setattr__(falling, "raw_close", stocks.raw_close[:301] * 0.995 ** np.arange(301)[:, None])
    falling.__dict__.pop("close", None)
    for name in ("MaxSharpe", "CriticalLine"):
        sizer = getattr(sizers, name)()
        found = sizer.weights_from(np.ones(20), falling, np.zeros(20))
        assert [note.text for note in sizer.notes] == [
            f"{name} fell back to inverse volatility: no expected return is above the risk-free rate"]
        assert sizer.notes[0].time == falling.index[-1] and sizer.notes[0].source == name
        assert (found == sizers.InverseVolatility(lookback=252).weights(np.ones(20), falling)).all()


@pytest.mark.parametrize("rows, chosen, reason", [
    (100, 20, "no chosen symbol has moved and traded on half of the last 252 bars"),
    (300, 1, "only one symbol takes part"),
])
def test_too_little_to_optimise_is_recorded(stocks, rows, chosen, reason):
    sizer, conviction = sizers.MinVolatility(), np.r_[np.ones(chosen), np.zeros(20 - chosen)]
    found = sizer.weights_from(conviction, stocks.upto(rows), conviction)
    assert [note.text for note in sizer.notes] == [f"MinVolatility fell back to inverse volatility: {reason}"]
    assert found == pytest.approx(conviction / chosen)


@pytest.mark.parametrize("answer, reason", [
    (RuntimeError("no luck\ntoday"), "RuntimeError: no luck"),
    (ZeroDivisionError(), "ZeroDivisionError"),
    (np.full(20, np.nan), "the solver gave no usable weights"),
    (np.full(20, -1.0), "the solver gave no usable weights"),
    (np.ones(3), "the solver gave no usable weights"),
])
def test_whatever_a_solver_does_the_run_goes_on(stocks, answer, reason):
    class Broken(sizers.MinVolatility):
        def solve(self, returns, strength, current):
            if isinstance(answer, Exception):
                raise answer
            return answer

    sizer = Broken()
    found = sizer.weights_from(np.ones(20), stocks.upto(300), np.zeros(20))
    assert [note.text for note in sizer.notes] == [f"Broken fell back to inverse volatility: {reason}"]
    assert found.sum() == pytest.approx(1)


def test_a_singular_covariance_is_solved_or_recorded(stocks):
    twins = stocks.select(["KO", "PEP"])
    object.__setattr__(twins, "raw_close", np.repeat(twins.raw_close[:, :1], 2, axis=1))
    for name in PYPFOPT:
        sizer = getattr(sizers, name)()
        found = sizer.weights_from(np.ones(2), twins, np.zeros(2))
        assert np.isfinite(found).all() and (found.sum() == pytest.approx(1, abs=1e-4))


# -- costs -------------------------------------------------------------------------------------------------


def test_costs_keep_a_portfolio_where_it_is(stocks):
    history, current = stocks.upto(500), np.full(20, 0.05)
    free = sizers.SinglePeriod(transaction_cost=0.0).weights_from(np.ones(20), history, current)
    dear = sizers.SinglePeriod(transaction_cost=0.05).weights_from(np.ones(20), history, current)
    assert np.abs(free - current).sum() > 0.5
    assert dear == pytest.approx(current, abs=1e-5)


@pytest.mark.parametrize("name", ["SinglePeriod", "MultiPeriod"])
def test_turnover_and_leverage_are_kept(stocks, name):
    history, current = stocks.upto(500), np.full(20, 0.04)
    slow = getattr(sizers, name)(turnover=0.1, transaction_cost=0.0).weights_from(np.ones(20), history, current)
    assert np.abs(slow - current).sum() / 2 == pytest.approx(0.1, abs=1e-5)
    bold = getattr(sizers, name)(leverage=0.5, risk_aversion=0.1).weights(np.where(np.arange(20) % 2, 1.0, -1.0), history)
    assert np.abs(bold).sum() == pytest.approx(0.5, abs=1e-5)


def test_fees_are_charged_by_side(stocks):
    history, everyone = stocks.upto(500), np.ones(20)
    dear = dict(holding_cost=90.0, short_fee=0.0, transaction_cost=0.0)
    assert not sizers.SinglePeriod(**dear).weights(everyone, history).any()
    assert sizers.SinglePeriod(**{**dear, "holding_cost": 0.0, "short_fee": 90.0}).weights(everyone, history).any()


def test_a_position_on_the_other_side_counts_as_sold(stocks):
    history, sizer = stocks.upto(500), sizers.SinglePeriod(turnover=0.05)
    found = sizer.weights_from(np.ones(20), history, np.r_[-0.5, np.zeros(19)])
    assert (found == sizer.weights(np.ones(20), history)).all() and not sizer.notes


def test_target_shares_uses_the_weights_held(stocks):
    history, held = stocks.upto(500), np.full(20, 100.0)
    value = float((held * history.last_close[-1]).sum() * 1.1)
    decision = dict(conviction=np.ones(20), decided=np.ones(20, bool), history=history, value=value)
    dear = sizers.SinglePeriod(transaction_cost=0.05, limits=Limits(cash_buffer=0.0))
    assert dear.target_shares(held=held, cash=value / 11, **decision) == pytest.approx(held, abs=1)


# -- solved once -------------------------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch):
    """The number of times PyPortfolioOpt's covariance was asked for."""
    calls = []
    real = efficient_frontier.covariance
    monkeypatch.setattr(efficient_frontier, "covariance", lambda returns: calls.append(1) or real(returns))
    return calls


def test_the_same_decision_is_solved_once(stocks, counted):
    history = stocks.upto(400)
    first = sizers.MinVolatility().weights(np.ones(20), history)
    for conviction in (np.ones(20), np.full(20, 3.0)):  # only the sign of a conviction matters here
        assert sizers.MinVolatility().weights(conviction, history).tobytes() == first.tobytes()
    assert len(counted) == 1


@pytest.mark.parametrize("other", [
    lambda: sizers.MinVolatility(lookback=251).weights(np.ones(20), None),
    lambda: sizers.MaxSharpe().weights(np.ones(20), None),
    lambda: sizers.MinVolatility().weights(np.r_[-1.0, np.ones(19)], None),
    lambda: sizers.MinVolatility().weights(np.r_[0.0, np.ones(19)], None),
])
def test_another_decision_is_another_problem(stocks, counted, monkeypatch, other):
    history = stocks.upto(400)
    sizers.MinVolatility().weights(np.ones(20), history)
    real = sizers.MinVolatility.weights
    for kind in (sizers.MinVolatility, sizers.MaxSharpe):
        monkeypatch.setattr(kind, "weights", lambda self, conviction, _: real(self, conviction, history))
    other()
    assert len(counted) == 2


def test_another_day_is_another_problem(stocks, counted):
    for row in (400, 401):
        sizers.MinVolatility().weights(np.ones(20), stocks.upto(row))
    assert len(counted) == 2
