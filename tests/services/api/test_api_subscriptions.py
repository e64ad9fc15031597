"""Subscribing by the REST API: a real server, a real mail, and the pages that its links lead to."""

import math
import re
import socket
import threading
from urllib.parse import urlsplit

import httpx
import pytest
from api_settings import settings_in
from made_bars import frame
from mail_server import postbox
from served import serving

from core.settings import Settings
from core.spec import RunSpec
from journal import Journal
from services.api.app import create_app
from services.jobs import Jobs
from services.notify import backtests
from services.tasks import Fetch

ANN = {"address": "ann@example.org", "symbols": ["SPY", "BRK.B"], "strategies": ["GoldenCross"]}


@pytest.fixture(name="box")
def _box():
    with postbox() as found:
        yield found


@pytest.fixture(name="settings")
def _settings(tmp_path, box):
    frame([100.0 + 30 * math.sin(at / 80) for at in range(1_000)]).rename_axis("date").to_csv(tmp_path / "SPY.csv")
    update = dict(email_host="127.0.0.1", email_port=box[1], email_from="Signals <s@example.org>", site="http://signals.example.org", source=f"csv:{tmp_path}")
    return settings_in(tmp_path).model_copy(update=update)


@pytest.fixture(name="client")
def _client(settings):
    with serving(create_app(settings, token="secret", rate=0)) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


def subscribe(client, **changes):
    return client.post("/v1/subscriptions", json={**ANN, **changes}, headers={"Authorization": "Bearer secret"})


def links(mail):
    """page -> where its link leads, on the server itself."""
    text = mail.get_body(("plain",)).get_content()
    return {urlsplit(each).path.rpartition("/")[2]: each.removeprefix("http://signals.example.org") for each in re.findall(r"http://\S+", text)}


def test_from_the_first_request_to_the_last_mail(client, box, settings):
    answer = subscribe(client)
    assert answer.status_code == 202 and "a mail with a link is on its way" in answer.json()["detail"]
    found = links(box[0].arrived())
    shown = client.get(found["confirm"])
    assert shown.status_code == 200 and "BRK.B" in shown.text and "Yes, tell me" in shown.text
    with Journal(settings.journal) as journal:
        assert journal.subscriptions.followed() == {}  # a page that was opened changes nothing
        assert "You will be told" in client.post(found["confirm"]).text
        assert journal.subscriptions.followed() == {"GoldenCross": ("BRK.B", "SPY")}
        saved = client.post(found["change"], data={"keep": ["GoldenCross SPY", "Bad Pair"], "symbols": "qqq, dia", "strategy": "Momentum"})
        assert saved.status_code == 200 and "Saved." in saved.text
        assert journal.subscriptions.followed() == {"GoldenCross": ("SPY",), "Momentum": ("DIA", "QQQ")}
        assert "Stop all mails?" in client.get(found["leave"]).text and journal.subscriptions.followed()
        one_click = client.post(found["leave"], content="List-Unsubscribe=One-Click", headers={"Content-Type": "application/x-www-form-urlencoded"})
        assert one_click.status_code == 200 and "No more mails" in one_click.text and journal.subscriptions.followed() == {}


def test_the_same_by_json(client, box):
    subscribe(client)
    token = {"token": links(box[0].arrived())["confirm"].partition("=")[2]}
    asked, mine = {"headers": {"Authorization": "Bearer secret"}, "params": token}, {"address": "ann@example.org", "confirmed": False}
    assert client.get("/v1/subscriptions", **asked).json() == {**mine, "follows": [{"strategy": "GoldenCross", "symbol": each} for each in ("SPY", "BRK.B")]}
    follows = [{"strategy": "Momentum", "symbol": "QQQ"}]
    assert client.put("/v1/subscriptions", json={"follows": follows}, **asked).json() == {**mine, "follows": follows}


def test_who_is_known_is_not_told_to_strangers(client, box):
    first, again = subscribe(client), subscribe(client)
    client.post(links(box[0].arrived())["confirm"])
    member = subscribe(client, symbols=["QQQ"])
    assert first.json() == again.json() == member.json() and first.status_code == again.status_code == member.status_code
    assert str(box[0].arrived()["Subject"]) == "Do you want more signals?" and len(box[0].mails) == 2


