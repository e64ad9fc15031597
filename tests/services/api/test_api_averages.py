"""Stored averages by REST: those of the store, page by page, and precise answers where there are none. Recorded bars are served as others are."""

import datetime as dt

import httpx
import numpy as np
import pytest
from alpaca_minutes_live import FRIDAY, MINUTES, at
from api_settings import settings_in
from recorded_days import recorded, stored
from served import serving
from store_contract import YEAR
from vendor import daily_bars

from brokers.local_alpaca import LocalAlpaca
from core.clock import ManualClock
from feeds.averages import NAMES, averages_of, update
from services import market
from services.api.app import create_app

SPLIT = np.where(np.arange(len(YEAR)) == 60, 2.0, 1.0)
SERIES = [daily_bars("SPY", YEAR, split=SPLIT), daily_bars("QQQ", YEAR[50:])]


@pytest.fixture(name="kept", scope="module")
def _kept(settings):
    store = market.store(settings)
    for bars in [*SERIES, daily_bars("IBM", YEAR)]:
        store.write(bars.symbol, bars, YEAR, source="yahoo")
    for bars in SERIES:
        update(store, bars.symbol, "1d", "yahoo")
    return store


@pytest.mark.usefixtures("kept")
def test_averages_come_in_pages_beside_their_closes(client):
    asked, rows = {"symbols": "SPY,QQQ", "source": "yahoo", "start": str(YEAR[40]), "end": str(YEAR[70]), "limit": 9}, []
    page = client.get("/v1/averages", params=asked).json()
    while rows.extend(page["averages"]) or page["next"]:
        page = client.get(page["next"]).json()
    want = []
    for session in YEAR[40:71]:
        for bars in SERIES:
            for row in np.flatnonzero(bars.session == session):
                values = averages_of(bars).values[row].tolist()
                moment = dt.datetime.fromtimestamp(bars.index[row] / 1e9, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                want.append({"symbol": bars.symbol, "session": str(session), "time": moment, "close": bars.close[row],
                             **{name: None if np.isnan(value) else value for name, value in zip(NAMES, values, strict=True)}})
    assert rows == want and page["total"] == len(want) == 31 + 21
    assert (page["interval"], page["source"]) == ("1d", "yahoo")


def test_closes_are_those_of_the_same_bars_where_averages_are_not_up_to_date(client, kept):
    bars = daily_bars("DIA", YEAR[:20])
    kept.write("DIA", bars.rows(slice(5, 15)), YEAR[:0], source="yahoo")
    update(kept, "DIA", "1d", "yahoo")
    kept.write("DIA", bars, YEAR[:0], source="yahoo")
    rows = client.get("/v1/averages", params={"symbols": "DIA"}).json()["averages"]
    assert [(row["session"], row["close"]) for row in rows] == [(str(bars.session[at]), bars.close[at]) for at in range(5, 15)]


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(("query", "status", "told"), [
    ({"symbols": "SPY,SPYY"}, 404, "unknown symbol 'SPYY': did you mean 'SPY'? (of the stored 1d bars of yahoo)"),
    ({"symbols": "SPY", "interval": "1m"}, 404, "unknown symbol 'SPY': none are known here (of the stored 1m bars of yahoo)"),
    ({"symbols": "IBM"}, 404, "no averages of IBM are stored: run cerebrolab data averages --symbols IBM --source yahoo --interval 1d"),
    ({"symbols": "SPY", "start": "2021-01-01"}, 404, "no averages of SPY are stored in this range: choose other dates"),
    ({"symbols": "SPY", "source": "sample"}, 422, "source 'sample' is not kept in the store"),
    ({"symbols": "SPY", "source": "csv:/"}, 422, "is a file or code of this machine"),
    ({"symbols": "SPY", "source": "bloomberg"}, 404, "unknown source 'bloomberg'"),
    ({"symbols": "SPY", "interval": "x"}, 422, "interval 'x'"),
    ({"symbols": ","}, 422, "symbols: none were given"),
    ({"symbols": "SPY", "start": "2020-05-01", "end": "2020-04-01"}, 422, "start"),
])
def test_where_there_are_none_it_says_why(client, query, status, told):
    answer = client.get("/v1/averages", params=query)
    assert answer.status_code == status and answer.headers["content-type"] == "application/problem+json"
    assert told in answer.json()["detail"]


def test_recorded_minutes_are_served_with_their_averages(tmp_path, monkeypatch):
    settings = settings_in(tmp_path)
    with LocalAlpaca(MINUTES, now=at("09:29:30")) as alpaca:
        recorded(alpaca, settings.bars_dir, at("09:31:30"))
        recorded(alpaca, settings.bars_dir, at("09:38:30"))
        monkeypatch.setattr("feeds.load.SystemClock", lambda: ManualClock(alpaca.now))  # the session goes on: nobody is asked for it
        with serving(create_app(settings, rate=0)) as address:
            asked = {"symbols": "AAA,BBB", "interval": "1m", "source": "alpaca", "start": FRIDAY, "end": FRIDAY}
            bars, averages = (httpx.get(f"{address}/v1/{path}", params=asked).json() for path in ("bars", "averages"))
    for symbol in ("AAA", "BBB"):
        told = stored(settings.bars_dir, symbol)
        assert len(told) == 8
        assert [row["close"] for row in bars["bars"] if row["symbol"] == symbol] == [close for *_, close, _ in told]
        shown = [row for row in averages["averages"] if row["symbol"] == symbol]
        assert [row["close"] for row in shown] == [close for *_, close, _ in told]
        assert [row["sma_7"] is None for row in shown] == [True] * 6 + [False] * 2
        assert shown[-1]["sma_7"] == np.mean([close for *_, close, _ in told[1:]])
    assert bars["bars"][0]["time"] == averages["averages"][0]["time"] == f"{FRIDAY}T14:31:00Z"
