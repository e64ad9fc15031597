"""Messages to the operator, over any channel that apprise knows: mail, Slack, Telegram and others. Imports core, and apprise when asked."""

import logging
from collections.abc import Sequence

from core.errors import UsageError
from core.settings import Settings

log = logging.getLogger(__name__)


def channels_of(settings: Settings) -> tuple[str, ...]:
    """The addresses of the channels; they hold secrets.

    Raises:
        UsageError: one is no address that apprise knows.
    """
    import apprise

    text = settings.notify_places.get_secret_value() if settings.notify_places else ""
    places = tuple(each for each in text.split() if each)
    for number, place in enumerate(places, 1):
        if apprise.Apprise.instantiate(place, suppress_exceptions=True) is None:
            raise UsageError(f"address {number} of CEREBROLAB_NOTIFY ({place.partition(':')[0]}:…) is no channel that apprise knows: see its list of addresses")
    return places


def tell(channels: Sequence[str], title: str, text: str) -> bool:
    """Send a message to every channel; whether all took it. What fails is logged."""
    import apprise

    if not channels:
        return True
    sender = apprise.Apprise()
    for place in channels:
        sender.add(place)
    taken = bool(sender.notify(title=title, body=text))
    if not taken:
        log.error("not every channel of CEREBROLAB_NOTIFY took the message %r", title)
    return taken
