"""Every page as a visitor meets it: light and dark, on a desk and on a phone, without a word in its console and without the internet."""

import time

import pytest
import requests
from chromium import DESK, PHONE, visiting
from dashboard_journal import ACCOUNT, RUN

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dashboard")]
PAGES = ("Account", "Signals", "Backtest", "Sweep", "Strategies", "Data", "Subscriptions")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_opens(dashboard, browser, picture, scheme):
    with visiting(browser, scheme=scheme) as page:
        page.goto(dashboard)
        for title in PAGES:
            page.set_viewport_size(DESK)
            page.get_by_role("link", name=title, exact=True).click()
            page.get_by_role("heading", name=title, exact=True, level=1).wait_for()
            assert page.title() == f"{title} · cerebrolab"
            for size in (DESK, PHONE):
                page.set_viewport_size(size)
                picture(page, f"{title}-{size['width']}-{scheme}")
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("getComputedStyle(document.querySelector('.stApp')).colorScheme") == scheme


def test_the_account(dashboard, page):
    page.goto(dashboard)
    page.wait_for_selector(".js-plotly-plot .main-svg .trace")
    figures = page.locator(".figures").first.inner_text()
    assert "Equity" in figures and ACCOUNT in figures and "2026-11-20" in figures
    held = page.get_by_role("region", name="Positions").inner_text()
    assert "AAPL" in held and "Unrealised" in held
    orders = page.get_by_role("region", name="Orders").inner_text()
    assert "partially filled" in orders and "insufficient qty available" in orders
    page.get_by_role("region", name="Alerts").get_by_text("An order of KO was refused").wait_for()
    assert "Buying power" in page.locator(".figures").nth(1).inner_text()
    steps = page.get_by_role("list", name="Steps of 2026-11-20").inner_text()
    assert "Alpaca did not answer" in steps and steps.count("done") == 4


def test_an_order_that_fills_is_seen_without_asking(dashboard, api, page):
    page.goto(dashboard)
    page.wait_for_selector(".js-plotly-plot .main-svg .trace")  # after which only its parts are drawn again
    told = {"client_order_id": "order-4", "filled": "7", "account": ACCOUNT, "run": RUN, "symbol": "INTC", "side": "buy", "qty": "7", "price": "33.125", "time_ns": time.time_ns()}
    assert requests.post(f"{api}/v1/executions", json={"executions": [told], "changes": {"order-4": {"state": "done", "status": "filled", "filled": "7"}}}, timeout=60).ok
    page.get_by_role("region", name="Executions").get_by_text("33.12").wait_for()
    page.get_by_role("region", name="Orders").locator("tr", has_text="INTC").get_by_text("filled", exact=True).wait_for()


def test_the_page_of_a_strategy_by_its_address(dashboard, page, picture):
    page.goto(f"{dashboard}/strategies?strategy=Momentum")
    page.get_by_role("heading", name="Momentum", exact=True).wait_for()
    page.get_by_role("region", name="Parameters").locator("tbody tr").nth(3).wait_for()
    page.get_by_role("combobox", name="Strategy").click()
    page.get_by_role("option", name="MeanReversion").click()
    page.get_by_role("heading", name="MeanReversion", exact=True).wait_for()
    page.wait_for_url("**/strategies?strategy=MeanReversion")


def test_signals_with_reasons(dashboard, page):
    page.goto(f"{dashboard}/signals")
    card = page.locator("article", has_text="EtfRotation")
    card.wait_for()
    assert "BUY" in card.inner_text() and "201.337" in card.inner_text()
    assert card.get_by_role("img").evaluate("each => each.naturalWidth") > 0
    page.get_by_label("Symbols", exact=True).fill("AAPL, IBM")
    page.get_by_role("button", name="Ask", exact=True).click()
    said = page.get_by_role("region", name="Signals now")
    said.wait_for()
    assert said.locator("tbody tr").count() == 2
