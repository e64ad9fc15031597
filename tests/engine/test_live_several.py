"""Several runs on one account at the local Alpaca: what each owns sums to what the venue has, also after a restart."""

import sqlite3
from decimal import Decimal

import backtrader as bt
import pytest
from alpaca_minutes_live import Live
from several_runs import check_sums, executed, lived, spec
from streamed_runs import two_days, venue

from brokers.local_alpaca import VenueClock
from core.errors import BadSpec
from core.spec import RunSpec
from engine.live.streaming import stream
from journal import Journal


def test_two_runs_on_the_same_symbols_own_what_their_orders_have_executed(tmp_path):
    with venue(two_days(rows=60), "2024-02-21T09:34:30-05:00") as alpaca, Journal(tmp_path / "journal.db", VenueClock(alpaca)) as journal:
        strategies, _ = lived(alpaca, "2024-02-21T10:25:30-05:00", [spec(2), spec(5)], journal)
        shared = check_sums(strategies, alpaca)
        for strategy, (name, part) in zip(strategies, shared.parts.items(), strict=True):
            held, cash = executed(alpaca, journal, name)
            assert part.held == held and part.cash == Decimal(20_000) + cash
            assert {data._name: Decimal(repr(float(size))) for data in strategy.datas if (size := strategy.getposition(data).size)} == held
            told = [each for each in journal.account_log.executions(account_of(alpaca), name)]
            assert sum((each.signed for each in told), Decimal(0)) == sum(held.values(), Decimal(0)) and len(told) > 5
        names = {journal.blotter.run_of(order.client_order_id) for order in alpaca.ledger.orders}
        assert names == {"run2", "run5"} and shared.rest == {} and shared.rest_cash == Decimal(60_000)


def account_of(alpaca):
    return alpaca.account_id


def test_a_restart_finds_each_run_s_share_also_of_what_was_executed_meanwhile(tmp_path):
    specs = [spec(2), spec(5)]
    with venue(two_days(rows=90), "2024-02-21T09:34:30-05:00") as alpaca, Journal(tmp_path / "journal.db", VenueClock(alpaca)) as journal:
        first, _ = lived(alpaca, "2024-02-21T10:00:30-05:00", specs, journal)
        before = {name: (part.held, part.cash) for name, part in first[0].broker.shared.parts.items()}
        alpaca.advance("2024-02-21T10:06:10-05:00")
        again, _ = lived(alpaca, "2024-02-21T10:06:20-05:00", specs, journal)
        shared = check_sums(again, alpaca)
        assert {name: (part.held, part.cash) for name, part in shared.parts.items()} == before
        last, _ = lived(alpaca, "2024-02-21T10:40:30-05:00", specs, journal)
        shared = check_sums(last, alpaca)
        for name, part in shared.parts.items():
            held, cash = executed(alpaca, journal, name)
            assert part.held == held and part.cash == Decimal(20_000) + cash
    assert sqlite3.connect(tmp_path / "journal.db").execute("SELECT count(*) FROM live_executions WHERE run = ''").fetchone() == (0,)


def test_what_was_held_before_and_what_somebody_else_buys_is_nobody_s(tmp_path):
    bought = ("2024-02-21T09:50:10-05:00", lambda live: (live.alpaca.outside_order(symbol="BBB", side="buy", qty=3), live.broker.reconcile()))
    with venue(two_days(rows=60), "2024-02-21T09:34:30-05:00", positions={"AAA": (10, 99.0)}) as alpaca, Journal(
            tmp_path / "journal.db", VenueClock(alpaca)) as journal:
        strategies, _ = lived(alpaca, "2024-02-21T10:05:30-05:00", [spec(2), spec(5)], journal, at_time=[bought])
        shared = check_sums(strategies, alpaca)
        assert shared.rest == {"AAA": Decimal(10), "BBB": Decimal(3)}
        for name, part in shared.parts.items():
            held, cash = executed(alpaca, journal, name)
            assert part.held == held and part.cash == Decimal(20_000) + cash


