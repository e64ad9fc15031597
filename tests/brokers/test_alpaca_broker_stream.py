"""Store, broker and trade stream over real sockets, two symbols traded: whatever becomes of it, nothing is missed."""

import backtrader as bt
import pytest
from alpaca_cerebro import buy_each, played, sell_each
from alpaca_rest import CallersClock
from alpaca_streams import until
from broker_contract import sell

from brokers.alpaca import AlpacaStore
from brokers.local_alpaca.made_minutes import minutes

Order = bt.Order
CALM, HALF = (100, 101, 99, 100), (50, 51, 49, 50)
DIP = [CALM] * 4 + [(98, 98, 97, 98)] + [CALM] * 7
BARS = minutes(AAA=DIP, BBB=[HALF] * 12)
DONE = ["Submitted", "Accepted", "Completed"]


def streaming(alpaca):
    return AlpacaStore(alpaca.key_id, alpaca.secret_key, base_url=alpaca.url, trade_stream_url=alpaca.trade_stream_url,
                       clock=CallersClock(alpaca))


def have_turns(broker, done, meanwhile=lambda: None):
    """Let the broker have turns until `done()`."""
    def turn():
        meanwhile()
        broker.next()
        return done()

    until(turn)


def connected(alpaca, times=1):
    """An action that waits until the broker has noticed that the stream is connected: it sets its clock then."""
    def wait(s):
        again = times > 1  # there is a pause before another try
        have_turns(s.broker, lambda: len(alpaca.ledger.asked("GET", "/v2/clock")) > times,
                   lambda: alpaca.advance(seconds=0.1 * again))
    return wait


def play(plan, **params):
    return played(BARS, plan, store_of=streaming, events=False, **params)


def limits(s):
    """AAA's is reached on bar 5, BBB's never."""
    for data, price in zip(s.datas, (98, 45), strict=True):
        s.keep(data._name, s.buy(data, size=10, exectype=Order.Limit, price=price))


def test_fills_arrive_over_the_websocket_without_a_request():
    def plan(alpaca):
        def wait_for_both(s):
            before = len(alpaca.ledger.requests)
            have_turns(s.broker, lambda: all(s.getposition(data).size == 10 for data in s.datas))
            assert len(alpaca.ledger.requests) == before

        return {1: lambda s: (connected(alpaca)(s), buy_each()(s)), 2: wait_for_both}

    outcome = play(plan)
    assert outcome.told("AAA") == outcome.told("BBB") == DONE


@pytest.mark.parametrize("held_s", [0, 90, 200], ids=["at once", "slot held", "slot held for long"])
def test_fills_while_the_socket_is_down(held_s):
    """AAA is filled while nobody listens; after the reconnect, both trade on."""
    def plan(alpaca):
        return {1: lambda s: (connected(alpaca)(s), limits(s)), 4: lambda s: alpaca.drop("trade", held_s=held_s),
                8: connected(alpaca, 2), 9: sell_each(4, "out")}

    outcome = play(plan)
    assert outcome.told("AAA") == DONE and outcome.told("BBB") == ["Submitted", "Accepted"]
    assert outcome.traded("AAA") == [(10, 98), (-4, 100)] and outcome.told("outBBB") == ["Submitted", "Rejected"]


def test_a_fill_between_a_break_and_the_next_connection_is_read():
    """The broker has no turn while the socket is down: it hears of the break and of the new connection at once."""
    def plan(alpaca):
        def miss(s):
            alpaca.drop("trade")
            alpaca.fill(alpaca.ledger.sent("AAA")[0].id, 4, 98)
            until(lambda: alpaca.advance(seconds=0.1) or alpaca.streams.connected("trade"))
            until(lambda: any(getattr(told, "name", "") == "connected" for told in s.broker._watch.queue))

        return {1: lambda s: (connected(alpaca)(s), limits(s)), 2: miss,
                9: lambda s: have_turns(s.broker, lambda: s.getposition(s.datas[0]).size == 10)}

    outcome = play(plan)
    assert outcome.told("AAA") == ["Submitted", "Accepted", "Partial", "Completed"]
    assert outcome.traded("AAA") == [(4, 98), (6, 98)]
    assert min(at for at, status, name, _ in outcome.strategy.seen if (name, status) == ("AAA", "Partial")) == 3


def test_a_mute_socket_is_found_by_what_it_owes():
    """Orders are sent and nothing is told: the stream is made again, and the orders are read."""
    def plan(alpaca):
        return {1: connected(alpaca), 2: lambda s: (alpaca.mute("trade"), buy_each()(s)),
                4: lambda s: alpaca.unmute("trade"),
                6: connected(alpaca, 2), 7: sell_each(4, "out")}

    outcome = play(plan)
    assert [outcome.told(name) for name in ("AAA", "BBB", "outAAA", "outBBB")] == [DONE] * 4
    assert any("open but mute" in message for message in outcome.messages)


def test_a_mute_socket_that_owes_nothing_is_made_up_for_within_a_minute():
    def plan(alpaca):
        return {1: lambda s: (connected(alpaca)(s), limits(s)), 4: lambda s: alpaca.mute("trade")}

    outcome = play(plan, reconcile_s=60.0)
    assert outcome.told("AAA") == DONE and outcome.traded("AAA") == [(10, 98)]
    assert min(at for at, status, name, _ in outcome.strategy.seen if (name, status) == ("AAA", "Completed")) <= 7


@pytest.mark.parametrize("seconds", [100, 100_000], ids=["for a while", "for ever"])
def test_while_another_program_has_the_place_orders_are_read(seconds):
    def plan(alpaca):
        alpaca.take_slot("trade", seconds)
        return {1: limits, 2: lambda s: s.keep("now", s.buy(s.datas[1], size=3)), 9: sell(size=3, name="out")}

    outcome = play(plan)
    assert [outcome.told(name) for name in ("AAA", "now", "out")] == [DONE] * 3
    assert outcome.ledger.positions == {"AAA": 7, "BBB": 3}
    assert any("another connection holds" in message for message in outcome.messages)


@pytest.mark.parametrize("gone", [lambda alpaca: alpaca.outage(150), lambda alpaca: alpaca.revoke_keys()],
                         ids=["outage", "keys"])
def test_everything_is_gone_and_comes_back(gone):
    def plan(alpaca):
        return {1: lambda s: (connected(alpaca)(s), limits(s)), 4: lambda s: gone(alpaca),
                8: lambda s: alpaca.revoke_keys(False),
                9: connected(alpaca, 2), 10: sell_each(4, "out")}

    outcome = play(plan)
    assert outcome.told("AAA") == outcome.told("outAAA") == DONE and outcome.told("BBB") == ["Submitted", "Accepted"]
    assert outcome.ledger.positions == {"AAA": 6}
