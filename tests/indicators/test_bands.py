"""Bands around an average."""

import numpy as np

from indicators import bollinger, deviation, sma


def test_bands_lie_deviations_around_the_average():
    values = np.random.default_rng(4).uniform(10, 20, (30, 2))
    middle, upper, lower = bollinger(values, 5, 1.5)
    np.testing.assert_array_equal(middle, sma(values, 5))
    np.testing.assert_allclose(upper, middle + 1.5 * deviation(values, 5))
    np.testing.assert_allclose(lower, middle - 1.5 * deviation(values, 5))


def test_bands_by_hand():
    middle, upper, lower = bollinger(np.array([[2.0], [4.0], [np.nan], [8.0]]), 2)
    np.testing.assert_array_equal(middle[:, 0], [np.nan, 3, np.nan, 6])
    np.testing.assert_array_equal(upper[:, 0], [np.nan, 5, np.nan, 10])
    np.testing.assert_array_equal(lower[:, 0], [np.nan, 1, np.nan, 2])