def test_the_name_of_a_run_is_in_the_ids_of_its_orders(tmp_path):
    """Also where it runs alone: with another name it sends other ids on the same bar."""
    ids = []
    for name in ("one", "two"):
        with venue(two_days(rows=60), "2024-02-21T09:34:30-05:00") as alpaca, Journal(tmp_path / f"{name}.db", VenueClock(alpaca)) as journal:
            lived(alpaca, "2024-02-21T09:50:30-05:00", [spec(2, name=name)], journal)
            ids.append({order.client_order_id for order in alpaca.ledger.orders})
            assert {journal.blotter.run_of(each) for each in ids[-1]} == {name}
    assert len(ids[0]) > 3 and not ids[0] & ids[1]


def test_runs_that_would_not_end_together_are_refused(tmp_path):
    with Journal(tmp_path / "journal.db") as journal, venue(two_days(rows=10), "2024-02-21T09:34:30-05:00") as alpaca, pytest.raises(
            BadSpec, match="trading_days is 2 for run5 and 1 for run2"):
        lived(alpaca, "2024-02-21T10:05:30-05:00", [spec(2, trading_days=1), spec(5, trading_days=2)], journal)


class Against(bt.Strategy):
    """Buys or sells once, then turns it round and back."""

    params = dict(plan="")

    def next(self):
        if any(data._laststatus != data.LIVE for data in self.datas):
            return
        at = f"{self.datas[0].datetime.datetime():%H:%M}"
        for step in self.p.plan.split():
            when, _, size = step.partition("=")
            if when == at:
                (self.buy if int(size) > 0 else self.sell)(size=abs(int(size)))


def against(name, plan):
    return RunSpec(strategy=f"{__name__}:Against", params={"plan": plan}, symbols=("AAA",), interval="1m", name=name, capital=20_000.0,
                   on_stop="keep", start="2024-02-21")


@pytest.mark.parametrize("nets, sent", [(True, [("buy", 6), ("sell", 6)]), (False, [("buy", 10), ("sell", 4), ("sell", 6), ("sell", 4), ("buy", 4)])])
def test_opposite_orders_of_one_moment_are_settled_between_the_runs_if_that_is_wanted(tmp_path, nets, sent):
    specs = [against("long", "14:40=10 14:45=-10"), against("short", "14:40=-4 14:45=4")]
    with venue(two_days(rows=60), "2024-02-21T09:34:30-05:00") as alpaca, Journal(tmp_path / "journal.db", VenueClock(alpaca)) as journal:
        strategies, _ = lived(alpaca, "2024-02-21T09:43:30-05:00", specs, journal, nets=nets)
        shared = check_sums(strategies, alpaca)
        parts = {name: part.held.get("AAA") for name, part in shared.parts.items()}
        assert parts == {"long": 10, "short": -4} and alpaca.account.positions["AAA"].qty == 6
        if nets:
            close = [bar for bar in strategies[0].datas[0].close.get(size=len(strategies[0].datas[0]))]
            bought, sold = (journal.account_log.executions(alpaca.account_id, name) for name in ("long", "short"))
            assert bought[0].qty == sold[0].qty == 4 and bought[0].price == sold[0].price and float(sold[0].price) in close
            assert [order.getstatusname() for order in strategies[1].broker.orders] == ["Completed"]
        again, _ = lived(alpaca, "2024-02-21T09:50:30-05:00", specs, journal, nets=nets)
        shared = check_sums(again, alpaca)
        assert all(part.held == {} for part in shared.parts.values()) and not alpaca.ledger.positions
        assert [(order.side, order.qty) for order in alpaca.ledger.orders] == sent


class Stubborn(bt.Strategy):
    """Sends again whatever is refused."""

    def next(self):
        if self.data._laststatus == self.data.LIVE and not self.orders_sent():
            self.buy(size=10_000)

    def orders_sent(self):
        return len(self.broker.orders)

    def notify_order(self, order):
        if order.status == order.Rejected:
            self.buy(size=10_000)


def test_a_strategy_that_sends_again_whatever_is_refused_can_be_stopped():
    stubborn = RunSpec(strategy=f"{__name__}:Stubborn", symbols=("AAA",), interval="1m", start="2024-02-21", guard={"max_order_value": 100.0})
    with venue(two_days(rows=60), "2024-02-21T09:34:30-05:00") as alpaca:
        live = Live(alpaca, "2024-02-21T09:45:30-05:00")
        try:
            stream(stubborn, live.store, lambda: len(live.broker.orders) > 3000, lambda event: None)
        finally:
            live.store.stop()
        assert 3000 < len(live.broker.orders) < 6000 and not alpaca.ledger.orders
