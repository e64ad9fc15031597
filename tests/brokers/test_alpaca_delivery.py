"""An order is sent exactly once, whatever happens to the answers; the venue's ledger is the judge."""

import threading

import pytest
from alpaca_rest import buy, rest_of
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.alpaca.errors import BrokerUnavailable, OrderUncertain, Refused, Unauthorized
from brokers.local_alpaca import AnswerFault, LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes

NOW = "2024-03-01T09:31-05:00"
HTML = "<html><body>Internal Server Error</body></html>"


def posts(alpaca):
    return [request.client_order_id for request in alpaca.ledger.asked("POST")]


def sent(alpaca):
    return [order.client_order_id for order in alpaca.ledger.sent()]


@pytest.mark.parametrize("how", [
    dict(lost=True), dict(reset=True), dict(status=504, body={"message": "gateway timeout"}),
    dict(status=500, body=HTML), dict(status=200, body=HTML), dict(status=200, body={"message": "what?"}),
    dict(status=200), dict(status=408, body={"message": "timeout"}),
])
def test_an_answer_lost_after_acceptance_is_looked_up_and_not_sent_again(alpaca, rest, how):
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", **how))
    order = rest.submit(buy("one"))
    other = rest.submit(buy("two", "BBB"))
    assert (order.client_order_id, other.client_order_id) == ("one", "two")
    assert posts(alpaca) == sent(alpaca) == ["one", "two"]


@pytest.mark.parametrize("how", [
    dict(reset=True), dict(lost=True), dict(status=500, body=HTML), dict(status=503, body={"message": "busy"}),
    dict(status=403, body=HTML), dict(status=404, body=HTML),
])
def test_an_order_that_never_arrived_is_sent_again_under_the_same_identity(alpaca, rest, how):
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", accepted=False, **how))
    assert rest.submit(buy("one")).client_order_id == "one"
    rest.submit(buy("two", "BBB"))
    assert posts(alpaca) == ["one", "one", "two"] and sent(alpaca) == ["one", "two"]


def test_an_answer_that_comes_too_late_is_looked_up(alpaca):
    rest = rest_of(alpaca, timeout_s=(1.0, 0.1))
    release = threading.Event()
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", until=release))
    order = rest.submit(buy("one"))
    release.set()
    rest.close()
    assert order.client_order_id == "one" and posts(alpaca) == sent(alpaca) == ["one"]


def test_an_order_that_arrives_after_it_was_sent_again_is_refused_as_a_duplicate(alpaca):
    rest = rest_of(alpaca, timeout_s=(1.0, 0.1))
    release, first = threading.Event(), []

    def delay(when, request):
        if (when, request.method) == ("before", "POST") and not first:
            first.append(request)
            release.wait(60)

    alpaca.on_request(delay)
    order = rest.submit(buy("one"))
    release.set()
    rest.close()
    while first[0].status is None:
        pass
    assert first[0].status == 422 and posts(alpaca) == ["one", "one"] and sent(alpaca) == ["one"]
    assert order.id == alpaca.ledger.sent()[0].id


def test_the_second_of_two_accepts_when_the_first_answer_says_duplicate(alpaca, rest):
    first = rest.submit(buy("one"))
    alpaca.advance(seconds=60)
    again = rest.submit(buy("one"))
    assert again.id == first.id and again.status == "filled" and sent(alpaca) == ["one"]


def test_a_duplicate_that_cannot_be_found_yet_is_asked_for_until_it_is(alpaca, rest):
    rest.submit(buy("one"))
    slow = alpaca.faults.add(missing(times=4))
    assert rest.submit(buy("one")).client_order_id == "one"
    assert slow.struck == 4 and sent(alpaca) == ["one"]


@pytest.mark.parametrize("accepted", [True, False])
def test_lookups_that_fail_too_do_not_lead_to_a_blind_repeat(alpaca, rest, accepted):
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", accepted=accepted, lost=True))
    alpaca.faults.add(AnswerFault(path="by_client_order_id", status=502, body=HTML, times=3))
    assert rest.submit(buy("one")).client_order_id == "one"
    assert posts(alpaca) == ["one"] * (1 if accepted else 2) and sent(alpaca) == ["one"]


