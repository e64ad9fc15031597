"""Search spaces: ranges, choices and rules, and what is wrong with them in one line."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadSpec
from core.space import Choice, Range, Space, as_dimensions, read_dimension


def values(dimension):
    return [dimension[at] for at in range(len(dimension))]


def test_a_range_has_both_ends_and_plain_decimals():
    assert values(Range(5, 20, 5)) == [5, 10, 15, 20]
    assert values(Range(0.1, 0.5, 0.1)) == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert values(Range(1, 3)) == [1, 2, 3]
    assert values(Range(1, 6, 2)) == [1, 3, 5]
    assert all(isinstance(value, int) for value in values(Range(5, 20, 5)))


@given(low=st.integers(-50, 50), count=st.integers(1, 40), step=st.sampled_from([1, 2, 5, 0.1, 0.25, 0.3]))
def test_every_value_of_a_range_lies_on_its_steps(low, count, step):
    made = Range(low, low + (count - 1) * step, step)
    assert len(made) == count
    for at, value in enumerate(values(made)):
        assert value == pytest.approx(low + at * step, abs=1e-9)
    assert made.sample(random.Random(count)) in values(made)


@pytest.mark.parametrize("text, default, expected", [
    ("5:100:5", 50, Range(5, 100, 5)), ("0.1:0.5:0.1", 0.2, Range(0.1, 0.5, 0.1)), ("5:7", 50, Range(5, 7, 1)),
    ("1:2", 0.5, Range(1.0, 2.0)), ("1,2,3", 5, Choice(1, 2, 3)), ("a, b", "x", Choice("a", "b")),
    ("10:30", "9:00", None), ("20", 50, None), ("SPY", "QQQ", None), ("true", True, None), ("1:2", True, None),
])
def test_texts_become_dimensions_where_the_default_allows(text, default, expected):
    assert read_dimension("x", text, default) == expected


@pytest.mark.parametrize("text, default, error", [
    ("5:100:0", 50, "a step of 0: it must be above 0"), ("5:100:-1", 50, "a step of -1"), ("100:5:5", 50, "is empty: 100 is above 5"),
    ("5:a:5", 50, "is not a range: write low:high:step"), ("1:2:3:4", 5, "is not a range"), ("1:5:0.5", 50, "has fractions"),
    ("5:inf:1", 0.5, "must be a number"), ("1,1", 5, "names a value twice"),
])
def test_what_is_wrong_is_named(text, default, error):
    with pytest.raises(BadSpec, match=error):
        read_dimension("x", text, default)


def test_a_continuous_range_has_no_grid():
    space = Space({"x": Range(0.1, 1.0)})
    with pytest.raises(BadSpec, match="is continuous: a grid needs a step, such as 0.1:1:0.09"):
        _ = space.size
    assert all(0.1 <= space.sample(random.Random(seed))["x"] <= 1.0 for seed in range(50))


def test_a_logarithmic_range_spreads_over_the_magnitudes():
    draws = [Range(0.001, 1.0, log=True).sample(random.Random(seed)) for seed in range(400)]
    assert 0.2 < sum(draw < 0.01 for draw in draws) / len(draws) < 0.47
    stepped = [Range(1, 1000, 1, log=True).sample(random.Random(seed)) for seed in range(400)]
    assert 0.2 < sum(draw < 10 for draw in stepped) / len(stepped) < 0.47 and all(1 <= draw <= 1000 for draw in stepped)
    with pytest.raises(BadSpec, match="logarithmic: it must begin above 0"):
        Range(0, 1, 0.1, log=True)


SPACE = Space({"fast": Range(5, 20, 5), "slow": Range(10, 30, 10), "sizer.risk": Choice(0.1, 0.2)},
              where=("fast < slow", "sizer.risk * 100 <= slow"))


def test_the_grid_is_every_point_that_meets_the_rules():
    points = dict(SPACE.grid())
    assert SPACE.size == 24
    assert all(SPACE.point(number) == point for number, point in points.items())
    assert [number for number in range(24) if SPACE.allows(SPACE.point(number))] == list(points)
    assert all(each["fast"] < each["slow"] and each["sizer.risk"] * 100 <= each["slow"] for each in points.values())


def test_rules_about_other_parameters_are_ignored():
    assert SPACE.allows({"fast": 50}) and not SPACE.allows({"fast": 50, "slow": 10})


@pytest.mark.parametrize("rule", ["fast", "1 < 2", "fast <", "__import__('os').x < 1", "fast.real.x < 2", "[1] < fast",
                                  "fast ** 9 < 2", "(lambda: 1)() < fast", "fast := 2"])
def test_a_rule_is_a_comparison_of_parameters_and_numbers(rule):
    with pytest.raises(BadSpec, match="is not understood"):
        Space({"fast": Range(1, 2)}, where=rule)


def test_a_rule_that_cannot_be_computed_is_named():
    with pytest.raises(BadSpec, match="'1 / x < 2' cannot be computed with {'x': 0}"):
        Space({"x": Range(0, 1)}, where="1 / x < 2").allows({"x": 0})


def test_plain_values_become_choices():
    assert as_dimensions({"a": [1, 2], "b": 3, "c": Range(1, 2), "d": "x"}) == {
        "a": Choice(1, 2), "b": Choice(3), "c": Range(1, 2), "d": Choice("x")}
    assert SPACE.to_dict() == {"fast": "5:20:5", "slow": "10:30:10", "sizer.risk": "0.1,0.2",
                               "where": ["fast < slow", "sizer.risk * 100 <= slow"]}
