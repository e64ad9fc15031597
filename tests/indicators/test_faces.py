"""The Backtrader faces: the bits of their array functions in every mode, and Backtrader's own numbers."""

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from made_bars import frame, walk

import indicators
from core.errors import BadSpec
from indicators import faces

MODES = [dict(runonce=runonce, preload=preload, exactbars=exactbars)
         for runonce in (True, False) for preload in (True, False) for exactbars in (-2, -1, 0, 1)]
THEIRS = {
    "SMA": bt.ind.SMA, "WMA": bt.ind.WMA, "EMA": bt.ind.EMA, "TrueRange": bt.ind.TrueRange, "ATR": bt.ind.ATR,
    "Deviation": bt.ind.StdDev, "RSI": bt.ind.RSI, "MACD": bt.ind.MACDHisto, "Bollinger": bt.ind.BollingerBands,
    "RateOfChange": bt.ind.RateOfChange,
}
ARRAYS = {
    "SMA": lambda close, high, low: indicators.sma(close, 30),
    "WMA": lambda close, high, low: indicators.wma(close, 30),
    "EMA": lambda close, high, low: indicators.ema(close, 30),
    "TrueRange": lambda close, high, low: indicators.true_range(high, low, close),
    "ATR": lambda close, high, low: indicators.atr(high, low, close, 14),
    "Deviation": lambda close, high, low: indicators.deviation(close, 20),
    "ZScore": lambda close, high, low: indicators.zscore(close, 20),
    "RSI": lambda close, high, low: indicators.rsi(close, 14),
    "MACD": lambda close, high, low: indicators.macd(close),
    "Bollinger": lambda close, high, low: indicators.bollinger(close),
    "RateOfChange": lambda close, high, low: indicators.rate_of_change(close, 12),
    "RegressionMomentum": lambda close, high, low: indicators.momentum(close, 90),
}
LONG, SHORT = walk(140), walk(140, 2)[23:].drop(walk(140).index[[60, 61, 99]])  # ragged start, missing bars


def build(strategy):
    """Every face on both feeds, and chains of them."""
    made = {}
    for at, data in enumerate(strategy.datas):
        made |= {(name, at): getattr(faces, name)(data) for name in ARRAYS}
        made["cross", at] = bt.ind.CrossOver(faces.SMA(data, period=5), faces.SMA(data, period=20))
        made["smoothed", at] = faces.SMA(faces.RSI(faces.EMA(data, period=4), period=5), period=7)
        made["of a high", at] = faces.ZScore(data.high, period=9)
    if len(strategy.datas) == 2:
        data, other = strategy.datas
        made["correlation", 0] = faces.Correlation(data, other, period=20)
        made["correlation", 1] = faces.Correlation(other.close, data, period=20)
        made["of returns", 0] = faces.Correlation(*(faces.RateOfChange(each, period=1) for each in (data, other)),
                                                  period=20)
    return made


def build_theirs(strategy):
    """What Backtrader has of its own."""
    made = {(name, 0): theirs() for name, theirs in THEIRS.items()}
    made["cross", 0] = bt.ind.CrossOver(bt.ind.SMA(period=5), bt.ind.SMA(period=20))
    made["smoothed", 0] = bt.ind.SMA(bt.ind.RSI(bt.ind.EMA(period=4), period=5), period=7)
    return made


def observed(*frames, feed=lambda cerebro, data: cerebro.adddata(data), faces_of=build, **mode):
    """Key of the indicator -> (bars, lines): what a strategy sees on the last view of every bar; and minimum periods."""

    class Watch(bt.Strategy):
        def __init__(self):
            self.made = faces_of(self)
            self.seen = {key: {} for key in self.made}

        def prenext(self):
            self.next()

        def next(self):
            for key, face in self.made.items():
                if len(self.datas[key[1]]):
                    self.seen[key][len(self.datas[key[1]])] = [line[0] for line in face.lines]

    cerebro = bt.Cerebro(stdstats=False, **mode)
    for each in frames:
        feed(cerebro, bt.feeds.PandasData(dataname=each))
    cerebro.addstrategy(Watch)
    strategy = cerebro.run()[0]
    minimum = {key: face._minperiod for key, face in strategy.made.items()}
    return {key: np.array(list(rows.values())) for key, rows in strategy.seen.items()}, minimum


@pytest.fixture(scope="module")
def in_one_go():
    """What a preloaded run with `runonce` shows of one feed, and of the other."""
    return [observed(each, runonce=True, preload=True, exactbars=0) for each in (LONG, SHORT)]


@pytest.fixture(scope="module")
def bar_by_bar():
    return observed(LONG, SHORT, runonce=False, preload=False, exactbars=0)[0]


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: "-".join(map(str, mode.values())))
def test_every_mode_shows_each_of_two_ragged_feeds_the_bits_it_has_alone(mode, in_one_go, bar_by_bar):
    seen, minimum = observed(LONG, SHORT, **mode)
    for (name, at), values in seen.items():
        if name in ("correlation", "of returns"):
            np.testing.assert_array_equal(values, bar_by_bar[name, at], err_msg=name)
        else:
            np.testing.assert_array_equal(values, in_one_go[at][0][name, 0], err_msg=name)
            assert minimum[name, at] == in_one_go[at][1][name, 0]


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("at", [0, 1])
def test_the_bits_are_those_of_the_array_function(name, at, in_one_go):
    whole = (LONG, SHORT)[at]
    panels = ARRAYS[name](*(whole[[column]].to_numpy() for column in ("close", "high", "low")))
    expected = np.column_stack(panels if isinstance(panels, tuple) else [panels])
    np.testing.assert_array_equal(in_one_go[at][0][name, 0], expected)


