"""Sweeps, walk-forward and the statistics that judge them; may import engine and everything below it.

    result = optimize.sweep(RunSpec(strategy="GoldenCross", symbols=("AAPL",)), {"fast": Range(5, 100, 5)})
"""

from optimize.evidence import counted
from optimize.gate import Verdict, judge
from optimize.judgement import judged
from optimize.objective import Objective, read_objectives
from optimize.recorded import record_backtest
from optimize.result import Agreement, SweepResult
from optimize.robustness import Robustness, robustness
from optimize.searching import Search
from optimize.sweep import MANY, sweep
from optimize.walk_forward import WalkForward, walk_forward

__all__ = [
    "MANY", "Agreement", "Objective", "Robustness", "Search", "SweepResult", "Verdict", "WalkForward", "counted", "judge",
    "judged", "read_objectives", "record_backtest", "robustness", "sweep", "walk_forward",
]
