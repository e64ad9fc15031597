"""Operations on (T, N) panels that several rooms need."""

import numpy as np


def carried_forward(values: np.ndarray) -> np.ndarray:
    """(T, N) the latest number of each column up to each row; NaN before the first."""
    rows = np.where(np.isnan(values), 0, np.arange(len(values))[:, None])
    np.maximum.accumulate(rows, axis=0, out=rows)
    return np.take_along_axis(values, rows, axis=0)
