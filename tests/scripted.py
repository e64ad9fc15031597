"""A plain strategy that follows a script, and a Cerebro to run it in."""

import backtrader as bt

from brokers import SimulatedBroker
from feeds.cerebro_feed import BarsData


class Script(bt.Strategy):
    """Calls `plan[bar]` (1 = the first bar) with itself, and notes what happens to its orders."""

    params = dict(plan=None)

    def __init__(self):
        self.placed, self.seen = {}, []

    def prenext(self):
        self.next()

    def next(self):
        action = self.p.plan.get(len(self))
        if action:
            action(self)

    def notify_order(self, order):
        self.seen.append((len(self), order.getstatusname(), order.data._name, order.executed.size))


def play(feeds, plan, broker=None, **params):
    """Run a plan; returns (strategy, broker)."""
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.setbroker(broker or SimulatedBroker(cash=1_000.0, **params))
    for name, data in feeds.items():
        cerebro.adddata(data if isinstance(data, bt.AbstractDataBase) else BarsData(dataname=data), name=name)
    cerebro.addstrategy(Script, plan=plan)
    return cerebro.run()[0], cerebro.broker
