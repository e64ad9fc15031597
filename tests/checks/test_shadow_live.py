"""A day on the local Alpaca, streamed and recorded as on paper, beside its simulation."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from shadowed_days import DAY, stored
from streamed_runs import SPEC, lived, two_days, venue

from brokers.local_alpaca import VenueClock
from checks.shadow import shadow
from checks.shadow_slippage import recalibrated
from engine.resolve import run_name
from journal import Journal

BARS = two_days(rows=120)
RUN = SPEC.replace(params={"seed": 2, "density": 0.1}, source="alpaca", start="2024-02-20")


@pytest.mark.parametrize("planted_bp", [0, 5])
def test_the_slippage_of_the_venue_is_found(tmp_path, planted_bp):
    with venue(BARS, now="2024-02-21T09:29:00-05:00") as alpaca, Journal(tmp_path / "journal.db", VenueClock(alpaca)) as journal:
        alpaca.slippage = Decimal(planted_bp) / 10_000
        lived(alpaca, "2024-02-21T11:30:30-05:00", RUN, journal=journal)
        account, equity = alpaca.account_id, alpaca.account.equity
        day = shadow(journal, stored(BARS, tmp_path / "bars"), account, run_name(RUN), DAY)
    assert len(day.orders) > 8 and day.parts.total == day.shadow_gain - day.live_gain
    assert day.live_gain == Fraction(equity) - 100_000
    assert float(day.shadow_gain) == pytest.approx(day.simulated, abs=1e-6)
    assert abs(day.parts.delay) < 1 and day.parts.fees == 0  # a share or two are traded at other times, as the accounts differ
    found = recalibrated(day.filled)
    assert found["bp"] == pytest.approx(planted_bp, abs=0.1)
    same = [order for order in day.orders if order.live and order.shadow]
    assert all(abs(sum(lot.qty for lot in order.live) - sum(lot.qty for lot in order.shadow)) <= 2 for order in same)
    assert np.isclose(float(day.parts.slippage / day.value) * 1e4, planted_bp, atol=0.2)
