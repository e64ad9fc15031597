"""What every broker must do, whoever matches the orders: the same plans, the same fills, cash and positions."""

import backtrader as bt
import pytest
from scripted import Script

from brokers.local_alpaca.made_minutes import minutes

Order = bt.Order
CALM = (100, 101, 99, 100)
REFUSED = {"Margin", "Rejected"}


class Witness(Script):
    """A script that also notes what the broker says of the account on every bar, and what it is told of each order."""

    def __init__(self):
        super().__init__()
        self.accounts, self.told, self.trades = [], [], []

    def next(self):
        sizes = {data._name: self.getposition(data).size for data in self.datas}
        self.accounts.append((self.broker.getcash(), self.broker.getvalue(), sizes))
        super().next()

    def notify_order(self, order):
        super().notify_order(order)
        self.told.append((order.ref, order.getstatusname()))

    def notify_trade(self, trade):
        if trade.isclosed:
            self.trades.append((trade.data._name, trade.pnl))

    def statuses(self, order):
        """What was told of an order; several partial fills count as one."""
        return list(dict.fromkeys(status for ref, status in self.told if ref == order.ref))

    def keep(self, name, order):
        """Remember an order by name."""
        self.placed[name] = order


def bracket(strategy, **terms):
    """Place a bracket and keep its orders as entry, stop and profit."""
    for name, order in zip(("entry", "stop", "profit"), strategy.buy_bracket(**terms), strict=True):
        strategy.keep(name, order)


def pair(strategy, **terms):
    """Sell ten at a stop of 95 or a limit of 110."""
    strategy.keep("stop", strategy.sell(size=10, exectype=Order.Stop, price=95, **terms))
    strategy.keep("profit", strategy.sell(size=10, exectype=Order.Limit, price=110, oco=strategy.placed["stop"], **terms))


def buy(size=10, name="order", **terms):
    """An action that buys and keeps the order."""
    return lambda strategy: strategy.keep(name, strategy.buy(size=size, **terms))


def sell(size=10, name="order", **terms):
    """An action that sells and keeps the order."""
    return lambda strategy: strategy.keep(name, strategy.sell(size=size, **terms))


