"""Store, broker and trade stream over real sockets: what the venue tells arrives without a request."""

import time

from alpaca_cerebro import agree, cerebro_of
from broker_contract import Witness, buy
from fake_alpaca import FakeAlpaca
from fake_alpaca.made_minutes import minutes

from brokers.alpaca import AlpacaStore

CALM = (100, 101, 99, 100)


def until(broker, done, timeout_s=2.0):
    """Let the broker have turns until `done()`."""
    deadline = time.monotonic() + timeout_s
    while not done() and time.monotonic() < deadline:
        time.sleep(0.005)
        broker.next()


def test_fills_arrive_over_the_websocket():
    bars = minutes(AAA=[CALM] * 4)
    with FakeAlpaca(bars) as alpaca:
        store = AlpacaStore(alpaca.key_id, alpaca.secret_key, base_url=alpaca.url,
                            trade_stream_url=alpaca.trade_stream_url)

        def place(s):
            alpaca.wait_connected("trade")
            until(s.broker, lambda: len(alpaca.ledger.asked("GET", "/v2/positions")) == 2)  # at the start, and now
            buy()(s)

        def wait_for_the_fill(s):
            before = len(alpaca.ledger.requests)
            until(s.broker, lambda: s.position.size)
            assert s.position.size == 10 and len(alpaca.ledger.requests) == before

        cerebro = cerebro_of(alpaca, bars, store.getbroker(), {1: place, 2: wait_for_the_fill}, Witness)
        strategy = cerebro.run()[0]
        assert strategy.statuses(strategy.placed["order"]) == ["Submitted", "Accepted", "Completed"]
        agree(strategy, alpaca)
