"""Workloads shared by the benchmarks, and the pairing of ours with the peer's in one run."""

import gc
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest


@dataclass
class Pair:
    """Times ours and the peer's alternately and reports the ratio of the medians."""

    rounds: int = 5
    lines: list[str] = field(default_factory=list)

    def compare(self, name: str, ours: Callable, peer: Callable, rounds: int | None = None) -> float:
        """Run both in turn; returns how many times faster ours is."""
        times: dict[str, list[float]] = {"ours": [], "peer": []}
        for _ in range(rounds or self.rounds):
            for label, call in (("peer", peer), ("ours", ours)):
                gc.collect()
                started = time.perf_counter()
                call()
                times[label].append(time.perf_counter() - started)
        mine, theirs = (statistics.median(times[label]) for label in ("ours", "peer"))
        self.lines.append(f"{name}: peer {theirs:.4g} s, ours {mine:.4g} s, ratio {theirs / mine:.2f}")
        return theirs / mine


REPORT: list[str] = []


@pytest.fixture
def pair():
    """A `Pair` whose lines are printed at the end of the run."""
    made = Pair()
    yield made
    REPORT.extend(made.lines)


def pytest_terminal_summary(terminalreporter):
    terminalreporter.section("ours beside the peer")
    for line in REPORT:
        terminalreporter.write_line(line)


def walk(rows: int, seed: int) -> pd.DataFrame:
    """A daily random walk in the shape `PandasData` takes."""
    random = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(random.normal(0.0003, 0.012, rows)))
    opened = np.r_[50.0, close[:-1]] * np.exp(random.normal(0, 0.004, rows))
    top, bottom = np.maximum(opened, close) * 1.002, np.minimum(opened, close) * 0.998
    prices = {"open": opened, "high": top, "low": bottom, "close": close}
    index = pd.date_range("1950-01-02", periods=rows, freq="D")
    return pd.DataFrame({**prices, "volume": random.integers(1_000, 1_000_000, rows).astype(float)}, index=index)


def peak_megabytes() -> float:
    """The largest memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
