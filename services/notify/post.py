"""`post`: every mail that is due leaves, once. Imports journal, core and what is beside it."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from core.clock import Clock
from core.errors import SourceUnavailable
from journal import Journal
from journal.subscriptions import Due
from services.notify.letters import Letters
from services.notify.mailbox import Mailbox, Refused
from services.notify.sender import Sender

log = logging.getLogger(__name__)
PAGE = 100  # subscribers asked for at once
WAITS_S = (60, 300, 900, 3_600, 4 * 3_600, 12 * 3_600)  # before a mail is tried again
NEVER = 2**62


@dataclass
class Posted:
    """What became of the mails: sent, to be tried later, and given up because the server will never take them."""

    sent: int = 0
    later: int = 0
    given_up: int = 0


def post(journal: Journal, way: Sender, clock: Clock, progress: Callable[[int], None] | None = None) -> Posted:
    """Send what is due. Several processes may do so at once, and each may be killed and started again.

    Raises:
        SourceUnavailable: the server does not answer; what has not left stays due. UsageError: the settings are not possible.
    """
    posted, after, letters = Posted(), 0, Letters(way.sender, way.site)
    with Mailbox(way.server) as mailbox:
        while page := journal.subscriptions.due(after, PAGE):
            after = page[-1].subscriber.id
            for due in page:
                _send(journal, mailbox, due, letters, clock, posted)
                if progress is not None:
                    progress(posted.sent)
    return posted


def _send(journal: Journal, mailbox: Mailbox, due: Due, letters: Letters, clock: Clock, posted: Posted) -> None:
    claimed = False

    def claim() -> bool:
        nonlocal claimed
        claimed = journal.subscriptions.sent(due)
        return claimed

    try:
        posted.sent += mailbox.hand_over(letters.letter(due), claim)
    except Refused as error:
        last = error.lasting or due.attempts >= len(WAITS_S)
        posted.given_up, posted.later = posted.given_up + last, posted.later + (not last)
        log.warning("%s%s", error, "; given up" if last else "; tried again later")
        journal.subscriptions.failed(due, str(error), NEVER if last else clock.now_ns() + WAITS_S[due.attempts] * 10**9)
    except SourceUnavailable as error:
        if claimed:  # the server may have it: it is not sent twice
            log.warning("the mail to %s was ended, and its answer was lost: taken for sent", due.subscriber.address)
            posted.sent += 1
            return
        wait = WAITS_S[min(due.attempts, len(WAITS_S) - 1)]
        journal.subscriptions.failed(due, str(error), clock.now_ns() + wait * 10**9)
        raise
