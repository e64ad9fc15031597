"""`Backend`: what a database must be able to do to hold the journal. One class for each kind, chosen by `journal.database`."""

from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection, Engine


class Backend(Protocol):
    """A database of one kind.

    Attributes:
        shown: its place, for messages; never with a password.
    """

    shown: str

    def reading(self) -> Engine:
        """Whose transactions see one consistent state."""

    def writing(self, durable: bool = False) -> Engine:
        """Whose transactions write, one after the other over all processes. What is `durable` outlives a power cut."""

    def first_use(self) -> AbstractContextManager[object]:
        """Around looking at the schema for the first time, and making it."""

    def revision(self, connection: Connection) -> str | None:
        """The revision of the schema that is there; None where there is none yet."""

    def make_room(self, connection: Connection) -> None:
        """Prepare for the first tables."""

    def mark(self, connection: Connection) -> None:
        """Note that the schema is up to date, for programs that know no revisions."""

    def keep_open(self) -> None:
        """Until `close`, spare transactions the work of connecting."""

    def close(self) -> None:
        """Close every connection."""

    def explain(self, error: Exception) -> str:
        """What went wrong and what to do next, in one line without secrets."""
