"""Advice to subscribers: what `signals` says of each symbol alone, written down once."""

from decimal import Decimal

import pytest
from made_bars import bars, frame
from mail_server import postbox
from store_contract import LATE, NOW, YEAR
from vendor import daily_bars

import engine
from core.clock import ManualClock
from core.spec import RunSpec
from feeds.parquet_store import ParquetStore
from journal import opened
from journal.subscriptions import Advice
from services.notify.advice import SHOWN, advise
from services.notify.mailbox import Server
from services.notify.post import post
from services.notify.sender import Sender


@pytest.fixture(name="journal")
def _journal(tmp_path):
    with opened(tmp_path / "journal.db", ManualClock(10**9)) as journal:
        yield journal


@pytest.fixture(name="source")
def _source(tmp_path):
    """Bars of which the last one brings UP into golden cross, and takes DOWN out; FLAT stays where it is."""
    falls = [10.0 - 0.001 * day for day in range(250)]
    ends = {"UP": [*falls, 30.0], "DOWN": until_sold([*falls, *[30.0] * 60, *[0.01] * 60]), "FLAT": [10.0] * 254}
    for symbol, prices in ends.items():
        frame(prices).rename_axis("date").to_csv(tmp_path / f"{symbol}.csv")
    return f"csv:{tmp_path}"


def until_sold(prices):
    """As many as bring the strategy out on the last one."""
    for length in range(311, len(prices)):
        if engine.today(RunSpec(strategy="GoldenCross"), bars=bars(DOWN=frame(prices[:length]))).rows[0].signal == "SELL":
            return prices[:length]
    raise AssertionError("never sold")


def follow(journal, *follows, address="ann@example.org"):
    return journal.subscriptions.confirm(journal.subscriptions.ask(address, follows).token)


def test_what_the_last_bar_changes_is_told_once(journal, source, tmp_path):
    follow(journal, ("GoldenCross", "UP"), ("GoldenCross", "FLAT"), ("GoldenCross", "DOWN"))
    store, clock = ParquetStore(tmp_path / "bars"), ManualClock(10**9)
    made = advise(journal, store, source, clock)
    assert (made.asked, made.problems) == (3, [])
    told = {each.symbol: each for each in journal.subscriptions.advices()}
    assert {symbol: each.signal for symbol, each in told.items()} == {"UP": "BUY", "DOWN": "SELL"} and made.new == 2
    alone = engine.today(RunSpec(strategy="GoldenCross", symbols=("UP",), source=source))
    assert told["UP"].session == str(alone.session) and told["UP"].close == Decimal(str(alone.rows[0].close))
    closes = told["UP"].reasons.pop("closes")
    assert told["UP"].reasons == pytest.approx(dict(alone.rows[0].numbers)) and len(closes) == SHOWN and closes[-1] == 30.0
    assert advise(journal, store, source, clock).new == 0
    with postbox() as (box, port):
        assert post(journal, Sender(Server("127.0.0.1", port), "s@example.org", "http://127.0.0.1:8000"), clock).sent == 1
    assert sorted(box.told()[0][1].split(", ")) == ["BUY UP", "SELL DOWN"]


def test_what_cannot_be_asked_is_said_and_the_others_are_told(journal, source, tmp_path):
    follow(journal, ("GoldenCross", "NOBODY"), ("Nonsense", "UP"), ("GoldenCross", "UP"))
    made = advise(journal, ParquetStore(tmp_path / "bars"), source, ManualClock(10**9))
    assert made.asked == 3 and made.new == 1 and len(made.problems) == 2
    assert "NOBODY" in made.problems[0] and "Nonsense" in made.problems[1]


def test_nobody_is_told_of_a_session_that_is_past(journal, tmp_path, monkeypatch):
    store = ParquetStore(tmp_path / "bars")
    store.write("SPY", daily_bars("SPY", YEAR), YEAR, source="yahoo", now=LATE)
    monkeypatch.setattr("feeds.yahoo.YahooSource.fetch", lambda *_, **__: [])
    follow(journal, ("BuyAndHold", "SPY"))
    made = advise(journal, store, "yahoo", NOW)
    assert made.new == 0 and "these are not the signals of today" in made.problems[0]


def test_the_next_advice_tells_what_past_ones_were_worth(journal, source, tmp_path):
    follow(journal, ("GoldenCross", "UP"))
    alone = engine.today(RunSpec(strategy="GoldenCross", symbols=("UP",), source=source))
    past = str(alone.bars.session[-30])
    journal.subscriptions.advise([Advice("GoldenCross", "UP", past, "BUY", Decimal(10))])
    advise(journal, ParquetStore(tmp_path / "bars"), source, ManualClock(10**9))
    assert journal.subscriptions.advices()[-1].reasons["past signals, 20 sessions later"] == "0 of 1 beat cash, -0.20% on average"
