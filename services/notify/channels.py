"""Messages to the operator, over any channel that apprise knows: mail, Slack, Telegram and others. Imports core, and apprise when asked."""

import logging
from collections.abc import Sequence

from core.errors import UsageError
from core.settings import Settings

log = logging.getLogger(__name__)


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


def tell(channels: Sequence[str], title: str, text: str) -> bool:
    """Send a message to every channel; whether all took it. What fails is logged."""
    if not channels:
        return True
    import apprise

    sender = apprise.Apprise()
    for place in channels:
        sender.add(place)
    taken = bool(sender.notify(title=title, body=text))
    if not taken:
        log.error("not every channel of CEREBROLAB_NOTIFY took the message %r", title)
    return taken
