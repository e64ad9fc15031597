"""Alerts of live runs reach the operator at once, each once, also over a restart; and what backtests have measured is put into words."""

import json
import math
import threading
from decimal import Decimal

import pytest
from api_settings import settings_in
from hook_server import hook
from pydantic import SecretStr
from served import serving

from core.errors import UsageError
from journal import Journal
from journal.account_log import ALERT, CASH, KILLED, OUTCOME, REFUSED
from journal.subscriptions import Backtested
from services.api.app import create_app
from services.notify import alerts
from services.notify.alerts import Alerts
from services.notify.backtests import measured, told


@pytest.fixture(autouse=True)
def _quickly(monkeypatch):
    monkeypatch.setattr(alerts, "EVERY_S", 0.02)


@pytest.fixture(name="journal")
def _journal(tmp_path):
    with Journal(tmp_path / "home" / "journal.db") as journal:
        yield journal


@pytest.fixture(name="heard")
def _heard():
    with hook() as found:
        yield found


def telling(tmp_path, channel):
    return settings_in(tmp_path).model_copy(update={"notify_places": SecretStr(channel)})


def come(heard, count):
    """Wait until so many messages have come."""
    pause = threading.Event()
    for _ in range(500):
        if len(heard) >= count:
            return heard
        pause.wait(0.02)
    raise AssertionError(heard)


def test_each_is_told_once_and_nothing_again_after_a_restart(journal, tmp_path, heard):
    channel, came = heard
    settings, log = telling(tmp_path, channel), journal.account_log
    log.note("paper:1", "gold", ALERT, "long ago")
    with Alerts(journal, settings):
        log.note("paper:1", "gold", KILLED, "stopped on 2026-01-30: it lost 60.00")
        come(came, 1)
    log.note("paper:1", "", ALERT, "while nobody looked")
    log.note("paper:1", "gold", ALERT, "and one more")
    for kind in (REFUSED, OUTCOME, CASH):
        log.note("paper:1", "gold", kind, "of no concern", **({"cash": "1"} if kind == CASH else {}))
    with Alerts(journal, settings):
        come(came, 2)
        log.note("paper:2", "", ALERT, "the last")
        come(came, 3)
    assert "kill switch: stopped on 2026-01-30" in came[0] and "paper:1, gold" in came[0] and "long ago" not in "".join(came)
    assert "2 alerts" in came[1] and "while nobody looked" in came[1] and "and one more" in came[1] and "of no concern" not in came[1]
    assert "the last" in came[2] and "one more" not in came[2] and len(came) == 3
    assert journal.daily.steps() == [] == journal.daily.days()  # how far it has come is no day


def test_what_no_channel_took_is_told_again(journal, tmp_path):
    with hook(500) as (down, refused), Alerts(journal, telling(tmp_path, down)):
        journal.account_log.note("paper:1", "gold", ALERT, "look here")
        come(refused, 2)
    with hook() as (up, came), Alerts(journal, telling(tmp_path, up)):
        assert "look here" in come(came, 1)[0]


def test_a_channel_that_is_away_keeps_no_other_from_hearing_and_repeats_nothing(journal, tmp_path, caplog):
    with hook() as (up, came), hook(500) as (down, refused), Alerts(journal, telling(tmp_path, f"{down} {up}")):
        for number in (1, 2, 3):
            journal.account_log.note("paper:1", "gold", ALERT, f"number {number}")
            come(came, number)
    assert len(came) == 3 == len(refused) and "number 2" not in came[2] and "channel 1 of CEREBROLAB_NOTIFY" in caplog.text


