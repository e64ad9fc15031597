"""The venue is away, or does not know us, while two symbols are traded: the run goes on and comes back in step."""

import backtrader as bt
import pytest
from alpaca_cerebro import CANCEL_EACH, agree, broker_of, buy_each, cerebro_of, played
from alpaca_rest import CallersClock
from alpaca_streams import stream_threads
from broker_contract import Witness, buy, sell

from brokers.alpaca import AlpacaStore
from brokers.local_alpaca import AnswerFault, LocalAlpaca, OrderFault
from brokers.local_alpaca.made_minutes import minutes

Order = bt.Order
CALM, HALF = (100, 101, 99, 100), (50, 51, 49, 50)
BOTH = minutes(AAA=[CALM] * 12, BBB=[HALF] * 12)
DONE = ["Submitted", "Accepted", "Completed"]


def test_an_outage_of_minutes_ends_no_run():
    """What rests is filled meanwhile, what is wanted meanwhile is refused or sent once, and afterwards all goes on."""
    prices = minutes(AAA=[CALM] * 5 + [(98, 98, 97, 98)] + [CALM] * 6, BBB=[HALF] * 12)

    def plan(alpaca):
        return {1: buy_each(exectype=Order.Limit, price=98), 3: lambda s: alpaca.outage(150), 4: buy(name="away"),
                9: sell(size=1, name="back")}

    outcome = played(prices, plan, events=False)
    assert outcome.told("AAA") == outcome.told("BBB") == outcome.told("back") == DONE
    away = outcome.told("away")
    assert (away == ["Submitted", "Rejected"]) is (len(outcome.ledger.sent("AAA")) == 2)
    assert away in (DONE, ["Submitted", "Rejected"]) and outcome.ledger.positions["BBB"] == 10
    assert sum("did not answer" in message or "did not take" in message for message in outcome.messages)


def test_keys_that_are_revoked_and_given_back_end_no_run():
    """What others bought meanwhile is explained once our own order, of which nobody knows, is found or given up."""
    def plan(alpaca):
        return {1: buy_each(), 3: lambda s: (alpaca.revoke_keys(), s.keep("late", s.sell(size=1))),
                4: lambda s: alpaca.outside_order(symbol="BBB", side="buy", qty=7),
                7: lambda s: alpaca.revoke_keys(False), 10: lambda s: s.keep("back", s.sell(s.datas[1], size=1))}

    outcome = played(BOTH, plan, events=False, reconcile_s=60.0)
    assert len(outcome.strategy.accounts) == 12
    assert outcome.told("AAA") == outcome.told("BBB") == outcome.told("back") == DONE
    assert outcome.told("late") == ["Submitted", "Rejected"] and outcome.ledger.positions == {"AAA": 10, "BBB": 16}
    assert any("does not accept the keys" in message and ".env" in message for message in outcome.messages)


@pytest.mark.parametrize("trouble", [
    lambda alpaca: alpaca.outage(3_600), lambda alpaca: alpaca.revoke_keys(), lambda alpaca: alpaca.mute("trade"),
    lambda alpaca: alpaca.drop("trade", held_s=90), lambda alpaca: alpaca.halt("AAA"),
    lambda alpaca: alpaca.block_trading(),
    lambda alpaca: alpaca.faults.add(OrderFault(do="stuck", times=0)),
    lambda alpaca: alpaca.faults.add(OrderFault(do="cancel_stuck", times=0)),
    lambda alpaca: alpaca.faults.add(AnswerFault(times=0, lost=True)),
    lambda alpaca: alpaca.faults.add(AnswerFault(times=0, status=500, body="<html>")),
    lambda alpaca: alpaca.faults.add(AnswerFault(times=0, status=200, body=[1])),
    lambda alpaca: alpaca.faults.add(AnswerFault(times=0, status=403, body={})),
], ids=["outage", "keys", "mute", "slot", "halt", "blocked", "stuck", "cancel stuck", "lost", "500", "nonsense", "403"])
def test_a_run_that_is_stopped_in_the_middle_of_trouble_returns_and_the_next_one_takes_over(trouble):
    with LocalAlpaca(BOTH) as alpaca:
        store = AlpacaStore(alpaca.key_id, alpaca.secret_key, base_url=alpaca.url,
                            trade_stream_url=alpaca.trade_stream_url,
                            clock=CallersClock(alpaca))
        plan = {1: buy_each(), 3: lambda s: (trouble(alpaca), buy_each(exectype=Order.Limit, price=45)(s)),
                4: CANCEL_EACH,
                5: buy_each(), 6: lambda s: s.env.runstop()}
        cerebro = cerebro_of(alpaca, BOTH, store.getbroker(), plan, Witness)
        first = cerebro.run()[0]
        assert len(first.accounts) == 6 and stream_threads() == []
        alpaca.faults.clear()
        alpaca.revoke_keys(False)
        alpaca.unmute("trade")
        alpaca.advance(seconds=3_600)
        second = cerebro_of(alpaca, BOTH, broker_of(alpaca, events=False), {}, Witness).run()[0]
        agree(second, alpaca)
