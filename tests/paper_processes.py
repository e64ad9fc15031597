"""`cerebrolab paper --loop` as a process of its own on a local Alpaca, whose time passes while the process is connected."""

import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from core.settings import variable_names

COMMAND = "import sys; from scripts import cli; sys.exit(cli.run(sys.argv[1:]))"
PATIENCE_S = 150.0  # of a test with a process: one that is too slow for a minute decides on the next
DAY, RUN, STRATEGY = "2024-03-01", "one", "Holds"
CODE = f'''
import numpy as np
from strategies import TargetStrategy

class {STRATEGY}(TargetStrategy):
    """So much of the account in AAA, on every bar."""

    params = dict(share=0.1)
    default_sizer = "TargetWeight"

    @classmethod
    def signals(cls, bars, p):
        return np.where(np.array(bars.symbols) == "AAA", p.share, np.full(bars.shape, np.nan))
'''
SPEC = f"""
strategy = "holds.py:{STRATEGY}"
name = "{RUN}"
symbols = ["AAA", "BBB"]
interval = "1m"
source = "alpaca"
start = "{DAY}"
on_stop = "keep"
"""


def at(time):
    """A New York time of the day."""
    return f"{DAY}T{time}-05:00"


class Paper:
    """Processes of one run, one after the other.

    Args:
        journal: as CEREBROLAB_JOURNAL has it.
    """

    def __init__(self, alpaca, folder: Path, journal: str) -> None:
        self.alpaca, self._folder = alpaca, folder
        (folder / "holds.py").write_text(CODE)
        (folder / "run.toml").write_text(SPEC)
        addresses = {"API_KEY": alpaca.key_id, "SECRET_KEY": alpaca.secret_key, "BASE_URL": alpaca.url, "DATA_URL": alpaca.url,
                     "STREAM_URL": alpaca.stream_url, "TRADE_STREAM_URL": alpaca.trade_stream_url}
        clean = {name: value for name, value in os.environ.items() if name not in variable_names()}
        self._settings = {**clean, **{f"ALPACA_{name}": value for name, value in addresses.items()}, "CEREBROLAB_JOURNAL": journal,
                          "CEREBROLAB_HOME": str(folder / "home"), "PYTHONPATH": os.pathsep.join(sys.path)}

    @contextmanager
    def process(self):
        """A process that is connected; it is ended with the block, if not before."""
        for stream in ("data", "trade"):
            self.alpaca.wait_connected(stream, 0)
        with subprocess.Popen([sys.executable, "-W", "ignore", "-c", COMMAND, "paper", "run.toml", "--loop"], cwd=self._folder, env=self._settings,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            watchdog = threading.Timer(PATIENCE_S, process.kill)
            watchdog.start()
            try:
                for stream in ("data", "trade"):
                    self.alpaca.wait_connected(stream, timeout_s=PATIENCE_S)
                with self._ticking():
                    yield process
            finally:
                watchdog.cancel()
                process.kill()


    @contextmanager
    def _ticking(self):
        """Within, the venue's time passes as fast as that of the process."""
        over = threading.Event()

        def tick():
            before = time.monotonic()
            while not over.wait(0.02):
                now = time.monotonic()
                with self.alpaca.lock:
                    self.alpaca.advance(seconds=now - before)
                before = now

        thread = threading.Thread(target=tick)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def heard(process, words):
    """The lines up to the one that has these words."""
    lines = []
    while not lines or words not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1], lines
    return lines
