"""What is seen where there is nothing yet, where the API is away or older, and where the token is wrong; and that no text is more than text."""

import re

import dashboard_journal
import pytest
from api_settings import settings_in
from chromium import visiting
from fastapi import FastAPI
from ports import free_port
from served import serving
from sqlalchemy import func, select

from journal import Journal
from journal.run_record import RunRecord
from journal.tables import SubscriberRow
from services.api import problems
from services.api.app import create_app

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dashboard")]
TOKEN, OTHER = "a-token-of-some-length-3141592653", "another-token-of-some-length-2718"
HOSTILE = """<script>alert(1)</script><img src=x onerror=alert(2)> **bold** $\\frac{a}{b}$ [link](javascript:alert(3)) '; DROP TABLE runs; --"""
SYMBOL = "<img src=x onerror=alert(4)>**bold**$x^2$"
MADE_OF_IT = "img[onerror], .stMain script, a[href^=javascript], .katex, .stMain strong:text-is('bold')"


@pytest.fixture(name="port", scope="module")
def _port():
    return free_port()


@pytest.fixture(name="asking", scope="module")
def _asking(asking_dashboard, port):
    """A dashboard that asks for its token, over an API that may be there or not."""
    with asking_dashboard(f"http://127.0.0.1:{port}", TOKEN) as address:
        yield address


def say(page, token):
    page.get_by_label("Token", exact=True).fill(token)
    page.get_by_role("button", name="Go on").click()


def test_from_no_api_to_an_empty_one(asking, port, page, picture, tmp_path):
    page.goto(asking)
    page.get_by_role("heading", name="Who is there?").wait_for()
    say(page, OTHER)
    page.get_by_text("That is not the token.").wait_for()
    picture(page, "wrong-token")
    say(page, TOKEN)
    page.get_by_role("heading", name="The API is not reachable").wait_for()
    page.get_by_role("alert").get_by_text("cerebrolab serve api").wait_for()
    picture(page, "no-api")
    with serving(create_app(settings_in(tmp_path / "other"), OTHER, rate=0), port=port):
        page.get_by_text("The API knows another token.").wait_for()
    old = FastAPI()
    problems.install(old)
    old.get("/health")(lambda: {"status": "ok"})
    with serving(old, port=port):
        say(page, TOKEN)
        page.get_by_text("This API is older than this dashboard.").wait_for()
        picture(page, "older")
    with serving(create_app(settings_in(tmp_path / "empty"), TOKEN, rate=0), port=port):
        page.get_by_role("link", name="Data").click()
        page.get_by_text("The store is empty").wait_for()
        for title, words in (("Account", "No account has traded yet."), ("Signals", "Nothing was advised yet"), ("Backtest", "No run has been recorded yet"),
                             ("Sweep", "No sweep has been recorded yet"), ("Subscriptions", "Nobody follows anything yet.")):
            page.get_by_role("link", name=title, exact=True).click()
            page.get_by_text(words).wait_for()
            picture(page, f"empty-{title}")
    assert TOKEN not in page.url and TOKEN not in page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")


