"""What takes its time is begun on a page, watched, and looked at: a backtest to its report, a sweep to its map, its walk-forward and the gate."""

import re

import pytest
from sqlalchemy import select

from journal import Journal
from journal.tables import SubscriberRow, SubscriptionRow

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dashboard")]
LONG_MS = 60_000


def backtest(page, dashboard, fast="50"):
    page.goto(f"{dashboard}/backtest")
    page.get_by_label("fast", exact=True).fill(fast)
    page.get_by_label("Symbols", exact=True).fill("AAPL, IBM")


def test_a_backtest_to_its_report_and_beside_another(dashboard, page, picture, settings):
    backtest(page, dashboard)
    page.get_by_role("button", name="Run the backtest").click()
    page.get_by_role("heading", name=re.compile(r"Run \d+: GoldenCross")).wait_for(timeout=LONG_MS)
    page.wait_for_selector(".js-plotly-plot .main-svg .trace")
    assert "Sharpe" in page.locator(".figures").first.inner_text()
    page.get_by_text("Show the whole report").click()
    report = page.frame_locator("iframe").first
    report.get_by_text("GoldenCross").first.wait_for()
    picture(page, "backtest")
    page.get_by_label("fast", exact=True).fill("20")
    page.get_by_label("fast", exact=True).press("Enter")
    page.get_by_role("heading", name=re.compile(r"Run 2: GoldenCross")).wait_for(timeout=LONG_MS)
    page.get_by_role("region", name="Past runs").get_by_text("#2", exact=True).wait_for()
    runs = page.get_by_role("combobox", name="Runs")
    for number in (1, 2):
        runs.focus()
        runs.press_sequentially(f"#{number} ")
        page.get_by_role("option", name=re.compile(f"#{number} GoldenCross")).click()
        runs.press("Escape")
    page.get_by_role("region", name="Comparison").wait_for()
    assert "#1 GoldenCross" in page.get_by_role("region", name="Comparison").inner_text()
    picture(page, "compared")
    with Journal(settings.journal) as journal:
        assert [each.spec.get("params", {}) for each in journal.runs()] == [{"fast": 20}, {}]


def test_a_sweep_to_its_map_its_walk_forward_and_the_gate(dashboard, page, picture):
    page.goto(f"{dashboard}/sweep")
    page.get_by_label("fast", exact=True).fill("5:20:5")
    page.get_by_label("slow", exact=True).fill("50, 100")
    page.get_by_label("Or period", exact=True).fill("6y")
    page.get_by_role("button", name="Sweep", exact=True).click()
    page.get_by_role("region", name="Best trials").wait_for(timeout=LONG_MS)
    page.wait_for_selector(".js-plotly-plot .heatmaplayer image")
    assert page.get_by_role("region", name="Best trials").locator("tbody tr").count() == 8
    assert "deflated Sharpe ratio" in page.locator(".figures").first.inner_text()
    page.get_by_role("button", name=re.compile("Ask the gate")).click()
    page.get_by_text(re.compile("^(PASS|FAIL): run")).wait_for(timeout=LONG_MS)
    page.get_by_role("region", name="Numbers of the gate").get_by_text("deflated sharpe").wait_for()
    picture(page, "sweep")
    page.get_by_text("Money, and windows of a walk-forward").click()
    page.get_by_label("Windows", exact=True).fill("2")
    page.get_by_role("button", name="Walk forward", exact=True).click()
    windows = page.get_by_role("region", name="Windows")
    windows.wait_for(timeout=LONG_MS)
    assert windows.locator("tbody tr").count() == 2
    picture(page, "walk-forward")


def test_a_job_is_ended_on_the_way(dashboard, page):
    page.goto(f"{dashboard}/sweep")
    page.get_by_label("fast", exact=True).fill("2:100:1")
    page.get_by_label("slow", exact=True).fill("101:300:1")
    page.get_by_role("button", name="Sweep", exact=True).click()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("sweep: cancelled").wait_for()


def test_bars_are_fetched_and_the_gap_is_seen(dashboard, page, picture):
    page.goto(f"{dashboard}/data")
    page.get_by_text("The store is empty").wait_for()
    for start, end in (("2024-01-02", "2024-01-05"), ("2024-01-16", "2024-01-19")):
        page.get_by_role("textbox", name="Symbols").fill("AAA")
        source = page.get_by_role("combobox", name="Source")
        source.click()
        page.get_by_role("option", name="alpaca").click()
        for name, date in (("Start", start), ("End", end)):
            for part, value in zip(("year", "month", "day"), date.split("-"), strict=True):
                page.get_by_role("spinbutton", name=re.compile(f"{part}.*{name}")).fill(value)
        page.get_by_role("button", name="Fetch", exact=True).click()
        page.get_by_text("Fetched: AAA of alpaca").wait_for(timeout=LONG_MS)
    covered = page.get_by_role("region", name="Coverage")
    covered.get_by_text("2024-01-08 to 2024-01-12 (5)").wait_for()
    page.wait_for_selector(".js-plotly-plot .barlayer path")
    picture(page, "data")


def test_what_cannot_be_fetched_is_said_in_one_line(dashboard, page):
    page.goto(f"{dashboard}/data")
    page.get_by_role("button", name="Fetch", exact=True).click()
    page.get_by_role("alert").get_by_text("symbols").wait_for()


def test_a_subscription_with_the_strategy_that_is_recommended_and_another(dashboard, page, picture, settings):
    page.goto(f"{dashboard}/subscriptions")
    page.get_by_label("Symbol", exact=True).fill("AAPL")
    page.get_by_role("combobox", name="Source").click()
    page.get_by_role("option", name="sample").click()
    page.get_by_label("Length of the bars", exact=True).fill("6y")
    page.get_by_role("button", name="Recommend").click()
    page.get_by_text("Recommended for AAPL: Momentum").wait_for(timeout=LONG_MS)
    candidates = page.get_by_role("region", name="Candidates")
    candidates.wait_for()
    assert candidates.locator("tbody tr").count() >= 5 and "Overfitting" in candidates.inner_text()
    assert page.get_by_label("Symbols", exact=True).input_value() == "AAPL"
    page.get_by_role("combobox", name="Strategies").focus()
    page.keyboard.type("Mean")
    page.get_by_role("option", name=re.compile("MeanReversion")).click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Sign up").click()
    page.get_by_text("Still missing: address.").wait_for()
    page.get_by_label("Mail address", exact=True).fill("bob@example.org")
    page.get_by_role("button", name="Sign up").click()
    page.get_by_text("a mail with a link goes to this address once the operator has set a mail server").wait_for()
    picture(page, "subscriptions")
    with Journal(settings.journal) as journal, journal._database.reading() as session:
        rows = session.execute(select(SubscriptionRow.strategy, SubscriptionRow.symbol, SubscriberRow.confirmed_ns).join(SubscriberRow).where(
            SubscriberRow.address == "bob@example.org").order_by(SubscriptionRow.strategy)).all()
    assert [tuple(each) for each in rows] == [("MeanReversion", "AAPL", None), ("Momentum", "AAPL", None)]
