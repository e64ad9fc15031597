"""Plateaus by hand, and neighbours against slow, obvious re-statements."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_sweeps import swept

from core.space import Choice, Range, Space
from optimize.plateau import grid_neighbours, nearest_neighbours, neighbourhood_means, plateau

SQUARE = Space({"fast": Range(1, 3), "slow": Range(10, 30, 10)})
NAN = math.nan


def on_grid(space, sharpe, **options):
    numbers, points = zip(*space.grid(), strict=True)
    return swept(space, points, np.asarray(sharpe, dtype=float), numbers=numbers, **options)


def test_a_lone_peak_and_a_plateau():
    found = plateau(on_grid(SQUARE, [3.0, -1.0, 0.0,
                                     -2.0, 0.5, 1.0,
                                     0.2, 1.0, 1.5]))
    assert (found.best, set(found.neighbours)) == (3.0, {1, 3})
    assert (found.mean, found.worst, found.positive) == (-1.5, -2.0, 0.0)
    assert (found.robust, found.number) == (8, 8)
    assert found.robust_mean == pytest.approx((1.5 + 1.0 + 1.0) / 3)


def test_points_that_the_rules_leave_out_are_no_neighbours():
    space = Space({"fast": Range(1, 3), "slow": Range(1, 3)}, where=("fast < slow",))  # (1, 2), (1, 3), (2, 3)
    found = plateau(on_grid(space, [1.0, 0.5, 2.0]))
    assert found.neighbours == (1,)
    assert (found.mean, found.worst, found.positive) == (0.5, 0.5, 1.0)
    assert (found.robust, found.number, found.robust_mean) == (2, 5, 1.25)


def test_less_is_better_for_a_drawdown():
    found = plateau(on_grid(Space({"fast": Range(1, 4)}), [0.1, 0.4, 0.2, 0.25], objective="max_drawdown"))
    assert (found.best, found.mean, found.worst, found.neighbours) == (0.1, 0.4, 0.4, (1,))
    assert (found.robust, found.robust_mean) == (3, pytest.approx(0.225))


def test_what_never_traded_is_not_positive_and_has_no_value():
    found = plateau(on_grid(Space({"fast": Range(1, 5)}), [NAN, 2.0, 1.0, NAN, NAN]))
    assert (found.neighbours, found.mean, found.worst, found.positive) == ((0, 2), 1.0, 1.0, 0.5)
    assert (found.robust, found.robust_mean) == (1, 1.5)


def test_a_best_trial_whose_neighbours_never_traded():
    found = plateau(on_grid(Space({"fast": Range(1, 3)}), [2.0, NAN, 1.0]))
    assert found.neighbours == (1,) and math.isnan(found.mean) and math.isnan(found.worst) and found.positive == 0.0
    assert (found.robust, found.robust_mean) == (0, 2.0)


def test_a_choice_of_numbers_steps_by_size_and_texts_have_no_steps():
    space = Space({"period": Choice(200, 50, 100), "kind": Choice("a", "b")})
    found = plateau(on_grid(space, [0.0, 1.0, 2.0, 3.0, 4.0, 9.0]))  # best: 100, "b"
    assert sorted(found.neighbours) == [1, 3]


def test_nothing_to_say_without_a_best_trial_or_a_number_to_change():
    assert plateau(on_grid(SQUARE, [NAN] * 9)) is None
    assert plateau(on_grid(Space({"kind": Choice("a", "b")}), [1.0, 2.0])) is None
    assert plateau(on_grid(Space({"fast": Choice(3)}), [1.0])) is None


def test_trials_that_are_on_no_grid_have_their_nearest_for_neighbours():
    space = Space({"risk": Range(0.001, 1.0, log=True), "fast": Range(0, 100), "kind": Choice("a", "b")})
    points = [{"risk": risk, "fast": fast, "kind": kind} for risk, fast, kind in (
        (0.001, 0, "a"), (0.01, 0, "a"), (0.1, 0, "a"), (1.0, 0, "a"), (0.01, 10, "a"), (0.01, 50, "a"), (0.01, 100, "a"),
        (0.01, 0, "b"))]
    found = plateau(swept(space, points, np.array([0.0, 5.0, 1.0, 1.0, 2.0, 3.0, 3.0, 4.0]), method="random"))
    assert found.neighbours[0] == 4  # a tenth of the range away; the others a third, a half, two thirds, 1 and 1
    assert set(found.neighbours[1:4]) == {0, 2, 5} and found.neighbours[4] == 3


DIMENSIONS = st.lists(st.integers(1, 4), min_size=1, max_size=3)


@given(lengths=DIMENSIONS, seed=st.integers(0, 10_000), share=st.floats(0.2, 1.0))
def test_grid_neighbours_as_the_words_say(lengths, seed, share):
    random = np.random.default_rng(seed)
    places = np.array(list(itertools.product(*(range(each) for each in lengths))))
    places = places[random.random(len(places)) <= share]
    if not len(places):
        return
    ordered = (random.random(len(lengths)) < 0.7).tolist()
    near = grid_neighbours(places, ordered)
    for at, place in enumerate(places):
        expected = [other for other, there in enumerate(places)
                    if np.abs(there - place).sum() == 1 and ordered[int(np.argmax(np.abs(there - place)))]]
        assert sorted(near[at][near[at] >= 0].tolist()) == expected


@given(points=st.lists(st.tuples(*[st.integers(0, 6)] * 2), min_size=1, max_size=12), count=st.integers(1, 5))
def test_nearest_neighbours_as_the_words_say(points, count):
    near = nearest_neighbours(np.array(points, dtype=float), count)
    for at, point in enumerate(points):
        others = {other: points.index(other) for other in points if other != point}
        closest = sorted(math.dist(point, other) for other in others)[:count]
        found = [index for index in near[at].tolist() if index >= 0]
        assert set(found) <= set(others.values())
        np.testing.assert_allclose([math.dist(point, points[index]) for index in found], closest)


@settings(max_examples=30)
@given(scores=st.lists(st.one_of(st.just(NAN), st.floats(-5, 5)), min_size=1, max_size=12), seed=st.integers(0, 1000))
def test_neighbourhood_means_as_the_words_say(scores, seed):
    near = np.random.default_rng(seed).integers(-1, len(scores), (len(scores), 3))
    lists = [[scores[at], *(scores[other] for other in row if other >= 0)] for at, row in enumerate(near)]
    lists = [[each for each in own if not math.isnan(each)] if not math.isnan(own[0]) else [] for own in lists]
    enough = 2 if any(len(each) > 1 for each in lists) else 1
    expected = [math.fsum(each) / len(each) if len(each) >= enough else NAN for each in lists]
    np.testing.assert_allclose(neighbourhood_means(np.array(scores), near), expected, atol=1e-12)
