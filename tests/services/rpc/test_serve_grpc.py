"""`cerebrolab serve grpc` as a process of its own: it says where it listens, answers, and ends when it is told to."""

import os
import signal
import subprocess
import sys

import pytest
from ports import free_port
from rpc_client import Client

from core.settings import variable_names
from scripts import cli

COMMAND = "import sys; from scripts import cli; sys.exit(cli.run(sys.argv[1:]))"
STATE = "portfoliostateservice.PortfolioStateService/GetPortfolioState"


def begun(folder, *options):
    clean = {name: value for name, value in os.environ.items() if name not in variable_names()}
    return subprocess.Popen([sys.executable, "-c", COMMAND, "serve", "grpc", *options], cwd=folder, env=clean, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def test_it_serves_until_it_is_told_to_end(tmp_path):
    (tmp_path / "run.toml").write_text('strategy = "Momentum"\nsymbols = ["KO", "PG"]\ncash = 5000.0\n')
    port = free_port()
    with begun(tmp_path, "run.toml", "--only", "state", "--port", f"state={port}") as process:
        assert process.stdout.readline() == f"state 127.0.0.1:{port}\n"
        with Client({"state": port}) as client:
            assert client(STATE)["cash_balance"] == 5000.0
        process.send_signal(signal.SIGTERM)
        assert (process.wait(20), process.stderr.read()) == (0, "")
    assert (tmp_path / ".cerebrolab" / "journal.db").is_file()


@pytest.mark.parametrize("options, said", [
    (["--host", "0.0.0.0"], "host 0.0.0.0 can be reached from other machines"),
    (["--only", "datum"], "unknown service 'datum': did you mean 'data'?"),
    (["--port", "data=x"], "--port 'data=x' is not understood: write NAME=PORT"),
    (["--source", "yohoo"], "unknown source 'yohoo'"),
    (["none.toml"], "cannot read none.toml"),
])
def test_what_cannot_be_served_is_one_line(tmp_path, monkeypatch, capsys, options, said):
    monkeypatch.chdir(tmp_path)
    assert cli.run(["serve", "grpc", *options]) == 2
    shown = capsys.readouterr()
    assert said in shown.err and shown.err.count("\n") == 1 and not shown.out
