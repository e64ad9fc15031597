"""Brokers: the simulated exchange, and Alpaca. Imports core only (feeds are met through the attributes they carry)."""

from brokers.commission import StockCommission
from brokers.simulated import SimulatedBroker

__all__ = ["SimulatedBroker", "StockCommission"]
