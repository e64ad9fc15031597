"""What a job does in its process: each task is plain values, so that it can be handed to another process, and records through the one that
holds the journal. May import what lies below services, services.market and services.gating.
"""

from services.tasks.backtest import Backtest
from services.tasks.fetch import Fetch
from services.tasks.judging import Gate, Recommendation
from services.tasks.outcome import Outcome
from services.tasks.sweep import Sweep, WalkForward

Task = Backtest | Sweep | WalkForward | Recommendation | Gate | Fetch
KINDS = tuple(each.kind for each in (Backtest, Sweep, WalkForward, Recommendation, Gate, Fetch))

__all__ = ["KINDS", "Backtest", "Fetch", "Gate", "Outcome", "Recommendation", "Sweep", "Task", "WalkForward"]
