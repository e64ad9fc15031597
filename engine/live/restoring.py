"""What earlier processes of runs have left in the journal: executions nobody heard of, and the sub-accounts they add up to.

Imports journal, brokers and core.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from brokers.alpaca.answers import ZERO, Activity, Order, exact
from brokers.alpaca.rest import Rest
from brokers.hooks import Executed, Moved
from brokers.sub_account import SubAccount
from core.errors import StoreFailed
from journal import Journal
from journal.account_log import CASH, OUTCOME, LiveExecution, Note
from journal.blotter import DONE, OPEN, LiveOrder

DAY_NS = 86_400 * 10**9  # bookings have the time of their day


def lately(journal: Journal, rest: Rest, account: str, runs: Iterable[str]) -> tuple[int, list[Activity]]:
    """From when on (UTC ns), and what, the broker has booked since the runs were last alive; what the journal knows may be among it.

    A run is known to have lived when it sent an order or ended: what is found here, and written down, moves nothing.

    Raises:
        BrokerUnavailable, Unauthorized: it does not say.
    """
    alive = [note.time_ns for note in journal.account_log.notes(account, kinds=(OUTCOME,))[-1:]]
    since = max([*alive, *(journal.blotter.latest(account, run) for run in runs)])
    return (since - DAY_NS, rest.activities(after=since - DAY_NS)) if since else (0, [])


def moves(activities: Sequence[Activity]) -> list[Moved]:
    """How activities have changed shares and cash, in the order of their times; of executions their shares alone.

    A split may be told in two: the old shares are taken, and the new ones given.
    """
    found: dict[tuple[str, str, int], Moved] = {}
    for each in activities:
        is_fill, is_split = each.kind == "FILL", each.kind == "SPLIT"
        change = -each.qty if each.side.startswith("sell") else each.qty if is_fill or is_split else ZERO
        name = ("split", each.symbol, each.time_ns) if is_split else ("", each.id, 0)
        before = found[name].after if name in found else ZERO
        if change or (each.net_amount and not is_fill):
            found[name] = Moved(each.symbol, after=before + change, is_split=is_split, cash=ZERO if is_fill else each.net_amount,
                                reference="" if is_fill else each.id, kind=each.kind, time_ns=each.time_ns)
    return sorted(found.values(), key=lambda moved: moved.time_ns)


def catch_up(journal: Journal, rest: Rest, account: str, runs: Iterable[str], orders: Sequence[Order],
             activities: Sequence[Activity]) -> list[str]:
    """Record what has become of the runs' orders since somebody looked.

    Args:
        account: the broker's id of it. runs: by their names. orders: of the last days, as they were read together with the positions.
        activities: see `lately`.

    Returns:
        A sentence for each execution meanwhile.

    Raises:
        BrokerUnavailable, Unauthorized: the broker does not say. StoreFailed: it cannot be recorded.
    """
    told, read = [], {order.client_order_id: order for order in orders}
    for run in runs:
        for order in journal.blotter.unfinished_of(account, run):
            found = read.get(order.client_order_id) or _older(rest, order)
            if found is None:
                journal.blotter.change(order.client_order_id, state=DONE, reason="it never arrived")
                continue
            for each in (found, *found.legs):
                news = executions_of(journal, account, run, each, activities)
                journal.account_log.execute(news)
                told += [f"{new.side} {new.qty:f} {new.symbol} at {new.price:,.4f} was executed while nobody listened" for new in news]
            journal.blotter.change(order.client_order_id, **_state(order, found))
    return told


def _older(rest: Rest, order: LiveOrder) -> Order | None:
    found = rest.order_by_client_id(order.client_order_id)
    return None if found is None else rest.order(found.id)  # with its legs


def executions_of(journal: Journal, account: str, run: str, order: Order, activities: Sequence[Activity]) -> list[LiveExecution]:
    """The shares of an order that were executed and are not in the journal: one by one, else at their average price."""
    known = [each for each in journal.account_log.executions(account, run) if each.client_order_id == order.client_order_id]
    filled, spent = max((each.filled for each in known), default=ZERO), sum((each.qty * each.price for each in known), ZERO)
    news: list[LiveExecution] = []

    def note(until: Decimal, price: Decimal, time_ns: int) -> None:
        nonlocal filled, spent
        news.append(LiveExecution(order.client_order_id, order.id, until, account, run, order.symbol, order.side, until - filled, price, time_ns))
        filled, spent = until, spent + news[-1].qty * price

    for fill in (each for each in activities if each.kind == "FILL" and each.order_id == order.id):
        until = exact(fill.raw.get("cum_qty")) or ZERO
        if filled < until <= order.filled_qty:
            note(until, fill.price, fill.time_ns)
    if filled < order.filled_qty:
        left = order.filled_qty * (order.filled_avg_price or ZERO) - spent
        note(order.filled_qty, left / (order.filled_qty - filled), order.updated_ns or 0)
    return news


def _state(order: LiveOrder, found: Order) -> dict[str, Any]:
    is_over = found.done and all(leg.done for leg in found.legs)
    return dict(state=DONE if is_over else OPEN, broker_id=found.id, status=found.status, filled=found.filled_qty,
                price=found.filled_avg_price, reason=order.reason if found.status == "filled" or not found.done else found.status)


def restored(part: SubAccount, journal: Journal, account: str) -> SubAccount:
    """A sub-account as the journal's executions, dividends and splits of its run have left it."""
    part.reset()
    log = journal.account_log
    happened: list[LiveExecution | Note] = [*log.notes(account, part.name, kinds=(CASH,)), *log.executions(account, part.name)]
    for each in sorted(happened, key=_time):
        if isinstance(each, LiveExecution):
            part.book(Executed(None, each.symbol, float(each.signed), float(each.price), float(each.commission), each.time_ns))
        else:
            qty = each.facts["qty"]
            part.move(each.facts["symbol"], Decimal(each.facts["cash"]), None if qty is None else Decimal(qty), _time(each),
                      each.facts.get("reference", ""))
    return part


def _time(each: LiveExecution | Note) -> int:
    return int(each.facts.get("at_ns") or each.time_ns) if isinstance(each, Note) else each.time_ns


def moved_notes(journal: Journal, account: str, report: Callable[[str], None]) -> Any:
    """What writes down the cash and the shares that a run was given without an execution: `SharedAccount.on_moved`."""
    def note(run: str, symbol: str, cash: Decimal, qty: Decimal | None, reference: str, at_ns: int) -> None:
        text = f"{symbol or 'account'}: {cash:+f} cash" + (f", {qty:f} shares from now on" if qty is not None else "")
        try:
            journal.account_log.note(account, run, CASH, text, symbol=symbol, cash=f"{cash:f}", qty=None if qty is None else f"{qty:f}",
                                     reference=reference, at_ns=at_ns)
        except StoreFailed as error:
            report(f"{run}: {text}, which could not be written down: {error}")

    return note
