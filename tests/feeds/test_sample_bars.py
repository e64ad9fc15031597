"""The sample is real, exact, and says what it is."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from core.bars import Bars
from core.calendars import get_calendar
from core.errors import BadBars, BadSpec, UnknownName
from core.series import validate
from feeds.sample_bars import SAMPLE, SampleSource
from scripts.build_sample import build, derive_actions

SOURCE = SampleSource()


def series(symbol):
    return SOURCE.fetch([symbol], None, None)[0]


@pytest.mark.parametrize("symbol", SOURCE.symbols())
def test_every_series_is_valid_and_on_sessions_of_the_exchange(symbol):
    bars = series(symbol)
    validate(bars)
    calendar = get_calendar("XNYS")
    assert (calendar.position(bars.session) >= 0).all()
    assert np.array_equal(bars.index, calendar.close_of(bars.session))
    assert bars.close_only == SOURCE.describe(symbol)["close_only"]
    assert np.isnan(bars.open).all() == bars.close_only


def test_known_prices_splits_and_dividends():
    apple, microsoft = series("AAPL"), series("MSFT")
    splits = {str(day): ratio for day, ratio in zip(apple.session, apple.split, strict=True) if ratio != 1}
    assert splits == {"2000-06-21": 2.0, "2005-02-28": 2.0}
    paid = {str(day): cash for day, cash in zip(apple.session, apple.dividend, strict=True) if cash}
    assert paid == {"2012-08-09": 2.65, "2012-11-07": 2.65, "2013-02-07": 2.65}
    assert [str(day) for day in microsoft.session[microsoft.split == 2]] == ["2003-02-18"]
    assert microsoft.dividend[microsoft.session == np.datetime64("2004-11-15")] == 3.08
    assert (apple.open[0], apple.high[0], apple.low[0], apple.close[0]) == (118.56, 132.06, 118.5, 130.31)


@pytest.mark.parametrize("symbol", ["AAPL", "IBM", "MSFT", "GOOG", "FB"])
def test_total_return_agrees_with_the_adjusted_close_of_the_origin(symbol):
    stocks = pytest.importorskip("bokeh_sampledata.stocks")
    table = getattr(stocks, symbol)
    bars = Bars.of([series(symbol)])
    assert np.array_equal(bars.raw_close[:, 0], table["close"])
    ours = bars.close[-1, 0] / bars.close[0, 0]
    theirs = table["adj_close"][-1] / table["adj_close"][0]
    years = len(bars) / 252
    assert abs((ours / theirs) ** (1 / years) - 1) < 0.0003


def test_the_file_is_small_and_comes_out_the_same_when_built_again(tmp_path):
    for package in ("bokeh_sampledata", "skfolio", "arch"):
        pytest.importorskip(package)
    assert SAMPLE.stat().st_size < 3_000_000
    assert pq.read_table(build(tmp_path / "bars.parquet")).equals(pq.read_table(SAMPLE))


def test_derived_actions_of_a_hand_made_series():
    close = np.array([100.0, 98.0, 49.5, 50.0])  # 2.00 a share on day 1, two for one on day 2
    adjusted = np.array([100 / (1 + 2 / 98) / 2, 49.0, 49.5, 50.0])
    dividend, split = derive_actions(close, adjusted)
    assert dividend.tolist() == [0, 2, 0, 0]
    assert split.tolist() == [1, 1, 2, 1]
    with pytest.raises(BadBars, match="neither a dividend in cents nor a split"):
        derive_actions(close, adjusted * [1.0003, 1, 1, 1])


def test_indices_and_adjusted_series_are_marked():
    assert {name for name in SOURCE.symbols() if SOURCE.describe(name)["kind"] == "index"} == {"^GSPC", "^IXIC", "^SPX"}
    assert SOURCE.describe("AAPL.ADJ")["adjusted"] and not SOURCE.describe("AAPL")["adjusted"]


def test_range_period_end_and_errors():
    part = SOURCE.fetch(["AAPL", "FB"], "2001-01-01", "2001-12-31")
    assert [bars.symbol for bars in part] == ["AAPL"]
    assert str(part[0].session[0]) == "2001-01-02" and str(part[0].session[-1]) == "2001-12-31"
    assert str(SOURCE.last_session(["AAPL", "XOM"])) == "2022-12-28"
    with pytest.raises(UnknownName, match="did you mean 'AAPL'"):
        SOURCE.fetch(["APPL"], None, None)
    with pytest.raises(BadSpec, match="no 1m bars"):
        SOURCE.fetch(["AAPL"], None, None, "1m")
