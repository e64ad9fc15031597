"""What strangers and strategies write arrives in mails as what it is: no header, no recipient, no part and no markup of its own."""

from decimal import Decimal

import pytest
from mail_server import postbox

from core.clock import ManualClock
from core.errors import UsageError
from core.settings import Settings
from journal import opened
from journal.subscriptions import Advice
from services.notify.letters import Letters
from services.notify.mailbox import Server
from services.notify.post import post
from services.notify.sender import Sender, sender_of

HEADERS = {"From", "To", "Date", "Subject", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "Auto-Submitted", "MIME-Version", "Content-Type", "X-Peer",
           "X-MailFrom", "X-RcptTo"}
EVIL = ["x\r\nBcc: evil@example.com", "x\nBcc: evil@example.com", "x\r\n\r\n<script>alert(1)</script>", "x\r\n.\r\nMAIL FROM:<evil@example.com>", "x\x0bBcc: evil@example.com",
        "x\u2028Bcc: evil@example.com", "=?utf-8?q?x=0ABcc:_evil=40example.com?=", "\r\n-----=_cerebrolab-1--\r\nx", "x" * 2_000, "é\r\n\tBcc: evil@example.com", "{{ 7 * 7 }}"]


@pytest.fixture(name="box", scope="module")
def _box():
    with postbox() as found:
        yield found


@pytest.mark.parametrize("place", ["strategy", "symbol", "signal", "reason"])
def test_what_is_advised_is_only_text(tmp_path, box, place):
    way = Sender(Server("127.0.0.1", box[1]), "s@example.org", "http://x")
    with opened(tmp_path / "journal.db", ManualClock(10**9)) as journal:
        for number, evil in enumerate(EVIL):
            said = {"strategy": "GoldenCross", "symbol": "SPY", "signal": "BUY", "reason": "fast", place: evil}
            one = journal.subscriptions.confirm(journal.subscriptions.ask(f"m{number}@example.org", [(said["strategy"], said["symbol"])]).token)
            journal.subscriptions.advise([Advice(said["strategy"], said["symbol"], f"2024-03-{number + 1:02}", said["signal"], Decimal(1), {said["reason"]: evil, "closes": [1.0, 2.0]})])
            assert post(journal, way, ManualClock(10**9)).sent == 1
            journal.subscriptions.leave(one.token)
            harmless(box[0].mails.pop(), evil, one.address)
    assert box[0].mails == []


def harmless(mail, evil, address):
    """A mail has the headers, parts and recipient that ours have, and in them what was written as text."""
    assert set(mail.keys()) <= HEADERS and len(mail.keys()) == len(set(mail.keys())) and str(mail["To"]) == address and not mail.defects
    assert [part.get_content_type() for part in mail.walk() if not part.is_multipart()] == ["text/plain", "text/html", "image/png"]
    assert "\n" not in str(mail["Subject"])
    html = mail.get_body(("html",)).get_content()
    assert "<script" not in html and ("7 * 7" in html or "7" not in evil) and all(len(line) < 1_000 for line in mail.as_bytes().split(b"\n"))


@pytest.mark.parametrize("address", ["ann@example.org\r\nRCPT TO:<evil@example.com>", "ann@example.org>\r\nDATA", "ann@example.org\x00", "ann@example.org%0d%0aBcc:x@y.org", "<a@b.org>,c@d.org",
                                     "ann@example.org\u2028Bcc", "\"a\r\nb\"@example.org", "a@example.org SIZE=1"])
def test_an_address_is_one_address(tmp_path, address):
    with opened(tmp_path / "journal.db") as journal, pytest.raises(UsageError, match="is not an e-mail address"):
        journal.subscriptions.ask(address, [("GoldenCross", "SPY")])


@pytest.mark.parametrize("sender", ["s@example.org\r\nBcc: evil@example.com", "S\nBcc: evil@example.com <s@example.org>", "S <s@example.org>, <evil@example.com>", "s@example.org>\r\nRCPT TO:<x@y.org"])
def test_a_sender_is_one_sender(sender):
    settings = Settings(_env_file=None, EMAIL_HOST="127.0.0.1", EMAIL_FROM=sender)
    way = sender_of(settings)
    with pytest.raises(UsageError, match="is no address: set EMAIL_FROM"):
        Letters(way.sender, way.site)
