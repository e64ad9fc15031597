"""`post`: every mail that is due leaves, once. Imports journal, core and what is beside it."""

import logging
import math
from collections.abc import Callable
from functools import partial

from core.clock import Clock
from core.errors import SourceUnavailable
from core.settings import Settings
from journal import Journal
from journal.subscriptions import NEVER, Due, Posted
from services.notify.letters import Letter, Letters
from services.notify.mailbox import TIMEOUT_S, Mailbox, Refused
from services.notify.sender import Sender, sender_of

log = logging.getLogger(__name__)
PAGE = 100  # subscribers asked for at once
WAITS_S = (60, 300, 900, 3_600, 4 * 3_600, 12 * 3_600)  # before a mail is tried again
LOST = 3  # connections that end at one mail after the other, after which the server is taken to be away
PASSES = 3  # over what is due: another process may have had a part of a mail


def posting(journal: Journal, settings: Settings, clock: Clock) -> Callable[[], Posted] | None:
    """What sends the mails that are due: the API, where it holds the journal, else `post`; None where no mail server is set.

    Raises:
        UsageError: nobody is set whom mails are from. StoreFailed: the API does not answer.
    """
    posts = journal.subscriptions.posts()
    if posts is not None:
        return journal.subscriptions.post if posts else None
    return partial(post, journal, sender_of(settings), clock) if settings.email_host else None


def post(journal: Journal, way: Sender, clock: Clock, progress: Callable[[int], None] | None = None) -> Posted:
    """Send what is due. Several processes may do so at once, and each may be killed and started again.

    Raises:
        SourceUnavailable: the server does not answer; what has not left stays due. UsageError: the settings are not possible.
    """
    return post_for(math.inf, journal, way, clock, progress)[0]


def post_for(seconds: float, journal: Journal, way: Sender, clock: Clock, progress: Callable[[int], None] | None = None,
             timeout_s: float = TIMEOUT_S) -> tuple[Posted, bool]:
    """As `post`, beginning no mail when so much time is over; and whether that was all.

    Args:
        timeout_s: how long the server may take for one answer.
    """
    until = clock.monotonic() + seconds
    with Mailbox(way.server, timeout_s) as mailbox:
        round_ = _Round(journal, mailbox, Letters(way.sender, way.site), clock, progress)
        for _ in range(PASSES):
            if not round_.over(until):
                break
    return round_.posted, clock.monotonic() < until


class _Round:
    """Mails over one mailbox."""

    def __init__(self, journal: Journal, mailbox: Mailbox, letters: Letters, clock: Clock, progress: Callable[[int], None] | None) -> None:
        self._journal, self._mailbox, self._letters, self._clock, self._progress = journal, mailbox, letters, clock, progress
        self.posted, self._lost = Posted(), 0

    def over(self, until: float) -> int:
        """Send everything that is due, up to a moment of the clock; returns how many mails another process had a part of."""
        after, skipped = 0, 0
        while page := self._journal.subscriptions.due(after, PAGE):
            after = page[-1].subscriber.id
            for due in page:
                if self._clock.monotonic() >= until:
                    return 0
                skipped += not self._send(due)
                if self._progress is not None:
                    self._progress(self.posted.sent)
        return skipped

    def _send(self, due: Due) -> bool:
        """Whether this mail was ours."""
        claimed, posted = False, self.posted
        letter = self._letter(due)
        if letter is None:
            return True

        def claim() -> bool:
            nonlocal claimed
            claimed = self._journal.subscriptions.sent(due)
            return claimed

        try:
            ours = self._mailbox.hand_over(letter, claim)
            posted.sent += ours
            self._lost = 0
            return ours
        except Refused as error:
            self._refused(due, error)
        except SourceUnavailable as error:
            if not claimed:
                self._later(due, str(error))
                raise
            log.warning("the mail to %s was ended, and its answer was lost: taken for sent", due.subscriber.address)  # it is not sent twice
            posted.sent += 1
        return True

    def _letter(self, due: Due) -> Letter | None:
        """The mail; None where what is due cannot be written, and is given up."""
        try:
            return self._letters.letter(due)
        except (ArithmeticError, AttributeError, TypeError, ValueError):
            log.exception("the mail to %s cannot be written; given up", due.subscriber.address)
            self._journal.subscriptions.failed(due, "cannot be written", NEVER)
            self.posted.given_up += 1
            return None

    def _refused(self, due: Due, error: Refused) -> None:
        self._lost = self._lost + 1 if error.lost else 0
        if error.lasting or due.attempts >= len(WAITS_S):
            self.posted.given_up += 1
            log.warning("%s; given up", error)
            self._journal.subscriptions.failed(due, str(error), NEVER)
        else:
            self.posted.later += 1
            log.warning("%s; tried again later", error)
            self._later(due, str(error))
        if self._lost >= LOST:
            raise SourceUnavailable(f"the mail server {self._mailbox.shown} ends the connection at one mail after the other: look at the log, and try again later")

    def _later(self, due: Due, text: str) -> None:
        wait = WAITS_S[min(due.attempts, len(WAITS_S) - 1)]
        self._journal.subscriptions.failed(due, text, self._clock.now_ns() + wait * 10**9)
