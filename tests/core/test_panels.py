"""Carrying numbers forward."""

import numpy as np

from core.panels import carried_forward


def test_the_latest_number_of_each_column_is_carried_down():
    values = np.array([[np.nan, 1], [2, np.nan], [np.nan, 0]])
    np.testing.assert_array_equal(carried_forward(values), [[np.nan, 1], [2, 1], [2, 0]])
    np.testing.assert_array_equal(values, [[np.nan, 1], [2, np.nan], [np.nan, 0]])
