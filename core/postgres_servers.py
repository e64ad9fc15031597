"""A PostgreSQL server: how it is connected to, which schema is ours, and what its errors mean.

Imports nothing heavy; the address is a `sqlalchemy.URL`.
"""

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import URL

SCHEMA = "cerebrolab"  # beside the tables of others: Optuna's, in "public", have some of the same names
CONNECT_TIMEOUT_S = 10
_LOST = "the connection was lost and what was not committed is undone; repeat when the server answers"
_UNREACHED = "check the address and that the server runs"
_STARTING = "wait until the server has started and repeat"
_CROWDED = "the server has no connection left; close others, or raise its max_connections"
_PASSING = (_LOST, _UNREACHED, _STARTING, _CROWDED)
_BY_STATE = {  # SQLSTATE, or how it begins
    "55P03": "another process is writing; wait for it and repeat",
    "53100": "make room on the server's disk and repeat",
    "53300": _CROWDED,
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
    "too many": _CROWDED,
    "starting up|shutting down": _STARTING,
    "connection failed|connection is bad|connection timeout|resolve host": _UNREACHED,
    "cannot contain NUL": "leave that character out",
    "": _LOST,
}


class PostgresAddress:
    """The address of a database.

    Attributes:
        shown: the address for messages, without passwords. arguments: what SQLAlchemy hands to psycopg.
    """

    def __init__(self, url: "URL", busy_timeout_s: float) -> None:
        self._secrets = [str(each) for each in (url.password, url.query.get("password"), url.query.get("sslpassword")) if each]
        self.shown = url.difference_update_query(["password", "sslpassword"]).render_as_string(hide_password=True)
        self.url = url.set(drivername="postgresql+psycopg")
        self.arguments = _connecting(url, busy_timeout_s)

    def advice(self, error: Exception) -> str:
        """The server's own words, without secrets, and what to do."""
        text = " ".join(str(getattr(error, "orig", None) or error).split())
        advice = _advice(error)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return f"{text}; {advice}"


def passing(error: Exception) -> bool:
    """Whether the same may succeed in a moment: the server was not reached, is starting, or was lost."""
    return _advice(error) in _PASSING


def _advice(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    state, text = str(getattr(cause, "sqlstate", None) or ""), " ".join(str(cause).split())
    if state:
        return next((_BY_STATE[state[:size]] for size in (5, 3, 2) if state[:size] in _BY_STATE), "see the server's log")
    return next(advice for words, advice in _BY_WORDS.items() if re.search(words, text))


def _connecting(url: "URL", busy_timeout_s: float) -> dict[str, Any]:
    """Options of a connection; those in the address count more. A dead server is noticed within a minute."""
    options = f"-c search_path={SCHEMA} -c lock_timeout={max(1, round(busy_timeout_s * 1000))}"
    stated = {"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "cerebrolab", "keepalives_idle": 20,
              "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
    return {**{name: value for name, value in stated.items() if name not in url.query},
            "options": f"{url.query.get('options', '')} {options}".strip()}
