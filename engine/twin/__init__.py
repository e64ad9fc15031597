"""The compiled twin of the simulated broker: the same decisions, orders and fills, without Cerebro's bars.

What `brokers.simulated` and `strategies.base` do with market orders at the next open and with protective exits is
said again here, in the same order and with the same roundings; `tests/engine/test_twin.py` and `test_twin_exits.py`
hold the two together. Pure arrays in and out; imports core and sizers.limits.
"""

from engine.twin.book import Account, Market, Plan
from engine.twin.play import Wish, play, played
from engine.twin.stale import forget

forget()
__all__ = ["Account", "Market", "Plan", "Wish", "play", "played"]
