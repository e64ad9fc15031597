"""The page says everything, escapes everything and needs nothing."""

import re
from html.parser import HTMLParser

import pytest

from core.bars import Origin
from reports.figures import draw_all
from reports.page import render

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Tags, text and nesting of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text, self.tables = [], [], "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table" and dict(attrs).get("class") == "list":
            self.tables.append([])
        if tag == "tr" and "tbody" in self.open and self.tables:
            self.tables[-1].append([])
        if tag == "td" and self.tables and self.tables[-1]:
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script", "svg"} & set(self.open):
            self.text += data
            if "td" in self.open and self.tables and self.tables[-1]:
                self.tables[-1][-1][-1] += data


@pytest.fixture(scope="module")
def pictures(make_result):
    return draw_all(make_result())


@pytest.fixture
def page_of(pictures):
    """page_of(result): its page, around the pictures of another run unless `drawn`."""

    def page_of(result, drawn=False):
        text = render(result, draw_all(result) if drawn else pictures)
        page = Page(text)
        assert page.open == []
        page.source = text
        return page

    return page_of


def test_it_needs_nothing_from_outside(make_result, page_of):
    page = page_of(make_result())
    addresses = [value for _, attrs in page.tags for name, value in attrs.items()
                 if name in ("src", "href", "xlink:href", "action", "srcset") and not value.startswith("#")]
    assert addresses == []
    assert not re.search(r"url\((?!#)|@import|<link|<iframe", page.source)
    assert {tag for tag, _ in page.tags} >= {"svg", "style", "script", "table"}


def test_light_dark_and_narrow(make_result, page_of):
    page = page_of(make_result())
    assert "@media (prefers-color-scheme: dark)" in page.source
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.tags
    assert page.source.count('class="drawing on-phone"') == 2
    drawings = re.findall(r"<svg.*?</svg>", page.source, re.DOTALL)
    assert len(drawings) == 8
    assert all("var(--" in drawing and not re.search(r"#[0-9a-f]{6}\b(?<!#000000)", drawing) for drawing in drawings)


def test_identifiers_are_unique(make_result, page_of):
    found = [attrs["id"] for _, attrs in page_of(make_result()).tags if "id" in attrs]
    assert len(found) == len(set(found))


def test_what_a_reader_finds(make_result, page_of):
    result = make_result(params={"fast": 5}, rejected=3, warnings=["3 orders were refused."])
    text = page_of(result).text
    for words in ("GoldenCross", "AAA, BBB", "2019-01-02 to 2020-03-11", "3 orders were refused.", "Sharpe", "Sortino",
                  "Calmar", "Profit factor", "Turnover", "Alpha", "Beta", "Win rate", "Dividends", "Refused orders",
                  "needs 512,000.00 at the last close", result.bars.fingerprint, "fast = 5",
                  "cerebrolab backtest --spec spec.toml", "backtrader 1.9.78.123", f"{result.final_value:,.2f}"):
        assert words in text, words
    assert "SYNTHETIC DATA" not in text and "close-only" not in text.lower()


def test_every_trade_has_a_row(make_result, page_of):
    result = make_result(trades=4)
    (rows,) = page_of(result).tables
    assert len(rows) == 4
    first = result.trades[0]
    assert rows[0][:5] == ["AAA", "long", "100", str(first.entry_session), f"{first.entry_price:.2f}"]


def test_long_lists_show_both_ends(make_result, make_bars, page_of):
    result = make_result(make_bars(1200), trades=500, rejected=401)
    page = page_of(result)
    trades, refused = page.tables
    assert len(trades) == len(refused) == 401
    assert trades[200] == [f"{len(result.trades) - 400} more rows are in result.json"]
    assert refused[200] == ["1 more rows are in result.json"]


def test_no_trade_and_one_bar(make_result, make_bars, page_of):
    page = page_of(make_result(make_bars(1), trades=0), drawn=True)
    assert "No trades: the strategy never held a position" in page.text
    assert page.tables == [] and "Trades on price" not in page.text and "nan" not in page.text.lower()


def test_synthetic_bars_are_labelled_aloud(make_result, make_bars, page_of):
    page = page_of(make_result(make_bars(50, origin=Origin("synthetic", True, "seed 3"))))
    assert "SYNTHETIC DATA" in page.text and "seed 3" in page.text


def test_close_only_bars_are_noted_once(make_result, make_bars, page_of):
    market = make_bars(50, close_only=True)
    assert "Closing prices only for AAA, BBB" in page_of(make_result(market)).text
    warned = page_of(make_result(market, warnings=["close-only series, filled at the next close: AAA, BBB"])).text
    assert "Closing prices only" not in warned


def test_an_open_trade_and_a_short_one(make_result, make_bars, page_of):
    result = make_result(make_bars(60, ("AAA",)), trades=1, size=-50)
    unfinished = result.trades[0]._replace(open=True)
    result.trades.append(unfinished)
    rows = page_of(result).tables[0]
    assert [row[1] for row in rows] == ["short", "short"]
    assert rows[1][5] == "open"


def test_minute_bars_show_times(make_result, make_bars, page_of):
    rows = page_of(make_result(make_bars(90, minutes=True), trades=1)).tables[0]
    assert re.fullmatch(r"2019-01-02 \d\d:\d\d", rows[0][3])


def test_everything_given_by_a_user_is_escaped(make_result, make_bars, page_of):
    evil = '<script>alert("x")</script>&'
    market = make_bars(60, (evil, "B"), origin=Origin(evil, False, evil))
    result = make_result(market, strategy=f"{evil}.py:{evil}", params={evil: evil}, rejected=1, warnings=[evil],
                         benchmark=evil)
    result.orders[-1] = result.orders[-1]._replace(reason=evil)
    result.versions[evil] = evil
    page = page_of(result, drawn=True)
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert page.text.count(evil) >= 8


def test_secrets_are_masked(make_result, page_of):
    assert "hunter2" not in page_of(make_result(params={"api_key": "hunter2"})).source


def test_a_run_set_up_in_python_has_no_command(make_result, page_of):
    text = page_of(make_result(source="cerebro")).text
    assert "--spec spec.toml" not in text and "set up in a Python program" in text


def test_the_costs_are_added_up(make_result, page_of):
    made = make_result()
    made.metrics.update(costs=100.0, borrow_fees=30.0, margin_interest=20.0, cash_interest=50.25)
    text = " ".join(page_of(made).text.split())
    shown = text[text.index("Commission"):]
    assert all(each in shown for each in ("100.00", "Borrow fees", "30.00", "Margin interest", "20.00", "−50.25", "In all", "99.75"))
    made.metrics.update(borrow_fees=0.0, margin_interest=0.0, cash_interest=0.0)
    assert "Borrow fees" not in page_of(made).text
