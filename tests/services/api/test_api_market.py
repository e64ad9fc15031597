"""Bars and indicators by REST: the same numbers as the engine's, page by page, and null for what is not there."""

import numpy as np
import pytest

import indicators
from core.settings import Settings
from feeds.load import load_bars
from services import market

ASKED = {"symbols": "AAPL,FB,IBM", "start": "2012-05-10", "end": "2012-06-12"}  # FB begins on 2012-05-18


@pytest.fixture(name="panel", scope="module")
def _panel():
    return load_bars(source="sample", symbols=("AAPL", "FB", "IBM"), start=ASKED["start"], end=ASKED["end"])


def pages(client, path, name, **query):
    """Every row of every page."""
    page, rows = client.get(path, params=query).json(), []
    rows += page[name]
    while page["next"]:
        page = client.get(page["next"]).json()
        rows += page[name]
    assert len(rows) == page["total"]
    return rows


def test_bars_come_in_pages_and_are_those_of_the_engine(client, panel):
    rows = pages(client, "/v1/bars", "bars", **ASKED, limit=7)
    want = [(str(panel.session[row]), panel.symbols[at], *(float(getattr(panel, name)[row, at]) for name in
             ("raw_open", "raw_high", "raw_low", "raw_close", "raw_volume", "dividend", "split", "close")))
            for row in range(len(panel)) for at in range(len(panel.symbols)) if panel.traded[row, at]]
    assert [tuple(row[name] for name in ("session", "symbol", "open", "high", "low", "close", "volume", "dividend", "split", "signal_close"))
            for row in rows] == want
    assert rows[0]["time"] == "2012-05-10T20:00:00Z" and {row["symbol"] for row in rows[:4]} == {"AAPL", "IBM"}


def test_columns_are_the_same_and_null_before_a_symbol_is_listed(client, panel):
    answer = client.get("/v1/bars/columns", params=ASKED)
    found = answer.json()
    assert (found["total"], found["next"], len(found["time"])) == (len(panel), None, len(panel))
    assert found["symbols"]["FB"]["close"][0] is None and "NaN" not in answer.text
    for at, symbol in enumerate(panel.symbols):
        closes = np.array(found["symbols"][symbol]["close"], dtype=float)
        assert np.array_equal(closes, panel.raw_close[:, at], equal_nan=True)
    second = client.get("/v1/bars/columns", params={**ASKED, "limit": 5, "offset": 20}).json()
    assert second["session"] == [str(each) for each in panel.session[20:25]] == found["session"][20:25]


@pytest.mark.parametrize("kind", market.indicators(), ids=lambda kind: kind.name)
def test_every_indicator_is_that_of_the_engine(client, panel, kind):
    given = {each.name: {"int": 3, "text": "IBM"}[each.kind] for each in kind.parameters if each.default is None}
    rows = pages(client, f"/v1/indicators/{kind.name}", "rows", **ASKED, **given, limit=50)
    made = getattr(indicators.on(panel), kind.name)(**given)
    panels = list(made.values()) if isinstance(made, dict) else list(made) if isinstance(made, tuple) else [made]
    where = np.argwhere(panel.traded)
    assert [(row["session"], row["symbol"]) for row in rows] == [(str(panel.session[row]), panel.symbols[at]) for row, at in where]
    assert list(rows[0]["values"]) == list(kind.parts)
    for part, values in zip(kind.parts, panels, strict=True):
        told = np.array([row["values"][part] for row in rows], dtype=float)
        assert np.array_equal(told, values[panel.traded], equal_nan=True), part


def test_an_indicator_is_told_from_a_date_on_with_the_bars_before_it(client):
    whole = client.get("/v1/indicators/sma", params={**ASKED, "period": 5}).json()["rows"]
    late = client.get("/v1/indicators/sma", params={**ASKED, "period": "5", "since": "2012-06-01"}).json()["rows"]
    assert late == [row for row in whole if row["session"] >= "2012-06-01"] and None not in late[0]["values"].values()
    own = client.get("/v1/indicators/averages", params={**ASKED, "periods": "2,3"}).json()
    assert (own["parameters"], list(own["rows"][-1]["values"])) == ({"periods": [2, 3]}, ["sma_2", "sma_3"])


