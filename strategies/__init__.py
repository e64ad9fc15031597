"""Strategies: each a Backtrader Strategy class. Imports core and indicators, and sizers for the default one.

    from strategies import GoldenCross
    cerebro.addstrategy(GoldenCross, fast=20)
"""

from strategies.base import TargetStrategy
from strategies.buy_and_hold import BuyAndHold
from strategies.golden_cross import GoldenCross

__all__ = ["BuyAndHold", "GoldenCross", "TargetStrategy"]
