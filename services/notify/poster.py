"""`Poster`: one thread of a service that sends what is due, when it is woken and every minute. Imports what is beside it."""

import logging
import threading
from types import TracebackType
from typing import Self

from core.clock import SystemClock
from core.errors import CerebrolabError
from core.settings import Settings
from journal import Journal
from services.notify.post import post
from services.notify.sender import sender_of

log = logging.getLogger(__name__)
EVERY_S = 60.0
ENDS_S = 5.0  # how long the end waits for a mail that is on its way


class Poster:
    """A context manager; does nothing where no mail server is set."""

    def __init__(self, journal: Journal, settings: Settings) -> None:
        self._journal, self._settings = journal, settings
        self._woken, self._ends = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="mails", daemon=True)

    def __enter__(self) -> Self:
        if self._settings.email_host:
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ends.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(ENDS_S)

    def wake(self) -> None:
        """Something is due now."""
        if not self._settings.email_host:
            log.warning("a mail is due, and no mail server is set: set EMAIL_HOST")
        self._woken.set()

    def _run(self) -> None:
        while not self._ends.is_set():
            try:
                if self._journal.subscriptions.waiting():
                    post(self._journal, sender_of(self._settings), SystemClock())
            except CerebrolabError as error:
                log.warning("mails were not sent: %s", error)
            self._woken.wait(EVERY_S)
            self._woken.clear()
