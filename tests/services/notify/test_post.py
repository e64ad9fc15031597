"""Mails through a real SMTP server: each once, whatever is refused, lost or killed."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from api_settings import settings_in
from mail_server import postbox

from core.clock import ManualClock
from core.errors import SourceUnavailable, StoreFailed, UsageError
from journal import opened
from journal.subscriptions import Advice
from services.notify import poster
from services.notify.letters import Letters
from services.notify.mailbox import Mailbox, Server
from services.notify.post import WAITS_S, post
from services.notify.sender import Sender

ROOT = Path(__file__).parents[3]
BUY = Advice("GoldenCross", "SPY", "2024-03-01", "BUY", Decimal("512.85"), {"fast": 510.123456, "closes": [500.0, 505.5, 512.85]})
SITE, SENDER = "https://signals.example.org/", "Signals <signals@example.org>"


@pytest.fixture(name="clock")
def _clock():
    return ManualClock(10**9)


@pytest.fixture(name="journal")
def _journal(tmp_path, clock):
    with opened(tmp_path / "journal.db", clock) as journal:
        yield journal


@pytest.fixture(name="mail")
def _mail():
    with postbox() as (box, port):
        yield box, Server("127.0.0.1", port)


def members(journal, count):
    for number in range(count):
        journal.subscriptions.confirm(journal.subscriptions.ask(f"m{number}@example.org", [("GoldenCross", "SPY"), ("GoldenCross", "QQQ")]).token)
    for due in journal.subscriptions.due(limit=count):
        journal.subscriptions.sent(due)


def test_each_member_gets_one_mail_with_all_that_is_due(journal, mail, clock):
    box, server = mail
    members(journal, 3)
    journal.subscriptions.advise([BUY, Advice("GoldenCross", "QQQ", "2024-03-01", "SELL", Decimal(10))])
    assert post(journal, Sender(server, SENDER, SITE), clock).sent == 3
    assert box.told() == [(f"m{number}@example.org", "BUY SPY, SELL QQQ") for number in range(3)]
    assert post(journal, Sender(server, SENDER, SITE), clock).sent == 0 and len(box.mails) == 3
    assert len({mail["Message-ID"] for mail in box.mails}) == 3


def test_what_a_mail_says(journal, mail, clock):
    box, server = mail
    asked = journal.subscriptions.ask("ann@example.org", [("GoldenCross", "SPY")])
    post(journal, Sender(server, SENDER, SITE), clock)
    question = box.mails.pop().get_body(("plain",)).get_content()
    assert f"https://signals.example.org/v1/subscriptions/confirm?token={asked.token}" in question and "GoldenCross says buy or sell on SPY" in question
    journal.subscriptions.confirm(asked.token)
    journal.subscriptions.advise([BUY])
    post(journal, Sender(server, SENDER, SITE), clock)
    [told] = box.mails
    text, html = told.get_body(("plain",)).get_content(), told.get_body(("html",)).get_content()
    for body in (text, html):
        assert all(each in body for each in ("SPY", "GoldenCross", "2024-03-01", "512.85", "fast", "510.12", f"leave?token={asked.token}"))
    [picture] = [part for part in told.walk() if part.get_content_type() == "image/png"]
    assert picture.get_content().startswith(b"\x89PNG") and f"cid:{picture['Content-ID'].strip('<>')}" in html
    assert told["List-Unsubscribe"] == f"<https://signals.example.org/v1/subscriptions/leave?token={asked.token}>"
    assert (told["From"], told["List-Unsubscribe-Post"]) == (SENDER, "List-Unsubscribe=One-Click")


def test_names_are_written_out_and_do_nothing(journal, mail, clock):
    box, server = mail
    asked = journal.subscriptions.ask("ann@example.org", [("<script>x</script>", "A&B")])
    journal.subscriptions.confirm(asked.token)
    journal.subscriptions.advise([Advice("<script>x</script>", "A&B", "2024-03-01", "BUY", Decimal(1), {"<b>": "<img src=x>"})])
    post(journal, Sender(server, SENDER, SITE), clock)
    html = box.mails[-1].get_body(("html",)).get_content()
    assert "<script" not in html and "<img" not in html and "&lt;script&gt;" in html and "A&amp;B" in html


def test_lines_that_begin_with_a_point_arrive_as_they_are(journal, mail, clock):
    box, server = mail
    asked = journal.subscriptions.ask("ann@example.org", [("X", ".SPY")])
    journal.subscriptions.confirm(asked.token)
    journal.subscriptions.advise([Advice("X", ".SPY", "2024-03-01", "BUY", Decimal(1), {"\n.\n..": 1})])
    post(journal, Sender(server, SENDER, SITE), clock)
    assert "\n.\n..: 1\n" in box.mails[-1].get_body(("plain",)).get_content().replace("\r\n", "\n")


def test_refused_for_now_and_refused_for_ever(journal, mail, clock):
    box, server = mail
    members(journal, 4)
    journal.subscriptions.advise([BUY])
    box.answers["rcpt"] = ["451 later", "550 nobody here"]
    box.answers["data"] = ["452 no room"]
    made = post(journal, Sender(server, SENDER, SITE), clock)
    assert (made.sent, made.later, made.given_up) == (1, 2, 1)
    assert post(journal, Sender(server, SENDER, SITE), clock).sent == 0 and journal.subscriptions.waiting() == 2
    clock.sleep(WAITS_S[0])
    assert post(journal, Sender(server, SENDER, SITE), clock).sent == 2
    assert sorted(address for address, _ in box.told()) == ["m0@example.org", "m2@example.org", "m3@example.org"]


@pytest.mark.parametrize(("answer", "counts"), [("554 no", (0, 0, 2)), ("451 later", (0, 2, 0)), ("421 bye", (0, 2, 0))])
def test_what_is_refused_at_its_end_was_not_sent_even_if_the_connection_ends(journal, mail, clock, answer, counts):
    box, server = mail
    members(journal, 2)
    journal.subscriptions.advise([BUY])
    box.answers["data"] = [answer, answer]
    box.hangs_up = True
    made = post(journal, Sender(server, SENDER, SITE), clock)
    assert (made.sent, made.later, made.given_up) == counts and box.mails == []


def test_a_server_that_hangs_up_at_one_of_them_gets_the_others(journal, mail, clock, caplog):
    box, server = mail
    members(journal, 5)
    journal.subscriptions.advise([BUY])
    box.ends_at = {"m0@example.org"}
    made = post(journal, Sender(server, SENDER, SITE), clock)
    assert (made.sent, made.later) == (4, 1)
    box.ends_at = {f"m{number}@example.org" for number in range(5)}
    journal.subscriptions.advise([replace(BUY, session="2024-03-04")])
    with pytest.raises(SourceUnavailable, match="ends the connection at one mail after the other") as caught:
        post(journal, Sender(server, SENDER, SITE), clock)
    assert "example.org" not in str(caught.value) and "ends the connection at the mail to m2@example.org" in caplog.text  # addresses are for the log


def test_what_cannot_be_written_keeps_no_other_mail(journal, mail, clock):
    box, server = mail
    for number, symbol in enumerate(("ODD", "SPY")):
        journal.subscriptions.confirm(journal.subscriptions.ask(f"m{number}@example.org", [("GoldenCross", symbol)]).token)
    for due in journal.subscriptions.due():
        journal.subscriptions.sent(due)
    journal.subscriptions.advise([replace(BUY, symbol="ODD", reasons=["no names"]), BUY])
    made = post(journal, Sender(server, SENDER, SITE), clock)
    assert (made.sent, made.given_up) == (1, 1) and box.told() == [("m1@example.org", "BUY SPY")] and journal.subscriptions.waiting() == 0


@pytest.mark.parametrize("reasons", [{"closes": 5}, {"closes": "abc"}, {"closes": [1, None, 2]}, {"closes": [1, 10**400]}, {"closes": [[1], [2]]}, {"n": 10**400}])
def test_reasons_of_an_odd_form_are_told_as_far_as_they_can_be(journal, mail, clock, reasons):
    box, server = mail
    members(journal, 1)
    journal.subscriptions.advise([replace(BUY, reasons=reasons)])
    assert post(journal, Sender(server, SENDER, SITE), clock).sent == 1 and box.told() == [("m0@example.org", "BUY SPY")]


def test_a_server_that_takes_two_mails_a_connection(journal, mail, clock):
    box, server = mail
    members(journal, 5)
    journal.subscriptions.advise([BUY])
    box.most = 2
    assert post(journal, Sender(server, SENDER, SITE), clock).sent == 5 and len(box.mails) == 5


def test_the_head_of_a_mail(journal, mail, clock):
    box, server = mail
    members(journal, 1)
    journal.subscriptions.advise([BUY])
    post(journal, Sender(server, "Müller GmbH <signals@example.org>", SITE), clock)
    [head] = box.mails
    assert str(head["From"]) == "Müller GmbH <signals@example.org>" and head["From"].addresses[0].domain == "example.org"
    assert abs(head["Date"].datetime.timestamp() - time.time()) < 3_600
    for sender in ("Signals signals@example.org", "S <sigä@example.org>", "signals", "a@b.org\nBcc: c@d.org"):
        with pytest.raises(UsageError, match="is no address"):
            Letters(sender, SITE)


def test_whatever_goes_wrong_the_thread_goes_on(journal, mail, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(poster, "EVERY_S", 0.05)
    box, server = mail
    members(journal, 1)
    journal.subscriptions.advise([BUY])
    database, pause = sqlite3.connect(tmp_path / "journal.db", isolation_level=None), threading.Event()
    database.execute("UPDATE deliveries SET ref = 999 WHERE kind = 'advice'")  # an advice that is gone
    settings = settings_in(tmp_path).model_copy(update=dict(email_host=server.host, email_port=server.port, email_from=SENDER))
    with poster.Poster(journal, settings):
        for _ in range(200):
            if "KeyError" in caplog.text or pause.wait(0.05):
                break
        assert "KeyError" in caplog.text and "mails were not sent" in caplog.text
        database.execute("UPDATE deliveries SET ref = (SELECT max(id) FROM advices) WHERE kind = 'advice'")
        assert str(box.arrived()["Subject"]) == "BUY SPY"
    database.close()


def test_words_that_cannot_be_sent(journal, mail, clock):
    members(journal, 1)
    journal.subscriptions.advise([BUY])
    with pytest.raises(UsageError, match="cannot be sent"):
        post(journal, Sender(Server("mail..x", 25, security="none"), SENDER, SITE), clock)
    assert "geheim" not in repr(Server("x", 25, "me", "geheim")) and journal.subscriptions.waiting() == 1


def test_a_journal_that_fails_within_a_mail_says_so(journal, mail, clock):
    members(journal, 1)
    journal.subscriptions.advise([BUY])
    [due] = journal.subscriptions.due()

    def fails():
        raise StoreFailed("the journal is away")

    with Mailbox(mail[1]) as mailbox, pytest.raises(StoreFailed, match="the journal is away"):
        mailbox.hand_over(Letters(SENDER, SITE).letter(due), fails)
    assert mail[0].mails == []


def test_a_mail_that_is_never_taken_is_given_up_at_last(journal, mail, clock):
    box, server = mail
    members(journal, 1)
    journal.subscriptions.advise([BUY])
    for wait in (*WAITS_S, 0):
        box.answers["rcpt"] = ["451 later"]
        made = post(journal, Sender(server, SENDER, SITE), clock)
        clock.sleep(wait)
    assert made.given_up == 1 and post(journal, Sender(server, SENDER, SITE), clock).sent == 0


def test_a_server_that_is_not_there_leaves_everything_due(journal, clock):
    with postbox() as (_, port):
        pass
    members(journal, 2)
    journal.subscriptions.advise([BUY])
    with pytest.raises(SourceUnavailable, match=f"the mail server 127.0.0.1:{port} did not answer"):
        post(journal, Sender(Server("127.0.0.1", port), SENDER, SITE), clock)
    clock.sleep(WAITS_S[0])
    with postbox() as (box, port):
        assert post(journal, Sender(Server("127.0.0.1", port), SENDER, SITE), clock).sent == 2 and len(box.mails) == 2


def test_who_leaves_while_the_mail_is_written_does_not_get_it(journal, mail, clock):
    box, server = mail
    members(journal, 1)
    journal.subscriptions.advise([BUY])
    [due] = journal.subscriptions.due()
    journal.subscriptions.leave(due.subscriber.token)
    with Mailbox(server) as mailbox:
        assert mailbox.hand_over(Letters(SENDER, SITE).letter(due), lambda: journal.subscriptions.sent(due)) is False
    assert box.mails == []


@pytest.mark.parametrize(("server", "told"), [
    (Server("mail.example.org", 25, "me", "geheim", "none"), "would be sent in the open"), (Server("mail.example.org", 25, security="ssl"), "is unknown"),
    (Server("127.0.0.1", 0, "me", "geheim"), "EMAIL_")])
def test_settings_that_cannot_be(journal, clock, mail, server, told):
    members(journal, 1)
    journal.subscriptions.advise([BUY])
    server = Server(server.host, mail[1].port if not server.port else server.port, server.user, server.password, server.security)
    with pytest.raises(UsageError, match=told) as caught:
        post(journal, Sender(server, SENDER, SITE), clock)
    assert "geheim" not in str(caught.value) and mail[0].mails == []


POSTS = """
import sys
from pathlib import Path
from core.clock import SystemClock
from journal import opened
from services.notify.letters import Letters
from services.notify.mailbox import Server
from services.notify.post import post
from services.notify.sender import Sender
with opened(Path(sys.argv[1])) as journal:
    post(journal, Sender(Server("127.0.0.1", int(sys.argv[2])), "signals@example.org", "https://x"), SystemClock(), lambda sent: print(sent, flush=True))
"""


def sending(place, port):
    return subprocess.Popen([sys.executable, "-c", POSTS, str(place), str(port)], stdout=subprocess.PIPE, text=True, cwd=ROOT,
                            env={**os.environ, "PYTHONPATH": str(ROOT)})


@pytest.mark.parametrize("lines", [1, 7, 13])
def test_killed_and_started_again_everybody_is_told_once(tmp_path, mail, lines):
    box, server = mail
    with opened(tmp_path / "journal.db") as journal:
        members(journal, 40)
        journal.subscriptions.advise([BUY])
    with sending(tmp_path / "journal.db", server.port) as killed:
        for _ in range(lines):
            assert killed.stdout.readline()
        killed.send_signal(signal.SIGKILL)
    with sending(tmp_path / "journal.db", server.port) as one, sending(tmp_path / "journal.db", server.port) as two:
        assert (one.wait(60), two.wait(60)) == (0, 0)
    assert sorted(address for address, _ in box.told()) == sorted(f"m{number}@example.org" for number in range(40))
