"""A real S3-compatible server for tests, versitygw, which `make peers` fetches; without it the tests that ask are skipped."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ports import free_port

KEY, SECRET, BUCKET = "me", "geheim-s3", "bars"
START_S = 20.0


class S3Server:
    """One server on a folder of its own, with one bucket; what was written outlives `stop`."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._folder = program, folder
        (folder / BUCKET).mkdir(parents=True)
        self.port = free_port()
        self._process: subprocess.Popen | None = None

    @property
    def settings(self) -> dict[str, str]:
        """The environment of those who use it."""
        return {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}"}

    def file(self, key: str) -> Path:
        """Where the server keeps an object."""
        return self._folder / BUCKET / key

    def start(self) -> None:
        """Start it where it does not run, and wait until it takes connections."""
        if self._process is not None:
            return
        environment = {**os.environ, "ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}
        self._process = subprocess.Popen([self._program, "--quiet", "--port", f"127.0.0.1:{self.port}", "posix", str(self._folder)],
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        end = time.monotonic() + START_S
        while not self._answers():
            assert self._process.poll() is None and time.monotonic() < end, "versitygw did not start"
            time.sleep(0.01)

    def stop(self) -> None:
        """Kill it, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def started() -> Iterator[S3Server]:
    """A new server; skips the test that asks where there is no versitygw."""
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", ""), str(Path.home() / "go" / "bin")]
    program = shutil.which("versitygw", path=os.pathsep.join(places))
    if program is None:
        pytest.skip("S3 is not tested: there is no versitygw here; make peers fetches it where go is")
    with tempfile.TemporaryDirectory(prefix="cerebrolab-s3-", ignore_cleanup_errors=True) as folder:
        server = S3Server(program, Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.stop()


@pytest.fixture(name="s3_server", scope="session")
def _s3_server():
    with started() as server:
        yield server


@pytest.fixture(name="s3")
def _s3(s3_server, monkeypatch):
    """The running server, with its keys in the environment and nobody else's."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    for name, value in s3_server.settings.items():
        monkeypatch.setenv(name, value)
    s3_server.start()
    return s3_server
