"""The bulk feed shows Cerebro exactly what Backtrader's own feeds show."""

import backtrader as bt
import pandas as pd
import pytest
from made_bars import bars, frame, walk

from core.bars import Bars
from core.errors import BadSpec, UnknownName
from feeds.cerebro_feed import BarsData


class Witness(bt.Strategy):
    """Writes down every bar it is shown."""

    def __init__(self):
        self.saw = []

    def next(self):
        data = self.data
        self.saw.append((len(data), data.datetime[0], data.open[0], data.high[0], data.low[0], data.close[0],
                         data.volume[0]))


def seen(data, how=None, dates=(), **options):
    cerebro = bt.Cerebro(stdstats=False, **options)
    if how:
        getattr(cerebro, how)(data, timeframe=bt.TimeFrame.Weeks)
    else:
        cerebro.adddata(data)
    cerebro.addstrategy(Witness)
    return cerebro.run()[0].saw


MODES = [dict(), dict(runonce=False), dict(preload=False), dict(exactbars=1), dict(exactbars=-1), dict(lookahead=3)]


@pytest.mark.parametrize("options", MODES, ids=str)
@pytest.mark.parametrize("how", [None, "resampledata", "replaydata"])
def test_shows_the_same_bars_as_pandas_data_in_every_mode(how, options):
    made = walk(60)
    assert seen(BarsData(dataname=made), how, **options) == seen(bt.feeds.PandasData(dataname=made), how, **options)


@pytest.mark.parametrize("preload", [True, False])
def test_dates_cut_as_in_any_feed(preload):
    made = walk(60)
    dates = dict(fromdate=made.index[10].to_pydatetime(), todate=made.index[40].to_pydatetime())
    ours, theirs = BarsData(dataname=made, **dates), bt.feeds.PandasData(dataname=made, **dates)
    assert seen(ours, preload=preload) == seen(theirs, preload=preload)


def test_a_symbol_shows_only_the_bars_it_has():
    made = walk(30)
    panel = bars(A=made, B=made.iloc[5:20])
    saw = seen(BarsData(dataname=panel, symbol="B"))
    assert [row[5] for row in saw] == made["close"].iloc[5:20].tolist()
    assert bt.num2date(saw[0][1]).date() == made.index[5].date()


def test_adjusted_prices_have_splits_and_dividends_inside():
    made = frame([100.0, 50.0, 49.0], split=[1, 2, 1], dividend=[0, 0, 1.0])
    data = BarsData(dataname=bars(A=made), prices="adjusted")
    assert [row[5] for row in seen(data)] == pytest.approx([100.0, 100.0, 100.0])
    assert data.actions == []


def test_the_bars_of_a_minute_panel_are_minutes():
    index = pd.date_range("2024-01-02 14:31", periods=3, freq="min", tz="UTC")
    minutes = pd.DataFrame({"close": [1.0, 2.0, 3.0], "open": 1.0, "high": 3.0, "low": 1.0, "volume": 1.0}, index=index)
    data = BarsData(dataname=Bars.from_frames({"A": minutes}, interval="1m"))
    assert (data._timeframe, data._compression) == (bt.TimeFrame.Minutes, 1)
    assert bt.num2date(seen(data)[0][1]) == pd.Timestamp("2024-01-02 14:31")


def test_a_daily_bar_appears_at_the_close_so_that_no_minute_of_its_day_can_see_it():
    panel = bars(A=frame([1.0, 2.0], start="2024-01-02"))
    assert bt.num2date(seen(BarsData(dataname=panel))[0][1]) == pd.Timestamp("2024-01-02 21:00")


def test_a_panel_of_several_symbols_wants_to_know_which():
    panel = bars(A=frame([1.0]), B=frame([1.0]))
    with pytest.raises(BadSpec, match="which"):
        BarsData(dataname=panel)
    with pytest.raises(UnknownName, match="'AA'"):
        BarsData(dataname=panel, symbol="AA")


def test_a_frame_without_close_is_refused():
    with pytest.raises(BadSpec, match="no close column"):
        BarsData(dataname=frame([1.0]).drop(columns="close"))
