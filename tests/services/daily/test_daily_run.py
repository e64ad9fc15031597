"""The daily run: every step once a session, in succession, going on where it stopped, alone."""

import re
import sys
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from api_settings import settings_in
from hook_server import hook
from mail_server import postbox
from vendor import ScriptedSource

from core.calendars import get_calendar
from core.clock import ManualClock
from core.errors import SourceUnavailable, UnknownName, UsageError
from core.series import SymbolBars
from core.settings import Settings
from journal import Journal
from journal.account_log import Note
from services.daily import run
from services.daily.portfolio import accounts, lines
from services.daily.report import page_of
from services.daily.run import AFTER_NS, alone, last_due, next_due, run_day
from services.daily.steps import Day
from services.notify.backtests import directory
from services.notify.channels import channels_of, tell
from services.notify.mailbox import Server
from services.notify.post import post
from services.notify.sender import Sender

XNYS = get_calendar("XNYS")
SESSIONS = XNYS.between("2019-01-02", "2020-01-02")
LAST = SESSIONS[-1]


def rising(symbol, sessions=SESSIONS):
    """Bars of which the last brings the strategy in."""
    close = np.r_[10.0 - 0.001 * np.arange(len(SESSIONS) - 1), 30.0][: len(sessions)]
    return SymbolBars.make(symbol, XNYS.close_of(sessions), sessions, close, open=close, high=close, low=close, volume=np.full(len(close), 1e6))


def deliver(monkeypatch, source):
    """Have every part of the framework ask this source."""
    for place in ("feeds.load", "engine.loading", "engine.today", "services.daily.steps"):
        monkeypatch.setattr(sys.modules[place], "source_named", lambda *_, **__: source)


@pytest.fixture(name="vendor")
def _vendor(monkeypatch):
    source = ScriptedSource(rising("UP"))
    deliver(monkeypatch, source)
    return source


@pytest.fixture(name="clock")
def _clock():
    return ManualClock(int(XNYS.close_of(np.array([LAST]))[0]) + AFTER_NS)


@pytest.fixture(name="day")
def _day(tmp_path, clock, vendor):
    with Journal(tmp_path / "journal.db", clock) as journal, postbox() as (box, port):
        subscriptions = journal.subscriptions
        subscriptions.confirm(subscriptions.ask("ann@example.org", [("GoldenCross", "UP")]).token)
        subscriptions.sent(subscriptions.due()[0])
        way = Sender(Server("127.0.0.1", port), "s@example.org", "http://x")
        yield Day(LAST, journal, settings_in(tmp_path), clock, "yahoo", period="18mo", post=partial(post, journal, way, clock)), box


def test_a_day_from_bars_to_mails_and_again_nothing(day):
    day, box = day
    stand = run_day(day)
    assert [(each.step, each.done, each.attempts) for each in stand] == [(step, True, 1) for step in run.STEPS] and len(stand) == 8
    assert box.told() == [("ann@example.org", "BUY UP")]
    [kept] = day.store.averages(["UP"], source="yahoo")
    assert kept.session[-1] == LAST and kept.values[-1, 0] == pytest.approx(np.mean(rising("UP").close[-7:]))
    assert run_day(day) == stand and len(box.mails) == 1 and day.journal.daily.steps(str(LAST))[::-1] == stand


def test_what_fails_is_tried_again_and_told_once(day, vendor):
    day, box = day
    alerts = []
    vendor.history["UP"] = rising("UP", SESSIONS[:-1])
    for attempt in (1, 2):
        [failed] = run_day(day, lambda *told: alerts.append(told))
        assert (failed.step, failed.done, failed.attempts) == ("collect", False, attempt) and "has not published 2020-01-02 yet" in failed.text
    assert len(alerts) == 1 and alerts[0][0] == "Daily run of 2020-01-02: collect failed" and box.mails == []
    vendor.history["UP"] = rising("UP")
    assert [each.done for each in run_day(day, lambda *told: alerts.append(told))] == [True] * len(run.STEPS) and len(alerts) == 1 and len(box.mails) == 1


