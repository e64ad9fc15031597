"""`cerebrolab data record`, within this process and as one of its own that is killed and ended."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from alpaca_minutes_live import FRIDAY, MINUTES, at, walks
from paper_processes import COMMAND
from recorded_days import agree, stored

from brokers.local_alpaca import LocalAlpaca
from core.settings import variable_names
from feeds.parquet_store import ParquetStore
from feeds.stores import opened

PATIENCE_S = 60.0


def addresses(alpaca, **changes):
    """Settings of a local Alpaca."""
    return {"ALPACA_API_KEY": alpaca.key_id, "ALPACA_SECRET_KEY": alpaca.secret_key, "ALPACA_BASE_URL": alpaca.url,
            "ALPACA_DATA_URL": alpaca.data_url, "ALPACA_STREAM_URL": alpaca.stream_url, **changes}


@pytest.fixture(name="evening")
def _evening(folder, monkeypatch):
    with LocalAlpaca(walks(f"{FRIDAY} 15:20", seed=2), now=at("18:00")) as alpaca:
        for name, value in addresses(alpaca, CEREBROLAB_STORE="sqlite:///bars.db").items():
            monkeypatch.setenv(name, value)
        yield alpaca


def test_once_after_the_session_stores_its_official_bars_and_ends(command, evening):
    answer = command("data", "record", "--symbols", "aaa,BBB", "--once")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines() == ["the session of 2024-03-01 is over: its official bars are fetched", "the official bars of 2024-03-01 are stored"]
    agree(opened("sqlite:///bars.db"), evening, at("16:00"))


@pytest.mark.parametrize(("options", "told"), [
    (("--symbols", ","), "no symbols were given: name some, such as --symbols SPY,QQQ"),
    (("--symbols", "SPY", "--source", "bloomberg"), "unknown source 'bloomberg': known: alpaca, csv, sample, synthetic, yahoo"),
    (("--symbols", "SPY", "--source", "yahoo"), "the source 'yahoo' tells no bars in real time: use alpaca or alpaca:sip"),
    (("--symbols", "SPY", "--source", "csv:here"), "the source 'csv:here' tells no bars in real time"),
    (("--symbols", "SPY", "--source", "alpaca:otc"), "unknown feed of the source alpaca 'otc'"),
    (("--symbols", "SPY", "--interval", "5m"), "interval '5m' is not what alpaca tells in real time: use --interval 1m"),
    (("--symbols", "SPY", "--interval", "1d"), "interval '1d' is not what alpaca tells in real time: use --interval 1m"),
    (("--symbols", "SPY", "--interval", "often"), "interval 'often' is not understood"),
    (("--symbols", "SPY"), "ALPACA_API_KEY and ALPACA_SECRET_KEY are not set"),
    ((), "Missing option '--symbols'"),
])
def test_what_cannot_be_recorded_is_one_line(command, options, told):
    answer = command("data", "record", *options)
    assert answer.code == 2 and told in answer.err and answer.err.count("\n") == 1


@pytest.mark.parametrize(("options", "changes", "told"), [
    (("--symbols", "^VIX"), {}, "no fund stands for '^VIX'"),
    (("--symbols", "AAA,NOPE"), {}, "alpaca has no symbol 'NOPE': check the spelling"),
    (("--symbols", "AAA"), {"ALPACA_SECRET_KEY": "wrong"}, "ALPACA_SECRET_KEY"),
    (("--symbols", "AAA", "--source", "alpaca:sip"), {}, "ALPACA_STREAM_URL tells the bars of iex, not of sip: remove it, or use --source alpaca"),
])
def test_what_the_venue_refuses_is_one_line(command, evening, monkeypatch, options, changes, told):
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    answer = command("data", "record", *options)
    assert answer.code == 2 and told in answer.err and answer.err.count("\n") == 1


class Process:
    """`cerebrolab data record` as a process of its own; the venue's time passes while it lives."""

    def __init__(self, alpaca, folder):
        clean = {name: value for name, value in os.environ.items() if name not in variable_names()}
        settings = {**clean, **addresses(alpaca), "CEREBROLAB_HOME": str(folder / "home"), "PYTHONPATH": os.pathsep.join(sys.path)}
        self.alpaca, self._over = alpaca, threading.Event()
        self.process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", COMMAND, "data", "record", "--symbols", "AAA,BBB"], cwd=folder,
                                        env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._watchdog = threading.Timer(PATIENCE_S, self.process.kill)
        self._thread = threading.Thread(target=self._tick)

    def _tick(self):
        before = time.monotonic()
        while not self._over.wait(0.02):
            now = time.monotonic()
            with self.alpaca.lock:
                self.alpaca.advance(seconds=now - before)
            before = now

    def __enter__(self):
        self._watchdog.start()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        self._watchdog.cancel()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def wait(self, condition):
        while not condition():
            assert self.process.poll() is None, self.process.stdout.read()
            time.sleep(0.05)


def test_a_process_that_is_killed_loses_nothing_and_one_that_is_ended_ends_well(tmp_path):
    bars = tmp_path / "home" / "bars"
    with LocalAlpaca(MINUTES, now=at("09:34:58")) as alpaca:
        with Process(alpaca, tmp_path) as first:
            first.wait(lambda: len(stored(bars, "BBB")) >= 5)
            first.process.send_signal(signal.SIGKILL)
            first.process.wait()
        alpaca.advance(seconds=120)
        with Process(alpaca, tmp_path) as second:
            second.wait(lambda: len(stored(bars, "BBB")) >= 7)
            second.process.send_signal(signal.SIGTERM)
            out, _ = second.process.communicate(timeout=60)
            assert second.process.returncode == 0 and "Traceback" not in out
            agree(bars, alpaca, at(time_of(stored(bars, "BBB")[-1][0])))
    assert not list(bars.rglob("*.tmp")) and not list(bars.rglob("*.corrupt*"))
    assert list(ParquetStore(bars).check()) == []


def time_of(moment):
    """New York's."""
    from brokers.local_alpaca.moments import new_york

    return new_york(moment).strftime("%H:%M:%S")
