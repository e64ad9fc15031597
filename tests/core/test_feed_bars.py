"""The panel behind feeds: growing bar by bar, preloaded or shared, it is the panel the feeds were made of."""

import backtrader as bt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_bars import bars, frame, ragged

from core.bars import Bars
from core.errors import BadSpec
from core.feed_bars import FeedBars
from feeds.cerebro_feed import Action, BarsData

PANELS = ("raw_open", "raw_high", "raw_low", "raw_close", "raw_volume", "dividend", "split", "pay_date", "close", "factor")


class Looker(bt.Strategy):
    """Keeps the panel as it was on every bar."""

    def start(self):
        self.panel, self.seen = FeedBars(self.datas), []

    def prenext(self):
        self.next()

    def next(self):
        row = self.panel.update(self.datetime[0])
        self.seen.append((row, self.panel.bars))


def looked(panel: Bars, preload=False, feed=BarsData, **options):
    """Play a panel, bar by bar unless told otherwise; the strategy. Feeds with a `fromdate` do not lend their panel."""
    options.setdefault("fromdate", None if preload else panel.session[0].astype("datetime64[s]").item())
    cerebro = bt.Cerebro(stdstats=False, preload=preload, runonce=preload)
    for symbol in panel.symbols:
        cerebro.adddata(feed(dataname=panel, symbol=symbol, **options), name=symbol)
    cerebro.addstrategy(Looker)
    return cerebro.run()[0]


def same(got: Bars, wanted: Bars):
    """Every panel of both, bit for bit."""
    assert got.symbols == wanted.symbols and got.index.tolist() == wanted.index.tolist() and (got.session == wanted.session).all()
    for name in PANELS:
        np.testing.assert_array_equal(getattr(got, name), getattr(wanted, name), err_msg=name)


def eventful(rows: int, symbols: int, seed: int) -> Bars:
    """Ragged walks with a few splits and dividends."""
    random, market = np.random.default_rng(seed), ragged(rows, symbols, seed)
    for each in market.values():
        count = len(each)
        each["split"] = np.where(random.random(count) < 0.1, 2.0, 1.0)
        each["dividend"] = np.where(random.random(count) < 0.1, 0.01, 0.0)
        each["pay_date"] = np.where(random.random(count) < 0.5, each.index.values.astype("datetime64[D]") + 9, np.datetime64("NaT"))
        each.loc[each["dividend"] == 0, "pay_date"] = np.datetime64("NaT")
    return Bars.from_frames(market)


