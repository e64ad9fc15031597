"""Measures of a run: pure functions (trades, metrics, benchmark), Backtrader analyzers over them, and plotting.

Imports core only; a sibling of strategies, feeds, sizers and brokers.
"""

from analyzers.benchmark import benchmark_equity
from analyzers.metrics import compute
from analyzers.performance import MonthlyReturns, Performance, RoundTrips
from analyzers.shortfall import ImplementationShortfall
from analyzers.trades import positions, round_trips

__all__ = [
    "ImplementationShortfall",
    "MonthlyReturns",
    "Performance",
    "RoundTrips",
    "benchmark_equity",
    "compute",
    "positions",
    "round_trips",
]
