"""`on(bars)`: every indicator of a panel, computed once, and cut for a part that starts with it."""

import copy
import pickle

import numpy as np
import pytest
from made_bars import bars, frame, ragged, walk

import indicators
from core.bars import Bars
from core.errors import BadSpec, UnknownName
from indicators import on

ALL = {
    "sma": lambda own: own.sma(5),
    "wma": lambda own: own.wma(5, of="high"),
    "ema": lambda own: own.ema(5),
    "averages": lambda own: own.averages()[21],
    "true_range": lambda own: own.true_range(),
    "atr": lambda own: own.atr(5),
    "deviation": lambda own: own.deviation(5, ddof=1),
    "zscore": lambda own: own.zscore(5),
    "correlation": lambda own: own.correlation("S0", 20),
    "rsi": lambda own: own.rsi(),
    "macd": lambda own: own.macd()[1],
    "bollinger": lambda own: own.bollinger()[2],
    "rate_of_change": lambda own: own.rate_of_change(5),
    "momentum": lambda own: own.momentum(20),
}


@pytest.fixture(scope="module")
def market() -> Bars:
    frames = ragged(120, 4)
    ends = {name: whole.assign(dividend=np.where(np.arange(len(whole)) == 30, 0.5, 0.0)) for name, whole in frames.items()}
    return Bars.from_frames(ends)


def test_every_indicator_has_a_method_and_is_tested_here():
    methods = {name for name in vars(indicators.Indicators) if not name.startswith("_")}
    assert methods == set(ALL)
    without = {"AVERAGES", "Indicators", "correlation_matrix", "crossed", "in_while_above", "on", "wilder"}
    assert set(indicators.__all__) - without == methods - {"averages"}


@pytest.mark.parametrize("name", ALL)
def test_a_panel_is_computed_once_and_cannot_be_changed(name, market):
    panel = ALL[name](on(market))
    assert panel.shape == market.shape and not np.isnan(panel).all()
    assert ALL[name](on(market)) is panel
    with pytest.raises(ValueError, match="read-only"):
        panel[0] = 1


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("row", [0, 3, 60, 119])
def test_the_past_has_the_bits_of_a_fresh_computation(name, row, market):
    past = market.upto(min(row, len(market) - 1))
    alone = copy.copy(past)
    assert "_whole" not in vars(alone)
    np.testing.assert_array_equal(ALL[name](on(past)), ALL[name](on(alone)))


def test_the_past_is_cut_from_the_whole(market):
    past = market.upto(80).upto(50)
    assert np.shares_memory(on(past).sma(9), on(market).sma(9))
    assert on(past).sma(9).shape == past.shape
    assert on(past) is on(past) and on(past).sma(9) is on(past).sma(9)


def test_a_part_that_starts_later_is_computed_on_its_own():
    whole = bars(A=walk(60))
    late = whole.between(str(whole.session[30]))
    assert np.isnan(on(late).sma(5)[:4]).all()


def test_a_copy_takes_neither_the_whole_nor_what_was_derived_along():
    whole = bars(A=walk(60))
    on(whole).sma(5)
    past = whole.upto(20)
    for twin in (copy.copy(past), copy.deepcopy(past), pickle.loads(pickle.dumps(past))):
        assert twin.fingerprint == past.fingerprint
        assert not {"_whole", "_indicators"} & set(vars(twin))


def test_values_equal_those_of_the_array_functions(market):
    own = on(market)
    np.testing.assert_array_equal(own.atr(5), indicators.atr(market.high, market.low, market.close, 5))
    returns = indicators.rate_of_change(market.close, 1)
    np.testing.assert_array_equal(own.correlation("S0", 20), indicators.correlation(returns, returns[:, 0], 20))
    np.testing.assert_array_equal(own.sma(5, of="raw_volume"), indicators.sma(market.raw_volume, 5))
    assert list(own.averages()) == [7, 21, 50, 100, 200]
    assert all(panel is own.sma(period) for period, panel in own.averages().items())


def test_a_close_only_series_has_a_range_from_its_closes():
    panel = bars(A=frame([10.0, 12.0, 9.0])[["close"]])
    assert panel.close_only[0]
    np.testing.assert_array_equal(on(panel).true_range()[:, 0], [np.nan, 2, 3])


def test_unknown_names_and_bad_periods_are_refused_in_one_line(market):
    with pytest.raises(UnknownName, match="unknown panel 'closes': did you mean 'close'"):
        on(market).sma(5, of="closes")
    with pytest.raises(UnknownName, match="S9"):
        on(market).correlation("S9", 20)
    for period in (0, 2.5, "ten"):
        with pytest.raises(BadSpec, match="whole number"):
            on(market).atr(period)


def test_an_indicator_on_some_rows_is_computed_once_for_the_rows(market):
    rows = np.array([7, 30, 80])
    for of_rows, whole in ((lambda own: own.sma(5, rows=rows.copy()), on(market).sma(5)),
                           (lambda own: own.momentum(20, rows=rows.copy()), on(market).momentum(20))):
        np.testing.assert_array_equal(of_rows(on(market)), whole[rows])
        assert of_rows(on(market)) is of_rows(on(market))
        np.testing.assert_array_equal(of_rows(on(market.upto(80))), whole[rows])
    assert on(market).sma(5, rows=rows[:2]).shape == (2, market.shape[1])


def test_the_oldest_panels_are_forgotten_when_there_are_too_many(monkeypatch):
    panel = bars(A=walk(50), B=walk(50, 1))
    known, first = on(panel), on(panel).sma(5)
    monkeypatch.setattr("indicators.panel.MOST_BYTES", 2 * first.nbytes)
    second = known.sma(6)
    assert known.sma(5) is first and known.sma(6) is second
    third = known.sma(7)
    assert known.sma(7) is third and known.sma(6) is second
    assert known.sma(5) is not first
    np.testing.assert_array_equal(known.sma(5), first)
    monkeypatch.setattr("indicators.panel.MOST_BYTES", 1)
    assert known.sma(8) is known.sma(8)  # the latest always stays
