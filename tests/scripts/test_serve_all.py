"""`cerebrolab serve all`: everything answers, and ends together, however it ends; fresh starts move things aside and ask."""

import os
import pty
import re
import signal
import socket
import subprocess
from pathlib import Path

import grpc
import httpx
import psutil
import pytest
from served_stack import ALL, FREE, settings_of, stack

from core.errors import UsageError
from core.settings import Settings
from services.fresh import folders, set_aside
from services.rpc.generated import portfoliostateservice_pb2, portfoliostateservice_pb2_grpc

pytestmark = pytest.mark.slow
ALL_SAFE = (ALL[0], "-P", *ALL[1:])  # as the installed command, which does not look into the current folder


def children(served):
    found = psutil.Process(served.process.pid).children(recursive=True)
    assert len(found) >= 3
    return found


def all_gone(processes):
    return not psutil.wait_procs(processes, timeout=30)[1]


def test_everything_answers_and_ends_together(tmp_path):
    with stack(settings_of(tmp_path), tmp_path) as served:
        assert httpx.get(f"{served.places['api']}/health").json()["status"] == "ok"
        assert httpx.get(served.places["dashboard"]).status_code == 200
        httpx.post(f"{served.places['api']}/v1/portfolio/reconciliations", json={"account": "A", "positions": [], "cash": "77.5"}).raise_for_status()
        with grpc.insecure_channel(served.places["state"]) as channel:  # it asks the API, which has the journal
            answer = portfoliostateservice_pb2_grpc.PortfolioStateServiceStub(channel).GetPortfolioState(portfoliostateservice_pb2.StateRequest(), timeout=30)
        assert answer.cash_balance == 77.5
        parts = children(served)
        code, _, problems = served.end(signal.SIGINT)
        assert code == 0 and "Traceback" not in problems and all_gone(parts)
    assert any("stream: not started" in line for line in served.lines)


def test_a_part_that_ends_ends_the_others(tmp_path):
    with stack(settings_of(tmp_path), tmp_path) as served:
        parts = children(served)
        next(each for each in parts if "grpc" in each.cmdline()).kill()
        assert served.process.wait(60) == 1 and all_gone(parts)
        assert "error: grpc has ended with exit code -9" in served.end()[2]


def test_parts_end_with_a_killed_stack(tmp_path):
    with stack(settings_of(tmp_path), tmp_path) as served:
        parts = children(served)
        served.process.kill()
        assert all_gone(parts)


def said(folder, *options, **more):
    found = subprocess.run([*ALL, *options], check=False, cwd=folder, env=settings_of(folder, **more), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    return found.returncode, found.stderr.strip()


def test_what_cannot_be_served_is_one_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, told = said(tmp_path, *FREE, "--port", f"grpc={taken.getsockname()[1]}")
        assert code == 2 and "--port 'grpc=" in told and told.count("\n") == 0
        code, told = said(tmp_path, *FREE, "--port", f"data={taken.getsockname()[1]}")
        assert code == 2 and "data cannot listen on 127.0.0.1:" in told and told.count("\n") == 0
    code, told = said(tmp_path, "--port", "api=8501")
    assert code == 2 and "the same port" in told
    code, told = said(tmp_path, CEREBROLAB_JOURNAL="http://127.0.0.1:8000")
    assert code == 2 and "CEREBROLAB_JOURNAL is the address of an API" in told
    code, told = said(tmp_path, *FREE, CEREBROLAB_API_TOKEN="short")
    assert code == 1 and "CEREBROLAB_API_TOKEN holds no token" in told and "api has ended with exit code 2" in told


def test_a_fresh_start_moves_aside_what_there_was(tmp_path):
    for folder in ("home", "runs"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "kept").write_text(folder)
    code, told = said(tmp_path, *FREE, "--fresh")
    assert code == 2 and "add --yes" in told and (tmp_path / "home" / "kept").exists()
    with stack(settings_of(tmp_path), tmp_path, "--fresh", "--yes") as served:
        moved = [re.match(r"what there was is in (.*)", line) for line in served.lines]
        assert [Path(each[1], "kept").read_text() for each in moved if each] == ["home", "runs"]
        code, told = said(tmp_path, *FREE, "--fresh", "--yes")
        assert code == 2 and "something works in" in told
    code, told = said(tmp_path, *FREE, "--fresh", "--yes", CEREBROLAB_JOURNAL="postgresql://u:secret@h/d")
    assert code == 2 and "CEREBROLAB_JOURNAL is not in" in told and "secret" not in told


@pytest.mark.parametrize(("home", "runs", "left"), [("all/home", "all/home/runs", ["home"]), ("all/runs/home", "all/runs", ["runs"])])
def test_a_folder_within_the_other_goes_with_it(tmp_path, home, runs, left):
    for folder in (home, runs):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "kept").write_text(folder)
    settings = Settings(_env_file=None, CEREBROLAB_HOME=tmp_path / home, CEREBROLAB_RUNS_DIR=tmp_path / runs)
    (moved,) = set_aside(folders(settings), settings.home)
    assert [moved.name.partition(".before-")[0]] == left and not (tmp_path / "all" / left[0]).exists() and len(list(moved.rglob("kept"))) == 2


def test_the_current_folder_is_not_moved(tmp_path, monkeypatch):
    (tmp_path / "within").mkdir()
    for place in (tmp_path, tmp_path / "within"):
        monkeypatch.chdir(place)
        with pytest.raises(UsageError, match="is the current folder, or around it"):
            folders(Settings(_env_file=None, CEREBROLAB_HOME=tmp_path, CEREBROLAB_RUNS_DIR=tmp_path / "runs"))


def test_packages_of_the_current_folder_and_any_token_do_no_harm(tmp_path):
    for name in ("core", "queue"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('not ours')\n")
    token = "abcd/efgh+ijkl=mnop%41qr?#"
    with stack(settings_of(tmp_path, CEREBROLAB_API_TOKEN=token), tmp_path, command=(*ALL_SAFE, *FREE)) as served:
        asked = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{served.places['api']}/v1/accounts", headers=asked).json() == []
        assert httpx.get(f"{served.places['api']}/v1/accounts").status_code == 401
        with grpc.insecure_channel(served.places["state"]) as channel:
            stub = portfoliostateservice_pb2_grpc.PortfolioStateServiceStub(channel)
            stub.GetPortfolioState(portfoliostateservice_pb2.StateRequest(), timeout=30, metadata=[("authorization", f"Bearer {token}")])


def test_asked_twice_to_end_it_kills_what_hangs(tmp_path):
    with stack(settings_of(tmp_path), tmp_path) as served:
        parts = children(served)
        parts[0].suspend()  # does not hear that it shall end
        served.process.send_signal(signal.SIGINT)
        psutil.wait_procs(parts[1:], timeout=20)
        served.process.send_signal(signal.SIGINT)
        assert served.process.wait(60) == 0 and all_gone(parts)


def test_a_fresh_start_asks_first(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "kept").touch()
    ours, theirs = pty.openpty()
    asked = subprocess.Popen([*ALL, *FREE, "--fresh"], cwd=tmp_path, env=settings_of(tmp_path), stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    os.close(theirs)
    os.write(ours, b"n\n")
    out, _ = asked.communicate(timeout=60)
    os.close(ours)
    assert asked.returncode == 0 and "aside" in out and "nothing was moved" in out and (tmp_path / "home" / "kept").exists()
