"""PyPortfolioOpt's mean-variance sizers. Imports core and sizers.optimized; pypfopt where it is used (2 s)."""

from typing import Any

import numpy as np

from core.errors import BadSpec
from sizers.optimized import PERIODS, OptimizedSizer, Unsolvable

DISTRIBUTIONS = ("pyportfolioopt", "cvxpy", "clarabel", "scikit-learn")
SOLVER = "CLARABEL"  # an interior-point method: the same answer every time, to 1e-8


def expected_returns(returns: Any) -> Any:
    """Annualised compound mean of past returns (pypfopt's `mean_historical_return`)."""
    from pypfopt.expected_returns import mean_historical_return

    return mean_historical_return(returns, returns_data=True, frequency=PERIODS)


def covariance(returns: Any) -> Any:
    """Annualised covariance of returns, shrunk as Ledoit and Wolf (2004) do (pypfopt's `CovarianceShrinkage`)."""
    from pypfopt.risk_models import CovarianceShrinkage

    return CovarianceShrinkage(returns, returns_data=True, frequency=PERIODS).ledoit_wolf()


def max_sharpe(expected: Any, risk: Any, risk_free: float) -> np.ndarray:
    """Weights of the largest Sharpe ratio (pypfopt's `EfficientFrontier`)."""
    from pypfopt import EfficientFrontier

    need_excess(expected, risk_free)
    return in_order(EfficientFrontier(expected, risk, solver=SOLVER).max_sharpe(risk_free_rate=float(risk_free)))


def need_excess(expected: Any, risk_free: float) -> None:
    """Raise `Unsolvable` when no Sharpe ratio is above 0."""
    if expected.max() <= risk_free:
        raise Unsolvable("no expected return is above the risk-free rate")


def in_order(weights: Any) -> np.ndarray:
    """pypfopt's weights, a mapping from column to weight, as an array (K,)."""
    return np.array([weights[at] for at in range(len(weights))])


class MaxSharpe(OptimizedSizer):
    """The portfolio with the largest Sharpe ratio: Markowitz (1952), by PyPortfolioOpt.

    Params:
        risk_free: annual rate.
    """

    params = (("risk_free", 0.0),)
    distributions = DISTRIBUTIONS

    def solve(self, returns: Any, strength: np.ndarray, current: np.ndarray) -> np.ndarray:
        return max_sharpe(expected_returns(returns), covariance(returns), self.p.risk_free)


class MinVolatility(OptimizedSizer):
    """The portfolio with the smallest volatility: Markowitz (1952), by PyPortfolioOpt."""

    distributions = DISTRIBUTIONS

    def solve(self, returns: Any, strength: np.ndarray, current: np.ndarray) -> np.ndarray:
        from pypfopt import EfficientFrontier

        return in_order(EfficientFrontier(None, covariance(returns), solver=SOLVER).min_volatility())


class CriticalLine(OptimizedSizer):
    """The largest Sharpe ratio on the whole frontier, found by the critical line algorithm.

    Source: Bailey and Lopez de Prado, "An Open-Source Implementation of the Critical-Line Algorithm for
    Portfolio Optimization", Algorithms 6 (2013), by PyPortfolioOpt.
    """

    distributions = DISTRIBUTIONS

    def solve(self, returns: Any, strength: np.ndarray, current: np.ndarray) -> np.ndarray:
        from pypfopt import CLA

        expected = expected_returns(returns)
        need_excess(expected, 0.0)
        try:
            return in_order(CLA(expected, covariance(returns)).max_sharpe())
        except TypeError as error:  # it compares None where two corners of the frontier fall together
            raise Unsolvable("the critical line cannot tell symbols with equal returns apart") from error


class HierarchicalRiskParity(OptimizedSizer):
    """Risk shared down a tree of clusters: no expected returns and no inverted matrix.

    Source: Lopez de Prado, "Building Diversified Portfolios that Outperform Out of Sample", Journal of Portfolio
    Management 42 (2016), by PyPortfolioOpt, on the shrunk covariance.
    """

    distributions = DISTRIBUTIONS

    def solve(self, returns: Any, strength: np.ndarray, current: np.ndarray) -> np.ndarray:
        from pypfopt import HRPOpt

        return in_order(HRPOpt(cov_matrix=covariance(returns)).optimize())


class BlackLitterman(OptimizedSizer):
    """The strategy's convictions as views on an equal-weight market, by PyPortfolioOpt.

    Prior: the returns implied by equal weights, risk_aversion x covariance x weights. Views: one on each chosen
    symbol, prior + view x volatility x strength, where strength is |conviction| / the largest one: the strongest
    is expected to earn `view` times its annual volatility more than the market implies, and the others less in
    proportion. Uncertainty of a view: tau x variance of its symbol. Weights: the largest Sharpe ratio of the
    posterior. Source: Black and Litterman, "Global Portfolio Optimization", Financial Analysts Journal 48 (1992).

    Params:
        view: what the strongest conviction is worth, in annual volatilities. tau: weight of the prior's error.
        risk_aversion: of the market behind the prior.
    """

    params = (("view", 0.2), ("tau", 0.05), ("risk_aversion", 2.5))
    distributions = DISTRIBUTIONS
    minds_strength = True

    def check(self) -> None:
        super().check()
        if not 0 < self.p.tau <= 1:
            raise BadSpec(f"sizer.tau is {self.p.tau:g}: it is a weight above 0 and up to 1")
        if not self.p.risk_aversion > 0:
            raise BadSpec(f"sizer.risk_aversion is {self.p.risk_aversion:g}: it must be above 0")

    def solve(self, returns: Any, strength: np.ndarray, current: np.ndarray) -> np.ndarray:
        import pandas as pd
        from pypfopt.black_litterman import BlackLittermanModel, market_implied_prior_returns

        risk = covariance(returns)
        market = pd.Series(1.0, index=risk.columns)
        prior = market_implied_prior_returns(market, self.p.risk_aversion, risk)
        views = prior + self.p.view * np.abs(strength) * np.sqrt(np.diag(risk))
        model = BlackLittermanModel(risk, pi=prior, absolute_views=views, tau=self.p.tau,
                                    risk_aversion=self.p.risk_aversion)
        return max_sharpe(model.bl_returns(), model.bl_cov(), 0.0)
