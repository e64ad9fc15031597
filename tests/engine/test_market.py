"""The panels the twin trades on, beside the rule written as a plain loop."""

import numpy as np
import pytest

from core.bars import Bars
from core.series import SymbolBars
from engine.simulate import market_of


def paid_on(bars, row, column):
    """The first bar of the symbol from the pay date on, from the ex-date on where none is known."""
    day = bars.pay_date[row, column]
    for later in range(row, len(bars)):
        if bars.traded[later, column] and (np.isnat(day) or bars.session[later] >= day):
            return later
    return len(bars)


@pytest.mark.parametrize("bars_a_day", [1, 3])
def test_dividends_are_paid_on_the_symbols_first_bar_from_the_pay_date_on(bars_a_day):
    random = np.random.default_rng(bars_a_day)
    days = np.arange("2020-01-01", "2020-02-10", dtype="datetime64[D]").repeat(bars_a_day)
    times = np.arange(len(days)) * 3_600 * 10**9
    series = []
    for number in range(6):
        there = random.random(len(days)) < 0.6
        count = int(there.sum())
        dividend = np.where(random.random(count) < 0.3, 0.1, 0.0)
        paid = days[there] + random.integers(-3, 60, count)
        paid[random.random(count) < 0.3] = np.datetime64("NaT")
        series.append(SymbolBars.make(f"S{number}", times[there], days[there], np.full(count, 10.0), open=np.full(count, 10.0), high=np.full(count, 10.0),
                                      low=np.full(count, 10.0), volume=np.full(count, 1.0), dividend=dividend, pay_date=paid))
    bars = Bars.of(series)
    market = market_of(bars)
    expected = [paid_on(bars, row, column) for row, column in market.actions.tolist()]
    assert len(bars) in expected and market.pay.tolist() == expected


def test_no_dividend_is_paid_where_there_is_none():
    days = np.arange("2020-01-01", "2020-01-05", dtype="datetime64[D]")
    bars = Bars.of([SymbolBars.make("A", np.arange(4), days, np.full(4, 10.0))])
    assert len(market_of(bars).pay) == 0