class BrokerContract:
    """Inherit, and say in `play` how a plan is played on the broker."""

    def play(self, bars, plan, cash=10_000.0, liquidity=None):
        """Play `plan` ({bar: action(strategy)}) on minute bars in a real Cerebro; return the `Witness`.

        `liquidity`: shares that one order gets in a bar, at least; None = all.
        """
        raise NotImplementedError

    def play_one(self, rows, plan, **terms):
        return self.play(minutes(AAA=rows), plan, **terms)

    def check_end(self, strategy, cash, **sizes):
        """Cash and positions on the last bar, and that cash and positions make the value on every bar."""
        last_cash, last_value, last_sizes = strategy.accounts[-1]
        assert last_cash == pytest.approx(cash) and last_sizes == sizes
        worth = sum(sizes[data._name] * data.close[0] for data in strategy.datas)
        assert last_value == pytest.approx(cash + worth)

    # -- single orders --------------------------------------------------------------------------------

    def test_a_market_order_fills_at_the_next_open(self):
        strategy = self.play_one([CALM, (102, 103, 101, 103), CALM], {1: buy()})
        assert strategy.accounts[0] == (10_000, 10_000, {"AAA": 0})
        assert strategy.accounts[1] == (8_980, 8_980 + 1_030, {"AAA": 10})
        order = strategy.placed["order"]
        assert strategy.statuses(order) == ["Submitted", "Accepted", "Completed"]
        assert (order.executed.size, order.executed.price, order.executed.remsize) == (10, 102, 0)
        self.check_end(strategy, 8_980, AAA=10)

    @pytest.mark.parametrize(("row", "price"), [((100, 101, 97, 98), 98), ((96, 97, 95, 96), 96)],
                             ids=["inside the bar", "at a better open"])
    def test_a_limit_fills_at_its_price_or_better(self, row, price):
        strategy = self.play_one([CALM, CALM, row, CALM], {1: buy(exectype=Order.Limit, price=98)})
        assert [sizes["AAA"] for _, _, sizes in strategy.accounts] == [0, 0, 10, 10]
        self.check_end(strategy, 10_000 - 10 * price, AAA=10)

    @pytest.mark.parametrize(("row", "price"), [((100, 101, 94, 96), 95), ((90, 92, 89, 91), 90)],
                             ids=["inside the bar", "through a gap"])
    def test_a_stop_sells_at_its_price_or_worse(self, row, price):
        plan = {1: buy(name="entry"), 2: sell(exectype=Order.Stop, price=95)}
        strategy = self.play_one([CALM, CALM, CALM, row, CALM], plan)
        assert strategy.statuses(strategy.placed["order"]) == ["Submitted", "Accepted", "Completed"]
        assert strategy.trades == [("AAA", pytest.approx(10 * (price - 100)))]
        self.check_end(strategy, 10_000 + 10 * (price - 100), AAA=0)

    def test_a_stop_limit_waits_for_its_limit(self):
        rows = [CALM, (107, 108, 106.5, 107), (106.5, 107, 105, 106), CALM]
        plan = {1: buy(exectype=Order.StopLimit, price=105, plimit=106)}
        strategy = self.play_one(rows, plan)
        assert [sizes["AAA"] for _, _, sizes in strategy.accounts] == [0, 0, 10, 10]
        self.check_end(strategy, 10_000 - 1_060, AAA=10)

    def test_a_trailing_stop_follows_the_price(self):
        rows = [CALM, CALM, (100, 104, 100, 104), (103, 103, 98, 100), CALM]
        plan = {1: buy(name="entry"), 2: sell(exectype=Order.StopTrail, trailamount=5)}
        strategy = self.play_one(rows, plan)
        self.check_end(strategy, 10_000 - 10, AAA=0)

    # -- short and round ------------------------------------------------------------------------------

    def test_a_short_sale_and_its_cover(self):
        rows = [CALM, CALM, (90, 91, 89, 90), CALM]
        strategy = self.play_one(rows, {1: sell(name="short"), 2: buy(name="cover")})
        assert strategy.accounts[1] == (11_000, 10_000, {"AAA": -10})
        assert strategy.trades == [("AAA", pytest.approx(100))]
        self.check_end(strategy, 10_100, AAA=0)

    def test_a_reversal_ends_short(self):
        strategy = self.play_one([CALM] * 6, {1: buy(name="entry"), 2: sell(size=25)})
        assert strategy.statuses(strategy.placed["order"])[-1] == "Completed"
        assert strategy.placed["order"].executed.size == -25 and strategy.trades == [("AAA", 0)]
        self.check_end(strategy, 11_500, AAA=-15)

    def test_partial_fills_add_up(self):
        strategy = self.play_one([CALM] * 6, {1: buy(size=25)}, liquidity=10)
        order = strategy.placed["order"]
        assert strategy.statuses(order) == ["Submitted", "Accepted", "Partial", "Completed"]
        assert 0 < strategy.accounts[1][2]["AAA"] < 25 and order.executed.size == 25
        self.check_end(strategy, 7_500, AAA=25)

    def test_what_is_cancelled_after_a_part_keeps_the_part(self):
        plan = {1: buy(size=90), 2: lambda s: s.cancel(s.placed["order"])}
        strategy = self.play_one([CALM] * 5, plan, liquidity=10)
        order = strategy.placed["order"]
        assert strategy.statuses(order) == ["Submitted", "Accepted", "Partial", "Canceled"]
        assert 0 < order.executed.size < 90 and order.executed.remsize == 90 - order.executed.size
        self.check_end(strategy, 10_000 - 100 * order.executed.size, AAA=order.executed.size)

    # -- cancelling and refusing ----------------------------------------------------------------------

    def test_a_cancelled_order_leaves_nothing(self):
        plan = {1: buy(exectype=Order.Limit, price=90), 2: lambda s: s.cancel(s.placed["order"])}
        strategy = self.play_one([CALM, CALM, CALM, (89, 90, 88, 89), CALM], plan)
        assert strategy.statuses(strategy.placed["order"]) == ["Submitted", "Accepted", "Canceled"]
        self.check_end(strategy, 10_000, AAA=0)

    def test_an_order_beyond_the_means_is_refused_with_a_reason(self):
        strategy = self.play_one([CALM] * 4, {1: buy(size=1_000), 2: buy(size=10, name="small")})
        order = strategy.placed["order"]
        assert strategy.statuses(order)[-1] in REFUSED and order.info["reason"]
        assert not order.executed.size
        self.check_end(strategy, 9_000, AAA=10)

    # -- groups ---------------------------------------------------------------------------------------

    @pytest.mark.parametrize(("row", "taken", "left", "price"), [
        ((100, 111, 100, 111), "profit", "stop", 110), ((100, 100, 94, 96), "stop", "profit", 95)])
    def test_a_bracket_ends_with_one_of_its_exits(self, row, taken, left, price):
        plan = {1: lambda s: bracket(s, size=10, exectype=Order.Market, stopprice=95, limitprice=110)}
        strategy = self.play_one([CALM, CALM, CALM, row, CALM, CALM], plan)
        assert strategy.statuses(strategy.placed["entry"])[-1] == "Completed"
        assert strategy.statuses(strategy.placed[taken])[-1] == "Completed"
        assert strategy.statuses(strategy.placed[left])[-1] == "Canceled"
        self.check_end(strategy, 10_000 + 10 * (price - 100), AAA=0)

    def test_a_bracket_whose_entry_is_cancelled_is_gone(self):
        plan = {1: lambda s: bracket(s, size=10, price=90, stopprice=80, limitprice=110),
                2: lambda s: s.cancel(s.placed["entry"])}
        strategy = self.play_one([CALM, CALM, CALM, (89, 90, 79, 80), CALM], plan)
        assert [strategy.statuses(strategy.placed[name])[-1] for name in ("entry", "stop", "profit")] == ["Canceled"] * 3
        self.check_end(strategy, 10_000, AAA=0)

    @pytest.mark.parametrize(("row", "taken", "left", "price"), [
        ((100, 111, 100, 111), "profit", "stop", 110), ((100, 100, 94, 96), "stop", "profit", 95)])
    def test_of_two_exits_one_cancels_the_other(self, row, taken, left, price):
        strategy = self.play_one([CALM, CALM, CALM, row, CALM, CALM], {1: buy(), 2: pair})
        assert strategy.statuses(strategy.placed[taken])[-1] == "Completed"
        assert strategy.statuses(strategy.placed[left])[-1] == "Canceled"
        self.check_end(strategy, 10_000 + 10 * (price - 100), AAA=0)

    # -- two symbols ----------------------------------------------------------------------------------

    def test_one_symbol_is_sold_for_another(self):
        def rotate(s):
            s.keep("out", s.sell(s.getdatabyname("AAA"), size=10))
            s.keep("in", s.buy(s.getdatabyname("BBB"), size=20))

        bars = minutes(AAA=[CALM] * 5, BBB=[(50, 51, 49, 50)] * 5)
        strategy = self.play(bars, {1: buy(), 3: rotate}, cash=1_100.0)
        assert strategy.trades == [("AAA", 0)]
        self.check_end(strategy, 100, AAA=0, BBB=20)