@pytest.mark.parametrize("at", [0, 1])
def test_numbers_and_first_bar_are_backtraders(at, in_one_go):
    ours, our_minimum = in_one_go[at]
    theirs, their_minimum = observed((LONG, SHORT)[at], faces_of=build_theirs)
    for key, values in theirs.items():
        assert our_minimum[key] == their_minimum[key]
        np.testing.assert_array_equal(np.isnan(ours[key]), np.isnan(values), err_msg=key[0])
        np.testing.assert_allclose(ours[key], values, rtol=1e-10, atol=1e-12, err_msg=key[0])


@pytest.mark.parametrize("name", ARRAYS)
def test_the_minimum_period_is_the_first_bar_with_all_lines(name, in_one_go):
    seen, minimum = in_one_go[0]
    complete = ~np.isnan(seen[name, 0]).any(axis=1)
    assert complete.argmax() + 1 == minimum[name, 0]


def test_what_backtrader_has_not_equals_pandas(bar_by_bar):
    close = pd.DataFrame({0: LONG["close"], 1: SHORT["close"]})
    rolling = LONG["close"].rolling(20)
    score = (LONG["close"] - rolling.mean()) / rolling.std(ddof=0)
    np.testing.assert_allclose(bar_by_bar["ZScore", 0][:, 0], score, rtol=1e-9, atol=1e-10)
    common = close.dropna()
    expected = common[0].rolling(20).corr(common[1]).reindex(close.index)
    np.testing.assert_allclose(bar_by_bar["correlation", 0][:, 0], expected, atol=1e-10)
    np.testing.assert_allclose(bar_by_bar["correlation", 1][:, 0], expected[SHORT.index], atol=1e-10)


def test_returns_are_correlated_where_both_feeds_have_a_bar(bar_by_bar):
    ours = LONG["close"].pct_change().reindex(SHORT.index)[1:]
    theirs = SHORT["close"].pct_change()[1:]
    expected = ours.rolling(20).corr(theirs).reindex(LONG.index)
    np.testing.assert_allclose(bar_by_bar["of returns", 0][:, 0], expected, atol=1e-10)


def test_a_bar_that_is_still_being_built_is_replaced():
    """Weekly bars replayed from days: the last view of every week is that of finished weeks."""

    def replayed(cerebro, data):
        cerebro.replaydata(data, timeframe=bt.TimeFrame.Weeks)

    def resampled(cerebro, data):
        cerebro.resampledata(data, timeframe=bt.TimeFrame.Weeks)

    daily = walk(600)
    for exactbars in (0, 1):
        building, _ = observed(daily, feed=replayed, exactbars=exactbars)
        finished, _ = observed(daily, feed=resampled, runonce=True)
        for key, values in finished.items():
            np.testing.assert_array_equal(building[key][: len(values)], values, err_msg=str(key))


def test_bars_without_a_number_are_passed_over():
    gaps = walk(80).astype(float)
    gaps.iloc[[0, 7, 8, 40, 79], :4] = np.nan
    for runonce in (True, False):
        seen, _ = observed(gaps, runonce=runonce, faces_of=lambda strategy: {
            (name, 0): getattr(faces, name)(strategy.data) for name in ARRAYS})
        for name, compute in ARRAYS.items():
            panels = compute(*(gaps[[column]].to_numpy() for column in ("close", "high", "low")))
            expected = np.column_stack(panels if isinstance(panels, tuple) else [panels])
            np.testing.assert_array_equal(seen[name, 0], expected, err_msg=name)


def test_a_long_run_forgets_old_bars_and_stays_exact():
    long = walk(400)
    seen, _ = observed(long, runonce=False, exactbars=1,
                       faces_of=lambda strategy: {("sma", 0): faces.SMA(strategy.data, period=3)})
    np.testing.assert_array_equal(seen["sma", 0], indicators.sma(long[["close"]].to_numpy(), 3))


@pytest.mark.parametrize("name", ["SMA", "WMA", "EMA", "ATR", "Deviation", "ZScore", "RSI", "Bollinger",
                                  "RateOfChange", "RegressionMomentum"])
def test_a_bad_period_is_refused_before_the_run(name):
    with pytest.raises(BadSpec, match="window of 2.5 bars"):
        observed(frame([1.0, 2.0]), faces_of=lambda strategy: {(name, 0): getattr(faces, name)(period=2.5)})


def test_a_range_of_a_single_line_is_refused():
    with pytest.raises(BadSpec, match="no high, low and close"):
        observed(frame([1.0, 2.0]), faces_of=lambda strategy: {("ATR", 0): faces.ATR(faces.SMA(period=2))})


def test_fewer_bars_than_needed_give_no_value():
    for runonce in (True, False):
        seen, _ = observed(walk(3), runonce=runonce, faces_of=lambda strategy: {
            (name, 0): getattr(faces, name)() for name in ARRAYS})
        assert all(np.isnan(values).all() for (name, _), values in seen.items() if name != "TrueRange")


def test_every_face_is_named_and_covered():
    assert set(faces.__all__) == {*ARRAYS, "Correlation"}
