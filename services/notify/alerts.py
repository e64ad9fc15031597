"""`Alerts`: one thread of a service that tells the operator what live runs have written down for a human to see to, each once.

How far it has come is kept in the journal, and who tells claims that place first, so that neither a restart nor a second service on the
same journal repeats anything; what somebody was killed over is told once his claim has run out. Imports journal, core and what is beside it.
"""

import logging
import threading
from types import TracebackType
from typing import Self

from core.clock import SystemClock
from core.errors import CerebrolabError
from core.settings import Settings
from journal import Journal
from journal.account_log import ALERT, KILLED, Note
from services.notify.channels import channels_of, cut, tell

log = logging.getLogger(__name__)
EVERY_S = 5.0
AGAIN_S = 600.0  # at most, between tries of what no channel took: each waits twice as long as the one before
MOST_TRIES = 20  # before that is passed over: about two hours
ENDS_S = 5.0  # how long the end waits for a message that is on its way
TELLER, CLAIM = "alerts", "alerts claimed"  # places in the journal: the latest note that was told; until when somebody tells, UTC ns
CLAIMED_NS, FREE = 60 * 10**9, "0"
TOLD = (ALERT, KILLED)
AT_ONCE, MOST_SAID = 1_000, 20  # notes of one message; those of them that are said


class Alerts:
    """A context manager; does nothing where CEREBROLAB_NOTIFY names no channel. What was written before it first ran is not told.

    Raises:
        UsageError: an address of CEREBROLAB_NOTIFY is none.
    """

    def __init__(self, journal: Journal, settings: Settings) -> None:
        self._journal, self._channels = journal, channels_of(settings)
        self._ends, self._tries = threading.Event(), 0
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def __enter__(self) -> Self:
        if self._channels:
            if self._journal.daily.place(TELLER) is None:
                self._journal.daily.keep_place(TELLER, str(self._journal.daily.last_note()))
            if self._journal.daily.place(CLAIM) is None:
                self._journal.daily.keep_place(CLAIM, FREE)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ends.set()
        if self._thread.is_alive():
            self._thread.join(ENDS_S)

    def _run(self) -> None:
        while not self._ends.is_set():
            try:
                self._tell()
            except CerebrolabError as error:
                log.warning("alerts were not told: %s", error)
            except Exception:
                log.exception("alerts were not told")
            self._ends.wait(min(EVERY_S * 2**self._tries, AGAIN_S))

    def _tell(self) -> None:
        """Tell what is new, unless somebody else is at it."""
        daily, now = self._journal.daily, SystemClock().now_ns()
        if not self._new():
            self._tries = 0
            return
        until = daily.place(CLAIM) or FREE
        if int(until) > now or not daily.move_place(CLAIM, until, str(now + CLAIMED_NS)):
            return
        try:
            self._tell_claimed()
        finally:
            daily.keep_place(CLAIM, FREE)

    def _tell_claimed(self) -> None:
        """What no channel took is told again later, so many times."""
        found = self._new()  # somebody may have told some of it before the claim
        if not found:
            return
        self._tries = 0 if tell(self._channels, *_message([note for _, note in found])) else self._tries + 1
        if self._tries == MOST_TRIES:
            log.error("%s alerts that no channel of CEREBROLAB_NOTIFY took are passed over after %s tries: look at its addresses", len(found), MOST_TRIES)
            self._tries = 0
        if not self._tries:
            self._journal.daily.keep_place(TELLER, str(found[-1][0]))

    def _new(self) -> list[tuple[int, Note]]:
        daily = self._journal.daily
        return daily.notes_after(int(daily.place(TELLER) or 0), TOLD, AT_ONCE)


def _message(notes: list[Note]) -> tuple[str, str]:
    """(title, text)."""
    said = [f"{note.account}{f', {note.run}' if note.run else ''}: {'kill switch: ' if note.kind == KILLED else ''}{cut(note.text)}" for note in notes[-MOST_SAID:]]
    more = [f"and {len(notes) - MOST_SAID} before them"] if len(notes) > MOST_SAID else []
    return (f"Alert: {said[0]}"[:120] if len(notes) == 1 else f"{len(notes)} alerts"), "\n".join([*said, *more])
