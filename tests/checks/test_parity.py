"""Certificates: shipped strategies do live what the backtest does, planted gaps are found and classified, planted bugs fail."""

from dataclasses import replace

import backtrader as bt
import numpy as np
import pytest
from live_days import panel
from streamed_runs import SYMBOLS, two_days

from brokers import SimulatedBroker
from brokers.alpaca import AlpacaStore
from checks.parity import Injection, Sides, certify
from core.errors import BadSpec, UnknownName
from core.spec import RunSpec
from engine.live.daily import Daily

MINUTES = RunSpec(strategy="steady_decisions:SteadyMinutes", params={"seed": 2, "density": 0.2}, symbols=SYMBOLS, interval="1m",
                  sizer="EqualWeight", limits={"cash_buffer": 0.1})
DAYS = RunSpec(strategy="steady_decisions:SteadyDecisions", params={"seed": 3, "density": 0.9}, symbols=("AAA", "BBB", "CCC"),
               sizer="EqualWeight", limits={"cash_buffer": 0.1})
SHIPPED = {
    "BuyAndHold": dict(start="2012-11-01", end="2012-12-03"),
    "GoldenCross": dict(params={"fast": 3, "slow": 8}),
    "MeanReversion": dict(params={"entry": 1.0}, limits={"cash_buffer": 0.1}),
    "EtfRotation": dict(params={"lookback": 10, "top": 2}, limits={"cash_buffer": 0.1}),
    "DualMomentum": dict(limits={"cash_buffer": 0.1}),
    "Momentum": dict(params={"top": 0.5, "index_average": 20, "average": 20, "lookback": 30}),
}
WITHIN_THE_DAY = {"BuyCloseSellOpen": {}, "ShortTermMomentum": {"threshold": 0.002}, "TimeOfDay": {}}


def hour(seed=3):
    """An hour of two sessions."""
    return two_days(rows=60, seed=seed)


def told(certificate):
    return [str(each) for each in certificate.verdict.unexplained]


@pytest.mark.parametrize(("name", "days"), [("GoldenCross", 8), ("Momentum", 8), ("DualMomentum", 45), *(
    pytest.param(name, 20, marks=pytest.mark.soak) for name in SHIPPED)])
def test_shipped_strategies_trade_as_in_the_backtest(name, days):
    spec = RunSpec(strategy=name, symbols=("AAPL", "IBM", "MSFT", "GOOG"), **SHIPPED[name])
    certificate = certify(spec, days=days)
    assert told(certificate) == [] and certificate.passed, certificate.verdict
    assert certificate.path == "daily run" and certificate.ends["simulated"].positions == certificate.ends["alpaca"].positions


@pytest.mark.slow
@pytest.mark.parametrize("name, days", [("BuyCloseSellOpen", 2), ("ShortTermMomentum", 1), ("TimeOfDay", 1), *(
    pytest.param(name, 2, marks=pytest.mark.soak) for name in ("ShortTermMomentum", "TimeOfDay"))])
def test_shipped_strategies_within_the_day_trade_as_in_the_backtest(name, days):
    spec = RunSpec(strategy=name, params=WITHIN_THE_DAY[name], symbols=("SYN001",), source="synthetic", interval="1m",
                   start="2024-11-26", end="2024-11-29", limits={"cash_buffer": 0.1})
    certificate = certify(spec, days=days)  # the last is half a day
    assert told(certificate) == [] and certificate.passed
    assert certificate.path == "streaming" and certificate.bars["synthetic"]


def test_minutes_are_traded_alike_to_the_cent():
    certificate = certify(MINUTES, hour())
    assert certificate.passed and not certificate.verdict.differences and certificate.verdict.fills >= 8
    live, simulated = certificate.ends["alpaca"], certificate.ends["simulated"]
    assert live[:2] == pytest.approx(simulated[:2]) and live.positions == simulated.positions


@pytest.mark.parametrize(("account", "shorts"), [("margin", 0.0), ("margin", 0.4), ("cash", 0.0)])
def test_days_are_traded_alike(account, shorts):
    """Long and short, reversals too, of which each is two orders at Alpaca."""
    certificate = certify(DAYS.replace(params={**DAYS.params, "shorts": shorts}, limits={"cash_buffer": 0.3, "max_gross": 0.6}), panel(rows=30),
                          days=12, account=account)
    assert told(certificate) == [] and certificate.passed and certificate.verdict.fills > 10


class Crossing(bt.Strategy):
    """A plain strategy: ten shares while a short average is above a longer one."""

    def __init__(self):
        self.crossings = {data: bt.ind.CrossOver(bt.ind.SMA(data, period=2), bt.ind.SMA(data, period=5)) for data in self.datas}

    def next(self):
        for data, crossing in self.crossings.items():
            if crossing[0] > 0:
                self.buy(data, size=10)
            elif crossing[0] < 0 and self.getposition(data).size:
                self.close(data)


def test_a_plain_strategy_is_certified_too():
    certificate = certify(RunSpec(strategy=f"{__name__}:Crossing", symbols=SYMBOLS, interval="1m"), hour())
    assert certificate.passed and not certificate.verdict.differences and certificate.verdict.fills > 4


# -- planted gaps -----------------------------------------------------------------------------------------------


def injected(*texts, spec=MINUTES, bars=None, **options):
    certificate = certify(spec, bars or hour(), inject=[Injection.read(text) for text in texts], **options)
    assert told(certificate) == [] and certificate.injected == list(texts)
    return certificate


