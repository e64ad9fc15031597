"""What one live run did on one day, read from the journal: its orders and fills, and what it held when the day began.

Imports journal and core.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from core.calendars import Calendar, get_calendar
from core.errors import UnknownName
from core.spec import RunSpec
from engine.live.books import names_of
from journal import Journal
from journal.account_log import LiveExecution
from journal.blotter import named
from journal.live_days import LiveDays, SentOrder
from journal.tables import DecisionRow


class Day(NamedTuple):
    """A session and its bounds, UTC ns.

    Attributes:
        decided: (first, end) of the bars on which is decided what trades in it, from the close before to its own.
        executed: (first, end) of what is executed in it, from half-way between the sessions on either side.
    """

    session: np.datetime64
    decided: tuple[int, int]
    executed: tuple[int, int]

    @classmethod
    def of(cls, session: np.datetime64, calendar: Calendar) -> "Day":
        """A session of a calendar."""
        around = np.array([calendar.step(session, -1), session, calendar.step(session, 1)])
        opens, closes = (each.astype(object) for each in (calendar.open_of(around), calendar.close_of(around)))
        return cls(session, (closes[0], closes[1]), ((closes[0] + opens[1]) // 2, (closes[1] + opens[2]) // 2))


class LiveFill(NamedTuple):
    """Shares (below zero: sold) at a price, UTC ns, with its commission."""

    symbol: str
    qty: Fraction
    price: Fraction
    time: int
    fee: Fraction


class LiveSide(NamedTuple):
    """One order and its fills of the day.

    Attributes:
        client_order_id, symbol, side, intent, tif, status, reason: as in `journal.LiveOrder`. asked: shares.
        bar_ns, sent_ns: the decision's bar, and when it was sent, UTC ns.
    """

    client_order_id: str
    symbol: str
    side: str
    intent: str
    tif: str
    status: str
    reason: str
    asked: Fraction
    bar_ns: int
    sent_ns: int
    fills: tuple[LiveFill, ...]


@dataclass(frozen=True)
class LiveDay:
    """What a run did on a day.

    Attributes:
        account, run: its key in the journal. strategy: name. spec: as it was decided with.
        orders: of the day. earlier: its fills before the day, in order.
        decisions: on the day, in order. fresh: it had never decided before.
        last: its latest decision by the end of the day.
    """

    account: str
    run: str
    strategy: str
    spec: RunSpec
    orders: tuple[LiveSide, ...]
    earlier: tuple[LiveFill, ...]
    decisions: tuple[DecisionRow, ...]
    last: DecisionRow
    fresh: bool


def days_of(journal: Journal) -> dict[tuple[str, str], set[str]]:
    """(account, run) -> ISO dates on which orders of it could trade, or did."""
    days = LiveDays(journal)
    found: dict[tuple[str, str], set[str]] = {}
    calendars = {}
    for trace in days.decided():
        calendars[trace.account, trace.run] = trace.calendar
        found.setdefault((trace.account, trace.run), set()).add(str(trading_day(trace.time_ns, get_calendar(trace.calendar))))
    names = {(account, name) for (account, run), name in names_of(journal).items() if name != run}
    for each in days.executions():
        if (each.account, each.run) in names and (each.account, each.run) not in calendars:
            continue  # of a daily run, whose days are those of its decisions
        calendar = get_calendar(calendars.get((each.account, each.run), "XNYS"))
        found.setdefault((each.account, each.run), set()).add(str(executed_day(each.time_ns, calendar)))
    return found


def trading_day(bar_ns: int, calendar: Calendar) -> np.datetime64:
    """The session in which an order trades that was decided on a bar: its own, or after its last bar the next one."""
    return calendar.sessions[int(np.searchsorted(calendar.closes, bar_ns, "right"))]


def executed_day(moment: int, calendar: Calendar) -> np.datetime64:
    """The session an execution belongs to, also shortly after its close."""
    session = calendar.session_of(np.array([moment]))[0]
    return session if moment >= Day.of(session, calendar).executed[0] else calendar.step(session, -1)


def live_day(journal: Journal, account: str, run: str, date: str) -> LiveDay:
    """What a run did on a day (ISO date).

    Raises:
        UnknownName: the run has decided nothing by then.
    """
    decisions = journal.blotter.decisions(account, run)
    calendar = get_calendar(str(decisions[0].spec.get("calendar", "XNYS")) if decisions else "XNYS")
    day = Day.of(np.datetime64(date, "D"), calendar)
    known = [row for row in decisions if row.bar_ns < day.decided[1]]
    if not known:
        raise UnknownName(f"the run {run} has decided nothing by {date}: nothing says what it would have done")
    bars = {row.id: row.bar_ns for row in known}
    sent = LiveDays(journal).orders(bars)
    executions = _executions(journal, account, run, named(known[-1]), sent)
    by_order: dict[str, list[LiveExecution]] = {}
    for each in executions:
        by_order.setdefault(each.client_order_id, []).append(each)
    sides = [_side(each, bars[each.decision], by_order.get(each.order.client_order_id, []), day) for each in sent]
    sides += _unknown(sent, executions, day)
    today = [row for row in known if row.bar_ns >= day.decided[0]]
    return LiveDay(
        account, run, known[-1].strategy, RunSpec.from_dict(known[-1].spec),
        tuple(side for side in sides if side.fills or day.decided[0] <= side.bar_ns < day.decided[1]),
        tuple(sorted(_before(sent, executions, bars, day), key=lambda fill: fill.time)), tuple(today), known[-1], len(today) == len(known))


def _executions(journal: Journal, account: str, run: str, name: str, sent: Sequence[SentOrder]) -> list[LiveExecution]:
    """Those of a run; a daily run's are recorded under its name, which other parameters of it share."""
    own = journal.account_log.executions(account, run)
    if name == run:
        return own
    orders = {each.order.client_order_id for each in sent}
    shared = [each for each in journal.account_log.executions(account, name) if each.client_order_id in orders]
    return sorted([*own, *shared], key=lambda each: each.time_ns)


