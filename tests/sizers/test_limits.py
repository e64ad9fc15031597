"""What the second stage of a sizer may and may not do."""

import math

import numpy as np
import pytest
from account_rules import broken, random_case

from core.options import Limits
from sizers.limits import Groups, limit_weights, shares_of

EVERYTHING = Limits(cash_buffer=0.0)


def limited(weights, current=None, conviction=None, decided=None, sectors=None, sleeves=None, parts=(), value=1_000.0,
            cash=None, limits=EVERYTHING):
    """`limit_weights` with lists; cash defaults to what is not invested."""
    weights = np.array(weights, dtype=float)
    current = np.zeros(len(weights)) if current is None else np.array(current, dtype=float)
    conviction = weights if conviction is None else np.array(conviction, dtype=float)
    decided = np.ones(len(weights), bool) if decided is None else np.array(decided)
    cash = value * (1 - current.sum()) if cash is None else cash
    groups = Groups(codes(sectors, len(weights)), codes(sleeves, len(weights)), np.array(parts, dtype=float))
    return limit_weights(weights, current, conviction, decided, groups, value, cash,
                         Limits(*map(float, limits))).tolist()


def codes(sectors, count):
    return np.full(count, -1, dtype=np.int64) if sectors is None else np.array(sectors, dtype=np.int64)


@pytest.mark.parametrize("case, wished, expected", [
    ("what fits stays", dict(weights=[0.5, 0.5]), [0.5, 0.5]),
    ("strongest conviction first", dict(weights=[0.7, 0.7], conviction=[1, 2]), [0.3, 0.7]),
    ("ties by symbol order", dict(weights=[0.7, 0.7], conviction=[1, 1]), [0.7, 0.3]),
    ("the undecided consume budget", dict(weights=[0, 1], current=[0.6, 0], decided=[False, True]), [0.6, 0.4]),
    ("a sale pays for a buy", dict(weights=[0, 1], current=[1, 0]), [0, 1]),
    ("buffer of the cash at hand", dict(weights=[1], limits=Limits(cash_buffer=0.1)), [0.9]),
    ("the buffer spares what is invested", dict(weights=[1], current=[0.5], limits=Limits(cash_buffer=0.1)), [0.95]),
    ("cash always kept", dict(weights=[1], limits=EVERYTHING._replace(min_cash=100)), [0.9]),
    ("largest weight", dict(weights=[1, -1], limits=EVERYTHING._replace(max_weight=0.3)), [0.3, -0.3]),
    ("largest position", dict(weights=[1], limits=EVERYTHING._replace(max_position=300)), [0.3]),
    ("too small becomes nothing", dict(weights=[0.04, 0.5], limits=EVERYTHING._replace(min_position=50)), [0, 0.5]),
    ("a rest too small is not bought", dict(weights=[0.98, 0.5], conviction=[2, 1],
                                            limits=EVERYTHING._replace(min_position=50)), [0.98, 0]),
    ("number of positions", dict(weights=[0.2, 0.2, 0.2], conviction=[1, 3, 2],
                                 limits=EVERYTHING._replace(max_positions=2)), [0, 0.2, 0.2]),
    ("held ones count", dict(weights=[0, 0.2, 0.2], current=[0.2, 0, 0], decided=[False, True, True],
                             limits=EVERYTHING._replace(max_positions=2)), [0.2, 0.2, 0]),
    ("a short takes budget", dict(weights=[-0.7, 0.7], conviction=[-2, 1]), [-0.7, 0.3]),
    ("a reversal sells first", dict(weights=[-0.5], current=[0.5]), [-0.5]),
    ("gross exposure", dict(weights=[1, 1], limits=EVERYTHING._replace(max_gross=0.5)), [0.5, 0]),
    ("smallest weight", dict(weights=[0.04, 0.5], limits=EVERYTHING._replace(min_weight=0.05)), [0, 0.5]),
    ("one sector", dict(weights=[0.3, 0.3, 0.3], sectors=[0, 0, 1], limits=EVERYTHING._replace(max_sector=0.4)),
     [0.3, 0.1, 0.3]),
    ("no sector, no cap", dict(weights=[0.3, 0.3], limits=EVERYTHING._replace(max_sector=0.4)), [0.3, 0.3]),
    ("the undecided fill their sector", dict(weights=[0, 0.3], current=[0.3, 0], decided=[False, True], sectors=[0, 0],
                                             limits=EVERYTHING._replace(max_sector=0.4)), [0.3, 0.1]),
    ("a full sector is not sold", dict(weights=[0.3, 0.3], current=[0.3, 0.3], sectors=[0, 0],
                                       limits=EVERYTHING._replace(max_sector=0.4)), [0.3, 0.3]),
    ("shorts fill a sector too", dict(weights=[-0.3, 0.3], sectors=[0, 0],
                                      limits=EVERYTHING._replace(max_sector=0.4)), [-0.3, 0.1]),
    ("a sleeve takes its part", dict(weights=[0.4, 0.4, 0.4], sleeves=[0, 0, 1], parts=[0.5, 0.5]), [0.4, 0.1, 0.4]),
    ("what a sleeve holds fills it", dict(weights=[0, 0.4], current=[0.4, 0], decided=[False, True], sleeves=[0, 0],
                                          parts=[0.5]), [0.4, 0.1]),
    ("half of half the exposure", dict(weights=[0.4, 0.4], sleeves=[0, -1], parts=[0.5],
                                       limits=EVERYTHING._replace(max_gross=0.6)), [0.3, 0.3]),
    ("a wish that is no number is nothing", dict(weights=[math.nan, 0.5], conviction=[1, 1]), [0, 0.5]),
    ("an account without value buys nothing", dict(weights=[1.0], value=0.0, cash=0.0), [0]),
])
def test_one_rule_at_a_time(case, wished, expected):
    assert limited(**wished) == pytest.approx(expected), case


