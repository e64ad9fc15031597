"""The command line as a process: help without heavy imports, closed pipes, interruption, unexpected errors."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core import __version__
from scripts import cli

ROOT = Path(__file__).parents[2]
HEAVY = ("pandas", "numpy", "matplotlib", "numba", "backtrader", "sqlalchemy", "exchange_calendars", "pyarrow",
         "yfinance", "pydantic_settings")
RUN = "import sys; from scripts.cli import main; main()"


def start(folder, *arguments, code=RUN, **options):
    return subprocess.Popen([sys.executable, "-c", code, *arguments], cwd=folder, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env={**os.environ, "PYTHONPATH": str(ROOT)}, **options)


@pytest.mark.parametrize("arguments", [
    ["--help"], ["--version"], [], ["backtest", "--help"], ["data", "--help"], ["data", "fetch", "--help"],
    ["runs", "--help"], ["report", "--help"]])
def test_help_imports_nothing_heavy_and_writes_nothing(folder, arguments):
    code = (f"import sys, json; from scripts.cli import run; code = run({arguments!r}); "
            f"print(json.dumps([code, [name for name in {HEAVY!r} if name in sys.modules]]), file=sys.stderr)")
    out, err = start(folder, code=code).communicate(timeout=60)
    assert json.loads(err) == [0, []]
    assert out
    assert list(folder.iterdir()) == []


def test_version(command):
    assert command("--version").out == f"cerebrolab {__version__}\n"


def test_help_lists_the_commands(command):
    answer = command("--help")
    assert answer.code == 0
    assert all(name in answer.out for name in ("backtest", "data", "runs", "report"))


@pytest.mark.parametrize("arguments", [("runs", "list"), ("runs", "list", "--json"), ("data", "list"), ("--version",)])
def test_a_closed_stdout_is_no_error(folder, arguments):
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run([sys.executable, "-c", RUN, *arguments], cwd=folder, text=True, stdout=writer, check=False,
                             stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)})
    os.close(writer)
    assert (process.returncode, process.stderr) == (0, "")


def test_an_unexpected_error_is_one_line_and_its_traceback_is_in_the_log(command, folder, monkeypatch):
    monkeypatch.setattr("journal.Journal.runs", lambda *_, **__: 1 / 0)
    answer = command("runs", "list")
    assert (answer.code, answer.out) == (1, "")
    log = folder / "logs" / "cerebrolab.log"
    assert answer.err == (f"error: unexpected ZeroDivisionError: division by zero; "
                          f"the traceback is in {log}\n")
    assert "Traceback (most recent call last)" in log.read_text()


def test_interruption_is_130(command, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("journal.Journal.runs", interrupted)
    answer = command("runs", "list")
    assert (answer.code, answer.out) == (130, "")
    assert answer.err.strip() == "error: interrupted; what was recorded is kept"


@pytest.mark.slow
def test_ctrl_c_during_a_run_leaves_nothing_behind(folder):
    (folder / "slow.py").write_text(
        "import time\n\nimport backtrader as bt\n\n\nclass Slow(bt.Strategy):\n    def next(self):\n"
        "        open('started', 'w').close()\n        time.sleep(0.2)\n")
    process = start(folder, "backtest", "slow.py:Slow", "--symbols", "AAPL")
    deadline = time.monotonic() + 60
    while not (folder / "started").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert not (folder / "runs").exists()


def test_run_never_raises_for_any_command_line(folder, capsys):
    for arguments in (["backtest", "--cash"], ["runs", "show"], ["--nonsense"], ["data", "x"], [""]):
        assert cli.run(arguments) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
