"""A real QuestDB for tests, from its Maven jar, on two free ports of 127.0.0.1; where Java or Maven are missing, tests skip and say so."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ports import free_port

VERSION = "9.3.1"
JAR = Path.home() / f".m2/repository/org/questdb/questdb/{VERSION}/questdb-{VERSION}.jar"
USER, PASSWORD = "cerebro lab", "p@ss;word/:"
START_S = 120
WATCHED = '"$@" & echo $!; read -r end; kill -9 $!'  # it ends with whoever has started it, however that ends
CONF = """http.bind.to=127.0.0.1:{port}
http.user={user}
http.password={password}
pg.net.bind.to=127.0.0.1:{pg_port}
pg.user={user}
pg.password={password}
line.tcp.enabled=false
http.min.enabled=false
telemetry.enabled=false
shared.worker.count=1
shared.worker.nap.threshold=100
shared.worker.sleep.threshold=1000
wal.apply.worker.count=1
wal.apply.worker.nap.threshold=100
wal.apply.worker.sleep.threshold=1000
dev.mode.enabled=true
"""
LOGGED = "writers=stdout\nw.stdout.class=io.questdb.log.LogConsoleWriter\nw.stdout.level=ADVISORY,CRITICAL,ERROR\n"


class QuestDBServer:
    """One server with its data in a folder; it can be stopped as by a crash, and started again where it was."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._process = folder, None
        self.port, self.pg_port = free_port(), free_port()
        (folder / "conf").mkdir()
        (folder / "conf/server.conf").write_text(CONF.format(port=self.port, pg_port=self.pg_port, user=USER, password=PASSWORD))
        (folder / "conf/log.conf").write_text(LOGGED)

    def address(self, password: str = "p%40ss%3Bword%2F%3A", port: int = 0, pg_port: int = 0) -> str:
        """Of the server, or a wrong one."""
        return f"questdb://cerebro%20lab:{password}@127.0.0.1:{port or self.port}?pg_port={pg_port or self.pg_port}"

    def ask(self, statement: str) -> list[tuple]:
        """Carry out a statement as another program would."""
        import psycopg

        with psycopg.connect(host="127.0.0.1", port=self.pg_port, user=USER, password=PASSWORD, dbname="qdb", autocommit=True) as connection:
            found = connection.execute(statement)
            return found.fetchall() if found.description else []

    def start(self) -> None:
        """Start it where it does not run, and wait until it answers."""
        if self._process is not None:
            return
        self._process = subprocess.Popen(
            ["sh", "-c", WATCHED, "sh", "java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-p", JAR, "-m", "io.questdb/io.questdb.ServerMain",
             "-d", self._folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        self._java = int(self._process.stdout.readline())
        timer = threading.Timer(START_S, self._process.stdin.close)
        timer.start()
        said = []
        for line in self._process.stdout:
            said.append(line)
            if "server-main enjoy" in line:
                break
        timer.cancel()
        assert said and "enjoy" in said[-1], "".join(said[-20:])
        self._reader = threading.Thread(target=_drain, args=[self._process.stdout])
        self._reader.start()

    def stop(self) -> None:
        """Kill it, as a crash would."""
        if self._process is not None:
            self._process.stdin.close()
            self._process.wait()
            self._reader.join()
            self._process.stdout.close()
            self._process = None

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """While within, it does nothing."""
        os.kill(self._java, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._java, signal.SIGCONT)


@contextmanager
def started() -> Iterator[QuestDBServer]:
    """A new, empty server; skips the test that asks where there is no Java, or no jar and no Maven to fetch it."""
    _need_jar()
    with tempfile.TemporaryDirectory(prefix="cerebrolab-quest-", ignore_cleanup_errors=True) as folder:
        server = QuestDBServer(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _need_jar() -> None:
    if shutil.which("java") is None:
        pytest.skip("QuestDB is not tested: there is no java here")
    if JAR.exists():
        return
    if shutil.which("mvn") is None:
        pytest.skip(f"QuestDB is not tested: org.questdb:questdb:{VERSION} is not in the local Maven repository, and there is no mvn to fetch it")
    asked = subprocess.run(["mvn", "-q", "-B", "dependency:get", "-Dtransitive=false", f"-Dartifact=org.questdb:questdb:{VERSION}"],
                           capture_output=True, text=True, check=False)
    if not JAR.exists():
        pytest.skip(f"QuestDB is not tested: mvn could not fetch org.questdb:questdb:{VERSION}: {asked.stdout.strip():.200}")


def _drain(lines: object) -> None:
    for _ in lines:  # type: ignore[attr-defined]
        pass


@pytest.fixture(name="quest_server", scope="session")
def _quest_server():
    with started() as server:
        yield server


@pytest.fixture(name="quest_place")
def _quest_place(quest_server):
    """The address of a QuestDB without tables of the journal's, and without stored bars."""
    quest_server.start()
    for table in ("executions", "equity", "bars"):
        quest_server.ask(f"DROP TABLE IF EXISTS cerebrolab_{table}")
    for table in ("store", "averages"):  # several times as fast
        quest_server.ask(f"TRUNCATE TABLE IF EXISTS cerebrolab_{table}")
    return quest_server.address()
