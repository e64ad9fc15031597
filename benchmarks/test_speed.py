"""Ours beside plain Backtrader in the same run; every speed is worth something only if the results agree.

    make bench
"""

import dataclasses
import subprocess
import sys
from pathlib import Path

import backtrader as bt
import numpy as np
import pytest
from plain_momentum import PlainMomentum
from workloads import walk

import engine
from brokers import SimulatedBroker
from core.bars import Bars
from core.options import Limits
from core.spec import RunSpec
from feeds.cerebro_feed import BarsData
from feeds.parquet_store import ParquetStore
from sizers import EqualWeight
from strategies import GoldenCross

HERE = Path(__file__).parent


class PlainGoldenCross(bt.Strategy):
    """Golden cross as anybody would write it for Backtrader."""

    params = dict(fast=50, slow=200)

    def __init__(self):
        fast, slow = bt.ind.SMA(period=self.p.fast), bt.ind.SMA(period=self.p.slow)
        self.cross = bt.ind.CrossOver(fast, slow)

    def next(self):
        if self.cross[0] > 0 and not self.position:
            self.buy(size=int(self.broker.getvalue() * 0.98 / self.data.close[0]))
        elif self.cross[0] < 0 and self.position:
            self.close()


def run_golden_cross(feed, strategy, broker):
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.setbroker(broker)
    cerebro.adddata(feed)
    cerebro.addstrategy(strategy)
    cerebro.run()
    return cerebro.broker.getvalue()


def test_one_golden_cross_of_5000_bars_from_a_frame(benchmark, pair):
    frame = walk(5_000, 1)

    def peer():
        return run_golden_cross(bt.feeds.PandasData(dataname=frame), PlainGoldenCross,
                                bt.brokers.BackBroker(cash=100_000.0))

    def ours():
        return run_golden_cross(BarsData(dataname=frame), GoldenCross, SimulatedBroker(cash=100_000.0))

    assert ours() == pytest.approx(peer(), rel=1e-9)
    benchmark.extra_info["ratio"] = pair.compare("golden cross, 5,000 bars", ours, peer)
    benchmark.pedantic(ours, rounds=3)


def test_engine_run_of_5000_bars(benchmark, pair):
    frame = walk(5_000, 1)
    bars = Bars.from_frames({"A": frame}, calendar="24/7")

    def peer():
        return run_golden_cross(bt.feeds.PandasData(dataname=frame), PlainGoldenCross,
                                bt.brokers.BackBroker(cash=100_000.0))

    def ours():
        return engine.run(RunSpec(calendar="24/7"), bars=bars).final_value

    assert ours() == pytest.approx(peer(), rel=1e-9)
    benchmark.extra_info["ratio"] = pair.compare("engine.run with metrics, 5,000 bars", ours, peer)
    benchmark.pedantic(ours, rounds=3)


def load(datas):
    """What Cerebro does with feeds before the first bar."""
    cerebro = bt.Cerebro(stdstats=False)
    for data in datas:
        cerebro.adddata(data)
        data.reset()
        data._start()
        data.preload()
    return sum(data.buflen() for data in datas)


@pytest.fixture(scope="module")
def five_hundred(tmp_path_factory):
    """500 symbols x 2,520 bars, as frames and in a store."""
    from core.calendars import get_calendar

    calendar = get_calendar("XNYS")
    days = calendar.between("2010-01-04", "2022-12-30")[:2_520]
    frames = {f"S{at:03d}": walk(2_520, at).set_axis(days.astype("datetime64[ns]")) for at in range(500)}
    directory = tmp_path_factory.mktemp("store")
    store = ParquetStore(directory)
    for symbol, frame in frames.items():
        bars = Bars.from_frames({symbol: frame})
        store.write(symbol, bars.series(symbol), bars.session, "1d", source="made")
    return frames, directory