@settings(max_examples=10)
@given(rows=st.integers(5, 40), symbols=st.integers(1, 4), seed=st.integers(0, 1_000))
def test_a_growing_panel_is_the_past_of_the_whole(rows, symbols, seed):
    """On every bar, to the last digit, with the actions known by then and no later ones."""
    panel = eventful(rows, symbols, seed)
    played = looked(panel)
    seen = played.seen
    assert not played.panel.complete and [row for row, _ in seen] == list(range(len(panel)))
    for row, grown in seen[:: max(len(seen) // 7, 1)] + seen[-1:]:
        same(grown, panel.upto(row))


@pytest.mark.parametrize("rows", [255, 256, 257, 600])
def test_a_panel_that_outgrows_its_room(rows):
    panel = eventful(rows, 2, seed=3)
    played = looked(panel)
    assert not played.panel.complete
    same(played.seen[-1][1], panel)


class Remembers(BarsData):
    """A feed of which so many calendar days are needed."""

    params = (("days", 9),)

    def oldest(self, session):
        return session - self.p.days if self.p.days else None


@settings(max_examples=10)
@given(rows=st.integers(5, 60), symbols=st.integers(1, 4), seed=st.integers(0, 1_000), days=st.integers(1, 20))
def test_what_is_too_old_is_forgotten_as_each_session_begins(rows, symbols, seed, days):
    """A run of many days sees what one that has begun today does."""
    panel = eventful(rows, symbols, seed)
    for at, (row, seen) in enumerate(looked(panel, feed=Remembers, days=days).seen):
        wanted = panel.upto(at).between(panel.session[at] - days, None)
        same(seen, wanted)
        assert row == len(wanted) - 1


def test_a_feed_that_names_nothing_too_old_keeps_all():
    panel = eventful(60, 2, seed=5)
    same(looked(panel, feed=Remembers, days=0).seen[-1][1], panel)


def test_a_part_of_a_panel_begins_its_own_adjustment():
    """Feeds that begin later show other rows than their panel: actions before are passed over, those within count."""
    panel = bars(A=frame([10, 11, 5.5, 6, 5, 5.5], split=[1, 1, 2, 1, 1, 1], dividend=[0, 0, 0, 0, 1.0, 0]),
                 B=frame([20, 21, 22, 23, 24, 25], dividend=[0, 0.5, 0, 0, 0, 0]))
    begin = panel.session[3].astype("datetime64[s]").item()
    for preload in (True, False):
        seen = looked(panel, preload, fromdate=begin)
        same(seen.panel.bars, panel.between(panel.session[3], None))
        assert seen.panel.bars.factor[:, 0].tolist() == pytest.approx([1.0, 1 / (1 - 1 / 6), 1 / (1 - 1 / 6)])
        assert (seen.panel.bars.factor[:, 1] == 1).all()


def test_whole_feeds_show_the_panel_itself():
    panel = eventful(20, 2, seed=1)
    seen = looked(panel, preload=True)
    assert seen.panel.complete and seen.panel.bars is panel


class Noted(bt.feeds.PandasData):
    """A feed whose actions are learnt while it runs, between two of its bars."""

    def start(self):
        super().start()
        self.actions = []


def test_an_action_between_bars_stands_on_the_next_one_and_may_be_learnt_late():
    """Noted at the third bar: a split before it, and a dividend of the morning after, which has no bar yet."""
    prices = frame([10, 10, 5, 5, 4])

    class Learns(Looker):
        def next(self):
            if len(self) == 3:
                days = [float(self.datetime[0]) - 0.5, float(self.datetime[0]) + 0.5]
                self.data.actions += [Action(days[0], 2.0, 0.0, days[0]), Action(days[1], 1.0, 1.0, days[1] + 20)]
            super().next()

    cerebro = bt.Cerebro(stdstats=False, preload=False, runonce=False)
    cerebro.adddata(Noted(dataname=prices), name="A")
    cerebro.addstrategy(Learns)
    grown = [panel for _, panel in cerebro.run()[0].seen]
    assert grown[2].split[:, 0].tolist() == [1, 1, 2] and not grown[2].dividend.any()
    assert grown[3].dividend[:, 0].tolist() == [0, 0, 0, 1] and grown[4].split[:, 0].tolist() == [1, 1, 2, 1, 1]
    assert grown[4].close[:, 0].tolist() == pytest.approx([10, 10, 10, 12.5, 10]) and not np.isnat(grown[4].pay_date[3, 0])


def test_a_bar_still_being_built_is_replaced():
    """A replayed feed: a week grows day by day in its place."""
    prices = frame([(10, 11, 9, 10), (10, 12, 9, 11), (11, 13, 8, 12), (12, 12, 12, 12), (12, 14, 12, 13), (13, 13, 7, 8)], start="2024-01-01")
    cerebro = bt.Cerebro(stdstats=False, preload=False, runonce=False)
    cerebro.replaydata(bt.feeds.PandasData(dataname=prices), timeframe=bt.TimeFrame.Weeks)
    cerebro.addstrategy(Looker)
    seen = cerebro.run()[0].seen
    assert [row for row, _ in seen] == [0, 0, 0, 0, 0, 1]
    assert [panel.raw_close[-1, 0] for _, panel in seen] == [10, 11, 12, 12, 13, 8] and seen[-1][1].raw_high[:, 0].tolist() == [14, 13]


def test_feeds_of_different_lengths_are_refused():
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(BarsData(dataname=bars(A=frame([1, 2, 3]))), name="A")
    cerebro.resampledata(BarsData(dataname=bars(B=frame([1, 2, 3]))), timeframe=bt.TimeFrame.Weeks, name="B")
    cerebro.addstrategy(Looker)
    with pytest.raises(BadSpec, match="feeds of different bar lengths .A Day, B Week."):
        cerebro.run()
