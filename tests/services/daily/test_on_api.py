"""Subscriptions and the daily run where the API holds the journal: the same as on the database itself, and nothing of single subscribers."""

import threading
import time
from dataclasses import replace
from decimal import Decimal

import httpx
import pytest
from api_settings import settings_in
from made_bars import frame
from mail_server import hanging, postbox
from served import serving

from core.calendars import get_calendar
from core.clock import SystemClock
from core.errors import StoreFailed, UsageError
from core.spec import RunSpec
from journal import Journal, opened
from journal.subscriptions import Advice, Posted
from services.api.app import create_app
from services.daily.run import STEPS, run_day
from services.daily.steps import Day
from services.notify import poster
from services.notify.post import posting
from services.tasks import Backtest

GOLD = ("GoldenCross", "UP")
BUY = Advice("GoldenCross", "UP", "2024-03-01", "BUY", Decimal("512.8500000000000001"), {"fast": 510.1, "none": None, "text": "2 of 3", "closes": [1.0, 2.5]})
SESSIONS = get_calendar("XNYS").between("2020-01-01", "2020-12-31")
LAST = SESSIONS[-1]


@pytest.fixture(name="box", scope="module")
def _box():
    with postbox() as found:
        yield found


@pytest.fixture(name="settings", scope="module")
def _settings(tmp_path_factory, box):
    folder = tmp_path_factory.mktemp("api")
    prices = frame([*(10.0 - 0.001 * day for day in range(len(SESSIONS) - 1)), 30.0])
    prices.set_axis(SESSIONS).rename_axis("date").to_csv(folder / "UP.csv")
    update = dict(email_host="127.0.0.1", email_port=box[1], email_from="Signals <s@example.org>", source=f"csv:{folder}")
    return settings_in(folder).model_copy(update=update)


@pytest.fixture(name="url", scope="module")
def _url(settings):
    with serving(create_app(settings, rate=0)) as url:
        yield url


@pytest.fixture(name="here")
def _here(settings, url, box):
    """The database itself, empty again after each test."""
    with Journal(settings.journal) as journal:
        yield journal
        for subscriber in list(journal.subscriptions.due(limit=1_000)):
            journal.subscriptions.leave(subscriber.subscriber.token)
    box[0].mails.clear()


@pytest.fixture(name="place", params=["sqlite", "api"])
def _place(request, tmp_path, url):
    """(where the journal is as it is asked, where its database is)."""
    if request.param == "sqlite":
        return tmp_path / "journal.db", tmp_path / "journal.db"
    return url, request.getfixturevalue("settings").journal


@pytest.fixture(name="both")
def _both(place):
    """(as it is asked, the database itself)."""
    with opened(place[0]) as journal, Journal(place[1]) as database:
        yield journal, database


QUESTION = "Please confirm that you want these signals"


def member(database, address, *follows):
    """Somebody who has opted in and been asked."""
    one = database.subscriptions.confirm(database.subscriptions.ask(address, follows).token)
    for due in database.subscriptions.due():
        if due.subscriber.id == one.id:
            database.subscriptions.sent(due)
    return one


def named(name):
    """A strategy of one test alone: the tests of a module share an API."""
    return f"{name}{time.time_ns()}"


def test_what_is_followed_and_advised(both):
    journal, database = both
    strategy = named("S")
    one = member(database, f"{strategy}@example.org", (strategy, "UP"), (strategy, "DOWN"))
    assert journal.subscriptions.followed()[strategy] == ("DOWN", "UP")
    advices = [replace(BUY, strategy=strategy, session=f"2024-03-{day:02}", symbol=symbol) for day in range(1, 4) for symbol in ("UP", "DOWN")]
    before = journal.subscriptions.waiting()
    assert journal.subscriptions.advise(advices) == 6 and journal.subscriptions.advise([replace(advices[0], signal="SELL")]) == 0
    assert journal.subscriptions.waiting() == before + 1
    subscriptions = journal.subscriptions
    assert subscriptions.advices(strategy) == advices and subscriptions.advices(strategy, "DOWN", "2024-03-02") == advices[3::2]
    assert subscriptions.advices("nobody's") == [] == subscriptions.latest("nobody's").records
    first = subscriptions.latest(strategy, limit=4)
    assert first.records == advices[:1:-1] and subscriptions.latest(strategy, limit=4, after=first.after) == (advices[1::-1], "")
    with pytest.raises(UsageError, match="no place to go on from"):
        subscriptions.latest(after="x")
    database.subscriptions.leave(one.token)


def test_many_advices_go_in_several_requests(both, monkeypatch):
    journal, _ = both
    monkeypatch.setattr("journal.remote_subscriptions.AT_ONCE", 2)
    monkeypatch.setattr("journal.remote_subscriptions.MOST", 2)
    strategy = named("M")
    advices = [replace(BUY, strategy=strategy, symbol=f"A{number}") for number in range(5)]
    assert journal.subscriptions.advise(iter(advices)) == 5 and journal.subscriptions.advices(strategy) == advices


