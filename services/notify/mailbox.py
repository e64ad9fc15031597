"""`Mailbox`: mails to an SMTP server over one connection, each ended only once it has been written down that it was sent.

A server has a mail when it has its last line. That line is sent after `before_end` has said that the mail is ours to send: whoever is
killed before it has told nobody, and what is written down is not told again. Imports core and what is beside it.
"""

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from core.errors import CerebrolabError, SourceUnavailable, UsageError
from services.notify.letters import Letter

TIMEOUT_S = 30.0
SECURITIES = ("auto", "tls", "starttls", "none")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
PER_CONNECTION = 500  # mails, after which the server is called anew


class Refused(CerebrolabError):
    """The server does not take this mail. The text may name the address: it is for the log of the process that sends, and no other place.

    Attributes:
        lasting: it will not take it later either. lost: it ended the connection, twice, instead of an answer.
    """

    def __init__(self, text: str, lasting: bool, lost: bool = False) -> None:
        super().__init__(text)
        self.lasting, self.lost = lasting, lost


class _Lost(Exception):
    """The connection ended before the mail was ours to end."""


@dataclass(frozen=True)
class Server:
    """Where mails are handed over.

    Attributes:
        security: "tls" (from the start), "starttls", "none", or "auto": TLS at port 465, none on this machine, STARTTLS elsewhere.
    """

    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    security: str = "auto"

    @property
    def shown(self) -> str:
        """For messages."""
        return f"{self.host}:{self.port}"

    @property
    def way(self) -> str:
        """The security that "auto" stands for.

        Raises:
            UsageError: it is none, or a password would be sent in the open.
        """
        if self.security not in SECURITIES:
            raise UsageError(f"mail security {self.security!r} is unknown: write {', '.join(SECURITIES)}")
        way = self.security if self.security != "auto" else "tls" if self.port == 465 else "none" if self.host in LOOPBACK else "starttls"
        if way == "none" and self.password and self.host not in LOOPBACK:
            raise UsageError(f"the password for {self.shown} would be sent in the open: set EMAIL_SECURITY to starttls or tls")
        return way


