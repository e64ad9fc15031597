"""Live days written into a journal by hand: a run on the simulated broker, whose fills are changed as a venue might."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from streamed_runs import two_days

import engine
from core.calendars import get_calendar
from core.clock import ManualClock
from core.spec import RunSpec
from feeds import ParquetStore
from journal import Journal, LiveOrder
from journal.account_log import LiveExecution

ACCOUNT, RUN, DAY = "A1", "steady", "2024-02-21"
SPEC = RunSpec(strategy="steady_decisions:SteadyMinutes", params={"seed": 2, "density": 0.3}, symbols=("AAA", "BBB"), interval="1m",
               source="alpaca", start="2024-02-20", signal_start=DAY, sizer="EqualWeight", limits={"cash_buffer": 0.1}, cash=100_000.0)
MINUTE = 60 * 10**9


class SetClock(ManualClock):
    """A clock that is set, forwards and back."""

    def to(self, now_ns):
        self._now = int(now_ns)


@dataclass
class Venue:
    """What the venue does to each fill of the simulation; each is asked with the fill's number from 0.

    Attributes:
        slip: part of the price by which it is worse. late: minutes after the decision at which it is sent.
        share: part of the shares that is filled. fee: account currency.
    """

    slip: object = lambda at: 0.0
    late: object = lambda at: 0
    share: object = lambda at: 1.0
    fee: object = lambda at: 0.0


def stored(bars, folder, source="alpaca"):
    """A store that holds the bars."""
    store = ParquetStore(folder)
    for symbol in bars.symbols:
        store.write(symbol, bars.series(symbol), np.unique(bars.session), bars.interval, source=source)
    return store


def journal_of(path):
    """A journal whose clock can be set."""
    clock = SetClock()
    journal = Journal(path, clock)
    journal.clock = clock
    return journal


def lived(journal, bars, spec=SPEC, venue=None, run=RUN, account=ACCOUNT, executions=True):
    """Write down a run's orders as a live run would have; (its result in the simulation, live fills (symbol, qty, price, fee))."""
    venue, result = venue or Venue(), engine.run(spec, bars)
    orders = {order.order: order for order in result.orders}
    fills, told, sheets = [], [], {}
    for at, fill in enumerate(result.fills):
        order = orders[fill.order]
        sign, side = (1, "buy") if fill.size > 0 else (-1, "sell")
        sent = min(order.time + MINUTE * venue.late(at), int(bars.index[-2]))
        column = bars.column(fill.symbol)
        row = int(np.searchsorted(bars.index, sent, "right")) if venue.late(at) else None
        base = fill.price if row is None else float(bars.raw_open[row, column])
        qty = Decimal(int(abs(fill.size) * venue.share(at)))
        price = Decimal(repr(round(float(base * (1 + sign * venue.slip(at))), 6)))
        name = f"cl-{run}-{fill.symbol}-{at}"
        status = {0: "rejected", int(abs(fill.size)): "filled"}.get(int(qty), "canceled")
        made = LiveOrder(name, at, fill.symbol, side, Decimal(int(abs(fill.size))), fill.intent or side, state="done", tif="day", status=status,
                         filled=qty, price=price if qty else None, reason="" if status == "filled" else f"the venue had {qty} shares")
        sheets.setdefault((order.time, sent), []).append(made)
        fee = Decimal(repr(float(venue.fee(at))))
        if qty:
            fills.append((fill.symbol, sign * qty, price, fee))
            told.append(LiveExecution(name, "b", qty, account, run, fill.symbol, side, qty, price, fill.time + 1000, fee))
    for (bar_ns, sent), made in sheets.items():
        journal.clock.to(sent)
        write(journal, made, spec, run, account, bar_ns, result)
    if executions:
        journal.account_log.execute(told)
    return result, fills


def write(journal, orders, spec=SPEC, run=RUN, account=ACCOUNT, bar_ns=0, result=None):
    """Write orders down beside those of their bar, sent now."""
    known = journal.blotter.decision(account, run, bar_ns)
    if known is not None:
        for order in orders:
            journal.blotter.add(known.id, order)
        return
    row = 0 if result is None else int(np.searchsorted(result.bars.index, bar_ns))
    value, cash = (spec.cash, spec.cash) if result is None else (result.equity[row], result.cash[row])
    session = str(get_calendar(spec.calendar).session_of(np.array([bar_ns]))[0])
    journal.blotter.decide(orders, account=account, run_key=run, bar_ns=bar_ns, session=session, strategy=spec.strategy.rpartition(":")[2],
                           strategy_source="x", spec=spec.masked(), fingerprint="" if spec.interval == "1m" else "f", equity=Decimal(repr(float(value))),
                           cash=Decimal(repr(float(cash))), targets={}, notes=[])


def day_of(tmp_path, venue=None, spec=SPEC, bars=None, **options):
    """(journal, store, result, live fills) of one written day."""
    bars = two_days() if bars is None else bars
    journal = journal_of(tmp_path / "journal.db")
    result, fills = lived(journal, bars, spec, venue, **options)
    return journal, stored(bars, tmp_path / "bars"), result, fills
