"""The engine: from a `RunSpec` to a Cerebro and its result.

    result = engine.run(RunSpec(strategy="GoldenCross", symbols=("AAPL",)))

May import everything below it; scripts and reports may import it.
"""

from engine.build import build
from engine.run import run
from engine.simulate import simulate
from engine.today import today

__all__ = ["build", "run", "simulate", "today"]
