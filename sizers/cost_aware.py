"""cvxportfolio's sizers, which mind what trading costs. Imports core and sizers.optimized; cvxportfolio (1 s) and
pandas where they are used."""

from typing import Any

import numpy as np

from core.errors import BadSpec
from sizers.optimized import PERIODS, OptimizedSizer

SOLVER = "CLARABEL"


class SinglePeriod(OptimizedSizer):
    """Best next-period return after risk and costs, from the weights held now; what is left stays cash.

    Maximises mean past return - risk_aversion x variance - transaction_cost x trades - fees, of one bar, within
    the limits on leverage and turnover. What is held on the other side of a wish counts as sold first.
    Source: Boyd et al., "Multi-Period Trading via Convex Optimization", Foundations and Trends in Optimization 3
    (2017), by cvxportfolio, with its own forecasts of mean and covariance over the lookback.

    Params:
        risk_aversion: weight of the variance.
        transaction_cost: part of the value of each trade, such as 0.0005.
        holding_cost: percent of a long position a year. short_fee: the same of a short one.
        turnover: largest part of the account traded at once, half the sum of trades; inf = any.
        leverage: largest sum of absolute weights.
    """

    params = (("risk_aversion", 5.0), ("transaction_cost", 0.0005), ("holding_cost", 0.0), ("short_fee", 5.0),
              ("turnover", float("inf")), ("leverage", 1.0))
    distributions = ("cvxportfolio", "cvxpy", "clarabel")
    fewest = 1
    minds_current = True

    def check(self) -> None:
        super().check()
        for name in ("risk_aversion", "transaction_cost", "holding_cost", "short_fee"):
            if not 0 <= getattr(self.p, name) < np.inf:
                raise BadSpec(f"sizer.{name} is {getattr(self.p, name):g}: it is a number from 0 on")
        for name in ("turnover", "leverage"):
            if not getattr(self.p, name) > 0:
                raise BadSpec(f"sizer.{name} is {getattr(self.p, name):g}: it must be above 0")

    def solve(self, returns: Any, strength: np.ndarray, current: np.ndarray) -> np.ndarray:
        import pandas as pd

        days = pd.date_range("2000-01-01", periods=len(returns) + 1, tz="UTC")  # forecasts see the order only
        frame = pd.DataFrame(0.0, index=days, columns=[*map(str, returns.columns), "cash"])
        frame.iloc[:-1, :-1] = returns.to_numpy()
        holdings = pd.Series([*current, 1.0 - current.sum()], index=frame.columns)
        fees = pd.Series(np.where(strength < 0, self.p.short_fee, self.p.holding_cost), index=frame.columns[:-1])
        trades, _, _ = self._policy(fees).execute(holdings, _market(frame))
        return (holdings + trades).to_numpy()[:-1]

    def _policy(self, fees: Any) -> Any:
        import cvxportfolio as cvx

        return cvx.SinglePeriodOptimization(self._objective(fees), self._constraints(), solver=SOLVER,
                                            fallback_solver=None)

    def _objective(self, fees: Any) -> Any:
        import cvxportfolio as cvx

        return (cvx.ReturnsForecast() - self.p.risk_aversion * cvx.FullCovariance()
                - cvx.TransactionCost(a=self.p.transaction_cost, b=None)
                - cvx.HoldingCost(long_fees=fees, periods_per_year=PERIODS))

    def _constraints(self) -> list[Any]:
        import cvxportfolio as cvx

        limit = [cvx.TurnoverLimit(self.p.turnover)] if self.p.turnover < np.inf else []
        return [cvx.LongOnly(applies_to_cash=False), cvx.LeverageLimit(self.p.leverage), *limit]


class MultiPeriod(SinglePeriod):
    """As `SinglePeriod`, but planning several bars ahead, so that a trade is spread or spared when it pays.

    Params:
        horizon: bars planned.
    """

    params = (("horizon", 5),)

    def check(self) -> None:
        super().check()
        if self.p.horizon < 1 or self.p.horizon != int(self.p.horizon):
            raise BadSpec(f"sizer.horizon is {self.p.horizon:g}: it is a whole number of bars, from 1 on")

    def _policy(self, fees: Any) -> Any:
        import cvxportfolio as cvx

        return cvx.MultiPeriodOptimization(self._objective(fees), self._constraints(), solver=SOLVER,
                                           planning_horizon=int(self.p.horizon), fallback_solver=None)


def _market(frame: Any) -> Any:
    """Past returns as cvxportfolio serves them; the last row is the period to decide on."""
    import cvxportfolio as cvx
    import pandas as pd

    return cvx.UserProvidedMarketData(returns=frame, cash_key="cash", min_history=pd.Timedelta(0), online_usage=True)
