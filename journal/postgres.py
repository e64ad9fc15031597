"""The journal on a PostgreSQL server: one schema of a database, transactions, and what its errors mean."""

import re
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sqlalchemy import URL, Connection, Double, Engine, Table, create_engine, event
from sqlalchemy.exc import DBAPIError

SCHEMA = "cerebrolab"  # beside the tables of others: Optuna's, in "public", have some of the same names
TURN = 0x63657265_62726F6C  # the advisory lock of those who write, "cerebrol"
CONNECT_TIMEOUT_S = 10
_REVISIONS = f"SELECT 1 FROM pg_tables WHERE schemaname = '{SCHEMA}' AND tablename = 'alembic_version'"
_TURN = f"SELECT pg_advisory_xact_lock({TURN})"
_DURABLE_TURN = _TURN + ", CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', true) END"
_LOST = "the connection was lost and what was not committed is undone; repeat when the server answers"
_BY_STATE = {  # SQLSTATE, or how it begins
    "55P03": "another process is writing; wait for it and repeat",
    "53100": "make room on the server's disk and repeat",
    "53300": "the server has no connection left; close others, or raise its max_connections",
    "42501": f"the user needs the right to create the schema {SCHEMA} in this database, and to write in it",
    "25006": "this server is a copy to read from; name the one that can be written",
    "57P": _LOST,
    "08": _LOST,
}
_BY_WORDS = {  # what fails on the way to the server, and what the driver refuses, has no SQLSTATE
    "password authentication failed|no password supplied": "check the user and the password",
    'role ".*" does not exist': "check the user and the password",
    "pg_hba.conf": "the server does not let this user in from here; see its pg_hba.conf",
    'database ".*" does not exist': "make it with createdb, or correct its name",
    "too many": _BY_STATE["53300"],
    "starting up|shutting down": "wait until the server has started and repeat",
    "connection failed|connection is bad|connection timeout|resolve host": "check the address and that the server runs",
    "cannot contain NUL": "leave that character out",
    "": _LOST,
}


class Postgres:
    """One schema of one database, made on first use.

    Writers take turns by an advisory lock held to the end of the transaction. SERIALIZABLE would let them overlap and fail
    those that conflict, so that every caller had to be ready to repeat; in turn, a block runs once, as on SQLite. They read
    what is committed: a snapshot of the whole transaction would be taken before the turn came.
    """

    def __init__(self, url: URL, busy_timeout_s: float) -> None:
        self._secrets = [str(each) for each in (url.password, url.query.get("password"), url.query.get("sslpassword")) if each]
        self.shown = url.difference_update_query(["password", "sslpassword"]).render_as_string(hide_password=True)
        engine = create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, max_overflow=-1,
                               hide_parameters=True, connect_args=_connecting(url, busy_timeout_s))
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
        cause = getattr(error, "orig", None) or error
        state, text = str(getattr(cause, "sqlstate", None) or ""), " ".join(str(cause).split())
        if state:
            advice = next((_BY_STATE[state[:size]] for size in (5, 3, 2) if state[:size] in _BY_STATE), "see the server's log")
        else:
            advice = next(advice for words, advice in _BY_WORDS.items() if re.search(words, text))
        return f"{self._masked(text)}; {advice}"

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


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


def _connecting(url: URL, busy_timeout_s: float) -> dict[str, Any]:
    """Options of a connection; those in the address count more. A dead server is noticed within a minute."""
    options = f"-c search_path={SCHEMA} -c lock_timeout={max(1, round(busy_timeout_s * 1000))}"
    stated = {"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "cerebrolab", "keepalives_idle": 20,
              "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
    return {**{name: value for name, value in stated.items() if name not in url.query},
            "options": f"{url.query.get('options', '')} {options}".strip()}


def _begin(connection: Connection) -> None:
    turn = connection.get_execution_options().get("turn")
    if turn:
        connection.exec_driver_sql(turn)
