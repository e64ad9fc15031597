"""How mails leave, as the settings have it. Imports core and what is beside it."""

from typing import NamedTuple

from core.errors import UsageError
from core.settings import Settings
from services.notify.mailbox import Server

NO_SERVER = "no mail server is set: set EMAIL_HOST, EMAIL_PORT, EMAIL_USER and EMAIL_PASSWORD (see env.example)"


class Sender(NamedTuple):
    """The server that mails are handed to, whom they are from, and where their links lead."""

    server: Server
    sender: str
    site: str


def sender_of(settings: Settings) -> Sender:
    """Where mails are handed over.

    Raises:
        UsageError: no server is set, or nobody whom mails are from.
    """
    if not settings.email_host:
        raise UsageError(NO_SERVER)
    sender = settings.email_from or settings.email_user or ""
    if "@" not in sender:
        raise UsageError(f"mails need a sender, and EMAIL_FROM is {sender!r}: set it to an address")
    password = settings.email_password.get_secret_value() if settings.email_password else ""
    server = Server(settings.email_host, settings.email_port, settings.email_user or "", password, settings.email_security)
    return Sender(server, sender, settings.site)
