"""What every shipped sizer promises, whatever the bars."""

import numpy as np
import pytest
from account_rules import broken
from hypothesis import given, settings
from hypothesis import strategies as st

import sizers
from core.bars import Bars
from core.options import Limits
from core.series import SymbolBars

ROWS, LOOKBACK = 36, 20
SOLVING = {name for name in sizers.__all__ if hasattr(getattr(sizers, name), "solve")}
EVERY = sorted(set(sizers.__all__) - {"PortfolioSizer"})


def made(name, **params):
    """The sizer, with a short memory where it has one."""
    kind = getattr(sizers, name)
    short = {"lookback": LOOKBACK} if "lookback" in kind.params._getkeys() else {}
    return kind(**{**short, **params})


def panel(kinds, seed):
    """Closes of one symbol for each kind of trouble."""
    random = np.random.default_rng(seed)
    columns = []
    for kind in kinds:
        close = 50 * np.exp(np.cumsum(random.normal(0.0005, 0.02, ROWS)))
        close *= {"huge": 1e7, "tiny": 1e-5}.get(kind, 1.0)
        if kind == "flat":
            close[:] = 20.0
        elif kind == "steady":
            close = 10 * 1.01 ** np.arange(ROWS)
        elif kind == "twin" and columns:
            close = columns[0].copy()
        if kind in ("late", "listed just now"):
            close[:ROWS - (3 if kind == "late" else 1)] = np.nan
        elif kind == "gone":
            close[ROWS // 3:] = np.nan
        elif kind == "holes":
            close[random.random(ROWS) < 0.3] = np.nan
        columns.append(close)
    return bars_of(np.array(columns).T)


def bars_of(closes):
    index = np.arange(len(closes)) * 86_400 * 10**9 + 10**18
    days = index.astype("datetime64[ns]").astype("datetime64[D]")
    series = []
    for at, close in enumerate(closes.T):
        there = ~np.isnan(close)
        there[0] |= not there.any()
        series.append(SymbolBars.make(f"S{at}", index[there], days[there], np.nan_to_num(close[there], nan=1.0)))
    return Bars.of(series)


KINDS = ("walk", "huge", "tiny", "flat", "steady", "twin", "late", "listed just now", "gone", "holes")
CONVICTIONS = st.floats(-2, 2).filter(lambda each: each == 0 or abs(each) > 1e-6) | st.sampled_from([0.0, 1.0])


def check_decision(name, kinds, seed, conviction):
    history = panel(kinds, seed)
    sizer = made(name, limits=Limits(max_weight=0.4, max_positions=3, min_position=20.0, max_correlation=0.95))
    weights = sizer.weights(conviction, history)
    assert weights.shape == conviction.shape and np.isfinite(weights).all(), sizer.notes
    assert (weights[conviction == 0] == 0).all()
    assert (weights * conviction >= 0).all()
    count = len(conviction)
    decided, held = np.ones(count, bool), np.zeros(count)
    shares = sizer.target_shares(conviction=conviction, decided=decided, history=history, held=held, value=1_000.0,
                                 cash=1_000.0)
    assert np.isfinite(shares).all()
    assert not broken(shares, held, decided, np.full(count, -1), 1_000.0, 1_000.0,
                      np.nan_to_num(history.last_close[-1]), sizer.p.limits)
    again = made(name).weights(conviction, panel(kinds, seed))
    assert again.tobytes() == weights.tobytes()


markets = st.lists(st.sampled_from(KINDS), min_size=1, max_size=6)


@settings(max_examples=30)
@given(data=st.data(), kinds=markets, seed=st.integers(0, 999))
@pytest.mark.parametrize("name", sorted(set(EVERY) - SOLVING))
def test_any_market_any_conviction(name, data, kinds, seed):
    conviction = data.draw(st.lists(CONVICTIONS, min_size=len(kinds), max_size=len(kinds)))
    check_decision(name, kinds, seed, np.array(conviction))


@settings(max_examples=8)
@given(data=st.data(), kinds=markets, seed=st.integers(0, 999))
@pytest.mark.parametrize("name", sorted(SOLVING))
def test_any_market_any_conviction_for_those_that_solve(name, data, kinds, seed):
    conviction = data.draw(st.lists(CONVICTIONS, min_size=len(kinds), max_size=len(kinds)))
    check_decision(name, kinds, seed, np.array(conviction))


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("kinds", [["walk"], ["gone"] * 3, ["flat"] * 3, ["walk", "twin", "twin"], ["steady"] * 2,
                                   ["huge", "tiny", "walk"], ["listed just now"] * 2])
def test_the_worst_markets(name, kinds):
    for side in (1.0, -1.0):
        check_decision(name, kinds, 5, np.full(len(kinds), side))


@pytest.mark.parametrize("name", EVERY)
def test_the_future_does_not_change_weights(name):
    random, history = np.random.default_rng(3), panel(["walk", "holes", "late", "huge", "twin"], 8)
    changed = history.raw_close.copy()
    changed[30:] *= random.uniform(0.5, 2.0, changed[30:].shape)
    conviction = np.array([1.0, 0.5, 2.0, -1.0, 1.0])
    seen = [made(name).weights(conviction, bars.upto(29)) for bars in (history, bars_of(changed), bars_of(changed[:30]))]
    assert seen[0].tobytes() == seen[1].tobytes() == seen[2].tobytes()
    assert np.abs(seen[0]).sum() > 0
