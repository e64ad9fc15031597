"""The sample's twenty stocks, and a memory of solved weights that no test shares."""

import pytest

from feeds.load import load_bars
from sizers import solved

STOCKS = ("AAPL.ADJ", "MSFT.ADJ", "AMD", "BAC", "BBY", "CVX", "GE", "HD", "JNJ", "JPM", "KO", "LLY", "MRK", "PEP",
          "PFE", "PG", "RRC", "UNH", "WMT", "XOM")


@pytest.fixture(scope="session")
def stocks():
    """Three years of twenty real stocks."""
    return load_bars(source="sample", symbols=STOCKS, start="2005-01-01", end="2007-12-31")


@pytest.fixture(autouse=True)
def forgotten():
    """Nothing solved in an earlier test is known."""
    solved.configure(None)
    yield
    solved.configure(None)