class Mailbox:
    """Hands mails over; a context manager, which ends the connection. Not for several threads at once."""

    def __init__(self, server: Server, timeout_s: float = TIMEOUT_S) -> None:
        self._server, self._timeout_s = server, timeout_s
        self._smtp: smtplib.SMTP | None = None
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def shown(self) -> str:
        """Whom mails are handed to, for messages."""
        return self._server.shown

    def close(self) -> None:
        """End the connection."""
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except (smtplib.SMTPException, OSError):
                self._smtp.close()
            self._smtp = None

    def hand_over(self, letter: Letter, before_end: Callable[[], bool]) -> bool:
        """Send a mail; False where `before_end` says that it is not ours to send any more.

        A connection that the server ends before that is opened once more: some servers take so many mails over one, and no more.

        Raises:
            Refused: the server does not take it. SourceUnavailable: it does not answer.
            UsageError: the settings are not possible, or it does not take our password.
        """
        try:
            try:
                return self._hand(letter, before_end)
            except _Lost:
                self._drop()
                return self._hand(letter, before_end)
        except _Lost as error:
            self._drop()
            raise Refused(f"{self._server.shown} ends the connection at the mail to {letter.address} ({error})", lasting=False, lost=True) from None
        except Refused:
            raise
        except BaseException:
            self._drop()  # no word is said within a mail
            raise

    def _hand(self, letter: Letter, before_end: Callable[[], bool]) -> bool:
        smtp, address = self._connected(), letter.address
        try:
            self._takes(smtp.mail(letter.sender), letter)
            self._asked(smtp.rcpt(address), address)
            self._asked(smtp.docmd("DATA"), address)
            smtp.send(letter.content.replace(b"\r\n.", b"\r\n.."))  # a point at a beginning is doubled (RFC 5321, 4.5.2)
        except (smtplib.SMTPException, OSError) as error:
            raise _Lost(_one_line(error)) from None
        if not before_end():
            self._drop()
            return False
        try:
            smtp.send(b".\r\n")
            answer = smtp.getreply()
        except (smtplib.SMTPException, OSError) as error:
            raise SourceUnavailable(f"the mail server {self._server.shown} did not answer ({_one_line(error)}): check EMAIL_HOST and EMAIL_PORT") from None
        self._asked(answer, address, ended=True)
        self._count += 1
        return True

    def _takes(self, answer: tuple[int, bytes], letter: Letter) -> None:
        """Whether mails of ours are taken at all: what is refused for ever here would be for every address, and is not the mail's fault."""
        code, text = answer
        if code >= 500:
            raise UsageError(f"the mail server {self._server.shown} takes no mail from {letter.sender} ({code} {_text(text)}): "
                             "check EMAIL_FROM, EMAIL_USER and EMAIL_PASSWORD")
        self._asked(answer, letter.address)

    def _asked(self, answer: tuple[int, bytes], address: str, ended: bool = False) -> None:
        code, text = answer
        if code == 421 and not ended:
            raise smtplib.SMTPServerDisconnected(f"421 {_text(text)}")
        if not 200 <= code < 400:
            try:
                if self._smtp is not None:
                    self._smtp.rset()
            except (smtplib.SMTPException, OSError):
                self._drop()
            raise Refused(f"{self._server.shown} does not take the mail to {address}: {code} {_text(text)}", lasting=code >= 500)

    def _connected(self) -> smtplib.SMTP:
        if self._smtp is not None and self._count < PER_CONNECTION:
            return self._smtp
        self.close()
        server, way = self._server, self._server.way
        context = ssl.create_default_context()
        try:
            self._smtp = (smtplib.SMTP_SSL(server.host, server.port, timeout=self._timeout_s, context=context) if way == "tls"
                          else smtplib.SMTP(server.host, server.port, timeout=self._timeout_s))
            self._begin(self._smtp, context if way == "starttls" else None)
        except smtplib.SMTPAuthenticationError as error:
            if error.smtp_code < 500:
                raise SourceUnavailable(f"the mail server {server.shown} lets nobody in now ({error.smtp_code}): try again later") from None
            raise UsageError(f"the mail server {server.shown} does not take our name and password ({error.smtp_code}): check EMAIL_USER and EMAIL_PASSWORD") from None
        except (smtplib.SMTPResponseException, smtplib.SMTPServerDisconnected) as error:
            raise SourceUnavailable(f"the mail server {server.shown} turned us away ({_one_line(error)}): try again later") from None
        except smtplib.SMTPException as error:
            raise UsageError(f"the mail server {server.shown} cannot do what is asked of it ({_one_line(error)}): check EMAIL_SECURITY, EMAIL_USER and EMAIL_PORT") from None
        except UnicodeError:
            raise UsageError(f"EMAIL_HOST {server.host[:80]!r}, EMAIL_USER or EMAIL_PASSWORD has characters that cannot be sent: write ASCII") from None
        except ssl.SSLCertVerificationError as error:
            raise UsageError(f"the certificate of the mail server {server.shown} is not trusted ({error.verify_message}): set EMAIL_HOST to the name it is for, "
                             "or have its issuer trusted (SSL_CERT_FILE)") from None
        except OSError as error:
            raise SourceUnavailable(f"the mail server {server.shown} did not answer ({_one_line(error)}): check EMAIL_HOST and EMAIL_PORT") from None
        self._count = 0
        return self._smtp

    def _begin(self, smtp: smtplib.SMTP, context: ssl.SSLContext | None) -> None:
        smtp.ehlo_or_helo_if_needed()
        if context is not None:
            smtp.starttls(context=context)
            smtp.ehlo()
        if self._server.user:
            smtp.login(self._server.user, self._server.password)

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _text(text: bytes) -> str:
    return " ".join(text.decode("utf-8", "replace").split())[:200]
