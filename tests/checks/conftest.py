"""Small bars to check on: a year and a half of what `checks.market` holds."""

import pytest

from checks import variants
from checks.market import market


@pytest.fixture(name="panel", scope="session")
def _panel():
    """360 sessions of five symbols and the index; one lists late, bars are missing, dividends are paid."""
    whole = market(target=True)
    chosen = whole.select([*whole.symbols[:4], whole.symbols[7], whole.symbols[8]])
    return variants.rows(chosen, slice(0, 360))


@pytest.fixture(name="plain_panel", scope="session")
def _plain_panel():
    """360 sessions of two symbols."""
    whole = market(target=False)
    return variants.rows(whole.select(whole.symbols[:2]), slice(0, 360))
