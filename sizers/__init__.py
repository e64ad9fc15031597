"""Sizers: from convictions to weights to shares. Imports core and indicators only."""

from sizers.base import PortfolioSizer
from sizers.equal_weight import EqualWeight
from sizers.target_weight import TargetWeight

__all__ = ["EqualWeight", "PortfolioSizer", "TargetWeight"]
