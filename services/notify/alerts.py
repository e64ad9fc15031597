"""`Alerts`: one thread of a service that tells the operator what live runs have written down for a human to see to, each once.

How far it has come is kept in the journal, so that a restart repeats nothing. Imports journal, core and what is beside it.
"""

import logging
import threading
from types import TracebackType
from typing import Self

from core.errors import CerebrolabError
from core.settings import Settings
from journal import Journal
from journal.account_log import ALERT, KILLED, Note
from services.notify.channels import channels_of, tell

log = logging.getLogger(__name__)
EVERY_S = 5.0
ENDS_S = 5.0  # how long the end waits for a message that is on its way
TELLER = "alerts"  # whose place it is in the journal
TOLD = (ALERT, KILLED)
AT_ONCE, MOST_SAID = 1_000, 20  # notes of one message; those of them that are said


class Alerts:
    """A context manager; does nothing where CEREBROLAB_NOTIFY names no channel. What was written before it first ran is not told.

    Raises:
        UsageError: an address of CEREBROLAB_NOTIFY is none.
    """

    def __init__(self, journal: Journal, settings: Settings) -> None:
        self._journal, self._channels = journal, channels_of(settings)
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def __enter__(self) -> Self:
        if self._channels:
            if self._journal.daily.place(TELLER) is None:
                self._journal.daily.keep_place(TELLER, str(self._journal.daily.last_note()))
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
            self._ends.wait(EVERY_S)

    def _tell(self) -> None:
        """Tell what is new; what no channel took is told again later."""
        daily = self._journal.daily
        found = daily.notes_after(int(daily.place(TELLER) or 0), TOLD, AT_ONCE)
        if found and tell(self._channels, *_message([note for _, note in found])):
            daily.keep_place(TELLER, str(found[-1][0]))


def _message(notes: list[Note]) -> tuple[str, str]:
    """(title, text)."""
    said = [f"{note.account}{f', {note.run}' if note.run else ''}: {'kill switch: ' if note.kind == KILLED else ''}{note.text}" for note in notes[-MOST_SAID:]]
    more = [f"and {len(notes) - MOST_SAID} before them"] if len(notes) > MOST_SAID else []
    return (f"Alert: {said[0]}"[:120] if len(notes) == 1 else f"{len(notes)} alerts"), "\n".join([*said, *more])
