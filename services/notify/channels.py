"""Messages to the operator, over any channel that apprise knows: mail, Slack, Telegram and others. Imports core, and apprise when asked."""

import logging
from collections.abc import Sequence

from core.errors import UsageError
from core.settings import Settings

log = logging.getLogger(__name__)
MOST_NOTE = 300  # characters of one note in a message


def channels_of(settings: Settings) -> tuple[str, ...]:
    """The addresses of the channels; they hold secrets.

    Raises:
        UsageError: one is no address that apprise knows, or apprise is not installed.
    """
    places = tuple(settings.notify_places.get_secret_value().split()) if settings.notify_places else ()
    if not places:
        return ()
    try:
        import apprise
    except ImportError:
        raise UsageError("CEREBROLAB_NOTIFY needs the package apprise, which is not installed: install it with pip install -e '.[services]'") from None
    for number, place in enumerate(places, 1):
        if apprise.Apprise.instantiate(place, suppress_exceptions=True) is None:
            raise UsageError(f"address {number} of CEREBROLAB_NOTIFY ({place.partition(':')[0]}:…) is no channel that apprise knows: see its list of addresses")
    return places


def tell(channels: Sequence[str], title: str, text: str) -> int:
    """Send a message to every channel, in parts where it takes no more at once; how many took it. What fails is logged."""
    return sum(_taken(number, place, title, text) for number, place in enumerate(channels, 1))


def cut(note: str) -> str:
    """A note as it stands in a message."""
    return note if len(note) <= MOST_NOTE else f"{note[:MOST_NOTE - 1]}…"


def _taken(number: int, place: str, title: str, text: str) -> bool:
    import apprise

    sender = apprise.Apprise()
    sender.add(place)
    for channel in sender:
        if channel.overflow_mode == apprise.OverflowMode.UPSTREAM:  # nothing else is asked for
            channel.overflow_mode = apprise.OverflowMode.SPLIT
    taken = bool(sender.notify(title=title, body=text))
    if not taken:
        log.warning("channel %s of CEREBROLAB_NOTIFY did not take the message %r", number, title)
    return taken
