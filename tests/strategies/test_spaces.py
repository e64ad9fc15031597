"""What every shipped strategy offers to a sweep: sets of parameters it accepts, and all of its rebalance offsets."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
from made_bars import walk
from pandas import DatetimeIndex

import strategies
from core.bars import Bars
from core.calendars import get_calendar
from core.errors import BadSpec

SHIPPED = [getattr(strategies, name) for name in strategies.__all__ if name != "TargetStrategy"]
TIMED = [strategies.DualMomentum, strategies.EtfRotation, strategies.MeanReversion, strategies.Momentum]


def params(strategy, **changes):
    return SimpleNamespace(**{**dict(strategy.params._getitems()), **changes})


@pytest.mark.parametrize("strategy", SHIPPED)
def test_every_point_of_a_space_is_accepted_and_of_the_kind_of_the_default(strategy):
    defaults = vars(params(strategy))
    points = [point for _, point in strategy.space.grid()]
    for point in random.Random(1).sample(points, min(len(points), 200)):
        strategy.check(params(strategy, **point))
        assert {name: type(value) for name, value in point.items()} == {name: type(defaults[name]) for name in point}
    assert 2 <= len(points) <= 10_000


def test_the_space_of_golden_cross_keeps_the_averages_in_order():
    space = strategies.GoldenCross.space
    assert space.size == 20 * 26
    assert [point for _, point in space.grid() if point["fast"] >= point["slow"]] == []
    assert space.allows({"fast": 50, "slow": 200}) and not space.allows({"fast": 100, "slow": 50})


@pytest.mark.parametrize("strategy", TIMED)
def test_offsets_hold_the_default_and_each_decides_on_days_of_its_own(strategy):
    (name, offsets), = strategy.timing.items()
    assert vars(params(strategy))[name] in offsets
    sessions = get_calendar("XNYS").between("2019-01-01", "2021-12-31")
    market = {symbol: walk(len(sessions), seed).set_axis(DatetimeIndex(sessions)) for seed, symbol in enumerate("AB")}
    panel = Bars.from_frames(market)
    own = {"lookback": 5, "average": 5, "index_average": 0, "atr": 5, "period": 5, "entry": 0.5}
    own = {each: value for each, value in own.items() if each in vars(params(strategy))}
    days = {offset: ~np.isnan(strategy.signals(panel, params(strategy, **own, **{name: offset}))).all(axis=1)
            for offset in offsets}
    assert len({flags.tobytes() for flags in days.values()}) == len(offsets)
    for beyond in (min(offsets) - 1, 31):
        with pytest.raises(BadSpec, match=f"{name}={beyond} "):
            strategy.check(params(strategy, **{name: beyond}))
