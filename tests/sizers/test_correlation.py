"""Of symbols that move together, the strongest stays."""

import numpy as np
import pandas as pd
import pytest
from made_bars import bars, frame, walk

from core.options import Limits
from sizers.correlation import uncorrelated

STRICT = Limits(max_correlation=0.8, correlation_bars=20.0)


def market(seed=1):
    """A and B move together, C moves alone, D against A."""
    random = np.random.default_rng(seed)
    common, own = random.normal(0, 0.01, 30), random.normal(0, 0.01, (4, 30))
    moves = {"A": common, "B": common + 0.1 * own[1], "C": own[2], "D": -common + 0.1 * own[3]}
    return bars(**{name: frame(100 * np.exp(np.cumsum(move))) for name, move in moves.items()})


@pytest.mark.parametrize("case, conviction, expected", [
    ("the stronger stays", [1, 2, 1, 0], [0, 2, 1, 0]),
    ("ties by symbol order", [1, 1, 1, 0], [1, 0, 1, 0]),
    ("what moves against it stays", [1, 0, 0, 1], [1, 0, 0, 1]),
    ("a short of what moves against it does not", [2, 0, 0, -1], [2, 0, 0, 0]),
    ("a short is a hedge", [2, -1, 0, 0], [2, -1, 0, 0]),
    ("who is left out leaves nobody out", [0, 1, 1, -2], [0, 0, 1, -2]),
])
def test_rules(case, conviction, expected):
    assert uncorrelated(np.array(conviction, dtype=float), market(), STRICT).tolist() == expected, case


def test_off_is_off():
    conviction = np.ones(4)
    assert uncorrelated(conviction, market(), Limits()) is conviction


def test_correlations_are_those_of_pandas_over_the_bars_both_have():
    rows = {name: walk(40, seed) for seed, name in enumerate("ABCDE")}
    rows["B"] = frame(rows["A"]["close"].to_numpy() * (1 + 0.004 * np.sin(np.arange(40))), start="2000-01-03")
    rows["C"] = rows["C"].drop(rows["C"].index[[25, 30]])
    panel = bars(**rows)
    returns = pd.DataFrame(panel.close[-21:]).pct_change(fill_method=None)
    expected = returns.corr(min_periods=10).to_numpy()
    for most in np.linspace(-0.5, 1.0, 31):
        kept = uncorrelated(np.array([5.0, 4.0, 3.0, 2.0, 1.0]), panel, STRICT._replace(max_correlation=most))
        chosen = []
        for at in range(5):
            if all(expected[at, other] <= most for other in chosen):
                chosen.append(at)
        assert np.flatnonzero(kept).tolist() == chosen


def test_newcomers_and_the_motionless_are_nobodys_double():
    panel = bars(A=walk(30, 1), NEW=walk(30, 1).iloc[22:], FLAT=frame([5.0] * 30, start="2000-01-03"))
    assert uncorrelated(np.ones(3), panel, STRICT).tolist() == [1, 1, 1]
