"""A journal with an account that has traded for years, as the dashboard shows it: snapshots, orders, executions, alerts, advice, a daily run."""

import datetime as dt
from decimal import Decimal

import numpy as np

from core.calendars import get_calendar
from journal.account_log import ALERT, TRANSFER, LiveExecution, Note
from journal.blotter import LiveOrder
from journal.subscriptions import Advice

ACCOUNT, RUN, SYMBOLS = "PA3-DASHBOARD", "GoldenCross", ("AAPL", "IBM", "KO", "MSFT", "SPY")
LAST = "2026-11-20"
NS, HOUR_NS = 10**9, 3600 * 10**9


def sessions(years=5):
    """Sessions of so many years up to the last one, ISO dates."""
    first = dt.date.fromisoformat(LAST) - dt.timedelta(days=round(365.25 * years))
    return [str(each) for each in get_calendar("XNYS").between(str(first), LAST)]


def close_ns(session):
    """Five past the close of a session in New York's winter, UTC ns."""
    return int(dt.datetime.fromisoformat(f"{session[:10]}T21:05:00+00:00").timestamp()) * NS


def fill(journal, years=5, trades=200, account=ACCOUNT, run=RUN, marks=None, prefix="order"):
    """Record an account: a snapshot a session, `trades` round trips, one decision with orders, alerts, advice and a daily run.

    Args:
        marks: texts in place of those of an order, an alert, a step and a strategy's reasons: "order", "alert", "step", "reason", "symbol". prefix: of the names of orders.
    """
    marks = marks or {}
    dates = sessions(years)
    random = np.random.default_rng(7)
    equity = 100_000 * np.cumprod(1 + random.normal(0.0005, 0.01, len(dates)))
    cash = Decimal(100_000)
    journal.account_log.add(Note(account, run, TRANSFER, "cash at the beginning", close_ns(dates[0]) - HOUR_NS, {"amount": str(cash)}), f"begin {prefix}")
    for date, value in zip(dates, equity.round(2).tolist(), strict=True):
        journal.history.take(account, "", Decimal(str(value)), Decimal("25000.50"), time_ns=close_ns(date))
    _trade(journal, dates, account, run, trades, random, marks.get("symbol"), prefix)
    _decide(journal, dates[-1], account, run, equity[-1], marks, prefix)
    journal.account_log.add(Note(account, run, ALERT, marks.get("alert", "An order of KO was refused: see to it"), _now_ns() - HOUR_NS), f"alert {prefix}")
    _advise(journal, dates[-1], marks)
    for step in ("collect", "averages", "signals", "mails"):
        journal.daily.record(dates[-1][:10], step, True, marks.get("step", f"{step}: 5 symbols"), close_ns(dates[-1]) + HOUR_NS)
    journal.daily.record(dates[-1][:10], "portfolio", False, "Alpaca did not answer", close_ns(dates[-1]) + HOUR_NS)


def execution(name, symbol, side, price, time_ns, account=ACCOUNT, run=RUN):
    """One execution of ten shares, which fills the order of that name."""
    return LiveExecution(name, f"b-{name}", Decimal(10), account, run, symbol, side, Decimal(10), Decimal(str(price)), time_ns, Decimal("0.35"))


def _trade(journal, dates, account, run, trades, random, symbol, prefix):
    names = (*SYMBOLS, symbol) if symbol else SYMBOLS
    prices = random.uniform(40, 400, trades).round(2).tolist()
    made = []
    for number, price in enumerate(prices):
        opened = close_ns(dates[number * (len(dates) - 2) // max(trades, 1)]) - 3 * HOUR_NS + number
        made.append(execution(f"{prefix}-b{number}", names[number % len(names)], "buy", price, opened, account, run))
        if number < trades - len(names):
            made.append(execution(f"{prefix}-s{number}", names[number % len(names)], "sell", round(price * 1.01, 2), opened + HOUR_NS, account, run))
    for at in range(0, len(made), 2_000):
        journal.account_log.execute(made[at : at + 2_000])


def _decide(journal, session, account, run, equity, marks, prefix):
    orders = [LiveOrder(f"{prefix}-1", 0, "AAPL", "buy", Decimal(10), "enter", state="done", status="filled", filled=Decimal(10), price=Decimal("271.49")),
              LiveOrder(f"{prefix}-2", 1, "MSFT", "buy", Decimal(12), "enter", state="open", status="partially_filled", filled=Decimal(5), price=Decimal("472.12")),
              LiveOrder(f"{prefix}-3", 2, "KO", "sell", Decimal(30), "exit", state="done", status="rejected", reason=marks.get("order", "insufficient qty available")),
              LiveOrder(f"{prefix}-4", 3, "INTC", "buy", Decimal(7), "enter", state="open", status="new")]
    journal.blotter.decide(orders, account=account, run_key=run, bar_ns=close_ns(session) - HOUR_NS, session=session[:10], strategy="GoldenCross",
                           strategy_source="0" * 16, spec={}, fingerprint="0" * 16, equity=Decimal(str(round(equity, 2))), cash=Decimal("25000.5"), targets={}, notes=[])


def _advise(journal, session, marks):
    closes = (200 + np.cumsum(np.random.default_rng(3).normal(0.1, 2, 120))).round(2).tolist()
    told = [("GoldenCross", "AAPL", "BUY"), ("MeanReversion", marks.get("symbol") or "IBM", "SELL"), ("EtfRotation", "SPY", "BUY")]
    for strategy, symbol, _ in told:
        asked = journal.subscriptions.ask("ann@example.org", [(strategy, symbol)])
    journal.subscriptions.confirm(asked.token)
    journal.subscriptions.advise([Advice(strategy, symbol, session[:10], signal, Decimal("203.45"), {
        "fast": 201.337, "slow": 198.2, "score": 0.71, "rule": marks.get("reason", "crossed above"), "closes": closes}) for strategy, symbol, signal in told])


def _now_ns():
    return int(dt.datetime.now(dt.UTC).timestamp() * NS)
