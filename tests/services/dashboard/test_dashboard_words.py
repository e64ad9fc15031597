"""What numbers, trials and sessions become on a page."""

import math
import re
from base64 import b64decode

import pandas as pd
import pytest

from services.dashboard import asking, charts, picture, words
from services.dashboard.trials import best, grid, metric_of


@pytest.mark.parametrize(("written", "text"), [
    (words.money("1234567.891"), "1,234,568"), (words.money(-0.004), "0.00"), (words.money(-12.5, sign=True), "−12.50"), (words.money(3, sign=True), "+3.00"),
    (words.money(None), "–"), (words.money(math.nan), "–"), (words.money("none"), "–"), (words.price("9.21"), "9.2100"), (words.price(203.455), "203.46"),
    (words.percent(0.1234), "12.3%"), (words.percent(-0.1, sign=True), "−10.0%"), (words.percent(25), "2,500%"), (words.shares("10.000"), "10"),
    (words.shares(0.123456789), "0.123457"), (words.short(125_000), "125k"), (words.short(-1_250_000), "−1.25M"), (words.short(12), "12"),
    (words.moment(1_700_000_000 * 10**9), "2023-11-14 22:13:20"), (words.moment("2026-11-20T16:05:00-05:00"), "2026-11-20 21:05:00"), (words.moment(0), "–"),
    (words.moment("soon"), "soon"), (words.plain(True), "yes"), (words.plain(0.1 + 0.2), "0.3"), (words.plain(None), "–"),
    (words.params({"fast": 5, "rule": "x"}), "fast=5, rule=x"), (words.params({}), "as shipped"), (words.many("ABCDE"), "A, B, C, D, E"),
    (words.many("ABCDEF"), "A, B, C, D and 2 more"), (words.measure("cagr", 0.1), "10.0%"), (words.measure("trades", 12.0), "12"),
    (words.measure("final_value", 5), "5.00"), (words.measure("sharpe", 1.234), "1.23"), (words.headed("max_drawdown"), "Max drawdown"), (words.headed("cagr"), "CAGR"),
])
def test_as_people_write_it(written, text):
    assert written == text


def test_fields_become_lists():
    assert asking.split(" AAPL,IBM;\tKO  ") == ["AAPL", "IBM", "KO"] and asking.lines("fast < slow, , slow < 9") == ["fast < slow", "slow < 9"]
    assert asking.stated({"a": None, "b": "", "c": 0, "d": False}) == {"c": 0, "d": False}


def test_the_best_of_a_map_depends_on_what_is_better():
    found = pd.DataFrame({"number": [0, 1, 2, 3, 4], "fast": [5, 5, 10, 10, 10], "slow": [50, 50, 50, 100, 100], "sharpe": [1.0, 2.0, 3.0, None, 0.5],
                          "max_drawdown": [0.1, 0.3, 0.2, 0.4, 0.5]})
    assert grid(found, "fast", "slow", "sharpe") == ([5, 10], [50, 100], [[2.0, 3.0], [None, 0.5]])
    assert grid(found, "fast", "slow", "max_drawdown") == ([5, 10], [50, 100], [[0.1, 0.2], [None, 0.4]])
    assert best(found, "sharpe", 2)["number"].tolist() == [2, 1] and best(found, "max_drawdown", 1)["number"].tolist() == [0]
    assert [metric_of(each) for each in ("-turnover", ["cagr", "sharpe"], "sharpe,cagr", "unknown")] == ["turnover", "cagr", "sharpe", "sharpe"]


def test_the_picture_reaches_from_edge_to_edge():
    sessions = [f"{year}-{month:02}-15" for year in (2020, 2021, 2022) for month in range(1, 13)]
    equity = [100_000 + 1_000 * at for at in range(36)]
    drawn = picture.curve(sessions, equity, [0.0] * 20 + [-0.3] * 16, charts.STRATEGY, charts.LOSS)
    svg = b64decode(re.search(r"base64,([^\"]+)", drawn)[1]).decode()
    line = re.findall(r'd="M([^"]+)" fill="none"', svg)[1].split("L")
    (first_x, first_y), (last_x, last_y) = ([float(each) for each in point.split()] for point in (line[0], line[-1]))
    assert (first_x, last_x) == (0, 100) and picture.UPPER[0] < last_y < first_y < picture.UPPER[1]
    assert re.findall("<u[^>]*>([^<]*)", drawn) == ["2021", "2022"] and "100k" in drawn and "−20.0%" in drawn
    assert picture.curve(["2020-01-02"], [5.0], [0.0], charts.STRATEGY, charts.LOSS)


def test_names_in_charts_are_plain():
    figure = charts.compared({"<b>$x$</b> %{y}": (["2020-01-02", "2020-01-03"], [0.0, 50.0])})
    assert figure.data[0].name == "‹b›＄x＄‹/b› % {y}" and list(figure.data[0].y) == [0.0, 100.0]
