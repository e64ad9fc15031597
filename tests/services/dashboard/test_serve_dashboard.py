"""`cerebrolab serve dashboard` as a process: it says where it answers, ends when it is asked to, and refuses in one line."""

import signal
import socket
from importlib.util import find_spec

import pytest
import requests
import typer
from chromium import visiting
from ports import free_port

from core.errors import UsageError
from scripts import cli
from scripts import serve as commands
from scripts.serve import serve
from services.dashboard.client import ApiProblem, Client, NotServed, Unreachable, WrongToken

pytestmark = pytest.mark.xdist_group("dashboard")


@pytest.mark.slow
def test_it_ends_at_once_with_somebody_looking(started, api, browser, tmp_path):
    port = free_port()
    with started(tmp_path, "--port", str(port), "--api", api) as process:
        address = process.stdout.readline().strip()
        assert address == f"http://127.0.0.1:{port}"
        answer = requests.get(address, timeout=60)
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"] and answer.headers["X-Frame-Options"] == "DENY"
        with visiting(browser) as page:
            page.goto(address)
            page.get_by_role("heading", name="Account", level=1).wait_for()
            page.context.set_offline(True)  # it is not told that the server goes
            process.send_signal(signal.SIGINT)
            assert (process.wait(30), process.stdout.read(), process.stderr.read()) == (0, "", "")


@pytest.mark.parametrize(("options", "words"), [
    (("--host", "0.0.0.0"), "host 0.0.0.0 can be reached from other machines: name a token with --token-file FILE, or use --host 127.0.0.1"),
    (("--token-file", "gone"), "cannot read the token in gone: "),
    (("--api", "http://token:secret@127.0.0.1:8000/v1"), "'127.0.0.1:8000/v1' is no address of an API: write http://127.0.0.1:8000"),
])
def test_what_is_refused_is_one_line(tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as refused:
        typer.main.get_command(serve)(["dashboard", *options], standalone_mode=False)
    assert str(refused.value).startswith(words) and "\n" not in str(refused.value)


def test_a_port_that_is_taken(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        port = one.getsockname()[1]
        assert cli.run(["serve", "dashboard", "--port", str(port)]) == 2
    assert capsys.readouterr().err == f"error: cannot listen on 127.0.0.1:{port}: Address already in use; name another with --host and --port\n"


@pytest.mark.parametrize("module", ["streamlit", "plotly"])
def test_what_is_not_installed_is_one_line(tmp_path, monkeypatch, capsys, module):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(commands, "find_spec", lambda name: None if name == module else find_spec(name))
    assert cli.run(["serve", "dashboard"]) == 2
    assert capsys.readouterr().err == f"error: this service needs {module}, which is not installed: install it with pip install -e '.[dashboard]'\n"


@pytest.mark.slow
def test_what_the_api_says_is_one_line(api):
    client = Client(api)
    assert client.alive() and client.get("/runs", strategy=None) == {"next": None, "runs": client.get("/runs")["runs"]}
    with pytest.raises(NotServed):
        client.get("/nothing")
    with pytest.raises(NotServed):
        client.post("/accounts", {})
    with pytest.raises(ApiProblem, match="unknown strategy 'GoldenCros': did you mean 'GoldenCross'") as found:
        client.get("/strategies/GoldenCros")
    assert not isinstance(found.value, NotServed | WrongToken) and found.value.status == 404
    away = Client(f"http://127.0.0.1:{free_port()}")
    assert not away.alive()
    with pytest.raises(Unreachable, match="does not answer"):
        away.get("/runs")