@pytest.mark.parametrize(("changes", "status", "field"), [
    (dict(address="ann"), 422, "address"), (dict(address="ann@example.org\r\nBcc: x@example.org"), 422, "address"), (dict(symbols=["spy<script>"]), 422, "symbols"),
    (dict(symbols=[]), 422, "symbols"), (dict(strategies=["GoldenCros"]), 404, "strategy"), (dict(strategies=["evil.py:Evil"]), 404, "strategy"), (dict(strategies=["TimeOfDay"]), 404, "strategy"),
    (dict(address="'; DROP TABLE subscribers; --"), 422, "address"), (dict(more=1), 422, "more")])
def test_what_cannot_be_subscribed(client, box, changes, status, field):
    answer = subscribe(client, **changes)
    assert answer.status_code == status and field in answer.text and box[0].mails == []
    assert answer.headers["content-type"] == "application/problem+json"


def test_links_of_nobody_and_pages_that_may_do_nothing_else(client):
    for page in ("confirm", "change", "leave"):
        for token in ("", "x" * 43, "<script>alert(1)</script>"):
            answer = client.get(f"/v1/subscriptions/{page}", params={"token": token})
            assert answer.status_code == 404 and "This link does not work" in answer.text and "<script" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"] and answer.headers["referrer-policy"] == "no-referrer"
        assert client.get(f"/v1/subscriptions/{page}", params={"token": "x" * 101}).status_code == 422
    assert client.post("/v1/subscriptions", json=ANN).status_code == 401 and client.get("/v1/subscriptions", params={"token": "x"}).status_code == 401


def test_a_journal_that_is_away_is_no_dead_link(client, box, settings):
    subscribe(client)
    page = links(box[0].arrived())["leave"]
    settings.journal.rename(settings.journal.with_suffix(".away"))
    answer = client.post(page)
    assert answer.status_code == 503 and "Not just now" in answer.text and "journal" not in answer.text


def test_a_form_of_thousands_of_fields(client, box):
    subscribe(client)
    answer = client.post(links(box[0].arrived())["change"], content="&".join(["a=1"] * 2_001))
    assert answer.status_code == 422 and "too many fields" in answer.text


