"""What `getdata` refuses, in one line that says what to do; and the life of a store's feeds."""

import datetime as dt

import backtrader as bt
import pytest
from alpaca_minutes_live import FIRST, MINUTES, Live, at, run_live

from brokers.alpaca import AlpacaStore
from brokers.local_alpaca import AccountRules
from core.errors import BadSpec, UnknownName, UsageError
from feeds import AlpacaData

MINUTE = bt.TimeFrame.Minutes


@pytest.fixture
def store(venue):
    alpaca = venue(account=AccountRules(inactive=frozenset({"BBB"})))
    made = AlpacaStore(alpaca.key_id, alpaca.secret_key, base_url=alpaca.url, data_url=alpaca.data_url, stream_url=alpaca.stream_url, stream=False)
    yield made
    made.stop()


@pytest.mark.parametrize(("options", "error", "words"), [
    (dict(dataname="NONE"), UnknownName, "NONE"),
    (dict(dataname="BBB"), BadSpec, "BBB is inactive at Alpaca: leave it out"),
    (dict(dataname="^VIX"), UnknownName, "no fund stands for '^VIX'"),
    (dict(dataname="AAA", grace=3), UnknownName, "unknown option of AlpacaData 'grace'"),
    (dict(dataname="AAA", histrical=True), UnknownName, "did you mean 'historical'?"),
    (dict(dataname="AAA", timeframe=bt.TimeFrame.Weeks), BadSpec, "no live bars of 1 Week"),
    (dict(dataname="AAA", timeframe=bt.TimeFrame.Seconds, compression=5), BadSpec, "use minutes that divide an hour, or 1 day"),
    (dict(dataname="AAA", timeframe=MINUTE, compression=7), BadSpec, "no live bars of 7 Minutes"),
    (dict(dataname="AAA", timeframe=MINUTE, compression=120), BadSpec, "120"),
    (dict(dataname="AAA", timeframe=bt.TimeFrame.Days, compression=2), BadSpec, "no live bars of 2 Days"),
    (dict(dataname="AAA", timeframe=MINUTE, history="AAA.csv"), BadSpec, "history is str"),
    (dict(dataname="AAA", timeframe=MINUTE, compression=5, history=MINUTES), BadSpec, "in bars of 1m: a feed of 5m"),
    (dict(dataname="AAA", timeframe=MINUTE, history=MINUTES.select(["BBB"])), UnknownName, "unknown symbol 'AAA'"),
])
def test_one_clear_line(store, options, error, words):
    with pytest.raises(error) as caught:
        store.getdata(**options)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_what_the_old_package_took_is_taken(store):
    feed = store.getdata(dataname="AAA", timeframe=MINUTE, backfill=False, useask=True, bidask=False, includeFirst=True, reconnect=True)
    assert isinstance(feed, AlpacaData) and feed.islive() and feed._name == "AAA" and AlpacaStore.DataCls is AlpacaData


def test_a_feed_without_its_store():
    with pytest.raises(UsageError, match=r"make it with store\.getdata"):
        AlpacaData(dataname="AAA")


def test_the_feeds_of_a_store_run_once(venue):
    alpaca = venue()
    live = Live(alpaca, at("09:41:30")).add("AAA", "BBB", fromdate=FIRST)
    live.run()
    with pytest.raises(UsageError, match="comes too late: make all feeds of a store before"):
        live.add("AAA")
    with pytest.raises(UsageError, match="make a new store with new feeds"):
        live.cerebro.run()


def test_a_run_ends_when_it_is_told_to(venue):
    alpaca = venue()
    live = Live(alpaca, at("10:05:00")).add("AAA", "BBB", fromdate=FIRST)
    seen = live.run(at_bar=lambda s: s.env.runstop() if len(s.live) == 2 else None)
    assert seen.live == ["09:41", "09:42"] and alpaca.now < int(dt.datetime(2024, 3, 1, 14, 43, tzinfo=dt.UTC).timestamp()) * 10**9


def test_no_more_bars_than_the_venue_has(venue):
    """The tape ends at 10:10; the run goes on, without bars, until it is stopped."""
    alpaca = venue()
    seen = run_live(alpaca, at("10:30:00"), fromdate=FIRST)
    assert seen.live[-1] == "10:10" and len(seen.live) == 30


def test_secrets_are_told_to_nobody(venue, caplog):
    caplog.set_level("DEBUG")
    alpaca = venue()
    seen = run_live(alpaca, at("09:46:30"), fromdate=FIRST, at_time=[(at("09:42:30"), lambda live: alpaca.revoke_keys())])
    told = caplog.text + " ".join(seen.told) + repr(seen.datas[0].p.store)
    assert alpaca.secret_key not in told and alpaca.key_id not in " ".join(seen.told)
