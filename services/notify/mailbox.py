"""`Mailbox`: mails to an SMTP server over one connection, each ended only once it has been written down that it was sent.

A server has a mail when it has its last line. That line is sent after `before_end` has said that the mail is ours to send: whoever is
killed before it has told nobody, and what is written down is not told again. Imports core and what is beside it.
"""

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from core.errors import CerebrolabError, SourceUnavailable, UsageError
from services.notify.letters import Letter

TIMEOUT_S = 30.0
SECURITIES = ("auto", "tls", "starttls", "none")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
PER_CONNECTION = 500  # mails, after which the server is called anew


class Refused(CerebrolabError):
    """The server does not take this mail.

    Attributes:
        lasting: it will not take it later either.
    """

    def __init__(self, text: str, lasting: bool) -> None:
        super().__init__(text)
        self.lasting = lasting


@dataclass(frozen=True)
class Server:
    """Where mails are handed over.

    Attributes:
        security: "tls" (from the start), "starttls", "none", or "auto": TLS at port 465, none on this machine, STARTTLS elsewhere.
    """

    host: str
    port: int
    user: str = ""
    password: str = ""
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

        Raises:
            Refused: the server does not take it. SourceUnavailable: it does not answer, or turned us away.
            UsageError: the settings are not possible, or it does not take our password.
        """
        try:
            smtp = self._connected()
            address = letter.address
            self._asked(smtp.mail(letter.sender), address)
            self._asked(smtp.rcpt(address), address)
            self._asked(smtp.docmd("DATA"), address)
            smtp.send(letter.content.replace(b"\r\n.", b"\r\n.."))  # a point at a beginning is doubled (RFC 5321, 4.5.2)
            if not before_end():
                self._drop()
                return False
            smtp.send(b".\r\n")
            self._asked(smtp.getreply(), address)
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            self._drop()
            raise SourceUnavailable(f"the mail server {self._server.shown} did not answer ({error}): check EMAIL_HOST and EMAIL_PORT") from None
        self._count += 1
        return True

    def _asked(self, answer: tuple[int, bytes], address: str) -> None:
        code, text = answer
        if code == 421:
            raise smtplib.SMTPServerDisconnected(_said(answer))
        if not 200 <= code < 400:
            if self._smtp is not None:
                self._smtp.rset()
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
            self._drop()
            raise UsageError(f"the mail server {server.shown} does not take our name and password ({error.smtp_code}): check EMAIL_USER and EMAIL_PASSWORD") from None
        except smtplib.SMTPNotSupportedError as error:
            self._drop()
            raise UsageError(f"the mail server {server.shown} cannot do what is asked of it ({error}): check EMAIL_SECURITY, EMAIL_USER and EMAIL_PORT") from None
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


def _said(answer: tuple[int, bytes]) -> str:
    return f"{answer[0]} {_text(answer[1])}"


def _text(text: bytes) -> str:
    return " ".join(text.decode("utf-8", "replace").split())[:200]