def test_bursts_of_429_are_waited_out_as_long_as_the_venue_says(alpaca, rest):
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", status=429, accepted=False, times=3,
                                  headers={"Retry-After": "7"}, body={"message": "too many requests"}))
    start = alpaca.now
    rest.submit(buy("one"))
    assert (alpaca.now - start) / 1e9 >= 21 and sent(alpaca) == ["one"]
    assert not alpaca.ledger.asked("GET")  # what is put off cannot exist: nothing to look up


def test_a_429_that_lasts_beyond_the_deadline_is_not_waited_for_but_holds_the_next_caller(alpaca):
    rest = rest_of(alpaca, deadline_s=5)
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", status=429, accepted=False,
                                  headers={"Retry-After": "9"}, body={"message": "too many requests"}))
    start = alpaca.now
    with pytest.raises(BrokerUnavailable, match="did not take order one"):
        rest.submit(buy("one"))
    assert alpaca.now == start
    rest.positions()
    assert (alpaca.now - start) / 1e9 == 9
    rest.close()


def test_an_outage_shorter_than_the_deadline_is_survived(alpaca, rest):
    rest.submit(buy("one"))
    alpaca.outage(20)
    assert rest.submit(buy("two", "BBB")).client_order_id == "two"
    assert sent(alpaca) == ["one", "two"]


def test_an_order_that_was_never_taken_is_said_not_to_exist(alpaca, rest):
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", status=429, accepted=False, times=0,
                                  body={"message": "too many requests"}))
    with pytest.raises(BrokerUnavailable, match="did not take order one .*it does not exist") as caught:
        rest.submit(buy("one"))
    assert not isinstance(caught.value, OrderUncertain) and not alpaca.ledger.orders


@pytest.mark.parametrize("accepted", [True, False])
def test_after_the_deadline_an_order_may_or_may_not_exist_and_can_be_settled_later(alpaca, rest, accepted):
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", accepted=accepted, lost=True))
    alpaca.faults.add(unreachable())
    with pytest.raises(OrderUncertain, match="order one may or may not exist") as caught:
        rest.submit(buy("one"))
    assert caught.value.client_order_id == "one" and caught.value.exit_code == 2
    alpaca.faults.clear()
    assert rest.submit(buy("one")).client_order_id == "one" and sent(alpaca) == ["one"]


def test_keys_revoked_after_an_unanswered_order_say_that_it_may_exist(alpaca, rest):
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", lost=True))

    def revoke(when, request):
        if (when, request.method) == ("after", "POST"):
            alpaca.revoke_keys()

    alpaca.on_request(revoke)
    with pytest.raises(Unauthorized, match=r"does not accept the keys.*order one may or may not exist"):
        rest.submit(buy("one"))
    assert sent(alpaca) == ["one"]


def test_a_refusal_is_final_and_spends_nothing(alpaca, rest):
    with pytest.raises(Refused, match="insufficient buying power"):
        rest.submit(buy("one", qty=100_000))
    assert posts(alpaca) == ["one"] and not alpaca.ledger.orders
    rest.submit(buy("one"))
    assert sent(alpaca) == ["one"]


def test_a_refusal_of_the_repeat_is_looked_up_first(alpaca, rest):
    """The repeat is refused for want of the buying power that the order itself, unseen, has taken."""
    big = buy("one", qty=1_500)
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", lost=True))
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", accepted=False, status=403, nth=2,
                                  body={"code": 40310000, "message": "insufficient buying power"}))
    alpaca.faults.add(missing(times=3))
    assert rest.submit(big).client_order_id == "one" and posts(alpaca) == ["one", "one"] and sent(alpaca) == ["one"]


