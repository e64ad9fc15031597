"""What sizing costs: a monthly rotation over twenty real stocks, against the library's own calls on the same windows.

    make bench
"""

import json
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import engine
import sizers
from core.spec import RunSpec
from feeds.load import load_bars
from sizers import efficient_frontier, solved
from sizers.window import usable, window_of

HERE = Path(__file__).parent
STOCKS = ("AAPL.ADJ", "MSFT.ADJ", "AMD", "BAC", "BBY", "CVX", "GE", "HD", "JNJ", "JPM", "KO", "LLY", "MRK", "PEP", "PFE",
          "PG", "RRC", "UNH", "WMT", "XOM")

ROUNDS = 2


def direct_min_volatility(closes):
    from pypfopt import EfficientFrontier
    from pypfopt.risk_models import CovarianceShrinkage

    EfficientFrontier(None, CovarianceShrinkage(closes).ledoit_wolf(), solver=efficient_frontier.SOLVER).min_volatility()


def direct_max_sharpe(closes):
    from pypfopt import EfficientFrontier
    from pypfopt.expected_returns import mean_historical_return
    from pypfopt.risk_models import CovarianceShrinkage

    expected = mean_historical_return(closes)
    if expected.max() > 0:
        EfficientFrontier(expected, CovarianceShrinkage(closes).ledoit_wolf(),
                          solver=efficient_frontier.SOLVER).max_sharpe(risk_free_rate=0.0)


def direct_risk_parity(closes):
    from pypfopt import HRPOpt
    from pypfopt.risk_models import CovarianceShrinkage

    HRPOpt(cov_matrix=CovarianceShrinkage(closes).ledoit_wolf()).optimize()


def direct_critical_line(closes):
    from pypfopt import CLA
    from pypfopt.expected_returns import mean_historical_return
    from pypfopt.risk_models import CovarianceShrinkage

    expected = mean_historical_return(closes)
    if expected.max() > 0:
        CLA(expected, CovarianceShrinkage(closes).ledoit_wolf()).max_sharpe()


def direct_single_period(closes):
    import cvxportfolio as cvx

    days = pd.date_range("2000-01-01", periods=len(closes), tz="UTC")
    returns = pd.DataFrame(0.0, index=days, columns=[*map(str, closes.columns), "cash"])
    returns.iloc[:-1, :-1] = closes.pct_change().iloc[1:].to_numpy()
    market = cvx.UserProvidedMarketData(returns=returns, cash_key="cash", min_history=pd.Timedelta(0), online_usage=True)
    fees = pd.Series(0.0, index=returns.columns[:-1])
    objective = (cvx.ReturnsForecast() - 5.0 * cvx.FullCovariance() - cvx.TransactionCost(a=0.0005, b=None)
                 - cvx.HoldingCost(long_fees=fees, periods_per_year=252))
    policy = cvx.SinglePeriodOptimization(objective, [cvx.LongOnly(), cvx.LeverageLimit(1.0)], solver="CLARABEL")
    policy.execute(pd.Series([*np.zeros(len(closes.columns)), 1.0], index=returns.columns), market)


DIRECT = {"MinVolatility": direct_min_volatility, "MaxSharpe": direct_max_sharpe, "SinglePeriod": direct_single_period,
          "HierarchicalRiskParity": direct_risk_parity, "CriticalLine": direct_critical_line}


def play(name, file):
    """Run the rotation with one sizer: seconds sizing, seconds in all."""
    solved.configure(file)
    spec = RunSpec(strategy=f"{HERE / 'rotation.py'}:Rotation", symbols=STOCKS, sizer=name)
    result = engine.run(spec, bars=load_bars(source="sample", symbols=STOCKS))
    return result.timings["sizing"], result.timings["total"]


def windows_of(name, monkeypatch):
    """The closes of every problem the run meets."""
    kind, met = getattr(sizers, name), []
    real = kind.weights_from

    def watched(self, conviction, history, current):
        met.append(pd.DataFrame(usable(window_of(history, np.flatnonzero(conviction), 252), 252)[0]))
        return real(self, conviction, history, current)

    monkeypatch.setattr(kind, "weights_from", watched)
    play(name, None)
    monkeypatch.undo()
    return [each for each in met if each.shape[1] > 1]


def in_a_new_process(name, file):
    """The same in a process of its own, nothing in memory: seconds sizing, seconds in all, value reached."""
    command = [sys.executable, __file__, name, str(file)]
    return json.loads(subprocess.run(command, cwd=HERE.parent, check=True, capture_output=True, text=True).stdout)


@pytest.mark.parametrize("name", sorted(DIRECT))
def test_a_first_run_costs_what_the_library_costs_and_the_next_nearly_nothing(name, tmp_path, monkeypatch, benchmark,
                                                                              pair):
    windows = windows_of(name, monkeypatch)  # and imports, and compilations
    sizing, direct = [], []
    for number in range(ROUNDS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            started = time.perf_counter()
            for window in windows:
                DIRECT[name](window)
            direct.append(time.perf_counter() - started)
        sizing.append(play(name, tmp_path / f"{number}.db")[0])
    again = in_a_new_process(name, tmp_path / "0.db")
    ratio, part = min(sizing) / min(direct), again["sizing"] / again["total"]
    pair.lines.append(f"{name}, {len(windows)} decisions: the library's own calls {min(direct):.2f} s, first run sizes "
                      f"in {min(sizing):.2f} s, ratio {ratio:.2f}; repeated in a new process {part:.1%} of the time "
                      f"({again['sizing'] * 1000:.0f} of {again['total'] * 1000:.0f} ms)")
    benchmark.extra_info.update(first=ratio, repeated=part)
    benchmark.pedantic(lambda: play(name, tmp_path / "0.db"), rounds=1)
    assert not again["imported"]


if __name__ == "__main__":
    seconds, total = play(sys.argv[1], sys.argv[2])
    print(json.dumps(dict(sizing=seconds, total=total, imported="pypfopt" in sys.modules or "cvxportfolio" in sys.modules)))
