"""`cerebrolab daily` as a person meets it: bars of files, a real journal and mail server."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from made_bars import frame
from mail_server import postbox
from served import serving

from core.settings import load_settings
from journal import Journal
from services.api.app import create_app
from services.daily.run import alone


@pytest.fixture(name="followed")
def _followed(folder, monkeypatch):
    frame([*(10.0 - 0.001 * day for day in range(250)), 30.0], start="2025-01-02").rename_axis("date").to_csv(folder / "UP.csv")
    monkeypatch.setattr("services.daily.run.last_due", lambda *_: __import__("numpy").datetime64("2025-12-18"))
    with Journal(load_settings().journal) as journal:
        subscriptions = journal.subscriptions
        subscriptions.confirm(subscriptions.ask("ann@example.org", [("GoldenCross", "UP")]).token)
        subscriptions.sent(subscriptions.due()[0])


def test_a_day_is_done_once(command, followed, folder, monkeypatch):
    with postbox() as (box, port):
        for name, value in (("EMAIL_HOST", "127.0.0.1"), ("EMAIL_PORT", str(port)), ("EMAIL_FROM", "s@example.org")):
            monkeypatch.setenv(name, value)
        first = command("daily", "--source", "csv:.")
        assert (first.code, first.err) == (0, "") and "1 mails sent" in first.out and first.out.count(" done ") == 8 and f"page: {folder}/runs/daily/2025-12-18.html" in first.out
        again = command("daily", "--source", "csv:.", "--json").value
        assert again["done"] and [each["attempts"] for each in again["steps"]] == [1] * 8 and box.told() == [("ann@example.org", "BUY UP")]


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


def test_where_the_api_holds_the_journal_it_sends_the_mails(command, followed, folder, monkeypatch):
    with postbox() as (box, port):
        update = dict(email_host="127.0.0.1", email_port=port, email_from="s@example.org", source="csv:.")
        with serving(create_app(load_settings().model_copy(update=update), rate=0)) as url:
            monkeypatch.setenv("CEREBROLAB_JOURNAL", url)
            monkeypatch.setenv("CEREBROLAB_SOURCE", "csv:.")
            first = command("daily", "--json")
            assert (first.code, first.err) == (0, "") and [each["text"] for each in first.value["steps"] if each["step"] == "mails"] == ["1 mails sent"]
            assert first.value["page"] == f"{folder}/runs/daily/2025-12-18.html"
            assert command("daily", "--json").value["steps"] == first.value["steps"] and box.told() == [("ann@example.org", "BUY UP")]
            again = command("notify", "--json").value
            assert again == {"asked": 1, "advices": 0, "sent": 0, "later": 0, "given_up": 0, "waiting": 0, "problems": []}


def test_an_api_that_sends_no_mails(command, followed, monkeypatch):
    with serving(create_app(load_settings(), rate=0)) as url:
        monkeypatch.setenv("CEREBROLAB_JOURNAL", url)
        answer = command("daily", "--source", "csv:.")
        assert answer.code == 0 and "no mail server is set (EMAIL_HOST); 1 mails wait" in answer.out
        answer = command("notify", "--source", "csv:.")
        assert answer.code == 2 and answer.err.count("\n") == 1 and "no mail server is set: set EMAIL_HOST" in answer.err


def test_a_source_that_is_set_wrong_is_one_line(command, followed, monkeypatch):
    monkeypatch.setenv("CEREBROLAB_SOURCE", "yahooo")
    for name in ("daily", "notify"):
        answer = command(name)
        assert answer.code == 2 and answer.err.count("\n") == 1 and "unknown source 'yahooo'" in answer.err


def test_a_loop_outlives_a_journal_that_is_away(followed, folder, monkeypatch):
    (folder / "broken.db").write_bytes(b"this is no database" * 100)
    environment = {**os.environ, "CEREBROLAB_JOURNAL": "broken.db", "CEREBROLAB_SOURCE": "csv:.", "PYTHONPATH": str(Path(__file__).parents[2])}
    arguments = [sys.executable, "-c", "from scripts.cli import main; main()", "daily", "--loop"]
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None and "warning: the journal broken.db" in process.stderr.readline()
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
