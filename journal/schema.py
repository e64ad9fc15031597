"""The schema that a database has: made when it is new, brought up to date by Alembic's migrations when it is older.

Alembic takes most of a second to import, and is imported for an older schema only.
"""

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, inspect

from core.errors import StoreFailed
from journal.backend import Backend
from journal.tables import Base

REVISION = "0008"  # the newest of journal/migrations/versions
_REVISIONS = Table("alembic_version", MetaData(), Column("version_num", String(32), nullable=False),
                   PrimaryKeyConstraint("version_num", name="alembic_version_pkc"))  # as Alembic makes it


def prepare(backend: Backend) -> None:
    """See to it that the schema is there and up to date; processes that come at once wait for the first.

    Raises:
        StoreFailed: a newer cerebrolab made it, or tables of another program are in its place.
    """
    with backend.first_use():
        with backend.reading().connect() as connection:
            found = backend.revision(connection)
        if found == REVISION:
            return
        with backend.writing().begin() as connection:
            _bring_up(backend, connection, backend.revision(connection))


def _bring_up(backend: Backend, connection: Connection, found: str | None) -> None:
    if found == REVISION:  # another process was first
        return
    if found is None:
        _make(backend, connection)
    elif found < REVISION:
        migrate(connection, found)
    else:
        raise StoreFailed(f"the journal {backend.shown} was written by a newer cerebrolab (format {found.lstrip('0')}, this one "
                          f"reads {REVISION.lstrip('0')}): update cerebrolab")
    backend.mark(connection)


def _make(backend: Backend, connection: Connection) -> None:
    backend.make_room(connection)
    strangers = set(inspect(connection).get_table_names()) & {*Base.metadata.tables, _REVISIONS.name}
    if strangers:
        raise StoreFailed(f"the journal {backend.shown} holds tables of another program ({', '.join(sorted(strangers))}): name another place")
    Base.metadata.create_all(connection)
    _stamp(connection, REVISION)


def migrate(connection: Connection, found: str | None, wanted: str = REVISION) -> None:
    """Run the migrations after the revision `found`, None for all, up to `wanted`, in the connection's transaction."""
    from alembic import command
    from alembic.config import Config

    if found is not None and not inspect(connection).has_table(_REVISIONS.name):
        _stamp(connection, found)
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    command.upgrade(config, wanted)


def _stamp(connection: Connection, revision: str) -> None:
    _REVISIONS.create(connection)
    connection.execute(_REVISIONS.insert().values(version_num=revision))
