"""The gateway when requests go wrong: retries, deadlines, keys, the rate limit, and silence about secrets."""

import logging
import traceback

import pytest
from alpaca_rest import VenueClock, buy, endpoints_of, rest_of

from brokers.alpaca.errors import BrokerUnavailable, Refused, Unauthorized
from brokers.alpaca.limiter import WINDOW_S
from brokers.alpaca.rest import Rest
from brokers.local_alpaca import AccountRules, AnswerFault, EventFault, LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes
from core.errors import CerebrolabError, UsageError

NOW = "2024-03-01T09:31-05:00"
HTML = "<html><body>Bad Gateway</body></html>"


@pytest.mark.parametrize("how", [
    dict(lost=True), dict(reset=True), dict(status=500, body=HTML), dict(status=503, body={"message": "busy"}),
    dict(status=504), dict(status=200, body=HTML), dict(status=429, body={"message": "too many"}),
    dict(status=200, body={"unexpected": 1}), dict(status=200, body=[]), dict(status=404, body=HTML),
])
def test_reading_is_repeated_until_it_works(alpaca, rest, how):
    fault = alpaca.faults.add(AnswerFault(path="/v2/account", times=3, **how))
    assert rest.account().number == "PA3FAKE0001" and fault.struck == 3
    assert [request.status for request in alpaca.ledger.asked("GET")][-1] == 200


def test_pauses_grow_and_jitter_and_the_seed_repeats_them(alpaca):
    def pauses(seed):
        clock = VenueClock(alpaca)
        rest = Rest(endpoints_of(alpaca), clock, seed=seed)
        alpaca.faults.clear()
        alpaca.faults.add(AnswerFault(path="/v2/clock", status=500, times=7))
        rest.clock()
        rest.close()
        return clock.slept
    drawn = pauses(1)
    full = [0.5, 1, 2, 4, 8, 8, 8]
    assert all(longest / 2 <= pause <= longest for pause, longest in zip(drawn, full, strict=True))
    assert drawn == pauses(1) != pauses(2)


def test_without_an_answer_by_the_deadline_it_says_what_it_asked_and_why(alpaca):
    rest = rest_of(alpaca, deadline_s=30)
    alpaca.faults.add(AnswerFault(path="/v2/positions", status=503, times=0, body=HTML))
    start = alpaca.now
    with pytest.raises(BrokerUnavailable, match=r"within 30 s \(GET /positions: HTTP 503\): check the network"):
        rest.positions()
    assert 15 < (alpaca.now - start) / 1e9 <= 30
    assert rest.account().cash == 100_000
    rest.close()


@pytest.mark.parametrize(("seconds", "survived"), [(20, True), (300, False)])
def test_an_outage_is_survived_up_to_the_deadline(alpaca, rest, seconds, survived):
    rest.account()
    alpaca.outage(seconds)
    if survived:
        assert rest.account().cash == 100_000
    else:
        with pytest.raises(BrokerUnavailable, match="connection lost"):
            rest.account()
        alpaca.advance(seconds=seconds)
        assert rest.account().cash == 100_000


def test_nobody_listening_is_told_apart_from_a_lost_answer(alpaca):
    endpoints = endpoints_of(alpaca)
    clock = VenueClock(alpaca)
    alpaca.rest.close()
    rest = Rest(endpoints, clock, deadline_s=5)
    with pytest.raises(BrokerUnavailable, match="connection refused"):
        rest.account()
    with pytest.raises(BrokerUnavailable, match=r"did not take order one \(connection refused\)"):
        rest.submit(buy("one"))
    rest.close()


def test_a_venue_that_is_slow_to_answer_does_not_hold_the_caller(alpaca):
    rest = rest_of(alpaca, timeout_s=(1.0, 0.05))
    alpaca.faults.add(AnswerFault(path="/v2/clock", wait_s=0.3))
    assert rest.clock().is_open
    rest.close()


def test_a_wait_beyond_the_deadline_is_not_waited(alpaca, rest):
    alpaca.faults.add(AnswerFault(path="/v2/account", status=429, headers={"Retry-After": "3600"},
                                  body={"message": "too many"}))
    start = alpaca.now
    with pytest.raises(BrokerUnavailable, match="HTTP 429"):
        rest.account()
    assert alpaca.now == start


@pytest.mark.parametrize("keys", [dict(secret_key="wrong"), dict(key_id="PKWRONG")])
def test_wrong_keys_say_where_to_put_the_right_ones(alpaca, keys):
    rest = rest_of(alpaca, endpoints_of(alpaca, **keys))
    for call in (rest.account, rest.positions, lambda: rest.submit(buy("one"))):
        with pytest.raises(Unauthorized, match=r"ALPACA_API_KEY and ALPACA_SECRET_KEY in \.env"):
            call()
    rest.close()
    assert not alpaca.ledger.orders and len(alpaca.ledger.requests) == 3  # and nothing is tried again


