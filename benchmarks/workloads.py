"""Workloads shared by the benchmarks."""

import resource

import numpy as np
import pandas as pd


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
