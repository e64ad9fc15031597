"""`cerebrolab serve api` as a process: it listens, keeps its token out of the log, ends at SIGTERM, and refuses in one line."""

import os
import signal
import socket
import subprocess
import sys
from importlib.util import find_spec

import httpx
import pytest
import typer
from ports import free_port

from core.errors import UsageError
from core.settings import variable_names
from scripts import cli
from scripts import serve as commands
from scripts.serve import SERVICES, serve
from services.job_files import JobFiles

TOKEN = "a-token-of-some-length-3141592653"
COMMAND = "import sys; from scripts import cli; sys.exit(cli.run(sys.argv[1:]))"


def started(folder, *options):
    clean = {name: value for name, value in os.environ.items() if name not in variable_names()}
    clean["PYTHONPATH"] = os.pathsep.join(sys.path)
    return subprocess.Popen([sys.executable, "-c", COMMAND, "serve", "api", *options], cwd=folder, env=clean, text=True, bufsize=1,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_it_serves_until_it_is_asked_to_end(tmp_path):
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    port = free_port()
    with started(tmp_path, "--port", str(port), "--token-file", "token") as process:
        address = process.stdout.readline().strip().removesuffix("/docs")
        assert address == f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=address) as client:
            assert client.get("/health").json()["status"] == "ok"
            assert client.get(f"/v1/strategies/{TOKEN}").status_code == 401
            assert client.get("/v1/strategies", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0 and process.stderr.read() == ""
    log = (tmp_path / "logs" / "cerebrolab.log").read_text()
    assert TOKEN not in log and "GET /v1/strategies/*** from 127.0.0.1: 401" in log


@pytest.mark.parametrize(("options", "words"), [
    (("--host", "0.0.0.0"), "host 0.0.0.0 can be reached from other machines: name a token with --token-file FILE, or use --host 127.0.0.1"),
    (("--token-file", "gone"), "cannot read the token in gone: "),
])
def test_what_is_refused_is_one_line(tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as refused:
        typer.main.get_command(serve)(["api", *options], standalone_mode=False)
    assert str(refused.value).startswith(words) and "\n" not in str(refused.value)


def test_an_address_and_a_folder_that_are_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in variable_names():
        monkeypatch.delenv(name, raising=False)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        with pytest.raises(UsageError, match=r"cannot listen on 127\.0\.0\.1:\d+: Address already in use; name another with --host and --port"):
            typer.main.get_command(serve)(["api", "--port", str(one.getsockname()[1])], standalone_mode=False)
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    other = JobFiles(tmp_path / ".cerebrolab" / "jobs")
    other.open()
    with pytest.raises(UsageError, match="another API serves jobs from .*: end it, or set CEREBROLAB_HOME"):
        typer.main.get_command(serve)(["api", "--port", str(free_port())], standalone_mode=False)
    other.close()
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_without_a_name_they_are_listed(capsys):
    assert cli.run(["serve"]) == 0
    told = capsys.readouterr()
    assert told.err == "" and all(name in told.out for name in SERVICES)


@pytest.mark.parametrize(("service", "module"), [("api", "fastapi"), ("api", "uvicorn"), ("grpc", "grpc")])
def test_what_is_not_installed_is_one_line(tmp_path, monkeypatch, capsys, service, module):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(commands, "find_spec", lambda name: None if name == module else find_spec(name))
    assert cli.run(["serve", service]) == 2
    assert capsys.readouterr().err == f"error: this service needs {module}, which is not installed: install it with pip install -e '.[services]'\n"


def test_only_services_that_are_there_are_named():
    command = typer.main.get_command(serve)
    names = command.list_commands(None)
    assert names[:2] == ["all", "api"] and command.get_command(None, "nothing") is None
    assert command.get_command(None, "api").get_short_help_str(200).startswith("Serve data, strategies, signals")
