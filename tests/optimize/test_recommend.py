"""Recommendations: a planted edge is found, noise is not, and the numbers are those of the walk-forward and the formulas."""

import numpy as np
import pytest
from made_bars import bars, frame, walk

from analyzers import metrics
from core.errors import StoreFailed, UsageError
from core.spec import RunSpec
from engine.varying import read_space
from optimize.recommend import recommend
from optimize.statistics.sharpe import deflated_sharpe
from optimize.walk_forward import walk_forward

NAMES = ("GoldenCross", "MeanReversion", "Momentum")


def swings(rows=1_500, seed=1):
    """Prices that come back to their mean within weeks."""
    random, away, prices = np.random.default_rng(seed), 0.0, []
    for _ in range(rows):
        away = 0.9 * away + random.normal(0, 0.02)
        prices.append(100 * np.exp(away))
    return bars(AAA=frame(prices))


def of(panel, names=NAMES, **options):
    spec = RunSpec(symbols=("AAA",), source="csv", fractional=True)
    return recommend(spec, names, lambda _: panel, trials=20, windows=3, jobs=1, **options)


def test_a_planted_edge_is_recommended():
    found = of(swings(3_000))
    assert found.best is not None and found.best.strategy == "MeanReversion" and found.best.deflated > 0.9 and found.best.overfitting < 0.5
    assert [each.strategy for each in found.candidates if each.problem] == ["Momentum"]  # there is no index to compare with
    assert found.summary()["recommended"] == "MeanReversion"


@pytest.mark.parametrize("seed", range(4))
def test_noise_is_not(seed):
    assert of(bars(AAA=walk(1_500, seed, drift=0.0)), NAMES[:2]).best is None


def test_the_numbers_are_those_of_walk_forwards():
    panel, told = swings(seed=2), []
    found = of(panel, NAMES[:2], record=lambda spec, *_: lambda params, outcome: told.append((spec.strategy, len(params), len(outcome.measures))))
    ratios, walks = {}, {}
    for name in NAMES[:2]:
        spec, space = read_space(RunSpec(strategy=name, symbols=("AAA",), source="csv", fractional=True), {})
        walks[name] = walk_forward(spec, space, bars=panel, windows=3, anchored=True, method="random", trials=20, jobs=1)
        returns = metrics.session_returns(walks[name].equity, spec.cash)
        ratios[name] = returns.mean() / returns.std(ddof=1), returns
    variance = np.var([ratio for ratio, _ in ratios.values()], ddof=1)
    for each in found.candidates:
        ratio, returns = ratios[each.strategy]
        z = (returns - returns.mean()) / returns.std()
        assert each.deflated == pytest.approx(deflated_sharpe(ratio, len(returns), variance, 2, (z**3).mean(), (z**4).mean()))
        assert (each.sharpe, each.trials) == (walks[each.strategy].metrics["sharpe"], 60)
    assert len(told) == 6 and {count for _, *counts in told for count in counts} == {20}


def test_what_cannot_be_asked():
    with pytest.raises(UsageError, match="for one symbol, not 2"):
        recommend(RunSpec(symbols=("A", "B")), NAMES, swings)
    with pytest.raises(UsageError, match="no strategies"):
        recommend(RunSpec(symbols=("A",)), (), swings)
    assert [each.problem != "" for each in of(bars(AAA=walk(30, 1))).candidates] == [True] * 3


def test_a_journal_that_fails_is_no_strategy_that_cannot_be_played():
    def record(*_):
        raise StoreFailed("the API does not answer")

    with pytest.raises(StoreFailed, match="does not answer"):
        of(swings(600), NAMES[:1], record=record)
