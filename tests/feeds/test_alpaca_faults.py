"""The source alpaca when things go wrong: keys, faults of the network and the server, limits, and what is said then."""

import logging
import sys
import time

import pytest
from made_bars import bars, walk
from vendor import same_bars

from brokers.local_alpaca import AccountRules, AnswerFault, LocalAlpaca
from core.clock import ManualClock
from core.errors import BadBars, SourceUnavailable, UsageError
from feeds import ParquetStore, load_bars
from feeds.alpaca import AlpacaSource
from feeds.source import PartialFetch

BARS, ACTIONS = "/v2/stocks/bars", "/v1/corporate-actions"
START = "2024-01-02"


@pytest.fixture
def alpaca():
    market = bars(**{name: walk(30, at, START) for at, name in enumerate(("AAA", "BBB", "CCC"))})
    with LocalAlpaca(market, now=int(market.index[-1]) + 3_600 * 10**9) as venue:
        yield venue


def complete(alpaca, series):
    return len(series) == 3 and all(same_bars(each, alpaca.market.bars.series(each.symbol)) for each in series)


@pytest.mark.parametrize("path", [BARS, ACTIONS])
@pytest.mark.parametrize("fault", [
    {"status": 429}, {"status": 500}, {"status": 504}, {"status": 503, "body": "<html>upstream</html>"},
    {"status": 200, "body": "<html>maintenance</html>"}, {"status": 200}, {"reset": True}, {"lost": True}])
def test_what_passes_is_asked_again(connect, alpaca, path, fault):
    struck = alpaca.faults.add(AnswerFault(path=path, nth=1, times=2, **fault))
    source = connect(alpaca, page=20)
    assert complete(alpaca, source.fetch(["AAA", "BBB", "CCC"], START, None)) and struck.struck == 2
    assert source._clock.monotonic() > 0.5


def test_a_fault_between_two_pages_loses_and_repeats_nothing(connect, alpaca):
    alpaca.faults.add(AnswerFault(path=BARS, nth=3, reset=True))
    alpaca.faults.add(AnswerFault(path=BARS, nth=5, status=502))
    assert complete(alpaca, connect(alpaca, page=7).fetch(["AAA", "BBB", "CCC"], START, None))


def test_pages_that_go_round_in_a_circle_are_given_up(connect, alpaca):
    alpaca.faults.add(AnswerFault(path=BARS, times=0, status=200, body={"bars": {}, "next_page_token": "QUFB"}))
    with pytest.raises(SourceUnavailable, match="alpaca did not answer .the same page again and again.: check"):
        connect(alpaca).fetch(["AAA"], START, None)
    assert len(alpaca.ledger.requests) == 2


def test_the_rate_limit_is_waited_for_as_long_as_it_says(connect, alpaca):
    start = alpaca.now // 10**9
    alpaca.faults.add(AnswerFault(path=BARS, status=429, headers={"X-RateLimit-Reset": str(start + 47)}))
    source = connect(alpaca)
    assert complete(alpaca, source.fetch(["AAA", "BBB", "CCC"], START, None))
    assert 47 <= source._clock.monotonic() < 50


def test_no_minute_sees_more_than_two_hundred_questions(connect, alpaca):
    source, moments = connect(alpaca, page=1), []
    alpaca.on_request(lambda when, _: moments.append(source._clock.monotonic()) if when == "before" else None)
    for _ in range(3):
        source.fetch(["AAA", "BBB", "CCC"], START, None)
    assert len(moments) > 250
    assert all(sum(since <= moment < since + 60 for moment in moments) <= 200 for since in moments)


def test_a_silent_server_is_given_up_and_asked_again(connect, alpaca, monkeypatch):
    monkeypatch.setattr("feeds.alpaca_pages.ANSWER_TIMEOUT_S", 0.5)
    struck = alpaca.faults.add(AnswerFault(path=BARS, wait_s=1.5))
    assert complete(alpaca, connect(alpaca).fetch(["AAA", "BBB", "CCC"], START, None)) and struck.struck == 1
    assert [each.path for each in alpaca.ledger.requests] == [BARS, BARS, ACTIONS]


