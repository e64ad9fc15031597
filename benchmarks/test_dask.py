"""Two Dask workers beside one: a Cerebro sweep of 200 plain golden-cross trials on 5,000 bars."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from workloads import walk

from core.bars import Bars
from core.spec import RunSpec
from optimize import shared_bars
from optimize.dask_cluster import Dask
from optimize.recipe import Recipe

ROOT = Path(__file__).parent.parent
TRIALS = [(number, {"fast": 5 + number % 20, "slow": 50 + number % 50}) for number in range(200)]
PLAIN = """
import backtrader as bt


class PlainCross(bt.Strategy):
    params = dict(fast=50, slow=200)

    def __init__(self):
        self.cross = bt.ind.CrossOver(bt.ind.SMA(period=self.p.fast), bt.ind.SMA(period=self.p.slow))

    def next(self):
        if self.cross[0] > 0:
            self.order_target_percent(target=0.9)
        elif self.cross[0] < 0:
            self.close()
"""


@pytest.fixture(name="recipe")
def _recipe(tmp_path):
    path = tmp_path / "plain_cross.py"
    path.write_text(PLAIN)
    bars = Bars.from_frames({"AAA": walk(5_000, 1)}, calendar="24/7")
    return Recipe.of(RunSpec(strategy=f"{path}:PlainCross", symbols=("AAA",), calendar="24/7"), shared_bars.write(bars, tmp_path))


@pytest.fixture(name="dask")
def _dask(tmp_path):
    """Starts `dask` with arguments; ends what it started."""
    started = []

    def start(*arguments):
        with open(tmp_path / "log", "ab") as log:
            started.append(subprocess.Popen([sys.executable, "-m", "dask", *arguments], cwd=tmp_path, stdout=log, stderr=log,
                                            env={**os.environ, "PYTHONPATH": str(ROOT)}))
        return started[-1]

    yield start
    for process in started:
        process.terminate()
        process.wait(10)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_two_workers_beside_one(benchmark, pair, dask, recipe):
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    dask("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    options = ("--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard", "--no-nanny", "--memory-limit", "0")
    seconds, outcomes = {}, {}
    for workers in (1, 2):
        dask("worker", address, *options)
        with Dask(recipe, address, timeout_s=60) as cluster:
            cluster._client.wait_for_workers(workers, timeout=60)
            list(cluster.play([trial] for trial in TRIALS[:10]))  # imports, and the player
            started = time.perf_counter()
            found = {chunk[0][0]: trials.measures for chunk, trials in cluster.play(TRIALS[at : at + 2] for at in range(0, 200, 2))}
            seconds[workers] = time.perf_counter() - started
            outcomes[workers] = np.concatenate([found[number] for number in sorted(found)])
    np.testing.assert_array_equal(outcomes[1], outcomes[2])
    assert outcomes[1].shape[0] == 200
    benchmark.extra_info["ratio"] = seconds[1] / seconds[2]
    pair.lines.append(f"Cerebro sweep, 200 trials x 5,000 bars: one Dask worker {seconds[1]:.1f} s, two {seconds[2]:.1f} s, "
                      f"ratio {seconds[1] / seconds[2]:.2f}")
    with Dask(recipe, address, timeout_s=60) as cluster:
        benchmark.pedantic(lambda: list(cluster.play([trial] for trial in TRIALS[:10])), rounds=1)