def test_loading_500_symbols_of_2520_bars_from_the_store(benchmark, pair, five_hundred):
    frames, directory = five_hundred

    def peer():
        return load([bt.feeds.PandasData(dataname=frame) for frame in frames.values()])

    def ours():
        store = ParquetStore(directory)  # a new store: nothing in memory
        bars = Bars.of(store.read(list(frames), source="made"))
        return load([BarsData(dataname=bars, symbol=symbol) for symbol in bars.symbols])

    assert ours() == peer() == 500 * 2_520
    benchmark.extra_info["ratio"] = pair.compare("feed load, 500 x 2,520", ours, peer, rounds=1)
    benchmark.pedantic(ours, rounds=3)


def test_reading_the_store_beside_pyarrow_alone(benchmark, pair, five_hundred):
    import pyarrow.parquet as pq

    frames, directory = five_hundred
    files = sorted(Path(directory).rglob("*.parquet"))
    assert len(files) == 500

    def ours():
        return Bars.of(ParquetStore(directory).read(list(frames), source="made"))

    ratio = pair.compare("store to panel, 500 x 2,520, pyarrow alone as peer", ours,
                         lambda: [pq.read_table(file) for file in files], rounds=3)
    benchmark.extra_info["ratio"] = ratio
    benchmark.pedantic(ours, rounds=3)


def test_momentum_on_500_symbols(benchmark, pair, five_hundred):
    """Beside the same rules in plain Backtrader, and beside an empty strategy on PandasData."""
    from core.calendars import get_calendar

    frames, _ = five_hundred
    frames = {**frames, "^MARKET": frames["S000"]}
    bars = Bars.from_frames(frames, reference=["^MARKET"])
    sessions = bars.session[get_calendar("XNYS").weekly(bars.session)]

    def plain(strategy, **params):
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.broker.setcash(1e7)
        for symbol, frame in frames.items():
            cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=symbol)
        cerebro.addstrategy(strategy, **params)
        cerebro.run()
        return cerebro.broker.getvalue()

    def peer():
        return plain(PlainMomentum, index="^MARKET", updates=frozenset(sessions.tolist()))

    def ours():
        fresh = dataclasses.replace(bars)  # nothing computed before
        return engine.run(RunSpec(strategy="Momentum", cash=1e7, sizer_params={"risk": 0.0001}), bars=fresh)

    values = []
    ratio = pair.compare("momentum, 500 x 2,520", lambda: values.append(ours().final_value),
                         lambda: values.append(peer()), rounds=1)
    assert values[0] == pytest.approx(values[1], rel=1e-9) and values[0] != 1e7
    benchmark.extra_info["ratio"] = ratio
    benchmark.extra_info["ratio_empty"] = pair.compare(
        "momentum, 500 x 2,520, an empty plain strategy as peer", ours, lambda: plain(bt.Strategy), rounds=1)
    benchmark.pedantic(ours, rounds=3)


def test_backtraders_public_workload(benchmark, pair):
    """100 feeds x 20,000 bars in processes of their own: time and peak memory."""
    outcome = {}

    def play(who):
        command = [sys.executable, str(HERE / "public_workload.py"), who]
        seconds, megabytes, value = map(float, subprocess.run(command, capture_output=True, check=True).stdout.split())
        outcome[who] = (seconds, megabytes, value)

    play("peer")
    benchmark.pedantic(lambda: play("ours"), rounds=1)
    assert outcome["ours"][2] == pytest.approx(outcome["peer"][2], rel=1e-9)
    (mine, my_memory, _), (theirs, their_memory, _) = outcome["ours"], outcome["peer"]
    benchmark.extra_info.update(ratio=theirs / mine, memory_ratio=their_memory / my_memory)
    pair.lines.append(f"100 feeds x 20,000 bars: peer {theirs:.1f} s, {their_memory:.0f} MB; ours {mine:.1f} s, "
                      f"{my_memory:.0f} MB; ratio {theirs / mine:.2f}")


def test_portfolio_limits_are_compiled(benchmark):
    """One decision on 500 symbols: weights, limits, shares."""
    frames = {f"S{at:03d}": walk(30, at) for at in range(500)}
    bars = Bars.from_frames(frames, calendar="24/7")
    sizer = EqualWeight(limits=Limits())
    everyone = np.ones(500, bool)
    benchmark(lambda: sizer.target_shares(conviction=np.ones(500), decided=everyone, history=bars, held=np.zeros(500),
                                          value=1e6, cash=1e6))
