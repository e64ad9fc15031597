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

from services.rpc.generated import portfoliostateservice_pb2, portfoliostateservice_pb2_grpc

pytestmark = pytest.mark.slow


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
    code, told = said(tmp_path, "--fresh")
    assert code == 2 and "add --yes" in told and (tmp_path / "home" / "kept").exists()
    with stack(settings_of(tmp_path), tmp_path, "--fresh", "--yes") as served:
        moved = [re.match(r"what there was is in (.*)", line) for line in served.lines]
        assert [Path(each[1], "kept").read_text() for each in moved if each] == ["home", "runs"]
        code, told = said(tmp_path, *FREE, "--fresh", "--yes")
        assert code == 2 and "something works in" in told
    code, told = said(tmp_path, *FREE, "--fresh", "--yes", CEREBROLAB_JOURNAL="postgresql://u:secret@h/d")
    assert code == 2 and "CEREBROLAB_JOURNAL is not in" in told and "secret" not in told


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
