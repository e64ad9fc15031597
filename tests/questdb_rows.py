"""An execution and a decision for tests of QuestDB, and waiting for what another process does."""

import time
from decimal import Decimal

from journal.account_log import LiveExecution

DECISION = dict(account="A", run_key="r", bar_ns=10, session="2024-03-01", strategy="GoldenCross", strategy_source="x", spec={},
                fingerprint="f", equity=Decimal(1), cash=Decimal(1), targets={}, notes=[])
EXECUTION = LiveExecution("c-1", "b-1", Decimal(10), "A", "r", "AAA", "buy", Decimal(10), Decimal("9.123456789"), 5, Decimal("0.1"))


def wait_for(condition, seconds=60):
    """Until the condition holds; fails where it does not come to."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.005)