@pytest.mark.parametrize("dies", ["collect", "averages", "signals", "mails", "channels", "backtests", "portfolio", "report"])
def test_killed_within_any_step_it_goes_on_there(day, vendor, monkeypatch, dies):
    day, box = day
    work = run.STEPS[dies]

    def killed(asked):
        work(asked)
        raise KeyboardInterrupt  # its work is done, and nobody has noted it

    monkeypatch.setattr(run, "STEPS", {**run.STEPS, dies: killed})
    with pytest.raises(KeyboardInterrupt):
        run_day(day)
    monkeypatch.undo()
    deliver(monkeypatch, vendor)
    assert [each.done for each in run_day(day)] == [True] * len(run.STEPS) and box.told() == [("ann@example.org", "BUY UP")]
    assert len(day.journal.runs()) == 1 and page_of(day.settings, str(LAST)).is_file()


def test_the_operator_is_told_what_accounts_are_worth(day):
    day, _ = day
    opened, closed = (int(XNYS.close_of(SESSIONS[at:at + 1 or None])[0]) for at in (-2, -1))
    history = day.journal.history
    history.take("paper:1", "", Decimal("1000.00"), Decimal(10), {}, time_ns=opened)
    history.take("paper:1", "", Decimal("1012.50"), Decimal("2.5"), {"SPY": {"quantity": "3.0", "price": "10"}, "QQQ": {"quantity": "0", "price": "1"}}, time_ns=closed)
    history.take("paper:2", "", Decimal(5), Decimal(5), {}, time_ns=closed)
    day.journal.account_log.note("paper:1", "gold", "alert", "kill switch: lost 60.00", time_ns=closed)
    assert list(lines(accounts(day.journal, LAST, XNYS))) == [
        "paper:1: 1,012.50, +12.50 (+1.25%) since the session before, cash 2.50", "  holds SPY 3", "  alert of gold: kill switch: lost 60.00",
        "paper:2: 5.00, cash 5.00", "  holds nothing"]
    with hook() as (channel, heard):
        assert run_day(replace(day, channels=(channel,)))[-2].text == "1 of 1 channels took it: 5 lines told" and run_day(replace(day, channels=(channel,)))[-1].done
    assert len(heard) == 2 and "Portfolio on 2020-01-02" in heard[1] and "1,012.50" in heard[1]


def test_nobody_is_told_of_a_portfolio_that_has_not_changed(day):
    day, _ = day
    history, sessions = day.journal.history, SESSIONS[-4:]

    def worth(session, equity, shares="3"):
        history.take("paper:1", "", Decimal(equity), Decimal(10), {"SPY": {"quantity": shares, "price": "10"}}, time_ns=int(XNYS.close_of(np.array([session]))[0]))

    for session, equity, shares in zip(sessions, ("1000.00", "1000.00", "1000.00", "1000.00"), ("3", "3", "3.0", "2"), strict=True):
        worth(session, equity, shares)
    with hook() as (channel, heard):
        def told_on(session):
            return portfolio_step(day, session, channel)

        assert told_on(sessions[0]).endswith(": 2 lines told") and len(heard) == 1
        assert told_on(sessions[1]) == f"nothing has changed since {sessions[0]}, and nobody was told"
        day.journal.account_log.add(Note("paper:1", "gold", "alert", "look here", int(XNYS.close_of(sessions[2:3])[0])))
        assert told_on(sessions[2]).endswith(": 3 lines told") and "look here" in heard[1]
        assert told_on(sessions[3]).endswith(": 2 lines told") and len(heard) == 3


