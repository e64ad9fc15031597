"""The same plan under the same guard: on the simulated broker, and live on the local Alpaca. Orders by New York time."""

import backtrader as bt
import numpy as np
from alpaca_minutes_live import Live, clock_time
from streamed_runs import venue

from brokers import SimulatedBroker
from brokers.local_alpaca import AccountRules
from core.day_numbers import moments_of
from core.spec import RunSpec
from engine.guarding import guarded
from feeds.cerebro_feed import BarsData
from strategies.resumed import is_past

DAY = "2024-03-01"


class Timed(bt.Strategy):
    """Does what `plan` says when the bar of a New York time is complete: {"09:40": action(strategy)}; keeps what it is told."""

    params = dict(plan=None)

    def __init__(self):
        self.told, self.values = [], []

    def prenext(self):
        self.next()

    def next(self):
        if any(data.islive() and is_past(data) for data in self.datas):
            return
        self.values.append(self.broker.getvalue())
        at = int(moments_of(np.array([max(data.datetime[0] for data in self.datas if len(data))]))[0])
        self.p.plan.get(clock_time(at), lambda strategy: None)(self)

    def notify_order(self, order):
        self.told.append((order.ref, order.getstatusname()))

    @property
    def refused(self):
        """(bar, symbol, shares, reason) of each order that was rejected."""
        return [(clock_time(int(moments_of(np.array([order.created.dt]))[0])), order.data._name, order.created.size, order.info["reason"])
                for order in self.broker.orders if order.status == order.Rejected]

    @property
    def held(self):
        """Shares by symbol, of what is held."""
        return {data._name: size for data in self.datas if (size := self.getposition(data).size)}

    @property
    def done(self):
        """(symbol, shares, intent) of each order that was filled."""
        return [(order.data._name, order.executed.size, order.info.get("intent")) for order in self.broker.orders
                if order.status == order.Completed and order.exectype != order.Historical]


def spec_of(bars, guard, **more):
    """A spec of these bars under a guard."""
    return RunSpec(symbols=bars.symbols, interval=bars.interval, guard=guard, **more)


def simulated(bars, plan, guard, cash=100_000.0, kind=Timed, guards=None, **params):
    """Play it on the simulated broker; the strategy. `guards` is given them before the run."""
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.setbroker(SimulatedBroker(cash=cash, **params))
    for symbol in bars.symbols:
        cerebro.adddata(BarsData(dataname=bars, symbol=symbol), name=symbol)
    cerebro.addstrategy(kind, plan=plan)
    made = guarded(cerebro, [spec_of(bars, guard)])
    if guards is not None:
        guards(made)
    return cerebro.run()[0]


def live(bars, plan, guard, cash=100_000.0, now=f"{DAY}T09:34:57-05:00", **options):
    """Play it live from `now` on a venue of its own; the strategy."""
    with venue(bars, now, AccountRules(multiplier=4), cash=cash) as alpaca:
        return live_on(alpaca, bars, plan, guard, **options)


def live_on(alpaca, bars, plan, guard, kind=Timed, guards=None, until=f"{DAY}T10:05:30-05:00", spec=None, **options):
    """Play it live on a venue, to a moment; the strategy. `guards` is given them before the run."""
    run = Live(alpaca, until, **options).add(*bars.symbols)
    made = guarded(run.cerebro, [spec or spec_of(bars, guard)], run.store)
    if guards is not None:
        guards(made)
    return run.run(kind, plan=plan)
