"""The journal on a PostgreSQL server: one schema of a database."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sqlalchemy import URL, Connection, Double, Engine, Table, create_engine, event
from sqlalchemy.exc import DBAPIError

from core.postgres_servers import SCHEMA, PostgresAddress

TURN = 0x63657265_62726F6C  # the advisory lock of those who write, "cerebrol"
_REVISIONS = f"SELECT 1 FROM pg_tables WHERE schemaname = '{SCHEMA}' AND tablename = 'alembic_version'"
_TURN = f"SELECT pg_advisory_xact_lock({TURN})"
_DURABLE_TURN = _TURN + ", CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', true) END"


class Postgres:
    """One schema of one database, made on first use.

    Writers take turns by an advisory lock held to the end of the transaction. SERIALIZABLE would let them overlap and fail
    those that conflict, so that every caller had to be ready to repeat; in turn, a block runs once, as on SQLite. They read
    what is committed: a snapshot of the whole transaction would be taken before the turn came.
    """

    def __init__(self, url: URL, busy_timeout_s: float) -> None:
        self._address = PostgresAddress(url, busy_timeout_s)
        self.shown = self._address.shown
        engine = create_engine(self._address.url, pool_pre_ping=True, max_overflow=-1, hide_parameters=True,
                               connect_args=self._address.arguments)
        event.listen(engine, "begin", _begin)
        self._engine = engine
        self._reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._writing, self._durable = (engine.execution_options(isolation_level="READ COMMITTED", turn=turn)
                                        for turn in (_TURN, _DURABLE_TURN))

    def reading(self) -> Engine:
        """A snapshot from the first statement on, read only."""
        return self._reading

    def writing(self, durable: bool = False) -> Engine:
        """In turn. The server's `synchronous_commit` holds, and durable turns it on where it is off."""
        return self._durable if durable else self._writing

    def first_use(self) -> AbstractContextManager[object]:
        """The turn of the one that writes is enough."""
        return nullcontext()

    def revision(self, connection: Connection) -> str | None:
        """By the table of revisions; looked for in the catalogue, since names are resolved by what was there at the start."""
        if not connection.exec_driver_sql(_REVISIONS).first():
            return None
        return str(connection.exec_driver_sql(f"SELECT version_num FROM {SCHEMA}.alembic_version").scalar_one())

    def make_room(self, connection: Connection) -> None:
        """Make the schema; one that an administrator has made needs no right to make it."""
        if not connection.exec_driver_sql(f"SELECT 1 FROM pg_namespace WHERE nspname = '{SCHEMA}'").first():
            connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")

    def mark(self, connection: Connection) -> None:
        """Every cerebrolab that knows PostgreSQL knows revisions."""

    def keep_open(self) -> None:
        """Connections are kept anyway."""

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def explain(self, error: Exception) -> str:
        """The server's own words, and advice."""
        return self._address.advice(error)


def copy_new(connection: Connection, table: Table, rows: Iterable[Sequence[Any]]) -> None:
    """Insert many rows, in the order of the columns, as fast as the server takes them; NaN becomes NULL, known rows stay."""
    import psycopg

    driver: Any = connection.connection.driver_connection
    new = ", ".join(f"NULLIF({name}, 'NaN')" if isinstance(column.type, Double) else name for name, column in table.columns.items())
    try:
        with driver.cursor() as cursor:
            cursor.execute(f"CREATE TEMPORARY TABLE new_rows (LIKE {table.name})")
            with cursor.copy("COPY new_rows FROM STDIN (FORMAT binary)") as copy:
                copy.set_types([column.type.compile(connection.dialect).lower() for column in table.columns])
                for row in rows:
                    copy.write_row(row)
            cursor.execute(f"INSERT INTO {table.name} SELECT {new} FROM new_rows ON CONFLICT DO NOTHING")
            cursor.execute("DROP TABLE new_rows")
    except psycopg.Error as error:
        raise DBAPIError("COPY", None, error) from error


def _begin(connection: Connection) -> None:
    turn = connection.get_execution_options().get("turn")
    if turn:
        connection.exec_driver_sql(turn)
