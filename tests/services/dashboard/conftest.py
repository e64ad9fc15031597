"""One API over a journal with years in it, one dashboard, one browser; all are shared by the tests of this folder."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import dashboard_journal
import pandas as pd
import pytest
from alpaca_commands import point_at
from api_settings import settings_in
from chromium import PATIENCE_MS, visiting
from made_bars import walk
from ports import free_port
from served import serving

from brokers.local_alpaca import LocalAlpaca
from core.bars import Bars
from core.settings import variable_names
from journal import Journal
from services.api.app import create_app

COMMAND = "import sys; from scripts import cli; sys.exit(cli.run(['serve', 'dashboard', *sys.argv[1:]]))"
ASKING = "import sys; from scripts.serve_dashboard import answer; answer('127.0.0.1', int(sys.argv[2]))"  # as where other machines reach it


@contextmanager
def started(folder, *options, code=COMMAND, **environment):
    """`cerebrolab serve dashboard` as a process, which is killed where it was not ended."""
    clean = {name: value for name, value in os.environ.items() if name not in variable_names()}
    clean |= {"PYTHONPATH": os.pathsep.join(sys.path), **environment}
    with subprocess.Popen([sys.executable, "-c", code, *options], cwd=folder, env=clean, text=True, bufsize=1,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def dashboard_of(folder, *options, **how):
    """The address of a dashboard; at its end it is asked to end, and has."""
    port = free_port()
    with started(folder, "--port", str(port), *options, **how) as process:
        assert process.stdout.readline().strip() == f"http://127.0.0.1:{port}"
        yield f"http://127.0.0.1:{port}"
        process.send_signal(signal.SIGTERM)
        assert (process.wait(30), process.stdout.read(), process.stderr.read()) == (0, "", "")


@pytest.fixture(name="folder", scope="session")
def _folder(tmp_path_factory):
    return tmp_path_factory.mktemp("dashboard")


@pytest.fixture(name="alpaca", scope="session")
def _alpaca():
    bars = Bars.from_frames({"AAA": walk(20, start="2024-01-02").drop(pd.Timestamp("2024-01-15"))})  # a holiday
    with LocalAlpaca(bars, now="2024-02-05T12:00:00-05:00") as alpaca:
        yield alpaca


@pytest.fixture(autouse=True)
def _keys(alpaca, monkeypatch):
    """For the processes of jobs; other tests of this process are to know nothing of them."""
    point_at(monkeypatch, alpaca)


@pytest.fixture(name="settings", scope="session")
def _settings(folder, alpaca):
    """Settings with the keys of a local Alpaca, and a server for mails that nobody runs."""
    with pytest.MonkeyPatch.context() as changed:
        point_at(changed, alpaca)
        return settings_in(folder)


@pytest.fixture(name="api", scope="session")
def _api(settings):
    with Journal(settings.journal) as journal:
        dashboard_journal.fill(journal)
    with serving(create_app(settings, rate=0)) as address:
        yield address


@pytest.fixture(name="dashboard", scope="session")
def _dashboard(api, folder):
    with dashboard_of(folder, "--api", api) as address:
        yield address


@pytest.fixture(name="started", scope="session")
def _started():
    return started


@pytest.fixture(name="asking_dashboard", scope="session")
def _asking_dashboard(folder):
    """Address of an API and token -> a dashboard that asks for the token."""
    return lambda api, token: dashboard_of(folder, code=ASKING, DASHBOARD_API=api, DASHBOARD_TOKEN=token, DASHBOARD_ASKS="1")


@pytest.fixture(name="page")
def _page(browser):
    with visiting(browser) as page:
        yield page


@pytest.fixture(name="loaded", scope="session")
def _loaded():
    """Waits until nothing on a page is on its way any more."""
    from playwright.sync_api import expect

    def loaded(page):
        page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
        expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=PATIENCE_MS)

    return loaded


@pytest.fixture(name="picture")
def _picture(tmp_path, loaded):
    """Photographs a whole page into the folder of the test."""
    def taken(page, name):
        loaded(page)
        size = page.viewport_size
        height = page.evaluate("Math.ceil(document.querySelector('.stMainBlockContainer').getBoundingClientRect().height)")
        page.set_viewport_size({**size, "height": max(size["height"], height + 60)})
        page.screenshot(path=tmp_path / f"{name}.png")
        page.set_viewport_size(size)

    return taken
