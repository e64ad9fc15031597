"""Keeping QuestDB level with the journal while something runs, and copying the stored bars to it. Imports feeds, journal and core."""

import contextlib
import hashlib
import logging
import threading
from collections.abc import Callable, Iterator

import numpy as np

from core.series import SymbolBars
from core.settings import Settings
from feeds.store import BarStore
from journal.database import Database
from journal.quest import Quest, follow

log = logging.getLogger(__name__)
EVERY_S, STOP_S = 1.0, 5.0


@contextlib.contextmanager
def following(settings: Settings) -> Iterator[None]:
    """While within, a thread copies what is new in the journal to the QuestDB of the settings, if they name one.

    Whatever fails there is logged once and tried again; it disturbs nobody.

    Raises:
        UsageError: the address is none, or the package questdb is not installed.
    """
    if settings.questdb is None:
        yield
        return
    quest, journal, ending = Quest(settings.questdb), Database(settings.journal), threading.Event()

    def run() -> None:
        with contextlib.closing(journal), quest:
            keep_up(lambda: follow(journal, quest), EVERY_S, ending, log.info, log.warning, Exception)

    thread = threading.Thread(target=run, name="questdb", daemon=True)  # a server that hangs does not hold up the end
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join(STOP_S)


def keep_up(copy: Callable[[], object], every_s: float, ending: threading.Event, tell: Callable[[str], None],
            warn: Callable[[str], None], survived: type[Exception]) -> None:
    """Copy again and again until `ending`.

    Args:
        every_s: seconds between the end of one copying and the next.
        tell, warn: told of what goes on, and once of each time in which it fails.
        survived: failures after which it is tried again; others are raised.
    """
    failing = False
    while True:
        try:
            copy()
        except survived as error:
            if not failing:
                warn(f"nothing is copied to QuestDB now, and it is tried again: {error}")
            failing = True
        else:
            if failing:
                tell("QuestDB follows again; what it missed is copied")
            failing = False
        if ending.wait(every_s):
            return


class BarCopies:
    """Copies of every stored series; one that has not changed since is not sent again."""

    def __init__(self, store: BarStore, quest: Quest) -> None:
        self._store, self._quest = store, quest
        self._sent: dict[tuple[str, str, str], bytes] = {}

    def copy(self) -> tuple[int, int]:
        """Send what is stored; how many bars were sent, and how many left out, as they are from before 1970.

        Raises:
            StoreFailed: the store cannot be read, or QuestDB fails.
        """
        sent = left_out = 0
        for held in self._store.list():
            for bars in self._store.read([held.symbol], interval=held.interval, source=held.source):
                digest = _digest(bars)
                if self._sent.get(held[:3]) == digest:
                    continue
                kept = bars.rows(bars.index >= 0)
                self._quest.add_bars(held.source, held.interval, kept)
                sent, left_out = sent + len(kept), left_out + len(bars) - len(kept)
                self._sent[held[:3]] = digest
        return sent, left_out


def _digest(bars: SymbolBars) -> bytes:
    """Of every bit."""
    return hashlib.sha256(b"".join(np.asarray(values).tobytes() for values in vars(bars).values())).digest()