@pytest.mark.parametrize(("fault", "words"), [
    ({"status": 500, "body": {"message": "internal  error\n occurred"}}, r"500 internal error occurred"),
    ({"status": 429, "body": {"message": "too many requests."}}, r"429 too many requests\."),
    ({"lost": True}, r"Remote end closed connection without response"), ({"reset": True}, "Connection reset by peer")])
def test_what_lasts_is_one_line_after_later_and_later_retries(connect, alpaca, fault, words):
    alpaca.faults.add(AnswerFault(path=BARS, times=0, **fault))
    source = connect(alpaca)
    with pytest.raises(SourceUnavailable, match=rf"^alpaca did not answer \({words}\): check the network and try again$"):
        source.fetch(["AAA"], START, None)
    assert 15 <= source._clock.monotonic() <= 250


def test_no_connection_is_left_open(connect, alpaca):
    source = connect(alpaca)
    source.fetch(["AAA"], START, None)
    assert_closed(alpaca)
    alpaca.faults.add(AnswerFault(path=BARS, status=403))
    with pytest.raises(UsageError):
        source.fetch(["AAA"], START, None)
    assert_closed(alpaca)


def assert_closed(alpaca):
    for _ in range(400):
        if not alpaca.rest._open:
            return
        time.sleep(0.005)
    raise AssertionError("the connection is still open after two seconds")


def test_a_host_that_is_not_there_is_one_line(connect, alpaca):
    alpaca.close()
    with pytest.raises(SourceUnavailable, match=r"^alpaca did not answer \(Connection refused\): check"):
        connect(alpaca).fetch(["AAA"], START, None)


def test_what_arrived_before_the_failure_is_kept(connect, alpaca, monkeypatch, tmp_path):
    monkeypatch.setattr("feeds.alpaca.CHUNK", 1)
    fault = alpaca.faults.add(AnswerFault(path=BARS, nth=2, times=0, lost=True))
    with pytest.raises(PartialFetch, match="alpaca did not deliver AAA, CCC .Remote end closed") as caught:
        connect(alpaca).fetch(["BBB", "CCC", "AAA"], START, None)
    assert [each.symbol for each in caught.value.series] == ["BBB"]
    assert set(caught.value.failed) == {"AAA", "CCC"}
    alpaca.faults.clear()
    assert fault.struck > 1 and complete(alpaca, connect(alpaca).fetch(["AAA", "BBB", "CCC"], START, None))


def test_stored_bars_serve_when_alpaca_is_down(connect, alpaca, tmp_path):
    store, source = ParquetStore(tmp_path), connect(alpaca)

    def load(end):
        return load_bars(source=source, symbols=["AAA"], start=START, end=end, store=store, clock=source._clock)

    load("2024-01-31")
    alpaca.faults.add(AnswerFault(times=0, reset=True))
    held = load("2024-02-09")
    assert str(held.session[-1]) == "2024-01-31"
    assert "alpaca did not answer: stored bars of AAA go up to 2024-01-31" in held.origin.warnings
    alpaca.faults.clear()
    assert str(load("2024-02-09").session[-1]) == "2024-02-09"


def test_missing_keys_are_named(settings_of, alpaca):
    source = AlpacaSource(settings=settings_of(alpaca, ALPACA_SECRET_KEY=None, ALPACA_API_KEY=None))
    with pytest.raises(UsageError, match="^ALPACA_API_KEY and ALPACA_SECRET_KEY are not set: .*\\.env"):
        source.fetch(["AAA"], START, None)


