"""Backtrader analyzers over the pure functions beside them: `cerebro.addanalyzer(Performance)`.

However many of them a strategy has, its account is recorded once.
"""

from functools import cached_property
from math import isnan

import backtrader as bt

from analyzers import metrics
from analyzers.recorder import Recorder
from core.result import RunResult


class AccountAnalyzer(bt.Analyzer):
    """Base: shares one `Recorder` per strategy, and holds the run as a RunResult.

    Params:
        benchmark: name of a feed, or "universe" for the equal-weight buy-and-hold of all feeds.
        risk_free: annual rate. calendar: of the feeds; "24/7" counts 365 sessions a year.
    """

    params = {"benchmark": "universe", "risk_free": 0.0, "calendar": "XNYS"}

    def start(self) -> None:
        first = next(each for each in self.strategy.analyzers if isinstance(each, AccountAnalyzer))
        self._records = first is self
        self.recorder = Recorder(self.strategy) if self._records else first.recorder

    def notify_order(self, order: bt.Order) -> None:
        if self._records:
            self.recorder.order(order)

    def next(self) -> None:
        if self._records:
            self.recorder.bar()

    @cached_property
    def result(self) -> RunResult:
        """The finished run, with its metrics; `reports.write` takes it.

        Raises:
            UnknownName: the benchmark is no feed's name.
        """
        result = self.recorder.result(self.p.benchmark, self.p.risk_free, self.p.calendar)
        result.metrics.update(metrics.compute(result))
        return result


class Performance(AccountAnalyzer):
    """`get_analysis()`: the measures of `analyzers.metrics.compute`, by name."""

    def stop(self) -> None:
        self.rets = self.result.metrics


class RoundTrips(AccountAnalyzer):
    """`get_analysis()["trades"]`: the list of `core.result.Trade`, open ones included."""

    def stop(self) -> None:
        self.rets = {"trades": self.result.trades}


class MonthlyReturns(AccountAnalyzer):
    """`get_analysis()`: {year: {month: return}}, for the months the run has sessions in."""

    def stop(self) -> None:
        result = self.result
        dates, equity = metrics.session_last(result.bars.session, result.equity)
        calendar, table = metrics.monthly_returns(equity, dates, result.spec.cash)
        self.rets = {
            int(year): {month: float(value) for month, value in enumerate(row, 1) if not isnan(value)}
            for year, row in zip(calendar, table, strict=True)
        }
