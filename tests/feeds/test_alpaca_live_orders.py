"""Orders of strategies on live feeds of two symbols: on live bars they are sent, on bars from before the start or told too late never."""

import backtrader as bt
import pytest
from alpaca_minutes_live import FIRST, Live, Watcher, agree, at, run_live

import engine.cerebro
from brokers.local_alpaca import BarFault
from brokers.local_alpaca.moments import new_york


def buy_each(strategy):
    for data in strategy.datas:
        strategy.buy(data, size=1)


def sent(alpaca, symbol=None):
    """New York times at which orders were taken by the venue."""
    return [new_york(order.created_at).strftime("%H:%M") for order in alpaca.ledger.sent(symbol)]


def refused(seen):
    return [reason for status, _, _, reason in seen.seen if status == "Rejected"]


@pytest.mark.parametrize("cerebro", [bt.Cerebro, engine.cerebro.Cerebro], ids=["plain", "ours"])
def test_orders_on_live_bars_alone_are_sent(venue, cerebro):
    alpaca = venue()
    seen = run_live(alpaca, at("09:44:30"), fromdate=FIRST, at_bar=buy_each, cerebro=cerebro)
    assert sent(alpaca, "AAA") == sent(alpaca, "BBB") == seen.live == ["09:41", "09:42", "09:43", "09:44"]
    assert len(refused(seen)) == 2 * len(seen.late) and set(refused(seen)) == {"backfill: orders on bars from before the start are not sent"}
    assert {symbol: float(qty) for symbol, qty in alpaca.ledger.positions.items()} == {"AAA": 4, "BBB": 4}  # each in time for the first trade of the next minute


def test_orders_on_bars_of_a_gap_are_not_sent(venue):
    alpaca = venue()
    seen = run_live(alpaca, at("09:48:30"), fromdate=FIRST, at_bar=buy_each, at_time=[(at("09:42:30"), lambda live: live.drop(held_s=150))])
    agree(seen, alpaca)
    assert sent(alpaca, "AAA") == sent(alpaca, "BBB") == seen.live == ["09:41", "09:42", "09:46", "09:47", "09:48"]


def test_a_bar_that_comes_later_causes_no_second_order(venue):
    alpaca = venue()
    alpaca.faults.add(BarFault(symbol="BBB", do="late", seconds=20.0, nth=2))
    seen = run_live(alpaca, at("09:44:30"), fromdate=FIRST, at_bar=buy_each)
    assert sent(alpaca, "AAA") == sent(alpaca, "BBB") == seen.live == ["09:41", "09:42", "09:43", "09:44"]


def test_a_symbol_without_bars_in_a_gap_is_not_traded_either(venue):
    """AAA is halted while the stream is down: the rows of the gap have BBB only, and no order in either is sent on them."""
    alpaca = venue()
    seen = run_live(alpaca, at("09:49:30"), fromdate=FIRST, at_bar=buy_each, at_time=[
        (at("09:42:30"), lambda live: (live.drop(held_s=150), alpaca.halt("AAA"))), (at("09:45:30"), lambda live: alpaca.resume("AAA"))])
    agree(seen, alpaca)
    assert sent(alpaca, "AAA") == sent(alpaca, "BBB") == seen.live and "09:44" in seen.late


def test_a_protective_order_on_a_fill_is_sent_while_the_stream_is_down(venue):
    """A buy fills while nobody tells bars; the stop it calls for leaves at once, not when the stream is back.

    Backtrader tells of fills between two bars where `quicknotify` is on; else with the next bar, which is of the gap.
    """
    class Protected(Watcher):
        def notify_order(self, order):
            super().notify_order(order)
            if order.status == order.Completed and order.isbuy():
                self.sell(order.data, size=1, exectype=bt.Order.Stop, price=order.executed.price * 0.9)

    def buy_once(strategy):
        if strategy.live == ["09:41"]:
            for data in strategy.datas:
                strategy.buy(data, size=1, exectype=bt.Order.Limit, price=data.close[0] - 20)

    alpaca = venue()

    def fill(live):
        for order in list(alpaca.ledger.orders):
            alpaca.fill(order.id, price=80)

    live = Live(alpaca, at("09:46:30"), at_time=[(at("09:41:30"), lambda live: live.drop(held_s=150)), (at("09:42:10"), fill)], quicknotify=True)
    seen = live.add("AAA", "BBB", fromdate=FIRST).run(Protected, at_bar=buy_once)
    stops = [order for order in alpaca.ledger.orders if order.type == "stop"]
    assert {order.symbol for order in stops} == {"AAA", "BBB"} and {new_york(order.created_at).strftime("%H:%M") for order in stops} == {"09:42"}
    assert "09:42" in seen.late


def test_orders_on_a_resampled_copy_follow_its_feed(venue):
    alpaca = venue()
    live = Live(alpaca, at("09:51:30"))
    feed = live.store.getdata(dataname="AAA", timeframe=bt.TimeFrame.Minutes, qcheck=3600.0, fromdate=FIRST)
    live.cerebro.adddata(feed)
    live.cerebro.resampledata(feed, timeframe=bt.TimeFrame.Minutes, compression=5)
    live.run(at_bar=lambda s: s.buy(s.datas[1], size=1) if "AAA" in s.rows[-1][1] and not s.rows[-1][0] % (300 * 10**9) else None)
    assert sent(alpaca) == ["09:45", "09:50"]


def test_a_reference_symbol_is_never_traded(venue):
    alpaca = venue()
    live = Live(alpaca, at("09:42:30")).add("AAA", backfill_start=False).add("BBB", backfill_start=False, tradable=False)
    seen = live.run(at_bar=buy_each)
    assert sent(alpaca, "AAA") == ["09:41", "09:42"] and not sent(alpaca, "BBB") and "reference symbol" in refused(seen)[0]
