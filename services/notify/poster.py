"""`Poster`: one thread of a service that sends what is due, when it is woken and every minute, or at once for whoever asks.

Imports what is beside it.
"""

import logging
import threading
from types import TracebackType
from typing import Self

from core.clock import SystemClock
from core.errors import CerebrolabError, SourceUnavailable
from core.settings import Settings
from journal import Journal
from journal.subscriptions import Posted
from services.notify.post import post, post_for
from services.notify.sender import sender_of

log = logging.getLogger(__name__)
EVERY_S = 60.0
ENDS_S = 5.0  # how long the end waits for a mail that is on its way
TURN_S, SENDS_S, ANSWERS_S = 10.0, 15.0, 10.0  # of who asks: to wait for others that send, to send, and for an answer of the mail server
MOST_ASKING = 4  # at a time


class Poster:
    """A context manager; does nothing where no mail server is set."""

    def __init__(self, journal: Journal, settings: Settings) -> None:
        self._journal, self._settings = journal, settings
        self._woken, self._ends = threading.Event(), threading.Event()
        self._turn, self._asking = threading.Lock(), threading.BoundedSemaphore(MOST_ASKING)
        self._thread = threading.Thread(target=self._run, name="mails", daemon=True)

    def __enter__(self) -> Self:
        if self.posts:
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ends.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(ENDS_S)

    @property
    def posts(self) -> bool:
        """Whether a mail server is set."""
        return bool(self._settings.email_host)

    def post(self) -> tuple[Posted, bool]:
        """Send what is due now, for some seconds at most; and whether nothing is left.

        Raises:
            UsageError: the settings are not possible. SourceUnavailable: the mail server does not answer, or too many ask.
        """
        way = sender_of(self._settings)
        if not self._asking.acquire(blocking=False):
            raise SourceUnavailable("mails are being sent for others: repeat it later")
        try:
            if not self._turn.acquire(timeout=TURN_S):
                return Posted(), False
            try:
                return post_for(SENDS_S, self._journal, way, SystemClock(), timeout_s=ANSWERS_S)
            finally:
                self._turn.release()
        finally:
            self._asking.release()

    def wake(self) -> None:
        """Something is due now."""
        if not self.posts:
            log.warning("a mail is due, and no mail server is set: set EMAIL_HOST")
        self._woken.set()

    def _run(self) -> None:
        while not self._ends.is_set():
            try:
                if self._journal.subscriptions.waiting():
                    with self._turn:
                        post(self._journal, sender_of(self._settings), SystemClock())
            except CerebrolabError as error:
                log.warning("mails were not sent: %s", error)
            except Exception:
                log.exception("mails were not sent")
            self._woken.wait(EVERY_S)
            self._woken.clear()
