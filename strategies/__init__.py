"""Strategies: each a Backtrader Strategy class. Imports core and indicators, and sizers for the default one.

    from strategies import GoldenCross
    cerebro.addstrategy(GoldenCross, fast=20)
"""

from strategies.base import TargetStrategy
from strategies.buy_and_hold import BuyAndHold
from strategies.dual_momentum import DualMomentum
from strategies.etf_rotation import EtfRotation
from strategies.golden_cross import GoldenCross
from strategies.intraday import BuyCloseSellOpen, ShortTermMomentum, TimeOfDay
from strategies.mean_reversion import MeanReversion
from strategies.momentum import Momentum

__all__ = ["BuyAndHold", "BuyCloseSellOpen", "DualMomentum", "EtfRotation", "GoldenCross", "MeanReversion", "Momentum",
           "ShortTermMomentum", "TargetStrategy", "TimeOfDay"]
