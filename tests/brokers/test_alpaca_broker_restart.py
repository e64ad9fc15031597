"""What a restart finds: nothing is sent twice, and what is open is taken over. And two stores at once."""

from decimal import Decimal

import backtrader as bt
import pytest
from alpaca_cerebro import agree, broker_of, cerebro_of, store_of
from broker_contract import Witness, bracket, buy

from brokers.local_alpaca import LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes
from core.errors import StoreFailed

Order = bt.Order
CALM, HALF = (100, 101, 99, 100), (50, 51, 49, 50)
BARS = minutes(AAA=[CALM] * 8, BBB=[HALF] * 8)
EVENTS = pytest.mark.parametrize("events", [True, False], ids=["events", "polling"])


def rerun(alpaca, plan):
    """The same plan on the same bars and account, as after a restart within the bar; the venue's time goes on."""
    return cerebro_of(alpaca, BARS, broker_of(alpaca), plan, Witness).run()[0]


@pytest.mark.parametrize(("terms", "reason"), [(dict(), "was filled in an earlier run: it is not repeated"),
                                               (dict(exectype=Order.Limit, price=90), "is still open")])
def test_a_decision_sent_by_an_earlier_run_is_not_repeated(terms, reason):
    with LocalAlpaca(BARS) as alpaca:
        plan = {1: buy(intent="enter", **terms)}
        rerun(alpaca, plan)
        alpaca.advance(seconds=1)
        second = rerun(alpaca, plan)
        assert reason in second.placed["order"].info["reason"] and len(alpaca.ledger.sent()) == 1
        agree(second, alpaca)


def test_a_decision_whose_order_came_to_nothing_has_another_attempt():
    with LocalAlpaca(BARS) as alpaca:
        plan = {1: buy(intent="enter", exectype=Order.Limit, price=90), 2: lambda s: s.cancel(s.placed["order"])}
        first = rerun(alpaca, plan)
        second = rerun(alpaca, {1: plan[1], 2: lambda s: alpaca.advance(seconds=1)})
        assert first.statuses(first.placed["order"])[-1] == "Canceled"
        assert second.statuses(second.placed["order"])[-1] == "Accepted"
        assert len({order.client_order_id for order in alpaca.ledger.sent()}) == 2


def test_another_attempt_that_cannot_be_recorded_is_refused_at_once():
    asked = []

    def persist(leaving):
        asked.extend(each.client_order_id for each in leaving)
        if len(asked) == 2:
            raise StoreFailed("the disk is full")

    with LocalAlpaca(BARS) as alpaca:
        rerun(alpaca, {1: buy(intent="enter", exectype=Order.Limit, price=90), 2: lambda s: s.cancel(s.placed["order"])})
        broker = broker_of(alpaca)
        broker.p.persist, power = persist, broker._flow.desk.means
        second = cerebro_of(alpaca, BARS, broker, {1: buy(intent="enter", exectype=Order.Limit, price=90)}, Witness).run()[0]
        assert second.statuses(second.placed["order"]) == ["Submitted", "Rejected"]
        assert second.placed["order"].info["reason"] == "the disk is full" and len(set(asked)) == 2
        assert not broker._flow.lost and power.buying_power == broker._flow._rest.account().buying_power
        assert len(alpaca.ledger.sent()) == 1


@EVENTS
def test_a_restart_takes_over_what_is_open_in_both_symbols(events):
    """A bracket in AAA, its stop held, and a partly filled limit in BBB are left; the second run sees them end."""
    fall = [CALM] * 6 + [(95, 96, 94, 95)] + [CALM] * 3
    bars = minutes(AAA=fall, BBB=[HALF] * 10)

    def begin(s):
        bracket(s, size=10, exectype=Order.Market, stopprice=96, limitprice=120)
        s.keep("BBB", s.buy(s.datas[1], size=10, exectype=Order.Limit, price=50))

    with LocalAlpaca(bars) as alpaca:
        alpaca.liquidity = {"BBB": Decimal(1)}
        first = cerebro_of(alpaca, bars.upto(3), broker_of(alpaca, events), {1: begin}, Witness).run()[0]
        agree(first, alpaca)
        alpaca.updates.listeners.clear()
        second = cerebro_of(alpaca, bars, broker_of(alpaca, events), {9: buy(size=1)}, Witness).run()[0]
        assert 0 < second.accounts[0][2]["BBB"] < 10 and second.accounts[0][2]["AAA"] == 10
        ended = [status for _, status in second.told if status in ("Completed", "Canceled")]
        assert sorted(ended) == ["Canceled", "Completed", "Completed",
                                 "Completed"]  # stop, profit, limit, the new order
        assert alpaca.ledger.positions == {"AAA": 1, "BBB": 10} and len(alpaca.ledger.sent()) == 3
        agree(second, alpaca)


# -- the store ------------------------------------------------------------------------------------------


def test_two_stores_share_nothing_and_show_no_secret():
    with LocalAlpaca(BARS) as one, LocalAlpaca(BARS, cash=5_000, seed=1) as other:
        first, second = store_of(one), store_of(other)
        assert first.endpoints.paper and first.getbroker() is first.getbroker()
        assert (first.getbroker().getcash(), second.getbroker().getcash()) == (100_000, 5_000)
        assert one.secret_key not in repr(first) and one.key_id not in repr(first)
        first.put_notification("hello", 1, at=2)
        assert first.get_notifications() == [("hello", (1,), {"at": 2})] and second.get_notifications() == []
        first.stop(), second.stop()
