"""`cerebrolab notify` as a person meets it: a real journal, bars and mail server."""

import pytest
from made_bars import frame
from mail_server import postbox

from core.settings import load_settings
from journal import Journal


@pytest.fixture(name="box")
def _box(folder, monkeypatch):
    with postbox() as (box, port):
        for name, value in (("EMAIL_HOST", "127.0.0.1"), ("EMAIL_PORT", str(port)), ("EMAIL_FROM", "s@example.org")):
            monkeypatch.setenv(name, value)
        yield box


@pytest.fixture(name="followed")
def _followed(folder):
    frame([*(10.0 - 0.001 * day for day in range(250)), 30.0]).rename_axis("date").to_csv(folder / "UP.csv")
    with Journal(load_settings().journal) as journal:
        subscriptions = journal.subscriptions
        subscriptions.confirm(subscriptions.ask("ann@example.org", [("GoldenCross", "UP")]).token)
        subscriptions.sent(subscriptions.due()[0])


def test_what_is_said_today_is_mailed_once(command, box, followed):
    first = command("notify", "--source", "csv:.")
    assert (first.code, first.err) == (0, "") and first.out == "1 strategies and symbols asked, 1 new to tell; 1 mails sent, 0 still to be sent\n"
    assert box.told() == [("ann@example.org", "BUY UP")]
    again = command("notify", "--source", "csv:.", "--json").value
    assert again == {"asked": 1, "advices": 0, "sent": 0, "later": 0, "given_up": 0, "waiting": 0, "problems": []} and len(box.mails) == 1


def test_what_cannot_be_asked_is_code_1(command, box, followed):
    answer = command("notify", "--source", "csv:..")
    assert answer.code == 1 and "GoldenCross on UP" in answer.err and box.mails == []
    assert command("notify", "--mails-only").code == 0


@pytest.mark.parametrize(("name", "value", "told"), [
    ("EMAIL_HOST", "", "no mail server is set: set EMAIL_HOST"), ("EMAIL_FROM", "nobody", "mails need a sender"), ("EMAIL_SECURITY", "ssl", "mail security 'ssl' is unknown"),
    ("EMAIL_PORT", "0", "EMAIL_PORT")])
def test_settings_that_cannot_be_are_one_line(command, box, followed, monkeypatch, name, value, told):
    monkeypatch.setenv(name, value)
    answer = command("notify", "--source", "csv:.")
    assert answer.code == 2 and answer.err.count("\n") == 1 and told in answer.err and box.mails == []