@pytest.mark.parametrize("changes", [{"ALPACA_SECRET_KEY": "no-such-secret-0123456789"}, {"ALPACA_API_KEY": "PKNOSUCHKEY"}])
def test_wrong_keys_are_named_at_once_and_never_shown(connect, settings_of, alpaca, changes, caplog):
    settings = settings_of(alpaca, **changes)
    source = connect(alpaca, settings=settings)
    with caplog.at_level(logging.DEBUG), pytest.raises(UsageError) as caught:
        source.fetch(["AAA"], START, None)
    assert str(caught.value) == ("alpaca refused the keys (403 forbidden.): check ALPACA_API_KEY and ALPACA_SECRET_KEY "
                                 "in .env or the environment")
    assert len(alpaca.ledger.requests) == 1 and source._clock.monotonic() == 0
    shown = repr(source) + repr(vars(source)) + repr(vars(source._data)) + str(caught.value) + caplog.text
    assert not [secret for secret in settings.secrets if secret in shown]


def test_keys_that_a_server_repeats_are_masked(connect, alpaca, caplog):
    for status in (400, 401, 500):
        alpaca.faults.add(AnswerFault(path=BARS, times=0, status=status,
                                      body={"message": f"key {alpaca.key_id} with {alpaca.secret_key} is odd"}))
        with caplog.at_level(logging.DEBUG), pytest.raises((UsageError, SourceUnavailable)) as caught:
            connect(alpaca).fetch(["AAA"], START, None)
        assert "is odd" in str(caught.value) and str(status) in str(caught.value)
        assert alpaca.key_id not in str(caught.value) + caplog.text
        assert alpaca.secret_key not in str(caught.value) + caplog.text
        alpaca.faults.clear()


def test_keys_of_a_live_account_do_as_well(settings_of):
    market = bars(AAA=walk(30, 1, START))
    with LocalAlpaca(market, now=int(market.index[-1]) + 3_600 * 10**9, account=AccountRules(live=True)) as alpaca:
        source = AlpacaSource(settings=settings_of(alpaca), clock=ManualClock(alpaca.now))
        assert alpaca.key_id.startswith("AK") and same_bars(source.fetch(["AAA"], START, None)[0], market.series("AAA"))


def test_a_clock_that_is_fast_is_told_what_sip_needs(connect):
    with LocalAlpaca(bars(AAA=walk(30, 1, START)), now="2024-02-12T12:00-05:00") as venue, pytest.raises(
            UsageError, match="alpaca: subscription does not permit querying recent SIP data; use the source alpaca, or"):
        connect(venue, "sip", ahead_s=600).fetch(["AAA"], START, None)


def test_a_wrong_host_is_named(connect, settings_of, alpaca):
    wrong = settings_of(alpaca, ALPACA_DATA_URL=f"{alpaca.data_url}/elsewhere/")
    with pytest.raises(UsageError, match=r"alpaca refused the question \(404 .*\): check ALPACA_DATA_URL"):
        connect(alpaca, settings=wrong).fetch(["AAA"], START, None)


@pytest.mark.parametrize("bar", [{"t": "2024-01-02T05:00:00Z", "o": 1, "h": 2, "l": 1, "v": 5},
                                 {"t": "then", "o": 1, "h": 2, "l": 1, "c": 1, "v": 5},
                                 {"t": "2024-01-02T05:00:00Z", "o": 1, "h": 0.5, "l": 1, "c": 1, "v": 5}])
def test_nonsense_is_named(connect, alpaca, bar):
    body = {"bars": {"AAA": [bar]}, "next_page_token": None}
    alpaca.faults.add(AnswerFault(path=BARS, status=200, body=body))
    with pytest.raises(BadBars, match="bad bars for AAA at "):
        connect(alpaca).fetch(["AAA"], START, None)


def test_without_alpaca_py_the_command_is_named(connect, alpaca, monkeypatch):
    monkeypatch.setitem(sys.modules, "alpaca.data.historical.stock", None)
    with pytest.raises(UsageError, match=r"the source alpaca needs alpaca-py: install it with pip install -e \.\[live\]"):
        connect(alpaca).fetch(["AAA"], START, None)