def _side(sent: SentOrder, bar_ns: int, own: Sequence[LiveExecution], day: Day) -> LiveSide:
    order = sent.order
    fills = [_fill(each) for each in own if day.executed[0] <= each.time_ns < day.executed[1]]
    if not own and day.decided[0] <= bar_ns < day.decided[1]:
        fills = _whole(sent)
    return LiveSide(order.client_order_id, order.symbol, order.side, order.intent, order.tif, order.status, order.reason,
                    Fraction(order.qty), bar_ns, max(sent.sent_ns, bar_ns), tuple(fills))


def _unknown(sent: Sequence[SentOrder], executions: Sequence[LiveExecution], day: Day) -> list[LiveSide]:
    """Executions of the day whose orders are not in the journal."""
    known = {each.order.client_order_id for each in sent}
    return [LiveSide(each.client_order_id, each.symbol, each.side, "", "", "", "its order is not in the journal", Fraction(each.qty),
                     each.time_ns, each.time_ns, (_fill(each),))
            for each in executions if each.client_order_id not in known and day.executed[0] <= each.time_ns < day.executed[1]]


def _before(sent: Sequence[SentOrder], executions: Sequence[LiveExecution], bars: dict[int, int], day: Day) -> list[LiveFill]:
    told = {each.client_order_id for each in executions}
    early = [_fill(each) for each in executions if each.time_ns < day.executed[0]]
    return early + [fill for each in sent if bars[each.decision] < day.decided[0] and each.order.client_order_id not in told
                    for fill in _whole(each)]


def _fill(each: LiveExecution) -> LiveFill:
    return LiveFill(each.symbol, Fraction(each.signed), Fraction(each.price), each.time_ns, Fraction(each.commission))


def _whole(sent: SentOrder) -> list[LiveFill]:
    """The fills of an order of which only the sum is known."""
    order = sent.order
    if not order.filled or order.price is None:
        return []
    qty = Fraction(order.filled if order.side == "buy" else -order.filled)
    return [LiveFill(order.symbol, qty, Fraction(order.price), sent.changed_ns, Fraction(0))]