def test_a_channel_that_is_away_keeps_no_other_from_the_portfolio(day):
    day, _ = day
    day.journal.history.take("paper:1", "", Decimal(5), Decimal(5), {}, time_ns=int(XNYS.close_of(np.array([LAST]))[0]))
    day.journal.account_log.add(Note("paper:1", "gold", "alert", "long " * 1_000, int(XNYS.close_of(np.array([LAST]))[0])))
    with hook() as (up, heard), hook(500) as (down, refused):
        for _ in range(2):
            found = {each.step: each for each in run_day(replace(day, channels=(down, up)))}["portfolio"]
            assert (found.done, found.text) == (True, "1 of 2 channels took it: 3 lines told")
        assert len(heard) == 2 == len(refused) and len(heard[1]) < 1_000  # the signals, and the portfolio
        with pytest.raises(SourceUnavailable, match="no channel of CEREBROLAB_NOTIFY took the signals"):
            run.STEPS["channels"](replace(day, channels=(down,)))
        with pytest.raises(SourceUnavailable, match="no channel of CEREBROLAB_NOTIFY took the portfolio"):
            run.STEPS["portfolio"](replace(day, channels=(down,)))


def test_signals_reach_the_channels_with_their_numbers(day):
    day, _ = day
    with hook() as (up, heard):
        found = {each.step: each for each in run_day(replace(day, channels=(up,)))}
        assert found["channels"].text == "1 of 1 channels took 1 signals" and len(heard) == 1
        assert "BUY UP at 30.00 by GoldenCross: average of 200 9.9488, average of 50 10.178" in heard[0] and f"Signals of {LAST}" in heard[0]
        run_day(replace(day, channels=(up,)))
        assert len(heard) == 1  # once a session
    assert run.STEPS["channels"](day).startswith("no channel is set")


def portfolio_step(day, session, channel):
    """What the step says of a session, recorded as the daily run does."""
    text = run.STEPS["portfolio"](replace(day, session=session, channels=(channel,)))
    return day.journal.daily.record(str(session), "portfolio", True, text).text


def test_a_backtest_that_cannot_be_played_holds_up_nothing(day, monkeypatch):
    day, _ = day
    subscriptions = day.journal.subscriptions
    subscriptions.confirm(subscriptions.ask("ben@example.org", [("GoldenCross", "NOBODY"), ("BuyAndHold", "UP"), ("MeanReversion", "UP")]).token)
    found = {each.step: each for each in run_day(day)}
    assert found["backtests"].text.startswith("3 played; GoldenCross on NOBODY: no") and found["report"].done
    assert sorted((row.strategy, row.symbols) for row in day.journal.runs()) == [("BuyAndHold", ["UP"]), ("GoldenCross", ["UP"]), ("MeanReversion", ["UP"])]
    assert run.STEPS["backtests"](day).startswith("0 played; GoldenCross on NOBODY")


def test_only_so_many_backtests_are_tried_a_day_and_each_has_its_turn(day, monkeypatch):
    day, _ = day
    subscriptions = day.journal.subscriptions
    subscriptions.confirm(subscriptions.ask("eve@example.org", [("BuyAndHold", f"NOBODY{number}") for number in range(8)]).token)
    monkeypatch.setattr("services.daily.steps.MOST_PLAYED", 3)
    tried = [run.STEPS["backtests"](replace(day, session=session)) for session in SESSIONS[-20:]]
    assert all(text.count("BuyAndHold on") + int(text[0]) == 3 for text in tried) and all("left for the next day" in text for text in tried)
    assert [row.symbols for row in day.journal.runs()] == [["UP"]]  # what nobody has did not keep it from its turn for ever


def test_a_symbol_that_nobody_has_holds_up_no_other(day, vendor):
    day, box = day
    subscriptions = day.journal.subscriptions
    subscriptions.confirm(subscriptions.ask("eve@example.org", [("GoldenCross", "NOBODY"), ("GoldenCross", "NOWHERE")]).token)
    subscriptions.sent(next(each for each in subscriptions.due() if each.asks))
    with strict(vendor):
        found = {each.step: each for each in run_day(day)}
    text = found["collect"].text
    assert text.startswith("1 symbols up to 2020-01-02; NOBODY: yahoo has no bars of 'NOBODY'") and "NOWHERE: yahoo has no bars" in text
    assert [each.done for each in found.values()] == [True] * len(run.STEPS) and box.told() == [("ann@example.org", "BUY UP")]


