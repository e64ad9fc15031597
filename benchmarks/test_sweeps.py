"""Sweeps beside vectorbt in the same run (`pip install -e .[peers]`), single runs on the twin, and how the cost grows.

    make bench ARGS="benchmarks/test_sweeps.py"
"""

import dataclasses
import resource
import subprocess
import sys
import time

import numpy as np
import pytest
from workloads import walk

import engine
from core.bars import Bars
from core.calendars import get_calendar
from core.space import Choice, Range, Space
from core.spec import RunSpec
from engine.trials import player
from journal import Journal
from optimize import sweep

SPACE = Space({"fast": Range(5, 100, 5), "slow": Range(105, 350, 5)})  # 1,000 pairs
SPEC = RunSpec(calendar="24/7")


@pytest.fixture(name="frame", scope="module")
def _frame():
    return walk(5_000, 1)


@pytest.mark.filterwarnings("ignore")
def test_a_grid_of_1000_golden_cross_pairs(benchmark, pair, frame, tmp_path):
    """From spec to committed ledger, with every measure, beside vectorbt with four."""
    bars = Bars.from_frames({"A": frame}, calendar="24/7")
    with Journal(tmp_path / "journal.db") as journal:

        def ours():
            made = sweep(SPEC, SPACE, bars=bars, journal=journal, verify=False, statistics=False)
            assert len(made) == 1000
            return made

        vbt = pytest.importorskip("vectorbt")

        def peer():
            close = frame["close"]
            fast = vbt.MA.run(close, np.repeat(np.arange(5, 101, 5), 50), short_name="fast")
            slow = vbt.MA.run(close, np.tile(np.arange(105, 351, 5), 20), short_name="slow")
            entries, exits = fast.ma_crossed_above(slow), fast.ma_crossed_below(slow)
            played = vbt.Portfolio.from_signals(close, entries, exits, price=frame["open"].shift(-1).fillna(close), freq="1D", init_cash=100_000.0)
            return played.total_return(), played.sharpe_ratio(), played.max_drawdown(), played.trades.count()

        returns = np.asarray(peer()[0])
        assert np.corrcoef(returns, ours().metrics["total_return"])[0, 1] > 0.99  # the same rule; we keep 2% in cash
        ratio = pair.compare("1,000 golden-cross pairs x 5,000 bars, vectorbt as peer", ours, peer, rounds=5)
        seconds = min(ours().seconds for _ in range(10))
        verified = sweep(SPEC, SPACE, bars=bars, journal=journal)
        pair.lines.append(f"  {1000 / seconds:,.0f} trials/s at best; parity re-run of {len(verified.agreement.compared)} trials beside it: "
                          f"{verified.agreement.seconds:.2f} s")
        benchmark.extra_info.update(ratio=ratio, trials_per_second=1000 / seconds)
        benchmark.pedantic(ours, rounds=5)


FRESH = """
import sys, time
started = time.perf_counter()
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from workloads import walk
from core.bars import Bars
from core.space import Range, Space
from core.spec import RunSpec
from journal import Journal
from optimize import sweep
bars = Bars.from_frames({"A": walk(5_000, 1)}, calendar="24/7")
with Journal(Path(sys.argv[2])) as journal:
    made = sweep(RunSpec(calendar="24/7"), Space({"fast": Range(5, 100, 5), "slow": Range(105, 350, 5)}), bars=bars, journal=journal,
                 verify=False, statistics=False)
print(time.perf_counter() - started)
"""


def test_the_first_sweep_of_a_process(benchmark, pair, tmp_path):
    """Imports, compiled code from the disk, 1,000 trials, ledger."""
    def first():
        shown = subprocess.run([sys.executable, "-c", FRESH, "benchmarks", str(tmp_path / "journal.db")], capture_output=True, text=True,
                               check=True)
        return float(shown.stdout)

    first()
    seconds = [first() for _ in range(3)]
    pair.lines.append(f"first sweep of a fresh process, 1,000 trials, everything: {min(seconds):.2f} to {max(seconds):.2f} s")
    benchmark.pedantic(first, rounds=1)


def test_one_run_of_5000_bars(benchmark, pair, frame):
    bars = Bars.from_frames({"A": frame}, calendar="24/7")
    turns = iter(range(10**9))

    def whole():
        engine.simulate(SPEC.replace(params={"fast": 20 + next(turns) % 30, "slow": 200}), bars)

    played = player(SPEC, bars)
    whole()
    pair.lines.append(f"one run of 5,000 bars on the twin: whole result {_best(whole):.2f} ms, measures alone "
                      f"{_best(lambda: played.play([{'fast': 20 + next(turns) % 30, 'slow': 200}])):.3f} ms")
    benchmark(whole)


def test_a_large_sweep_in_bounded_memory(benchmark, pair, tmp_path):
    """100,000 trials on 500 bars: what a trial costs in memory."""
    bars = Bars.from_frames({"A": walk(500, 3)}, calendar="24/7")
    space = Space({"fast": Range(1, 100), "slow": Range(101, 200), "sizer.across": Choice("universe", "chosen"),
                   "limits.max_weight": Choice(0.2, 0.4, 0.6, 0.8, 1.0)})
    with Journal(tmp_path / "journal.db") as journal:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        made = benchmark.pedantic(lambda: sweep(SPEC, space, bars=bars, journal=journal, verify=False, statistics=False), rounds=1)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    pair.lines.append(f"{len(made):,} trials x 500 bars: {len(made) / made.seconds:,.0f} trials/s, memory grew by {grown:,.0f} MB")


def test_momentum_and_how_its_cost_grows(benchmark, pair):
    """Indicators and signals included, nothing computed before; time and memory by symbol and bar."""
    days = get_calendar("XNYS").between("2010-01-04", "2022-12-30")[:2_520].astype("datetime64[ns]")
    for count in (10, 100, 500, 1_000, 3_000):
        frames = {f"S{at:04d}": walk(2_520, at).set_axis(days) for at in range(count)}
        bars = Bars.from_frames({**frames, "^MARKET": frames["S0000"]}, reference=["^MARKET"])
        spec = RunSpec(strategy="Momentum", cash=1e7, sizer_params={"risk": 0.0001})
        seconds = []
        for _ in range(3 if count < 1_000 else 1):
            fresh = dataclasses.replace(bars)
            started = time.perf_counter()
            made = player(spec, fresh).play([{}])
            seconds.append(time.perf_counter() - started)
            assert not made.problems[0] and made.measures[0, 14] > 0
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        pair.lines.append(f"momentum {count:,} x 2,520: {min(seconds) * 1e3:,.0f} ms, {min(seconds) / count / 2_520 * 1e9:.0f} ns a bar and symbol, "
                          f"peak {memory:,.0f} MB ({memory * 1e6 / count / 2_520:,.0f} bytes each)")
        if count == 100:
            benchmark.pedantic(lambda bars=bars, spec=spec: player(spec, dataclasses.replace(bars)).play([{}]), rounds=3)


def _best(call):
    seconds = []
    for _ in range(30):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return min(seconds) * 1e3