def test_what_the_journal_says_is_text_and_comes_back_when_the_api_does(asking, port, page, picture, tmp_path):
    settings = settings_in(tmp_path)
    with Journal(settings.journal) as journal:
        for account in ("one", HOSTILE):
            dashboard_journal.fill(journal, years=0.1, trades=12, account=account, run=HOSTILE,
                                   marks=dict.fromkeys(("order", "alert", "step", "reason"), HOSTILE) | {"symbol": SYMBOL}, prefix=account[:5])
        for _ in range(2):
            journal.insert_run(_run())
    with serving(create_app(settings, TOKEN, rate=0), port=port):
        page.goto(asking)
        say(page, TOKEN)
        page.get_by_role("region", name="Alerts").get_by_text(HOSTILE).first.wait_for()
        for region, text in (("Positions", SYMBOL), ("Orders", HOSTILE), ("Executions", SYMBOL)):
            page.get_by_role("region", name=region).get_by_text(text).first.wait_for()
        page.get_by_role("combobox", name="Account").click()
        page.get_by_role("option", name=HOSTILE).click()
        page.locator(".figures").get_by_text(HOSTILE).wait_for()
        assert page.locator(MADE_OF_IT).count() == 0
        picture(page, "hostile-account")
        page.get_by_role("link", name="Signals").click()
        page.locator("article").get_by_text(HOSTILE).first.wait_for()
        page.get_by_role("link", name="Backtest").click()
        page.get_by_role("region", name="Past runs").get_by_text(HOSTILE).first.wait_for()
        page.get_by_role("combobox", name="Runs").press("ArrowDown")
        page.get_by_role("option", name="Select all").click()
        page.keyboard.press("Escape")
        page.get_by_role("region", name="Comparison").wait_for()
        assert page.locator(MADE_OF_IT).count() == 0
        picture(page, "hostile-runs")
        page.get_by_role("link", name="Account").click()
        page.get_by_role("region", name="Orders").wait_for()
    page.get_by_text("The API does not answer at the moment.").first.wait_for()
    with serving(create_app(settings, TOKEN, rate=0), port=port):
        page.get_by_role("region", name="Orders").wait_for()


def test_what_is_typed_is_text(dashboard, browser, settings, loaded):
    with visiting(browser) as page:
        for path, button in (("signals", "Ask"), ("backtest", "Run the backtest"), ("sweep", "Sweep"), ("data", "Fetch"), ("subscriptions", "Recommend"),
                             ("subscriptions", "Sign up")):
            page.goto(f"{dashboard}/{path}?strategy={HOSTILE}")
            page.get_by_role("button", name=button, exact=True).wait_for()
            loaded(page)
            for more in page.locator(".stMain summary").all():
                more.click()
            loaded(page)
            fields = page.locator(".stMain input[type=text]:not([role=combobox])").all()
            assert len(fields) >= 2
            for field in fields:
                field.fill(f"{HOSTILE}\r\nBcc: eve@example.org")
            page.get_by_role("combobox", name="Source").first.focus()
            page.keyboard.insert_text(HOSTILE)
            page.keyboard.press("Enter")
            page.get_by_role("button", name=button, exact=True).click()
            page.locator(".notice").first.wait_for()
            assert page.locator(MADE_OF_IT).count() == 0
    with Journal(settings.journal) as journal, journal._database.reading() as session:
        assert session.scalar(select(func.count()).select_from(SubscriberRow).where(SubscriberRow.address.contains("eve@example.org"))) == 0
        assert journal.runs(limit=1) is not None


def test_the_keyboard_is_enough(dashboard, page):
    page.goto(dashboard)
    page.get_by_role("region", name="Positions").wait_for()
    reach(page, page.get_by_role("link", name="Backtest"))
    page.keyboard.press("Enter")
    symbols = page.get_by_label("Symbols", exact=True)
    symbols.wait_for()
    reach(page, symbols)
    page.keyboard.press("Control+a")
    page.keyboard.type("AAPL")
    reach(page, page.get_by_role("button", name="Run the backtest"))
    page.keyboard.press("Shift+Tab")
    reach(page, symbols, "Shift+Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=re.compile(r"Run \d+: GoldenCross")).wait_for(timeout=60_000)


def reach(page, wanted, key="Tab", most=40):
    """Press a key until the focus is there."""
    for _ in range(most):
        if wanted.evaluate("each => each === document.activeElement"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{most} times {key} do not lead to {wanted}")


def _run():
    return RunRecord(dict(
        strategy=HOSTILE, strategy_source="0" * 16, symbols=[HOSTILE], spec={"params": {HOSTILE: HOSTILE}}, source=HOSTILE, start="2020-01-02", end="2020-12-31",
        interval="1d", fingerprint="0" * 16, versions={}, directory=None, cash=100_000, final_value=110_000, metrics={"total_return": 0.1, "sharpe": 1.0},
        warnings=[HOSTILE], trades=1, fills=2, rejected=0, seconds=0.1, created_ns=1_700_000_000 * 10**9), [], [])