def test_which_backtests_are_known(both, settings, tmp_path):
    journal, database = both
    one = member(database, "tested@example.org", GOLD, ("Momentum", "UP"))
    spec = RunSpec(symbols=("UP",), source=settings.source)
    done = [Backtest(each).play(settings, database, tmp_path / str(number), lambda *_: None) for number, each in enumerate((spec, spec.replace(params={"fast": 5})))]
    [(pair, found)] = journal.subscriptions.backtests(settings.source).items()
    assert pair == GOLD and found.run == done[0].run and found.metrics["total_return"] == pytest.approx(done[0].summary["total_return"])
    assert (found.start, found.end) == (done[0].summary["start"], done[0].summary["end"]) and journal.subscriptions.backtests("yahoo") == {}
    database.subscriptions.leave(one.token)


def test_what_became_of_the_steps(both):
    journal, _ = both
    daily = journal.daily
    failed = daily.record("2024-03-01", "collect", False, "yahoo does not answer")
    assert (failed.done, failed.attempts, failed.text) == (False, 1, "yahoo does not answer") and failed.time_ns > 0
    done = daily.record("2024-03-01", "collect", True, "3 symbols")
    assert (done.done, done.attempts) == (True, 2) and daily.record("2024-03-01", "collect", False, "x") == done
    later = daily.record("2024-03-04", "collect", False, "a", at_ns=5)
    assert daily.record("2024-03-04", "collect", True, "b", at_ns=5) == later and later.attempts == 1  # the same moment counts once
    more = daily.record("2024-03-04", "mails", True, "sent")
    assert daily.steps("2024-03-04") == [more, later] and daily.steps("2024-03-05") == []
    assert daily.days(2) == [("2024-03-04", [later, more]), ("2024-03-01", [done])] and daily.days(1) == daily.days()[:1]
    assert daily.steps(limit=2) == [more, later]


def test_nothing_of_single_subscribers_leaves(url, here):
    one = member(here, "secret.ann@example.org", GOLD)
    here.subscriptions.advise([replace(BUY, strategy="GoldenCross", session="2024-05-01")])
    with httpx.Client(base_url=f"{url}/v1", timeout=60) as client:
        told = [client.get(path).text for path in ("/followed", "/advice", "/days", "/mails", "/followed/backtests?source=yahoo")]
        told.append(client.post("/mails").text)
    assert not any(secret in text for text in told for secret in (one.token, "secret.ann"))
    with opened(url) as journal:
        for work in (lambda: journal.subscriptions.due(), lambda: journal.subscriptions.subscriber(one.token), lambda: journal.subscriptions.ask("a@b.org", [GOLD]),
                     lambda: journal.daily.place("alerts")):
            with pytest.raises(UsageError, match="this takes the database itself"):
                work()
    here.subscriptions.leave(one.token)


@pytest.mark.parametrize(("path", "status"), [
    ("/advice?since=yesterday", 422), ("/advice?since=٢٠٢٤-٠١-٠١", 422), ("/advice?limit=0", 422), ("/advice?after=x", 422), ("/days?limit=0", 422), ("/days/2024-03-01/report", 404),
    ("/days/..%2f..%2fetc/report", 404), ("/days/2024-03-1x/report", 422), ("/followed/backtests", 422)])
def test_what_cannot_be_asked(url, path, status):
    answer = httpx.get(f"{url}/v1{path}")
    assert answer.status_code == status and answer.headers["content-type"] == "application/problem+json" and answer.json()["detail"]


@pytest.mark.parametrize("changes", [dict(signal="HOLD"), dict(session="soon"), dict(close=-1), dict(symbol=""), dict(strategy="a\nb"), dict(reasons={"x": {"y": 1}}), dict(reasons={"closes": 5}), dict(reasons={"closes": "abc"}), dict(reasons={"n": 10**400}),
    dict(reasons={"closes": [1, 10**400]}), dict(more=1)])
def test_what_is_no_advice(url, changes):
    told = {"advice": [{"strategy": "S", "symbol": "UP", "session": "2024-03-01", "signal": "BUY", "close": 1, **changes}]}
    answer = httpx.post(f"{url}/v1/advice", json=told)
    assert answer.status_code == 422 and next(iter(changes)) in answer.json()["detail"]


# -- mails ------------------------------------------------------------------------------------------------


def test_mails_are_sent_once_however_many_ask_at_a_time(url, here, box):
    strategy = named("P")
    for number in range(20):
        member(here, f"m{number}@{strategy}.org".lower(), (strategy, "UP"))
    here.subscriptions.advise([replace(BUY, strategy=strategy)])
    with httpx.Client(base_url=f"{url}/v1", timeout=60) as client:
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(client.post("/mails").json())) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(each["sent"] for each in answers) == 20 == len(set(box[0].told())) == len(box[0].mails) and all(each["done"] for each in answers)
        assert client.get("/mails").json() == {"waiting": 0, "posts": True}


