"""Sizers: from convictions to weights to shares. Imports core and indicators only.

The libraries behind the optimising ones are imported with their first decision that is not kept from before.
"""

from sizers.atr_risk import AtrRisk
from sizers.base import PortfolioSizer
from sizers.by_confidence import ByConfidence
from sizers.cost_aware import MultiPeriod, SinglePeriod
from sizers.efficient_frontier import (
    BlackLitterman,
    CriticalLine,
    HierarchicalRiskParity,
    MaxSharpe,
    MinVolatility,
)
from sizers.equal_weight import EqualWeight
from sizers.fixed_fraction import FixedFraction
from sizers.fixed_quantity import FixedQuantity
from sizers.inverse_volatility import InverseVolatility
from sizers.target_weight import TargetWeight

__all__ = [
    "AtrRisk", "BlackLitterman", "ByConfidence", "CriticalLine", "EqualWeight", "FixedFraction", "FixedQuantity",
    "HierarchicalRiskParity", "InverseVolatility", "MaxSharpe", "MinVolatility", "MultiPeriod", "PortfolioSizer",
    "SinglePeriod", "TargetWeight",
]
