"""The pairing of ours with the peer's in one run, and the report at its end."""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

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
