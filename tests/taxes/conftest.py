"""A taxpayer's trades in a few words: a date, shares, and what was paid or received for all of them."""

import datetime as dt
from decimal import Decimal

import pytest

from taxes import Taxpayer, Trade


def moment(day, hour=15):
    """UTC ns of an hour of a date, UTC."""
    return int(dt.datetime.fromisoformat(f"{day}T{hour:02d}:00:00+00:00").timestamp()) * 10**9


class Story:
    """Trades of a taxpayer, told one after the other."""

    def __init__(self, **options):
        self.taxpayer = Taxpayer(**options)

    def trade(self, day, shares, total, run="r", symbol="X", order="", account="A", hour=15, commission=0):
        """Buy, or sell where the shares are below zero, for that much money in all."""
        self.taxpayer.trade(Trade(account, run, symbol, Decimal(shares), Decimal(total) / abs(shares), moment(day, hour), Decimal(commission), order))
        return self

    @property
    def disposals(self):
        return self.taxpayer.disposals

    @property
    def gains(self):
        return [each.gain for each in self.disposals]

    @property
    def terms(self):
        return [each.term for each in self.disposals]

    @property
    def bases(self):
        return {str(lot.acquired): lot.basis for lot in self.taxpayer.open_lots}


@pytest.fixture(name="story")
def _story():
    return Story


@pytest.fixture(name="moment", scope="session")
def _moment():
    return moment
