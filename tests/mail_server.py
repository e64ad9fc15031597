"""A real SMTP server (aiosmtpd) on a free port of 127.0.0.1, which keeps what it is handed."""

import email
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller


class Postbox:
    """What came, in order. `answers` are given instead of 250 in turn, for a recipient ("rcpt") or a mail ("data")."""

    def __init__(self) -> None:
        self.hangs_up, self.ends_at, self.most = False, set(), 0  # after a refusal; at these recipients; after so many mails of a connection
        self.mails: list[Any] = []
        self.answers: dict[str, list[str]] = {"rcpt": [], "data": []}
        self._came = threading.Semaphore(0)

    async def handle_RCPT(self, server, session, envelope, address, options):
        session.count = getattr(session, "count", 0) + 1
        if address in self.ends_at or session.count > self.most > 0:
            server.transport.write(b"421 not here\r\n")
            server.transport.close()
            return "421 not here"
        if self.answers["rcpt"]:
            return self.answers["rcpt"].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.answers["data"] and (answer := self.answers["data"].pop(0)):
            if self.hangs_up:
                server.transport.write(f"{answer}\r\n".encode())
                server.transport.close()
            return answer
        mail = email.message_from_bytes(envelope.content, policy=default)
        assert envelope.rcpt_tos == [str(mail["To"])]
        self.mails.append(mail)
        self._came.release()
        return "250 OK"

    def arrived(self, timeout_s: float = 60) -> Any:
        """The mail that comes next, or has come and was not asked for yet."""
        assert self._came.acquire(timeout=timeout_s), "no mail came"
        return self.mails[-1]

    def told(self) -> list[tuple[str, str]]:
        """(address, subject) of each mail."""
        return [(str(mail["To"]), str(mail["Subject"])) for mail in self.mails]


class _AtFreePort(Controller):
    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def hanging() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield silent.getsockname()[1]


@contextmanager
def postbox(**options: Any) -> Iterator[tuple[Postbox, int]]:
    """(what comes, port)."""
    box = Postbox()
    controller = _AtFreePort(box, hostname="127.0.0.1", port=0, ready_timeout=30, **options)
    controller.start()
    try:
        yield box, controller.port
    finally:
        controller.stop()
