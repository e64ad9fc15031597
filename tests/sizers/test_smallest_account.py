"""The smallest account, against trying accounts one after another."""

import math

import numpy as np
import pytest
from made_bars import bars, frame

import sizers
from core.options import Limits, read_group
from sizers.limits import limit_weights, no_groups, shares_of
from sizers.smallest_account import smallest_account

SMALL = read_group(Limits, {"preset": "small-account"})


def opens(limits, price, value, fractional):
    """Whether some wish of an account all in cash comes to a position."""
    unit = price / (1e6 if fractional else 1)
    most = int(min(value / unit, 4_000)) + 1
    sizes = np.unique(np.concatenate([np.arange(1, most), np.ceil(np.linspace(0.01, 1, 400) * value / unit)])) * unit
    one, none = np.ones(1), np.zeros(1)
    alone = no_groups(1)._replace(sectors=np.zeros(1, np.int64))
    for size in sizes:
        wish = np.array([size / value * (1 + 1e-12)])
        after = limit_weights(wish, none, one, np.ones(1, bool), alone, value, value, limits)
        if shares_of(after, none, np.ones(1, bool), value, np.array([price]), fractional, limits)[0]:
            return True
    return False


@pytest.mark.parametrize("seed", range(30))
def test_nothing_below_it_opens_a_position_and_it_does(seed):
    random = np.random.default_rng(seed)
    limits = Limits(
        cash_buffer=random.choice([0.0, 0.02]), min_cash=random.choice([0.0, 100.0]),
        max_weight=random.choice([math.inf, 0.3]), max_position=random.choice([math.inf, 300.0]),
        min_position=random.choice([0.0, 50.0]), max_gross=random.choice([1.0, 0.5]),
        min_weight=random.choice([0.0, 0.05, 0.2]), max_sector=random.choice([math.inf, 0.4]))
    price = round(10 ** random.uniform(0, 2.6), 2)
    need = smallest_account(limits, np.array([price, math.nan]), False)
    tried = [10 ** random.uniform(0, 4) for _ in range(25)]
    if need < math.inf:
        assert opens(limits, price, need * (1 + 1e-9), False)
        tried = [value for value in [*tried, need * 0.9999] if value < need]
    assert not any(opens(limits, price, value, False) for value in tried)


@pytest.mark.parametrize("limits, prices, fractional, expected", [
    (SMALL, [10.0], False, 166 + 2 / 3),
    (SMALL, [30.0, 70.0], False, 200.0),  # two shares of 30 are 60, which is 30% of 200
    (SMALL, [400.0], False, math.inf),
    (SMALL, [400.0], True, 166 + 2 / 3),
    (Limits(cash_buffer=0.0), [40.0, 25.0], False, 25.0),
    (Limits(cash_buffer=0.5, min_cash=10.0), [25.0], False, 60.0),
    (Limits(cash_buffer=0.0, min_cash=100.0, min_weight=0.5), [25.0], False, 200.0),
    (Limits(cash_buffer=0.0, min_cash=100.0, min_weight=0.5, max_position=90.0), [25.0], False, math.inf),
    (Limits(), [math.nan], False, math.inf),
])
def test_by_hand(limits, prices, fractional, expected):
    assert smallest_account(limits, np.array(prices), fractional) == pytest.approx(expected)


def decide(sizer, prices, value, times=1):
    panel = bars(**{name: frame([price] * 2) for name, price in prices.items()})
    count = len(prices)
    for _ in range(times):
        sizer.target_shares(conviction=np.ones(count), decided=np.ones(count, bool), history=panel,
                            held=np.zeros(count), value=value, cash=value)
    return [note.text for note in sizer.notes if note.text.startswith("no position")]


def small(**more):
    return read_group(Limits, {"preset": "small-account", **more})


@pytest.mark.parametrize("limits, prices, value, message", [
    (small(), {"A": 10.0}, 80.0, "no position can be opened with 80.00: the limits need at least 166.67 ("),
    (small(), {"BRK.A": 400_000.0}, 5_000.0, "no position can be opened with 5,000.00: "
     + "a share of BRK.A costs 400,000.00, above limits.max_position 300: trade fractions or raise it"),
    (Limits(), {"A": 90.0, "B": 80.0}, 100.0, "no position can be opened with 100.00: the largest wish is 50.00, "
     + "and one share costs from 80.00; use a larger account, fewer symbols or fractions"),
    (small(), {"A": 10.0}, 100_000.0, "no position can be opened with 100,000.00: the account is too large: "
     + "limits.min_weight 0.05 of it is 5,000.00, above limits.max_position 300; lower the one or raise the other"),
])
def test_an_account_that_can_open_nothing_is_told_once(limits, prices, value, message):
    found = decide(sizers.EqualWeight(limits=limits), prices, value, times=3)
    assert len(found) == 1 and found[0].startswith(message)


def test_an_account_that_can_is_told_nothing():
    assert decide(sizers.EqualWeight(limits=small()), {"A": 10.0}, 170.0) == []
