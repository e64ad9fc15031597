"""Runs that trade by the clock on one account, and two days of minutes between which shares split or go ex."""

import backtrader as bt
import numpy as np

from core.bars import Bars
from core.calendars import get_calendar
from core.series import SymbolBars
from core.spec import RunSpec


class Planned(bt.Strategy):
    """Buys and sells at times of the day (UTC): "14:36=20 14:41=-5"; with a day of the month, on that day only: "20@20:50=10"."""

    params = dict(plan="")

    def next(self):
        if any(data._laststatus != data.LIVE for data in self.datas):
            return
        now = self.datas[0].datetime.datetime()
        for step in self.p.plan.split():
            when, _, size = step.partition("=")
            if when in (f"{now:%H:%M}", f"{now:%d@%H:%M}"):
                (self.buy if float(size) > 0 else self.sell)(size=abs(float(size)))


class Stopped(bt.Strategy):
    """Buys once, on the 20th, and leaves a stop for all of it, or a part, at the venue."""

    params = dict(size=7, part=7, stop=60.0)

    def next(self):
        if self.data._laststatus == self.data.LIVE and not self.broker.orders and f"{self.data.datetime.datetime():%d}" == "20":
            self.buy(size=self.p.size)

    def notify_order(self, order):
        if order.status == order.Completed and order.isbuy():
            self.sell(size=self.p.part, exectype=bt.Order.Stop, price=self.p.stop, tif="gtc")


def spec(name, plan="", **options):
    """Of one run, 20,000 USD in AAA."""
    return RunSpec(**{"strategy": "planned_runs:Planned", "params": {"plan": plan}, "symbols": ("AAA",), "interval": "1m", "name": name,
                      "capital": 20_000.0, "on_stop": "keep", "start": "2024-02-20", **options})


def stopped(name, symbol="AAA", **params):
    """Of a run that leaves a stop."""
    return spec(name, strategy="planned_runs:Stopped", params=params, symbols=(symbol,))


def eventful(split=1.0, dividend=0.0, days=("2024-02-20", "2024-02-21"), row=390):
    """Sessions at 100 USD; AAA splits or goes ex with a row, by default the second day's first, from when on BBB is worth half."""
    dates = np.array(days, "datetime64[D]")
    index = np.concatenate([at + 60 * 10**9 * np.arange(1, 391) for at in get_calendar("XNYS").open_of(dates)])
    rows = len(index)
    closes, splits, dividends = np.full(rows, 100.0), np.ones(rows), np.zeros(rows)
    closes[row:] /= split
    splits[row], dividends[row] = split, dividend
    halved = np.r_[np.full(row, 100.0), np.full(rows - row, 50.0)]
    prices = {"AAA": (closes, {"split": splits, "dividend": dividends}), "BBB": (halved, {})}
    return Bars.of([SymbolBars.make(symbol, index, np.repeat(dates, 390), close, open=close, high=close + 0.01, low=close - 0.01,
                                    volume=np.full(rows, 1e6), **actions) for symbol, (close, actions) in prices.items()], interval="1m")