def test_it_takes_its_time_and_is_asked_again(url, here, box, monkeypatch):
    strategy = named("T")
    member(here, f"{strategy}@example.org", (strategy, "UP"))
    here.subscriptions.advise([replace(BUY, strategy=strategy)])
    monkeypatch.setattr(poster, "SENDS_S", 0.0)
    assert httpx.post(f"{url}/v1/mails").json() == {"sent": 0, "later": 0, "given_up": 0, "done": False} and box[0].mails == []
    with opened(url) as journal:
        monkeypatch.setattr("journal.remote_subscriptions.MOST_ASKED", 3)
        with pytest.raises(StoreFailed, match="is still sending mails"):
            journal.subscriptions.post()
        monkeypatch.setattr(poster, "SENDS_S", 15.0)
        assert journal.subscriptions.post() == Posted(1, 0, 0) and len(box[0].mails) == 1


def test_a_mail_server_that_hangs_is_a_problem_and_holds_nobody(tmp_path, monkeypatch):
    monkeypatch.setattr(poster, "ANSWERS_S", 0.5)
    with hanging() as port:
        settings = settings_in(tmp_path).model_copy(update=dict(email_host="127.0.0.1", email_port=port, email_from="s@example.org"))
        with serving(create_app(settings, rate=0)) as url, opened(url) as journal, Journal(settings.journal) as here:
            one = here.subscriptions.ask("ann@example.org", [GOLD])
            answer = httpx.post(f"{url}/v1/mails", timeout=20)
            assert answer.status_code == 503 and "timed out" in answer.json()["detail"] and answer.headers["content-type"] == "application/problem+json"
            assert here.subscriptions.waiting() == 1 and not one.confirmed and journal.daily.days() == []
            here.subscriptions.ask("ben@example.org", [GOLD])
            with pytest.raises(StoreFailed, match="timed out"):
                journal.subscriptions.post()


def test_who_asks_waits_for_others_that_send_and_only_so_many_wait(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(poster, "TURN_S", 0.1)
    app = create_app(settings.model_copy(update={"home": tmp_path}), rate=0)
    with serving(app) as url, Journal(app.state.settings.journal) as here:
        with app.state.poster._turn:
            here.subscriptions.ask("ann@example.org", [GOLD])
            assert httpx.post(f"{url}/v1/mails").json() == {"sent": 0, "later": 0, "given_up": 0, "done": False}
        for _ in range(poster.MOST_ASKING):
            assert app.state.poster._asking.acquire(blocking=False)
        answer = httpx.post(f"{url}/v1/mails")
        assert answer.status_code == 503 and "repeat it later" in answer.json()["detail"] and here.subscriptions.waiting() == 1


def test_an_api_without_a_mail_server(tmp_path):
    settings = settings_in(tmp_path)
    with serving(create_app(settings, rate=0)) as url, opened(url) as journal:
        assert posting(journal, settings, SystemClock()) is None
        answer = httpx.post(f"{url}/v1/mails")
        assert answer.status_code == 422 and "set EMAIL_HOST" in answer.json()["detail"]


# -- a whole day ------------------------------------------------------------------------------------------


def test_a_day_by_the_api(url, here, box, settings):
    one = member(here, "ann@example.org", GOLD)
    with opened(url) as journal:
        day = Day(LAST, journal, settings, SystemClock(), settings.source, post=posting(journal, settings, SystemClock()))
        STEPS["backtests"](day)  # as on the day before: what it measured is told with the advice
        stand = run_day(day)
        assert [(each.step, each.done) for each in stand] == [(step, True) for step in STEPS], [each.text for each in stand]
        assert run_day(day) == stand  # the API may have asked ann before she was taken to have been asked
        assert [told for told in box[0].told() if told[1] != QUESTION] == [("ann@example.org", "BUY UP")]
    found = here.subscriptions.advices("GoldenCross", "UP", str(LAST))[0]
    [(name, text)] = [(name, text) for name, text in found.reasons.items() if name.startswith("backtest since ")]
    assert (name, text) == ("backtest since 2020-01-02", "+0.0%, max drawdown 0.0%")  # it has not traded, and has no Sharpe ratio
    page = httpx.get(f"{url}/v1/days/{LAST}/report")
    assert page.status_code == 200 and "UP" in page.text and text in page.text and "sandbox" in page.headers["content-security-policy"]
    told = httpx.get(f"{url}/v1/days", params={"session": str(LAST)}).json()["days"][0]
    assert told["session"] == str(LAST) and [each["step"] for each in told["steps"]] == list(STEPS)
    here.subscriptions.leave(one.token)