def stated(weights, current, conviction, decided, groups, value, cash, limits):
    """The rules of `limit_weights`, said again in plain Python."""
    count = range(len(weights))
    cap = min(limits.max_weight, limits.max_position / value)
    least = max(limits.min_position / value, limits.min_weight)
    wished = [0.0 if math.isnan(each) else max(-cap, min(cap, each)) for each in weights]
    wished = [each if abs(each) >= least * (1 - 1e-15) else 0.0 for each in wished]
    order = sorted((at for at in count if decided[at]), key=lambda at: (-abs(conviction[at]), at))
    free = limits.max_positions - sum(current[at] != 0 for at in count if not decided[at])
    for at in order:
        if wished[at] and free < 1:
            wished[at] = 0.0
        free -= wished[at] != 0
    after = list(current)
    for at in order:
        if wished[at] * current[at] <= 0:
            after[at] = 0.0
        elif abs(wished[at]) < abs(current[at]):
            after[at] = wished[at]
    cash += sum(current[at] - after[at] for at in count) * value
    money = min(cash, limits.max_gross * value - sum(map(abs, after)) * value) - limits.min_cash
    money *= 1 - limits.cash_buffer
    for at in order:
        more = (abs(wished[at]) - abs(after[at])) * value
        if more <= 0:
            continue
        mates = [other for other in count if groups.sectors[other] == groups.sectors[at] >= 0]
        room = limits.max_sector * value - sum(abs(after[other]) for other in mates) * value if mates else math.inf
        mates = [other for other in count if groups.sleeves[other] == groups.sleeves[at] >= 0]
        if mates:
            part = groups.parts[groups.sleeves[at]] * limits.max_gross * value
            room = min(room, part - sum(abs(after[other]) for other in mates) * value)
        bought = max(0.0, min(more, money, room))
        if abs(after[at]) * value + bought < least * value:
            bought = 0.0
        money -= bought
        if bought:
            after[at] = math.copysign(abs(after[at]) + bought / value, wished[at])
    return after


@pytest.mark.parametrize("shorts", [False, True])
def test_limits_hold_in_two_thousand_accounts_and_are_what_they_are_said_to_be(shorts):
    random = np.random.default_rng(17)
    traded = 0
    for _ in range(2_000):
        case = random_case(random, shorts)
        held, prices = case.pop("held"), case.pop("prices")
        current = held * prices / case["value"]
        sectors = case.pop("sectors")
        case["groups"] = Groups(sectors, random.integers(-1, 2, len(held)), random.choice([0.31, 0.53, 1.0], 2))
        after = limit_weights(case["weights"], current, *(case[name] for name in (
            "conviction", "decided", "groups", "value", "cash", "limits")))
        expected = stated(current=current, **case)
        assert after == pytest.approx(np.array(expected), rel=1e-9, abs=1e-12), case
        for fractional in (False, True):
            shares = shares_of(after, held, case["decided"], case["value"], prices, fractional, case["limits"])
            assert not broken(shares, held, case["decided"], sectors, case["value"], case["cash"], prices,
                              case["limits"]), case
            traded += (shares != held).any()
    assert traded > 2_000


def test_shares_are_rounded_towards_zero_and_only_where_decided():
    held = np.array([3.0, 7.0, 0.0, 0.0])
    weights_, decided = np.array([0.25, 0.5, -0.25, 0.5]), np.array([True, False, True, True])
    prices = np.array([30.0, 10.0, 30.0, math.nan])
    assert shares_of(weights_, held, decided, 1_000.0, prices, False, EVERYTHING).tolist() == [8, 7, -8, 0]
    fractional = shares_of(weights_, held, decided, 1_000.0, prices, True, EVERYTHING)
    assert fractional.tolist() == [8.333333, 7, -8.333333, 0]


def test_shares_below_the_smallest_position_are_not_bought_and_not_left_over():
    limits = EVERYTHING._replace(min_position=50.0)
    weights_, held = np.array([0.075, 0.075, 0.075, 0.075]), np.array([0.0, 1.0, 3.0, -2.0])
    found = shares_of(weights_, held, np.ones(4, bool), 1_000.0, np.full(4, 40.0), False, limits)
    assert found.tolist() == [0, 1, 0, 0]


def test_what_is_kept_is_kept_to_the_share():
    held, prices, value = np.array([3.0]), np.array([7.1]), 1.1
    current = held * prices / value
    assert math.trunc(current[0] * value / prices[0]) == 2  # rounding alone would sell one
    assert shares_of(current, held, np.ones(1, bool), value, prices, False, EVERYTHING).tolist() == [3]