def test_a_mail_server_that_hangs_holds_up_nobody(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        update = dict(email_host="127.0.0.1", email_port=silent.getsockname()[1], email_from="s@example.org")
        with serving(create_app(settings_in(tmp_path).model_copy(update=update), rate=0)) as address, httpx.Client(base_url=address, timeout=20) as client:
            assert {client.post("/v1/subscriptions", json={**ANN, "address": f"m{number}@example.org"}).status_code for number in range(60)} == {202}


def test_what_cannot_be_changed_is_said_on_the_page(client, box):
    subscribe(client)
    page = links(box[0].arrived())["change"]
    for form, told in (({"symbols": "spy!"}, "symbol &#39;SPY!&#39; is none"), ({}, "nothing is to be followed"),
                       ({"symbols": "SPY", "strategy": "<b>"}, "unknown strategy &#39;&lt;b&gt;&#39;")):
        answer = client.post(page, data=form)
        assert answer.status_code == 422 and "Nothing was changed" in answer.text and told in answer.text and "BRK.B" in answer.text


def test_symbols_are_no_files_of_this_machine(client, box):
    subscribe(client)
    found = links(box[0].arrived())
    token = {"token": found["confirm"].partition("=")[2]}
    for symbol in ("A.CSV", "A/B"):  # the source of this API is csv:DIR
        follows = {"follows": [{"strategy": "GoldenCross", "symbol": symbol}]}
        for answer in (subscribe(client, symbols=[symbol]), client.post(found["change"], data={"symbols": symbol, "strategy": "GoldenCross"}),
                       client.put("/v1/subscriptions", json=follows, params=token, headers={"Authorization": "Bearer secret"})):
            assert answer.status_code == 422 and "is a file or code of this machine" in answer.text and symbol in answer.text


def test_pairs_of_currencies_can_be_followed_where_the_source_has_no_files(tmp_path):
    with serving(create_app(settings_in(tmp_path).model_copy(update={"source": "alpaca"}), rate=0)) as address:
        answers = [httpx.post(f"{address}/v1/subscriptions", json={**ANN, "symbols": [symbol]}).status_code for symbol in ("BTC/USD", "A.CSV")]
    assert answers == [202, 422]


def test_without_a_mail_server_nothing_is_lost(tmp_path, caplog):
    settings = settings_in(tmp_path)
    with serving(create_app(settings, rate=0)) as address:
        assert httpx.post(f"{address}/v1/subscriptions", json=ANN).status_code == 202
    with Journal(settings.journal) as journal:
        assert journal.subscriptions.waiting() == 1


# -- backtests of what is followed ------------------------------------------------------------------------


def backtests_asked(client):
    """(symbols, state) of each, the first one first."""
    jobs = client.get("/v1/jobs", headers={"Authorization": "Bearer secret"}).json()["jobs"]
    return [(job["asked"]["spec"]["symbols"], job["state"]) for job in jobs][::-1]


def ended(client, count):
    """Wait until so many jobs are over."""
    pause = threading.Event()
    for _ in range(600):
        asked = backtests_asked(client)
        if len(asked) == count and all(state not in ("waiting", "running") for _, state in asked):
            return asked
        pause.wait(0.1)
    raise AssertionError(asked)


@pytest.mark.slow
def test_what_is_followed_for_the_first_time_is_backtested_once(client, box, settings):
    subscribe(client)
    found = links(box[0].arrived())
    client.get(found["confirm"])
    assert backtests_asked(client) == []  # neither a stranger's typing nor an opened page begins one
    client.post(found["confirm"])
    assert ended(client, 2) == [(["SPY"], "done"), (["BRK.B"], "failed")]
    with Journal(settings.journal) as journal:
        [run] = journal.runs()
        assert (run.strategy, run.symbols, run.spec["source"], run.spec["period"], run.spec["commission"]) == ("GoldenCross", ["SPY"], settings.source, "10y", "0.1%")
    shown = client.get(found["change"]).text
    assert re.search(r"backtest: [+-]\d+\.\d%, Sharpe -?\d+\.\d\d, max drawdown \d+\.\d% since 20\d\d-\d\d-\d\d", shown) and shown.count("backtest:") == 1
    client.post(found["confirm"])
    client.post(found["change"], data={"keep": ["GoldenCross SPY", "GoldenCross BRK.B"]})
    assert len(backtests_asked(client)) == 2  # nor does what has failed today begin again
    token = {"token": found["confirm"].partition("=")[2]}
    client.put("/v1/subscriptions", json={"follows": [{"strategy": "Momentum", "symbol": "SPY"}]}, params=token, headers={"Authorization": "Bearer secret"})
    assert ended(client, 3)[-1][0] == ["SPY"]


def test_so_many_wait_at_a_time_and_half_of_the_queue_is_left_to_others(tmp_path, monkeypatch):
    settings: Settings = settings_in(tmp_path)
    with Journal(settings.journal) as journal:
        jobs = Jobs(settings, journal)  # nobody carries them out
        jobs._files.open()
        one = journal.subscriptions.ask("ann@example.org", [("GoldenCross", f"A{number}") for number in range(30)])
        assert backtests.begin(jobs, journal, "sample", one) == 0 == len(jobs.jobs())  # it has not opted in
        one = journal.subscriptions.confirm(one.token)
        assert [backtests.begin(jobs, journal, "sample", one) for _ in range(2)] == [20, 0]  # so many wait, of all that is followed
        jobs.cancel(jobs.jobs()[-1].id)
        assert backtests.begin(jobs, journal, "sample", one) == 1
        two = journal.subscriptions.confirm(journal.subscriptions.ask("ben@example.org", [("Momentum", "A1")]).token)
        assert backtests.begin(jobs, journal, "sample", two) == 0 and len(backtests.missing(journal, "sample")) == 31
        for job in jobs.jobs():
            jobs.cancel(job.id)
        for number in range(10):
            jobs.ask(Fetch(RunSpec(symbols=(f"B{number}",))))
        monkeypatch.setattr("services.jobs.MOST_WAITING", 22)
        assert backtests.begin(jobs, journal, "sample", two) == 1
        assert backtests.begin(jobs, journal, "sample", one) == 0  # half of the queue is for others
        jobs._files.close()