def test_slippage_is_found_as_fills_with_its_amount():
    certificate = injected("slippage=5bp")
    fills = [each for each in certificate.verdict.differences if each.kind == "fill"]
    assert len(fills) > 6 and [each.basis_points for each in fills] == pytest.approx([5.0] * len(fills), abs=0.02)
    assert all("slippage was 5.00 bp" in each.explanation for each in fills) and certificate.summary()["slippage_bp"] == pytest.approx(5, abs=0.01)
    assert not certificate.verdict.counts["data"] and not certificate.verdict.counts["rejection"]


def test_slippage_of_the_simulation_is_told_apart_from_the_venues():
    certificate = injected("slippage=5bp", spec=MINUTES.replace(slippage="2bp"))
    fills = [each for each in certificate.verdict.differences if each.kind == "fill"]
    assert fills and [each.basis_points for each in fills] == pytest.approx([3.0] * len(fills), abs=0.02)


def test_a_rejection_is_found():
    certificate = injected("rejection")
    first = certificate.verdict.differences[0]
    assert certificate.verdict.counts["rejection"] == 1 and (first.kind, "Rejected" in first.alpaca) == ("rejection", True)
    assert all(each.kind == "rejection" or "follows from" in each.explanation for each in certificate.verdict.differences)


def test_a_late_bar_is_found():
    certificate = injected("late_bar=40")
    first = certificate.verdict.differences[0]
    assert certificate.verdict.counts["data"] == 1 and first.kind == "data" and first.symbol == "AAA" and "40 s late" in first.explanation


def test_partial_fills_are_found():
    certificate = injected("partial=100")
    parts = [each for each in certificate.verdict.differences if "no trade of the venue took more than 100 shares" in each.explanation]
    assert parts and {each.kind for each in parts} <= {"timing", "fill"}


def test_what_the_broker_must_heal_makes_no_difference():
    assert not injected("lost_event", "lost_answer").verdict.differences


def test_a_daily_rejection_is_found():
    certificate = injected("rejection", spec=DAYS, bars=panel(rows=20), days=8)
    assert certificate.verdict.counts["rejection"] == 1 and certificate.verdict.differences[0].kind == "rejection"


# -- planted bugs -----------------------------------------------------------------------------------------------


class OneMore(SimulatedBroker):
    """Fills buys with a share too many."""

    def buy(self, owner, data, size, *args, **kwargs):
        return super().buy(owner, data, size + 1, *args, **kwargs)


class AtTheClose(SimulatedBroker):
    """Fills market orders at the close."""

    def _try_exec_market(self, order, popen, phigh, plow):
        super()._try_exec_market(order, order.data.close[0], phigh, plow)


class Twice(AlpacaStore):
    """Books each fill twice."""

    def getbroker(self, **params):
        broker = super().getbroker(**params)
        progress = broker._flow.progress
        book = type(progress)._book_execution
        progress._book_execution = lambda *args: (book(progress, *args), book(progress, *args))
        return broker


@pytest.mark.parametrize("kind, found", [(OneMore, "sizing"), (AtTheClose, "fill")])
def test_a_bug_in_the_simulation_is_unexplained(kind, found):
    broker = kind(cash=MINUTES.cash, rules="alpaca")
    certificate = certify(MINUTES, hour(), sides=Sides(broker=broker))
    assert certificate.verdict.name == "fail" and found in {each.kind for each in certificate.verdict.unexplained}


def test_a_fill_booked_twice_is_unexplained():
    certificate = certify(MINUTES, hour(), sides=Sides(store=Twice))
    assert certificate.verdict.name == "fail"
    assert any("the venue executed" in each.simulated or "the venue holds" in each.simulated for each in certificate.verdict.unexplained)


class Greedy(Daily):
    """Wants a share too many of everything."""

    def _wanted(self, *args):
        decided = super()._wanted(*args)
        return replace(decided, orders=tuple(replace(order, qty=order.qty + 1) for order in decided.orders))


def test_a_bug_in_the_daily_run_is_unexplained():
    certificate = certify(DAYS, panel(rows=20), days=5, sides=Sides(daily=Greedy))
    assert certificate.verdict.name == "fail" and "sizing" in {each.kind for each in certificate.verdict.unexplained}


# -- what cannot be certified -------------------------------------------------------------------------------------


def test_without_trading_there_is_no_pass():
    certificate = certify(MINUTES.replace(params={"density": 0.0}), hour())
    assert certificate.verdict.name == "nothing traded" and not certificate.passed


@pytest.mark.parametrize("bars, options, text", [
    (two_days(rows=30, days=("2024-02-20",)), {}, "one session only"),
    (hour(), {"days": 2}, "days is 2: the bars have 2 sessions, of which 1 to 1 can be played"),
    (replace(hour(), interval="5m"), {}, "interval is 5m: the local Alpaca plays bars of 1m or 1d"),
    (replace(hour(), close_only=np.array([False, True])), {}, "BBB has closes only"),
])
def test_what_cannot_be_played_is_one_line(bars, options, text):
    with pytest.raises(BadSpec, match=text):
        certify(MINUTES, bars, **options)


@pytest.mark.parametrize("text, kind, shown", [
    ("slippge", UnknownName, "did you mean 'slippage'"), ("slippage=0", BadSpec, "write a part of the price"),
    ("slippage=1/share", BadSpec, "write a part of the price"), ("late_bar=-3", BadSpec, "a number above 0"), ("partial=x", BadSpec, "such as 10")])
def test_gaps_that_are_none(text, kind, shown):
    with pytest.raises(kind, match=shown):
        Injection.read(text)


def test_a_late_daily_bar_cannot_be_injected():
    with pytest.raises(BadSpec, match="bars within the day only"):
        certify(DAYS, panel(rows=10), inject=[Injection.read("late_bar")])
