"""Backtrader's public workload in a process of its own: 100 feeds x 20,000 bars, SMA 10/50 cross, plain strategy.

    python benchmarks/public_workload.py ours|peer [feeds] [bars]

Prints seconds, peak megabytes and the final value. Workload: https://www.backtrader.com/blog/2019-10-25-on-backtesting-performance-and-out-of-memory/on-backtesting-performance-and-out-of-memory/
"""

import sys
import time
from pathlib import Path

import backtrader as bt

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from workloads import peak_megabytes, walk


class Crosses(bt.Strategy):
    """Buys one share of each feed when its 10-bar average crosses above its 50-bar one, sells when below."""

    def __init__(self):
        self.crosses = [bt.ind.CrossOver(bt.ind.SMA(data, period=10), bt.ind.SMA(data, period=50))
                        for data in self.datas]

    def next(self):
        for data, cross in zip(self.datas, self.crosses, strict=True):
            if cross[0] > 0:
                self.buy(data, size=1)
            elif cross[0] < 0 and self.getposition(data).size:
                self.close(data)


def main(who: str, feeds: int = 100, rows: int = 20_000) -> None:
    """Build the frames, then time feeds, broker and run."""
    frames = [walk(rows, seed) for seed in range(feeds)]
    from brokers import SimulatedBroker
    from feeds.cerebro_feed import BarsData

    started = time.perf_counter()
    cerebro = bt.Cerebro()
    if who == "ours":
        cerebro.setbroker(SimulatedBroker(cash=1e9))
    else:
        cerebro.broker.setcash(1e9)
    feed = BarsData if who == "ours" else bt.feeds.PandasData
    for at, frame in enumerate(frames):
        cerebro.adddata(feed(dataname=frame), name=f"F{at}")
    cerebro.addstrategy(Crosses)
    cerebro.run()
    print(time.perf_counter() - started, peak_megabytes(), cerebro.broker.getvalue())


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
