"""Mails over TLS and with a password, to a real server with a certificate of its own: nothing is said in the open that should not be."""

import shutil
import ssl
import subprocess

import pytest
from aiosmtpd.smtp import AuthResult
from mail_server import postbox

from core.clock import ManualClock
from core.errors import UsageError
from journal import opened
from services.notify.mailbox import Server
from services.notify.post import post
from services.notify.sender import Sender

pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # of the server made here
NAME, PASSWORD = "signals", "right pass-word"


@pytest.fixture(name="journal")
def _journal(tmp_path):
    with opened(tmp_path / "journal.db", ManualClock(10**9)) as journal:
        journal.subscriptions.ask("ann@example.org", [("GoldenCross", "SPY")])
        yield journal


@pytest.fixture(name="certificate", scope="module")
def _certificate(tmp_path_factory):
    """(file of a certificate and its key for 127.0.0.1, one for another host)."""
    folder = tmp_path_factory.mktemp("certificates")
    openssl = shutil.which("openssl")
    assert openssl, "the tests of TLS need the command openssl"
    for name, host in (("own", "IP:127.0.0.1"), ("other", "DNS:mail.example.org")):
        files = [str(folder / f"{name}.{kind}") for kind in ("key", "crt")]
        subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName={host}",
                        "-addext", "keyUsage=critical,digitalSignature,keyCertSign", "-keyout", files[0], "-out", files[1]], check=True, capture_output=True)
    return {name: (folder / f"{name}.crt", folder / f"{name}.key") for name in ("own", "other")}


@pytest.fixture(name="trusted")
def _trusted(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate["own"][0]))


def context(files):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*map(str, files))
    return made


def asks(tried):
    """Options of a server that asks for the password, and notes what it is told."""
    def authenticator(server, session, envelope, mechanism, given):
        tried.append((given.login, given.password, session.ssl is not None))
        return AuthResult(success=(given.login, given.password) == (NAME.encode(), PASSWORD.encode()), handled=False)

    return {"authenticator": authenticator, "auth_required": True}


def send(journal, port, security, user="", password=""):
    return post(journal, Sender(Server("127.0.0.1", port, user, password, security), "s@example.org", "http://x"), ManualClock(10**9))


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_over_tls_with_the_right_password(journal, certificate, trusted, security):
    tried, made = [], context(certificate["own"])
    options = {"ssl_context": made, "auth_require_tls": False} if security == "tls" else {"tls_context": made, "require_starttls": True}
    with postbox(**options, **asks(tried)) as (box, port):
        assert send(journal, port, security, NAME, PASSWORD).sent == 1
        assert [str(mail["To"]) for mail in box.mails] == ["ann@example.org"]
    assert [(name, password) for name, password, _ in tried] == [(NAME.encode(), PASSWORD.encode())]
    assert security == "tls" or tried[0][2]


def test_the_wrong_password_is_one_line_and_keeps_the_mail(journal, certificate, trusted):
    tried = []
    with postbox(tls_context=context(certificate["own"]), require_starttls=True, **asks(tried)) as (box, port):
        with pytest.raises(UsageError, match=r"does not take our name and password \(535\): check EMAIL_USER and EMAIL_PASSWORD") as caught:
            send(journal, port, "starttls", NAME, "wrong")
        assert "wrong" not in str(caught.value).replace("wrong password", "") and "\n" not in str(caught.value)
        assert box.mails == [] and journal.subscriptions.waiting() == 1
        assert send(journal, port, "starttls", NAME, PASSWORD).sent == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("kind", ["own", "other"])
def test_a_certificate_that_is_not_trusted_ends_it_before_anything_is_said(journal, certificate, monkeypatch, security, kind):
    if kind == "other":  # its issuer is trusted, and it is made for another host
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate["other"][0]))
    tried, made = [], context(certificate[kind])
    options = {"ssl_context": made, "auth_require_tls": False} if security == "tls" else {"tls_context": made}
    with postbox(**options, **asks(tried)) as (box, port):
        with pytest.raises(UsageError, match=f"the certificate of the mail server 127.0.0.1:{port} is not trusted") as caught:
            send(journal, port, security, NAME, PASSWORD)
        assert "\n" not in str(caught.value) and PASSWORD not in str(caught.value)
        assert (box.mails, tried, journal.subscriptions.waiting()) == ([], [], 1)


def test_a_server_that_has_no_starttls_is_told_nothing(journal):
    tried = []
    with postbox(auth_require_tls=False, **asks(tried)) as (box, port):
        with pytest.raises(UsageError, match="cannot do what is asked of it .*check EMAIL_SECURITY"):
            send(journal, port, "starttls", NAME, PASSWORD)
        assert (box.mails, tried, journal.subscriptions.waiting()) == ([], [], 1)


def test_a_server_that_wants_tls_or_a_password_that_is_not_set_loses_no_mail(journal, certificate, trusted):
    for options, security in (({"tls_context": context(certificate["own"]), "require_starttls": True}, "none"), ({"auth_require_tls": False, **asks([])}, "none")):
        with postbox(**options) as (box, port):
            with pytest.raises(UsageError, match="takes no mail from s@example.org .53.*check EMAIL_FROM, EMAIL_USER and EMAIL_PASSWORD"):
                send(journal, port, security)
            assert box.mails == [] and journal.subscriptions.waiting() == 1


def test_a_password_is_never_sent_in_the_open_to_another_machine():
    with pytest.raises(UsageError, match="would be sent in the open"):
        _ = Server("mail.example.org", 25, NAME, PASSWORD, "none").way
