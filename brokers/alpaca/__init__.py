"""Alpaca: store, broker, streams, REST gateway and order rules, on alpaca-py (`pip install -e .[live]`).

Imports core and brokers.order_copies; alpaca-py itself is imported by `transport.py` when a gateway is made.
"""

from brokers.alpaca.broker import AlpacaBroker
from brokers.alpaca.store import AlpacaStore

__all__ = ["AlpacaBroker", "AlpacaStore"]
