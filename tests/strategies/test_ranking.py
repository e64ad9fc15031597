"""Rankings by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from strategies.ranking import ranks, top_count, top_part

NAN = np.nan


def test_ranks_count_from_the_highest_score():
    scores = np.array([[0.1, 0.3, 0.2], [-1.0, 0.0, -2.0]])
    assert ranks(scores).tolist() == [[3, 1, 2], [2, 1, 3]]


def test_ties_go_to_the_symbol_that_is_named_first():
    assert ranks(np.array([[5.0, 7.0, 5.0, 7.0]])).tolist() == [[3, 1, 4, 2]]


def test_a_symbol_without_a_score_has_no_rank_and_takes_nobodys_place():
    ranked = ranks(np.array([[NAN, 2.0, NAN, 3.0], [NAN, NAN, NAN, NAN]]))
    np.testing.assert_array_equal(ranked, [[NAN, 2, NAN, 1], [NAN] * 4])


@pytest.mark.parametrize(("part", "count"), [(0.2, 1), (0.19, 1), (0.39, 1), (0.4, 2), (0.6, 3), (0.99, 4), (1.0, 5)])
def test_a_part_is_rounded_down_to_one_symbol_at_least(part, count):
    best = top_part(np.array([[1.0, 5.0, 2.0, 4.0, 3.0]]), part)
    assert set(np.flatnonzero(best[0])) == set([1, 3, 4, 2, 0][:count])


def test_a_part_is_one_of_the_ranked_symbols_only():
    scores = np.array([[1.0, 2.0, 3.0, 4.0, NAN, NAN, NAN, NAN], [NAN] * 8])
    assert top_part(scores, 0.5).tolist() == [[False, False, True, True, False, False, False, False], [False] * 8]


@given(scores=hnp.arrays(float, st.tuples(st.integers(0, 4), st.integers(1, 9)),
                         elements=st.one_of(st.floats(), st.integers(-2, 2).map(float))), part=st.floats(0.01, 1))
def test_a_part_is_those_with_the_first_ranks(scores, part):
    known = (~np.isnan(scores)).sum(axis=1, keepdims=True)
    expected = ranks(scores) <= np.maximum(np.floor(part * known + 1e-9), 1)
    np.testing.assert_array_equal(top_part(scores, part), expected)


@pytest.mark.parametrize("count", [3, 7, 10, 30, 35, 70, 100, 500])
def test_a_part_that_is_a_whole_number_of_symbols_is_not_cut_by_rounding(count):
    scores = np.arange(float(count))[None, :]
    assert [int(top_part(scores, held / count).sum()) for held in range(1, count + 1)] == list(range(1, count + 1))


@pytest.mark.parametrize(("count", "chosen"), [(1, [3]), (2, [1, 3]), (9, [1, 2, 3])])
def test_a_count_takes_the_best_and_all_where_there_are_fewer(count, chosen):
    assert np.flatnonzero(top_count(np.array([[NAN, 2.0, 1.0, 3.0]]), count)[0]).tolist() == chosen