def test_what_is_never_taken_is_passed_over_at_last(journal, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(alerts, "MOST_TRIES", 3)
    settings = telling(tmp_path, "json://127.0.0.1:1/")
    with Alerts(journal, settings):
        pass
    with hook(500) as (down, refused), Alerts(journal, telling(tmp_path, down)):
        journal.account_log.note("paper:1", "gold", ALERT, "nobody takes this")
        come(refused, 3)
        journal.account_log.note("paper:1", "gold", ALERT, "and the next")
        assert "and the next" in come(refused, 4)[3] and "nobody takes this" not in refused[3]
    assert "passed over after 3 tries" in caplog.text


def test_long_ones_are_cut(journal, tmp_path, heard):
    with Alerts(journal, telling(tmp_path, heard[0])):
        journal.account_log.note("paper:1", "gold", ALERT, "x" * 9_000)
        assert len(come(heard[1], 1)[0]) < 1_000 and "x" * 299 + "…" in json.loads(heard[1][0])["message"]


def test_two_that_tell_of_one_journal_tell_each_once(journal, tmp_path):
    answers = threading.Event()
    with hook(answers=answers) as (channel, came), Journal(telling(tmp_path, channel).journal) as other:
        with Alerts(journal, telling(tmp_path, channel)), Alerts(other, telling(tmp_path, channel)):
            journal.account_log.note("paper:1", "gold", ALERT, "the first")
            come(came, 1)
            threading.Event().wait(0.3)  # the other one looks several times while the first one waits for its answer
            answers.set()
            journal.account_log.note("paper:1", "gold", ALERT, "the last")
            come(came, 2)
        assert "the first" in came[0] and "the last" in came[1] and len(came) == 2


def test_what_somebody_was_killed_over_is_told_when_his_claim_has_run_out(journal, tmp_path, heard):
    for place, value in ((alerts.TELLER, "0"), (alerts.CLAIM, str(2**62))):
        journal.daily.keep_place(place, value)
    journal.account_log.note("paper:1", "gold", ALERT, "look here")
    with Alerts(journal, telling(tmp_path, heard[0])):
        threading.Event().wait(0.3)
        assert heard[1] == []
        journal.daily.keep_place(alerts.CLAIM, "1")
        assert "look here" in come(heard[1], 1)[0]


def test_whatever_goes_wrong_the_thread_goes_on(journal, tmp_path, heard, caplog):
    settings = telling(tmp_path, heard[0])
    journal.daily.keep_place("alerts", "no number")
    with Alerts(journal, settings):
        come(caplog.records, 1)
        journal.daily.keep_place("alerts", "0")
        journal.account_log.note("paper:1", "gold", ALERT, "all is well again")
        assert "all is well again" in come(heard[1], 1)[0]
    assert "alerts were not told" in caplog.text and "ValueError" in caplog.text


def test_the_api_tells_what_a_live_run_writes_down(tmp_path, heard):
    settings = telling(tmp_path, heard[0])
    with serving(create_app(settings, rate=0)), Journal(settings.journal) as journal:
        journal.account_log.note("paper:1", "gold", ALERT, "gold ended and is not as asked")
        assert "Alert: paper:1, gold: gold ended and is not as asked" in come(heard[1], 1)[0]


def test_hundreds_are_one_message(journal, tmp_path, heard):
    settings = telling(tmp_path, heard[0])
    with Alerts(journal, settings):
        pass
    for number in range(200):
        journal.account_log.note("paper:1", "gold", ALERT, f"number {number} of many")
    with Alerts(journal, settings):
        [message] = come(heard[1], 1)
    assert "200 alerts" in message and "number 199 of many" in message and "number 179 of many" not in message and "and 180 before them" in message


def test_without_a_channel_nothing_is_kept_and_a_wrong_one_is_one_line(journal, tmp_path):
    with Alerts(journal, settings_in(tmp_path)):
        assert journal.daily.place("alerts") is None
    with pytest.raises(UsageError, match="address 1 of CEREBROLAB_NOTIFY"):
        Alerts(journal, telling(tmp_path, "nonsense://x"))


@pytest.mark.parametrize(("metrics", "text"), [
    ({"total_return": 0.8523, "sharpe": 0.714, "max_drawdown": 0.2314}, "+85.2%, Sharpe 0.71, max drawdown 23.1%"),
    ({"total_return": -0.5, "sharpe": None, "max_drawdown": 0.6}, "-50.0%, max drawdown 60.0%"),
    ({"total_return": math.nan}, "nothing to measure"), ({"total_return": Decimal("58.2141")}, "+5,821.4%")])
def test_what_a_backtest_measured(metrics, text):
    found = Backtested(1, "2016-01-04", "2026-01-30", metrics)
    assert measured(found) == text and told(found) == {"backtest since 2016-01-04": text} and told(None) == {}