def test_where_no_symbol_is_known_or_the_source_is_away_the_day_does_not_begin(day, vendor):
    day, _ = day
    subscriptions = day.journal.subscriptions
    subscriptions.confirm(subscriptions.ask("eve@example.org", [("GoldenCross", "NOBODY")]).token)
    vendor.down = True
    [failed] = run_day(day)
    assert not failed.done and "yahoo did not answer" in failed.text
    vendor.down = False
    del vendor.history["UP"]
    with strict(vendor):
        [failed] = run_day(day)
    assert not failed.done and "has no bars of" in failed.text


@contextmanager
def strict(source):
    """For a while the vendor says which symbols it does not know, as real ones do."""
    fetch = source.fetch

    def fetched(symbols, *others, **named):
        for symbol in symbols:
            if symbol not in source.history:
                raise UnknownName(f"yahoo has no bars of {symbol!r}: check the spelling")
        return fetch(symbols, *others, **named)

    source.fetch = fetched
    try:
        yield
    finally:
        source.fetch = fetch


def test_when_a_day_is_due():
    close, half = (int(XNYS.close_of(np.array([day], "datetime64[D]"))[0]) for day in ("2020-11-25", "2020-11-27"))
    assert last_due(XNYS, close + AFTER_NS) == np.datetime64("2020-11-25") != last_due(XNYS, close + AFTER_NS - 1)
    assert last_due(XNYS, half + AFTER_NS - 1) == np.datetime64("2020-11-25")  # Thanksgiving has none
    assert next_due(XNYS, close + AFTER_NS) == half + AFTER_NS and (half - close) % (86_400 * 10**9) == 21 * 3_600 * 10**9  # 13:00
    with pytest.raises(UsageError, match="no session has closed yet"):
        last_due(XNYS, int(XNYS.closes[0]))


def test_only_one_at_a_time(tmp_path):
    with alone(tmp_path), pytest.raises(UsageError, match="another daily run is at work"), alone(tmp_path):
        pass
    with alone(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file" / "home", Path("/dev/null/x")):
        with pytest.raises(UsageError, match=f"cannot write the folder {folder}: .*; name another with CEREBROLAB_HOME"), alone(folder):
            pass


def test_every_pair_has_a_folder_of_its_own(tmp_path):
    names = [directory(tmp_path, LAST, ("GoldenCross", symbol)).name for symbol in ("BTC=USD", "BTC/USD", "BTC^USD", "BTC_USD", "BRK.B")]
    assert len(set(names)) == 5 and names[-1] == "daily-2020-01-02-GoldenCross-BRK.B" and all(re.fullmatch(r"[\w.-]+", name) for name in names)


def test_the_operator_is_told_over_a_real_channel():
    with hook() as (up, heard), hook(500) as (down, _):
        channels = channels_of(Settings(_env_file=None, CEREBROLAB_NOTIFY=f"{up}  {down}"))
        assert tell(channels[:1], "collect failed", "yahoo did not answer") == 1 and "yahoo did not answer" in heard[0]
        assert tell(channels[::-1], "x", "y") == 1 and len(heard) == 2 and tell(channels[1:], "x", "y") == 0 == tell((), "x", "y")
        assert tell(channels[:1], "x", "y" * 40_000) == 1 and len(heard) == 4  # more than a channel takes comes in parts
    with pytest.raises(UsageError, match=r"address 2 of CEREBROLAB_NOTIFY \(nonsense:…\)") as caught:
        channels_of(Settings(_env_file=None, CEREBROLAB_NOTIFY=f"{up} nonsense://geheim"))
    assert "geheim" not in str(caught.value)


def test_without_apprise_nobody_is_told_and_addresses_are_one_clear_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert channels_of(Settings(_env_file=None)) == () and tell((), "x", "y") == 0
    with pytest.raises(UsageError, match="needs the package apprise, which is not installed"):
        channels_of(Settings(_env_file=None, CEREBROLAB_NOTIFY="json://127.0.0.1"))
