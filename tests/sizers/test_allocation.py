"""Whole shares: as good as any combination, and never above a limit."""

import itertools

import numpy as np
import pytest
from account_rules import broken, random_case
from made_bars import bars, frame

import sizers
from core.options import Limits
from sizers.allocation import whole_shares
from sizers.limits import limit_weights, no_groups, shares_of

FREE = Limits(cash_buffer=0.0)


def allocated(rounding, case):
    """Shares of a case as `random_case` makes it."""
    held, prices = case["held"], case["prices"]
    case = dict(case, groups=no_groups(len(held))._replace(sectors=case["sectors"]))
    names = ("conviction", "decided", "groups", "value", "cash", "limits")
    after = limit_weights(case["weights"], held * prices / case["value"], *(case[name] for name in names))
    floor = shares_of(after, held, case["decided"], case["value"], prices, False, case["limits"])
    shares, failure = whole_shares(rounding, after, floor, held, case["conviction"], case["decided"], case["groups"],
                                   case["value"], prices, case["limits"])
    assert not failure, failure
    return shares, floor


@pytest.mark.parametrize("rounding, cases", [("greedy", 300), ("lp", 60)])
def test_no_limit_is_broken(rounding, cases):
    random, differ = np.random.default_rng(23), 0
    for number in range(cases):
        case = random_case(random, shorts=number % 2 == 1, costly=True)
        shares, floor = allocated(rounding, case)
        assert (shares == np.trunc(shares)).all()
        assert not broken(shares, case["held"], case["decided"], case["sectors"], case["value"], case["cash"],
                          case["prices"], case["limits"]), case
        differ += (shares != floor).any()
    assert differ > cases / 30


def deviation(shares, weights, prices, value):
    """What integer programming minimises: deviations from the weights, and the cash left over."""
    spent = shares @ prices
    return np.abs(weights * value - shares * prices).sum(axis=-1) + weights.sum() * value - spent


@pytest.mark.parametrize("seed, count", [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)])
def test_lp_is_as_good_as_the_best_of_all_combinations(seed, count):
    random = np.random.default_rng(seed)
    weights, prices, value = random.dirichlet(np.ones(count)), random.uniform(60, 250, count).round(2), 1_000.0
    none = np.zeros(count)
    found, _ = whole_shares("lp", weights, none, none, weights, np.ones(count, bool), no_groups(count), value, prices,
                            FREE)
    every = np.array(list(itertools.product(*(range(int(value / price) + 1) for price in prices))), dtype=float)
    every = every[every @ prices <= value]
    assert found @ prices <= value
    assert deviation(found, weights, prices, value) == pytest.approx(deviation(every, weights, prices, value).min())


def decide(rounding, prices, **params):
    panel = bars(**{name: frame([price] * 2) for name, price in prices.items()})
    count = len(prices)
    sizer = sizers.EqualWeight(limits=FREE, rounding=rounding, **params)
    return sizer.target_shares(conviction=np.ones(count), decided=np.ones(count, bool), history=panel,
                               held=np.zeros(count), value=1_000.0, cash=1_000.0).tolist(), sizer.notes


def test_rounding_puts_idle_cash_to_work():
    prices = {"A": 260.0, "B": 240.0, "C": 190.0}
    assert decide("floor", prices)[0] == [1, 1, 1]
    assert decide("greedy", prices)[0] == [1, 1, 2]
    assert decide("lp", prices)[0] == [1, 1, 2]


def test_fractions_need_no_rounding():
    assert decide("lp", {"A": 300.0, "B": 7.0}, fractional=True)[0] == decide("floor", {"A": 300.0, "B": 7.0},
                                                                             fractional=True)[0]


def test_a_failed_allocation_rounds_down_and_says_so(monkeypatch):
    import pypfopt

    def fails(*_, **__):
        raise RuntimeError("no solver")

    monkeypatch.setattr(pypfopt.DiscreteAllocation, "lp_portfolio", fails)
    shares, notes = decide("lp", {"A": 260.0, "B": 240.0, "C": 190.0})
    assert shares == [1, 1, 1]
    assert [note.text for note in notes] == ["shares rounded down: lp allocation failed: no solver"]
