"""Bands around an average, on (T, N) panels."""

import numpy as np

from indicators.averages import sma
from indicators.rolling import deviation


def bollinger(values: np.ndarray, period: int = 20, width: float = 2.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bollinger bands (Bollinger on Bollinger Bands, 2001): the simple average, `width` deviations above and below.

    Args:
        values: (T, N) float64; NaN where a symbol has no bar.
        period: number of the symbol's own bars, at least 1.
        width: population standard deviations between the average and a band.

    Returns:
        (middle, upper, lower), (T, N) float64 each; NaN until `period` bars are there, and where there is no bar.

    Raises:
        BadSpec: the period is not a positive whole number.
    """
    middle = sma(values, period)
    reach = width * deviation(values, period)
    return middle, middle + reach, middle - reach
