"""Indicators beside pandas on 500 symbols x 2,520 bars, and their Backtrader faces beside Backtrader's own."""

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from workloads import walk

import indicators
from feeds.cerebro_feed import BarsData
from indicators import faces

MOMENTUM_SYMBOLS = 2  # pandas takes minutes for 500


@pytest.fixture(scope="module")
def market():
    """High, low and close of 500 symbols, as frames; and as panels."""
    random = np.random.default_rng(1)
    close = 50 * np.exp(np.cumsum(random.normal(0.0003, 0.012, (2_520, 500)), axis=0))
    frames = [pd.DataFrame(each) for each in (close * 1.01, close * 0.99, close)]
    return frames, [np.ascontiguousarray(frame.to_numpy()) for frame in frames]


def smoothed(values: pd.DataFrame, period: int, weight: float) -> pd.DataFrame:
    """Exponential smoothing in pandas, seeded with the average of the first `period` numbers."""
    first = values.notna().to_numpy().argmax(axis=0)[0]
    seeded = values.copy()
    seeded.iloc[: first + period - 1] = np.nan
    seeded.iloc[first + period - 1] = values.iloc[first : first + period].mean()
    return seeded.ewm(alpha=weight, adjust=False).mean()


def true_range(high: pd.DataFrame, low: pd.DataFrame, close: pd.DataFrame) -> pd.DataFrame:
    before = close.shift()
    return np.maximum(high, before).where(before.notna()) - np.minimum(low, before)


def strength(close: pd.DataFrame, period: int) -> pd.DataFrame:
    change = close.diff()
    rises, falls = (smoothed(each, period, 1 / period) for each in (change.clip(lower=0), -change.clip(upper=0)))
    return 100 - 100 / (1 + rises / falls)


def score(window: np.ndarray) -> float:
    """Clenow's momentum of one window of log prices, as most code has it."""
    bar = np.arange(len(window))
    slope = np.polyfit(bar, window, 1)[0]
    return (np.exp(slope) ** 252 - 1) * np.corrcoef(bar, window)[0, 1] ** 2


PANDAS = {
    "SMA(50)": (lambda high, low, close: close.rolling(50).mean(),
                lambda high, low, close: indicators.sma(close, 50)),
    "EMA(50)": (lambda high, low, close: smoothed(close, 50, 2 / 51),
                lambda high, low, close: indicators.ema(close, 50)),
    "ATR(20)": (lambda high, low, close: smoothed(true_range(high, low, close), 20, 1 / 20),
                lambda high, low, close: indicators.atr(high, low, close, 20)),
    "RSI(14)": (lambda high, low, close: strength(close, 14),
                lambda high, low, close: indicators.rsi(close, 14)),
    "z-score(20)": (lambda high, low, close: (close - close.rolling(20).mean()) / close.rolling(20).std(ddof=0),
                    lambda high, low, close: indicators.zscore(close, 20)),
    "correlation(60)": (lambda high, low, close: close.rolling(60).corr(close[0]),
                        lambda high, low, close: indicators.correlation(close, close[:, 0], 60)),
}


@pytest.mark.parametrize("name", PANDAS)
def test_500_symbols_beside_pandas(name, benchmark, pair, market):
    frames, panels = market
    theirs, ours = PANDAS[name]
    np.testing.assert_allclose(ours(*panels), theirs(*frames), rtol=1e-8, atol=1e-7)
    ratio = pair.compare(f"{name}, 500 x 2,520", lambda: ours(*panels), lambda: theirs(*frames), rounds=3)
    benchmark.extra_info["ratio"] = ratio
    benchmark.pedantic(lambda: ours(*panels), rounds=3)


def test_momentum_beside_pandas(benchmark, pair, market):
    frames, panels = market
    few = slice(0, MOMENTUM_SYMBOLS)

    def peer():
        return np.log(frames[2].iloc[:, few]).rolling(90).apply(score, raw=True)

    np.testing.assert_allclose(indicators.momentum(panels[2][:, few], 90), peer(), rtol=1e-8, atol=1e-10)
    benchmark.extra_info["ratio"] = pair.compare(
        f"momentum(90), {MOMENTUM_SYMBOLS} x 2,520", lambda: indicators.momentum(panels[2][:, few], 90), peer, rounds=1)
    benchmark.pedantic(lambda: indicators.momentum(panels[2], 90), rounds=3)
    pair.lines.append(f"momentum(90), 500 x 2,520: ours {benchmark.stats.stats.median:.4g} s")


class Uses(bt.Strategy):
    """Computes some indicators and looks at none."""

    params = dict(of=faces)

    def __init__(self):
        of = self.p.of
        self.kept = [of.SMA(period=50), of.EMA(period=50), of.ATR(period=20), of.RSI(period=14), of.RateOfChange(period=20)]


@pytest.mark.parametrize("runonce", [True, False], ids=["once", "next"])
def test_faces_beside_backtraders_own(runonce, benchmark, pair):
    frame = walk(3_000, 1)

    def run(of):
        cerebro = bt.Cerebro(stdstats=False, runonce=runonce)
        cerebro.adddata(BarsData(dataname=frame))
        cerebro.addstrategy(Uses, of=of)
        return [np.array(each.lines[0].array) for each in cerebro.run()[0].kept]

    for ours, theirs in zip(run(faces), run(bt.ind), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10)
    ratio = pair.compare(f"five indicators in Cerebro, 3,000 bars, {'once' if runonce else 'next'}",
                         lambda: run(faces), lambda: run(bt.ind), rounds=3)
    benchmark.extra_info["ratio"] = ratio
    benchmark.pedantic(lambda: run(faces), rounds=1)
