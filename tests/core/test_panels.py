"""Carrying numbers forward."""

import numpy as np

from core.panels import carried_forward


def test_the_latest_number_of_each_column_is_carried_down():
    values = np.array([[np.nan, 1], [2, np.nan], [np.nan, 0]])
    np.testing.assert_array_equal(carried_forward(values), [[np.nan, 1], [2, 1], [2, 0]])
    np.testing.assert_array_equal(values, [[np.nan, 1], [2, np.nan], [np.nan, 0]])


def test_where_nothing_is_missing_nothing_is_copied():
    values = np.array([[1.0, 2.0], [3.0, np.inf]])
    assert carried_forward(values) is values


def test_infinities_are_numbers():
    values = np.array([[np.inf, np.nan], [-np.inf, 1.0], [np.nan, np.nan]])
    np.testing.assert_array_equal(carried_forward(values), [[np.inf, np.nan], [-np.inf, 1], [-np.inf, 1]])
