"""Where a QuestDB is: one address for its two ports, HTTP to write and the PostgreSQL wire to read. Imports nothing heavy."""

import re
from dataclasses import dataclass, field
from typing import Any, Self

from core.errors import UsageError

FORM = "write questdb://USER:PASSWORD@HOST:9000, with ?pg_port=8812 where that is another"
CONNECT_TIMEOUT_S, REQUEST_TIMEOUT_S = 5, 30


@dataclass(frozen=True)
class QuestAddress:
    """A server and who asks it; what is not in the address is as QuestDB ships.

    Attributes:
        port: of HTTP, where rows are sent. pg_port: of the PostgreSQL wire.
    """

    host: str
    port: int = 9000
    pg_port: int = 8812
    user: str = "admin"
    password: str = field(default="quest", repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "questdb://USER:PASSWORD@HOST:PORT?pg_port=PORT".

        Raises:
            UsageError: it is no such address.
        """
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            url = make_url(text)
            given = {"port": int(url.port or cls.port), "pg_port": int(str(url.query.get("pg_port", cls.pg_port)))}
            user, password = url.username or cls.user, str(url.password or "") or "quest"
            right = (url.drivername == "questdb" and url.host and not url.database and set(url.query) <= {"pg_port"}
                     and all(0 < port < 65536 for port in given.values()) and (user + password).isprintable())
        except (ArgumentError, ValueError):
            right = False
        if not right:
            raise UsageError(f"QuestDB address {re.sub('(?s)://.*@', '://***@', text)!r} is none: {FORM}")
        return cls(str(url.host), **given, user=user, password=password)

    @property
    def shown(self) -> str:
        """For messages, without the password."""
        return f"questdb://{self.user}:***@{self._host}:{self.port}"

    def masked(self, text: str) -> str:
        """A text without the password, unless that is the one everybody knows."""
        return text if self.password == "quest" else text.replace(self.password, "***")

    @property
    def sending(self) -> str:
        """What `questdb.Sender.from_conf` takes: nothing is sent but by an explicit flush, and nothing sent again."""
        values = {"addr": f"{self._host}:{self.port}", "username": self.user, "password": self.password, "auto_flush": "off",
                  "retry_timeout": 0, "auth_timeout": CONNECT_TIMEOUT_S * 1000, "request_timeout": REQUEST_TIMEOUT_S * 1000}
        return "http::" + "".join(f"{name}={str(value).replace(';', ';;')};" for name, value in values.items())

    @property
    def asking(self) -> dict[str, Any]:
        """What `psycopg.connect` takes."""
        return {"host": self.host, "port": self.pg_port, "user": self.user, "password": self.password, "dbname": "qdb",
                "connect_timeout": CONNECT_TIMEOUT_S, "keepalives_idle": 20, "keepalives_interval": 10, "keepalives_count": 3,
                "tcp_user_timeout": REQUEST_TIMEOUT_S * 1000}

    @property
    def _host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host
