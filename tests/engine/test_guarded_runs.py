"""What a guard refuses and when it stops a run: the same on the simulated broker and live on the local Alpaca."""

import backtrader as bt
import numpy as np
import pytest
from guarded_runs import live, simulated

from brokers.local_alpaca.made_minutes import minutes

Order = bt.Order
CALM = minutes(AAA=[100.0] * 36, BBB=[50.0] * 36)
FALLING = minutes(AAA=[100.0] * 12 + [90.0] * 12 + [80.0] * 12, BBB=[50.0] * 36)


def buy(size, at=0, **terms):
    return lambda strategy: strategy.buy(strategy.datas[at], size=size, **terms)


def sell(size, at=0, **terms):
    return lambda strategy: strategy.sell(strategy.datas[at], size=size, **terms)


def both(*actions):
    return lambda strategy: [action(strategy) for action in actions]


class GuardContract:
    def play(self, bars, plan, guard, **options):
        raise NotImplementedError

    def test_order_value(self):
        played = self.play(CALM, {"09:40": both(buy(100), buy(101), buy(201, at=1)), "09:45": sell(100)}, {"max_order_value": 10_000})
        assert played.refused == [("09:40", "AAA", 101, "order of 10,100.00 is above guard.max_order_value 10,000.00"),
                                  ("09:40", "BBB", 201, "order of 10,050.00 is above guard.max_order_value 10,000.00")]
        assert played.held == {}

    def test_what_closes_passes_every_limit_but_what_turns_around_does_not(self):
        plan = {"09:40": both(buy(10), buy(10, at=1)), "09:43": both(sell(11), sell(10, at=1)), "09:46": sell(10)}
        played = self.play(CALM, plan, {"max_order_value": 1_000, "max_position_value": 1_000})
        assert [reason for *_, reason in played.refused] == ["order of 1,100.00 is above guard.max_order_value 1,000.00"]
        assert played.held == {}

    def test_position_value_counts_open_orders(self):
        plan = {"09:40": both(buy(30, exectype=Order.Limit, price=90), buy(50)), "09:42": both(buy(21), buy(20))}
        played = self.play(CALM, plan, {"max_position_value": 10_000})
        assert [(size, reason) for _, _, size, reason in played.refused] == [
            (21, "position of 10,100.00 is above guard.max_position_value 10,000.00")]
        assert played.held == {"AAA": 70}

    def test_a_short_position_has_the_same_limit(self):
        played = self.play(CALM, {"09:40": sell(60), "09:42": both(sell(41), sell(40)), "09:44": buy(150)}, {"max_position_value": 10_000})
        assert [size for _, _, size, _ in played.refused] == [-41] and played.held == {"AAA": 50}

    def test_orders_per_minute(self):
        plan = {"09:40": both(*[buy(1)] * 4), "09:43": both(buy(1, at=1), sell(1), buy(1, at=1), buy(1, at=1))}
        played = self.play(CALM, plan, {"orders_per_minute": 3})
        reason = "4 orders in a minute are above guard.orders_per_minute 3"
        assert played.refused == [("09:40", "AAA", 1, reason), ("09:43", "BBB", 1, reason)]
        assert played.held == {"AAA": 2, "BBB": 2}

    def test_the_edges_of_the_session(self):
        plan = {"09:40": buy(1), "09:44": buy(1), "09:45": buy(2), "09:46": sell(1)}
        played = self.play(CALM, plan, {"hours": 1, "after_open": 15})
        assert [(at, reason) for at, *_, reason in played.refused] == [
            ("09:40", "the market has been open for 10 minutes, and guard.after_open is 15"),
            ("09:44", "the market has been open for 14 minutes, and guard.after_open is 15")]
        assert played.held == {"AAA": 1}

    def test_a_symbol_whose_last_bar_is_too_old(self):
        quiet = minutes(AAA=[100.0] * 9 + [None] * 6 + [100.0] * 21, BBB=[50.0] * 36)
        played = self.play(quiet, {"09:40": buy(1), "09:42": buy(1), "09:45": both(buy(1), buy(1, at=1)), "09:46": buy(1)}, {"stale_s": 200})
        assert [(at, symbol) for at, symbol, *_ in played.refused] == [("09:39", "AAA")] and played.held["BBB"] == 1
        assert played.refused[0][3].endswith("s old, above guard.stale_s 200")

    def test_a_price_off_the_last_quote(self):
        plan = {"09:40": both(buy(1, exectype=Order.Limit, price=111), buy(1, exectype=Order.Stop, price=120), buy(2),
                              buy(3, exectype=Order.Limit, price=109))}
        played = self.play(CALM, plan, {"collar": 0.1})
        assert [(size, reason.split(" ")[1], reason.split(", above ")[1]) for _, _, size, reason in played.refused] == [
            (1, "111.00", "guard.collar 10.00%"), (1, "120.00", "guard.collar 10.00%")]
        assert played.held == {"AAA": 5}

    def test_protective_orders_always_pass(self):
        exits = sell(10, exectype=Order.Stop, price=50, protective=True, intent="stop")
        played = self.play(CALM, {"09:40": buy(10), "09:42": exits}, {"max_order_value": 1_000, "orders_per_minute": 1, "collar": 0.01})
        assert played.refused == [] and played.held == {"AAA": 10}

    @pytest.mark.parametrize("flatten", [1, 0])
    def test_a_loss_stops_the_run(self, flatten):
        plan = {"09:36": both(buy(100), buy(5, exectype=Order.Limit, price=70), buy(3, at=1)), "09:50": buy(1), "10:00": both(buy(1), sell(1))}
        played = self.play(FALLING, plan, {"max_daily_loss": 0.005, "flatten": flatten})
        reason = "stopped on 2024-03-01: it lost 1,000.00 of 100,000.00, more than 500.00 by guard.max_daily_loss 0.005"
        refused = [("09:50", "AAA", 1, reason), ("10:00", "AAA", 1, reason)]
        if flatten:
            assert played.refused == [*refused, ("10:00", "AAA", -1, reason)] and played.held == {}
            assert sorted(played.done[2:]) == [("AAA", -100, "kill"), ("BBB", -3, "kill")]
        else:
            assert played.refused == refused and played.held == {"AAA": 99, "BBB": 3}
        assert [order.getstatusname() for order in played.broker.orders if order.created.price == 70] == ["Canceled"]

    def test_exactly_the_loss_allowed_does_not(self):
        played = self.play(FALLING, {"09:36": buy(100), "10:00": buy(1)}, {"max_daily_loss": 0.02})
        assert played.refused == [] and played.held == {"AAA": 101}

    def test_what_stands_in_the_way_of_closing_is_cancelled_first(self):
        stop = sell(100, exectype=Order.Stop, price=50, protective=True, intent="stop")
        played = self.play(FALLING, {"09:36": buy(100), "09:39": stop}, {"max_daily_loss": 0.005})
        assert played.held == {} and played.done == [("AAA", 100, None), ("AAA", -100, "kill")]


class TestSimulated(GuardContract):
    def play(self, bars, plan, guard, **options):
        return simulated(bars, plan, guard, **options)


class TestLive(GuardContract):
    def play(self, bars, plan, guard, **options):
        return live(bars, plan, guard, **options)


@pytest.mark.parametrize("seed", range(3))
def test_random_purchases_are_refused_alike(seed):
    random = np.random.default_rng(seed)
    closes = [np.round(100 + random.integers(-30, 26, 36).cumsum() / 100, 2).tolist() for _ in range(2)]
    bars, plan = minutes(AAA=closes[0], BBB=closes[1]), {}
    for minute in range(36, 60):
        wanted = [buy(int(size), at=int(feed)) for size, feed in zip(random.integers(1, 60, 3), random.integers(0, 2, 3), strict=True)]
        plan[f"09:{minute}"] = both(*wanted[: random.integers(0, 4)])
    guard = {"max_order_value": 5_000, "max_position_value": 30_000, "orders_per_minute": 2, "max_daily_loss": 0.002}
    here, there = simulated(bars, plan, guard), live(bars, plan, guard)
    assert here.refused == there.refused and here.held == there.held
    assert len({reason.split("guard.")[1].split(" ")[0] for *_, reason in here.refused}) >= 3
