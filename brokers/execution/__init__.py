"""Execution algorithms over any Backtrader broker: one order of a strategy becomes slices. Imports core and the broker modules above."""

from brokers.execution.sliced import Sliced

__all__ = ["Sliced"]