def test_a_correlation_may_be_with_a_symbol_that_is_not_asked_for(client):
    rows = client.get("/v1/indicators/correlation", params={**ASKED, "symbols": "AAPL", "reference": "IBM", "period": 10}).json()["rows"]
    assert {row["symbol"] for row in rows} == {"AAPL"} and -1 <= rows[-1]["values"]["correlation"] <= 1


def test_the_list_of_indicators(client):
    found = {each["name"]: each for each in client.get("/v1/indicators").json()}
    assert found["bollinger"]["parameters"][1] == {"name": "width", "kind": "float", "default": 2.0}
    assert found["macd"]["parts"] == ["macd", "signal", "histogram"] and all(each["meaning"] for each in found.values())


@pytest.mark.parametrize(("path", "status", "field", "words"), [
    ("bars", 422, "symbols", "Field required"),
    ("bars?symbols=,", 422, "symbols", "none were given"),
    ("bars?symbols=AAPLE", 404, "symbols", "did you mean 'AAPL'"),
    ("bars?symbols=AAPL&start=2012-02-01&end=2012-01-01", 422, "start", "2012-02-01 is after end 2012-01-01"),
    ("bars?symbols=AAPL&start=yesterday", 422, "start", "valid date"),
    ("bars?symbols=AAPL&interval=5x", 422, "interval", "'5x'"),
    ("bars?symbols=AAPL&source=yaho", 404, "source", "did you mean 'yahoo'"),
    ("bars?symbols=AAPL&source=csv:/etc", 422, "source", "not taken from outside"),
    ("bars?symbols=AAPL&calendar=XNYSX", 404, "calendar", "XNYSX"),
    ("bars?symbols=AAPL&start=1901-01-01&end=1901-02-01", 404, None, "no 1d bars of AAPL from 1901-01-01"),
    ("bars?symbols=AAPL&limit=0", 422, "limit", "greater than or equal to 1"),
    ("bars?symbols=AAPL&offset=-1", 422, "offset", "greater than or equal to 0"),
    ("runs?offset=9223372036854775807", 422, "offset", "less than or equal to 1000000000"),
    ("bars?symbols=AAPL&limit=1e400", 422, "limit", "valid integer"),
    ("indicators/sm?symbols=AAPL", 404, "name", "did you mean 'sma'"),
    ("indicators/sma?symbols=AAPL", 422, "period", "period of sma is missing"),
    ("indicators/sma?symbols=AAPL&period=2.5", 422, "period", "whole number"),
    ("indicators/sma?symbols=AAPL&period=nan", 422, "period", "must be a number"),
    ("indicators/sma?symbols=AAPL&period=-3", 422, None, "-3"),
    ("indicators/sma?symbols=AAPL&period=" + "9" * 500, 422, "period", "must be a number"),
    ("indicators/sma?symbols=AAPL&period=3&perod=4", 404, "parameters", "did you mean 'period'"),
    ("indicators/sma?symbols=AAPL&period=3&of=clos", 404, None, "did you mean 'close'"),
    ("indicators/correlation?symbols=AAPL&period=3&reference=IBMM", 404, "symbols", "did you mean 'IBM'"),
])
def test_bad_input_names_the_field(client, path, status, field, words):
    answer = client.get(f"/v1/{path}")
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert words in problem["detail"] and problem["status"] == status and problem["instance"] == f"/v1/{path.partition('?')[0]}"
    assert [each["field"] for each in problem.get("errors", [])] == ([field] if field else [])


def test_the_store_of_a_folder_is_one(tmp_path):
    one = Settings(_env_file=None, CEREBROLAB_HOME=tmp_path)
    assert market.store(one) is market.store(Settings(_env_file=None, CEREBROLAB_HOME=tmp_path))
