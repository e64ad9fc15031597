"""`cerebrolab daily` as a person meets it: bars of files, a real journal and mail server."""

import pytest
from made_bars import frame
from mail_server import postbox

from core.settings import load_settings
from journal import Journal
from services.daily.run import alone


@pytest.fixture(name="followed")
def _followed(folder, monkeypatch):
    frame([*(10.0 - 0.001 * day for day in range(250)), 30.0], start="2025-01-02").rename_axis("date").to_csv(folder / "UP.csv")
    monkeypatch.setattr("services.daily.run.last_due", lambda *_: __import__("numpy").datetime64("2025-12-18"))
    with Journal(load_settings().journal) as journal:
        subscriptions = journal.subscriptions
        subscriptions.confirm(subscriptions.ask("ann@example.org", [("GoldenCross", "UP")]).token)
        subscriptions.sent(subscriptions.due()[0])


def test_a_day_is_done_once(command, followed, monkeypatch):
    with postbox() as (box, port):
        for name, value in (("EMAIL_HOST", "127.0.0.1"), ("EMAIL_PORT", str(port)), ("EMAIL_FROM", "s@example.org")):
            monkeypatch.setenv(name, value)
        first = command("daily", "--source", "csv:.")
        assert (first.code, first.err) == (0, "") and "1 mails sent" in first.out and first.out.count("done") == 5
        again = command("daily", "--source", "csv:.", "--json").value
        assert again["done"] and [each["attempts"] for each in again["steps"]] == [1] * 5 and box.told() == [("ann@example.org", "BUY UP")]


def test_without_a_mail_server_the_mails_wait(command, followed):
    answer = command("daily", "--source", "csv:.")
    assert answer.code == 0 and "no mail server is set (EMAIL_HOST); 1 mails wait" in answer.out


def test_a_step_that_fails_is_code_1(command, followed, folder):
    (folder / "UP.csv").unlink()
    answer = command("daily", "--source", "csv:.", "--json")
    assert answer.code == 1 and answer.value["steps"] == [{**answer.value["steps"][0], "step": "collect", "done": False}]


@pytest.mark.parametrize(("arguments", "told"), [
    (("--source", "yahooo"), "unknown source 'yahooo'"), (("--calendar", "XNYC"), "XNYC"), (("--period", "soon"), "period 'soon' is not understood")])
def test_what_cannot_be_asked(command, followed, arguments, told):
    answer = command("daily", "--source", "csv:.", *arguments)
    assert answer.code in (1, 2) and told in answer.out + answer.err and "Traceback" not in answer.err


def test_two_at_a_time(command, followed):
    with alone(load_settings().home):
        answer = command("daily", "--source", "csv:.")
    assert answer.code == 2 and "another daily run is at work" in answer.err
