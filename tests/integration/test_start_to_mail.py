"""From `make start` to the mail that arrives: a backtest and a subscription in a real browser, and the daily run beside the services."""

import json
import re
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
import pytest
from chromium import visiting
from served_stack import FREE, stack

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
PATIENCE_MS = 60_000
STEPS = ["collect", "averages", "signals", "mails", "channels", "backtests", "portfolio", "report"]


def command(environment, folder, *arguments):
    """What a command prints as JSON; its exit code is 0."""
    code = "from scripts.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *arguments, "--json"], check=False, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, (done.stdout, done.stderr)
    return json.loads(done.stdout)


def backtest(page):
    page.get_by_role("link", name="Backtest").click()
    page.get_by_role("textbox", name="Symbols").fill("AAPL")
    page.get_by_role("button", name="Run the backtest").click()
    page.get_by_role("heading", name=re.compile("Run 1: GoldenCross")).wait_for(timeout=PATIENCE_MS)


def subscribe(page, symbol):
    page.get_by_role("link", name="Subscriptions").click()
    form = page.get_by_test_id("stForm").filter(has_text="Mail address")
    form.get_by_role("textbox", name="Mail address").fill("ann@example.org")
    form.get_by_role("textbox", name="Symbols").fill(symbol)
    form.get_by_role("combobox", name="Strategies").fill("GoldenCross")
    page.get_by_role("option", name="GoldenCross").click()
    page.keyboard.press("Escape")
    form.get_by_role("button", name="Sign up").click()
    page.get_by_text("a mail with a link is on its way").wait_for()


def confirm(page, mail):
    text = mail.get_body(("plain",)).get_content()
    page.goto(re.search(r"http://\S+/v1/subscriptions/confirm\?token=\S+", text)[0])
    page.get_by_role("button").first.click()
    page.wait_for_load_state()
    return page.inner_text("body")


def test_from_make_start_to_the_mail(world, tmp_path, due, symbol, browser):
    environment, box = world
    asked = ("make", "start", f"ARGS={' '.join(FREE)}")
    with stack(environment, ROOT, command=asked) as served:
        parts = psutil.Process(served.process.pid).children(recursive=True)
        api = served.places["api"]
        with visiting(browser) as page:
            page.goto(served.places["dashboard"])
            backtest(page)
            subscribe(page, symbol)
            assert symbol in confirm(page, box.arrived())
        assert httpx.get(f"{api}/v1/followed").json()["follows"] == [{"strategy": "GoldenCross", "symbol": symbol}]
        daily = command({**environment, "CEREBROLAB_JOURNAL": api}, tmp_path, "daily")
        assert [(each["step"], each["done"]) for each in daily["steps"]] == [(step, True) for step in STEPS]
        mail = box.arrived()
        assert (mail["To"], mail["Subject"]) == ("ann@example.org", f"BUY {symbol}")
        assert "GoldenCross" in mail.get_body(("plain",)).get_content() and str(due) in mail.get_body(("plain",)).get_content()
        command({**environment, "CEREBROLAB_JOURNAL": api}, tmp_path, "daily")
        assert box.told() == [("ann@example.org", "Please confirm that you want these signals"), ("ann@example.org", f"BUY {symbol}")]
        played = {(each["strategy"], *each["symbols"]) for each in httpx.get(f"{api}/v1/runs").json()["runs"]}
        assert played == {("GoldenCross", "AAPL"), ("GoldenCross", symbol)}
        _, out, problems = served.end()
        assert "stream: listening" in out
        assert not psutil.wait_procs(parts, timeout=30)[1] and "Traceback" not in problems


def test_from_the_pull_to_the_mail_by_commands(world, tmp_path, due, symbol):
    environment, box = world
    subprocess.run([sys.executable, "-c", "from scripts.cli import main; main()", "data", "fetch", "--symbols", symbol, "--source", "alpaca", "--period", "2y", "--averages"],
                   cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=120)
    run = command(environment, tmp_path, "backtest", "GoldenCross", "--symbols", symbol, "--source", "alpaca", "--period", "2y")
    assert run["end"] == str(due) and Path(run["report"]).is_file()
    code = ("from core.settings import load_settings; from journal import Journal; journal = Journal(load_settings().journal); "
            f"found = journal.subscriptions; found.confirm(found.ask('bob@example.org', [('GoldenCross', '{symbol}')]).token)")
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, timeout=60)
    told = command(environment, tmp_path, "notify")
    assert (told["asked"], told["advices"], told["waiting"]) == (1, 1, 0)
    assert [subject for _, subject in box.told()][-1].endswith(f"BUY {symbol}")
    assert command(environment, tmp_path, "notify")["sent"] == 0
