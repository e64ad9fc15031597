"""A CSV file of daily bars whose trend turns a few times."""

import numpy as np
import pandas as pd
import pytest


@pytest.fixture(name="make_csv")
def _make_csv():
    def make_csv(path, rows=600):
        index = pd.bdate_range("2020-01-02", periods=rows, name="date")
        close = 100 + 20 * np.sin(np.arange(rows) / 60) + np.arange(rows) * 0.02
        frame = pd.DataFrame({"open": close, "high": close * 1.01, "low": close * 0.99, "close": close,
                              "volume": 1e6}, index=index)
        frame.round(4).to_csv(path)

    return make_csv