def test_keys_revoked_while_running_and_given_back(alpaca, rest):
    order = rest.submit(buy("one", type="limit", limit_price=90))
    alpaca.revoke_keys()
    for call in (rest.orders, lambda: rest.cancel(order.id), lambda: rest.submit(buy("two"))):
        with pytest.raises(Unauthorized):
            call()
    alpaca.revoke_keys(False)
    assert [order.client_order_id for order in rest.orders()] == ["one"]


@pytest.mark.parametrize(("body", "error"), [
    ({"message": "forbidden."}, Unauthorized), ({"code": 40110000, "message": "not authorized"}, Unauthorized),
    ({"code": 40310000, "message": "account is restricted"}, Refused),
])
def test_403_is_about_the_keys_or_about_the_order(alpaca, rest, body, error):
    alpaca.faults.add(AnswerFault(method="POST", status=403, accepted=False, body=body))
    with pytest.raises(error):
        rest.submit(buy("one"))


def test_a_redirect_is_an_address_to_correct(alpaca, rest):
    alpaca.faults.add(AnswerFault(path="/v2/account", status=301, headers={"Location": "https://elsewhere.invalid/"}))
    with pytest.raises(Refused, match="redirects; correct ALPACA_BASE_URL"):
        rest.account()


def test_a_status_nobody_has_heard_of_is_neither_lost_nor_final(alpaca, rest):
    sent = rest.submit(buy("one", type="limit", limit_price=90))
    alpaca.order("one").status = "teleported"
    told = rest.order(sent.id)
    assert (told.status, told.is_known, told.open, told.done) == ("teleported", False, True, False)


def test_the_rate_limit_is_kept_whatever_is_asked():
    with LocalAlpaca(minutes(AAA=[100] * 200), now=NOW, account=AccountRules(rate_limit=40)) as alpaca:
        rest = rest_of(alpaca, per_minute=40)
        for number in range(90):
            rest.positions()
            if number % 10 == 0:
                rest.cancel(rest.submit(buy(f"n{number}", qty=1, type="limit", limit_price=90)).id)
        rest.close()
        times = [request.time for request in alpaca.ledger.requests]
        assert len(times) == 108 and alpaca.ledger.busiest_minute() <= 40
        assert all(later - earlier >= WINDOW_S * 1e9 for earlier, later in zip(times, times[40:], strict=False))
        assert not [request for request in alpaca.ledger.requests if request.status == 429]


def test_when_the_polls_have_used_theirs_orders_and_then_cancels_still_go_out(alpaca):
    rest = rest_of(alpaca, per_minute=20)
    start = alpaca.now
    for _ in range(17):
        rest.positions()
    order = rest.submit(buy("one", type="limit", limit_price=90))
    rest.submit(buy("two", type="limit", limit_price=90))
    assert rest.cancel(order.id) and alpaca.now == start
    assert (rest.positions(), alpaca.now - start) == ([], 60 * 10**9)
    rest.close()


def test_without_alpaca_py_it_says_how_to_get_it(alpaca, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "alpaca.trading.client", None)
    with pytest.raises(UsageError, match=r"pip install -e \.\[live\]"):
        rest_of(alpaca)


def test_secrets_are_in_no_text_that_a_run_leaves_behind(alpaca, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    endpoints = endpoints_of(alpaca)
    texts = [repr(endpoints), str(endpoints), f"{endpoints}"]
    wrong = endpoints_of(alpaca, key_id="PKMISTAKEN", secret_key="mistaken-secret")
    for keys in (endpoints, wrong):
        for fault in (None, dict(lost=True), dict(status=500, body=HTML), dict(status=401, body={"message": "no"}),
                      dict(status=422, body={"code": 1, "message": f"bad key {keys.key_id} {keys.secret_key}"})):
            rest = rest_of(alpaca, keys, deadline_s=2)
            texts.append(repr(rest))
            alpaca.faults.clear()
            if fault:
                alpaca.faults.add(AnswerFault(times=0, accepted=False, **fault))
            for call in (rest.account, rest.orders, lambda rest=rest: rest.submit(buy("one"))):
                try:
                    texts.append(repr(call()))
                except CerebrolabError as error:
                    texts += traceback.format_exception(error)
            rest.close()
    texts += [caplog.text, *capfd.readouterr()]
    assert len(texts) > 40 and "HTTP 401" in str(texts) and "HTTP 422" in str(texts)
    for text in texts:
        for secret in (endpoints.key_id, endpoints.secret_key, wrong.key_id, wrong.secret_key):
            assert secret not in text


def test_unknown_events_do_not_reach_the_gateway(alpaca, rest):
    """What the stream says wrong, a read says right."""
    alpaca.faults.add(EventFault(do="status", value="teleported", event="fill"))
    order = rest.submit(buy("one"))
    alpaca.advance(seconds=60)
    assert rest.order(order.id).status == "filled"