def missing(times=1, nth=1):
    return AnswerFault(path="by_client_order_id", status=404, times=times, nth=nth,
                       body={"code": 40410000, "message": "order not found"})


def unreachable(nth=1):
    return AnswerFault(path="by_client_order_id", status=503, times=0, nth=nth, body=HTML)


def test_a_duplicate_that_cannot_be_looked_up_is_said_to_be_possible(alpaca, rest):
    rest.submit(buy("one"))
    alpaca.faults.add(unreachable())
    with pytest.raises(OrderUncertain):
        rest.submit(buy("one"))


def test_a_refused_repeat_that_cannot_be_looked_up_is_no_refusal(alpaca, rest):
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", lost=True))
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", accepted=False, status=403, nth=2,
                                  body={"code": 40310000, "message": "insufficient buying power"}))
    alpaca.faults.add(missing(times=3))
    alpaca.faults.add(unreachable(nth=4))
    with pytest.raises(OrderUncertain):
        rest.submit(buy("one"))
    assert sent(alpaca) == ["one"]


def test_a_refusal_of_the_repeat_stands_where_no_order_is_found(alpaca, rest):
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", accepted=False, lost=True))
    alpaca.block_trading()
    with pytest.raises(Refused, match="blocked"):
        rest.submit(buy("one"))
    assert not alpaca.ledger.orders


@pytest.mark.parametrize("accepted", [True, False])
def test_a_lost_answer_to_a_replacement_is_resolved_the_same_way(alpaca, rest, accepted):
    old = rest.submit(buy("old", type="limit", limit_price=90))
    alpaca.faults.add(AnswerFault(method="PATCH", accepted=accepted, lost=True))
    new = rest.replace(old.id, "new", qty=5)
    assert (new.client_order_id, new.qty, new.replaces) == ("new", 5, old.id)
    assert [order.client_order_id for order in alpaca.ledger.orders] == ["old", "new"]
    assert len(alpaca.ledger.asked("PATCH")) == (1 if accepted else 2)


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("how", [dict(lost=True), dict(status=500, body=HTML), dict(status=200, body=HTML)])
def test_a_lost_answer_to_a_cancellation_is_asked_again(alpaca, rest, accepted, how):
    order = rest.submit(buy("one", type="limit", limit_price=90))
    alpaca.faults.add(AnswerFault(method="DELETE", accepted=accepted, **how))
    assert rest.cancel(order.id) is (not accepted)  # the second request finds the order cancelled
    assert rest.order(order.id).status == "canceled"


def test_threads_share_a_gateway(alpaca, rest):
    alpaca.faults.add(AnswerFault(method="POST", path="/v2/orders", lost=True, nth=3, times=4))
    names = [f"n{at}" for at in range(16)]
    threads = [threading.Thread(target=rest.submit, args=(buy(name, qty=1),)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(sent(alpaca)) == sorted(names)


FAULTS = st.fixed_dictionaries({
    "method": st.sampled_from(["POST", "GET", "*"]), "accepted": st.booleans(), "times": st.integers(1, 3),
    "nth": st.integers(1, 4)}, optional={"lost": st.just(True), "reset": st.just(True),
                                         "status": st.sampled_from([429, 500, 503, 504])})


@settings(max_examples=30)
@given(st.lists(FAULTS, max_size=5), st.integers(0, 5))
def test_whatever_goes_wrong_there_is_one_order_each_or_it_is_said(faults, seed):
    with LocalAlpaca(minutes(AAA=[100] * 30, BBB=[50] * 30), now=NOW, seed=seed) as alpaca:
        rest = rest_of(alpaca)
        for fault in faults:
            alpaca.faults.add(AnswerFault(**fault))
        for name, symbol in (("one", "AAA"), ("two", "BBB")):
            try:
                assert rest.submit(buy(name, symbol)).client_order_id == name
            except OrderUncertain:
                continue
            assert sent(alpaca).count(name) == 1
        rest.close()
        assert len(sent(alpaca)) == len(set(sent(alpaca)))
