"""Live accounts at a glance over REST: sessions as the exchange has them, drawdown, the latest records, and what Alpaca itself says."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import httpx
import numpy as np
import pytest
from api_settings import settings_in
from mail_server import hanging
from served import serving

from brokers.local_alpaca import AnswerFault, LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes
from core.calendars import get_calendar
from services.api.app import create_app

HOUR = 3600 * 10**9
DAYS = get_calendar("XNYS").between("2024-07-01", "2024-07-08")  # a half day and a holiday among them


@pytest.fixture(name="client")
def _client(app, client):
    journal, hours = app.state.journal, get_calendar("XNYS")
    for at, (close, worth) in enumerate(zip(hours.close_of(DAYS), (100, 120, 90, 130, 65), strict=True)):
        for late, more in ((-3 * HOUR, 5), (HOUR // 2, 0)):  # before the close and after it
            journal.history.take("ACC", "", Decimal(worth + more), Decimal(10 + at), time_ns=int(close) + late)
    return client


def test_equity_by_session_with_its_drawdown(client):
    found = client.get("/v1/equity/sessions?account=ACC").json()
    assert found["session"] == [str(day) for day in DAYS] and len(DAYS) == 5
    assert found["equity"] == [100, 120, 90, 130, 65] and found["cash"] == [10, 11, 12, 13, 14]
    assert np.allclose(found["drawdown"], [0, 0, -0.25, 0, -0.5])
    known = client.get("/v1/accounts").json()
    assert [(each["account"], each["equity"], each["cash"], each["time"]) for each in known] == [("ACC", 65.0, 14.0, "2024-07-08T20:30:00Z")]


def test_an_account_that_began_with_nothing_has_lost_nothing(app, client):
    for at, worth in enumerate((0, 0, 50, 25)):
        app.state.journal.history.take("NEW", "", Decimal(worth), Decimal(0), time_ns=int(get_calendar("XNYS").close_of(DAYS[at : at + 1])[0]))
    assert client.get("/v1/equity/sessions?account=NEW").json()["drawdown"] == [0, 0, 0, -0.5]


def test_an_unknown_calendar_is_named(client):
    answer = client.get("/v1/equity/sessions?account=ACC&calendar=MOON")
    assert answer.status_code == 404 and "MOON" in answer.json()["detail"]


def test_without_keys_the_broker_is_not_asked(client):
    answer = client.get("/v1/broker")
    assert answer.status_code == 409 and "ALPACA_API_KEY" in answer.json()["detail"]


def test_what_alpaca_says_is_told(tmp_path):
    with LocalAlpaca(minutes(start="2024-03-01 09:30", AAA=[100] * 5), now="2024-03-01T09:31:57-05:00") as alpaca:
        keys = {"ALPACA_API_KEY": alpaca.key_id, "ALPACA_SECRET_KEY": alpaca.secret_key, "ALPACA_BASE_URL": alpaca.url}
        settings = type(settings_in(tmp_path))(_env_file=None, CEREBROLAB_HOME=tmp_path / "home", **keys)
        with serving(create_app(settings, rate=0)) as address, httpx.Client(base_url=f"{address}/v1", timeout=60) as client:
            said = client.get("/broker").json()
            asked = len(alpaca.ledger.requests)
            client.get("/broker")
            assert len(alpaca.ledger.requests) == asked  # two who look do not ask twice
    assert said["account"].startswith("PA") and Decimal(said["equity"]) == Decimal(said["cash"]) > 0 and said["currency"] == "USD" and said["positions"] == []


def test_an_alpaca_that_hangs_holds_nobody(tmp_path):
    with hanging() as port:
        settings = type(settings_in(tmp_path))(_env_file=None, CEREBROLAB_HOME=tmp_path / "home", ALPACA_API_KEY="PK" + "A" * 18,
                                               ALPACA_SECRET_KEY="s" * 40, ALPACA_BASE_URL=f"http://127.0.0.1:{port}")
        with serving(create_app(settings, rate=0)) as address, ThreadPoolExecutor(60) as many:
            asked = [many.submit(httpx.get, f"{address}/v1/broker", timeout=60) for _ in range(60)]
            assert httpx.get(f"{address}/v1/days", timeout=20).json() == {"days": []}
            said = [each.result() for each in asked]
    assert {each.status_code for each in said} == {503} and all("lpaca" in each.json()["detail"] for each in said)


def test_what_alpaca_refuses_is_told_in_its_words(tmp_path):
    with LocalAlpaca(minutes(start="2024-03-01 09:30", AAA=[100] * 5), now="2024-03-01T09:31:57-05:00") as alpaca:
        alpaca.faults.add(AnswerFault(path="/v2/account", accepted=False, status=422, body={"message": "not today"}, times=0))
        keys = {"ALPACA_API_KEY": alpaca.key_id, "ALPACA_SECRET_KEY": alpaca.secret_key, "ALPACA_BASE_URL": alpaca.url}
        settings = type(settings_in(tmp_path))(_env_file=None, CEREBROLAB_HOME=tmp_path / "home", **keys)
        with serving(create_app(settings, rate=0)) as address:
            for _ in range(2):
                said = httpx.get(f"{address}/v1/broker", timeout=30)
                assert said.status_code == 422 and "not today" in said.json()["detail"]
