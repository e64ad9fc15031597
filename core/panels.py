"""Operations on (T, N) panels that several rooms need."""

import numpy as np


def carried_forward(values: np.ndarray) -> np.ndarray:
    """(T, N) the latest number of each column up to each row; NaN before the first.

    Where none is missing it is `values` itself, not a copy.
    """
    gaps = np.flatnonzero(np.isnan(values.min(axis=0, initial=np.inf)))
    if not len(gaps):
        return values
    part = values[:, gaps]
    rows = np.where(np.isnan(part), np.int32(0), np.arange(len(values), dtype=np.int32)[:, None])
    np.maximum.accumulate(rows, axis=0, out=rows)
    carried = values.copy()
    carried[:, gaps] = np.take_along_axis(part, rows, axis=0)
    return carried
