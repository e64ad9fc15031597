"""`opened`: the journal at a place, whether that is a file, a database or the REST API that holds it."""

from pathlib import Path

from core.clock import Clock
from journal.journal import Journal


def opened(place: str | Path, clock: Clock | None = None) -> Journal:
    """The journal of a file, "sqlite:///path", "postgresql://…", or "http://127.0.0.1:8000", the API that holds it.

    Args:
        clock: stamps what is recorded.

    Raises:
        UsageError: the place is none.
    """
    if isinstance(place, str) and place.startswith(("http://", "https://")):
        from journal.remote import ApiJournal

        return ApiJournal(place, clock=clock)
    return Journal(place, clock)
