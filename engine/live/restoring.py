"""What earlier processes of runs have left in the journal: executions nobody heard of, and the sub-accounts they add up to.

Imports journal, brokers and core.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from brokers.alpaca.answers import ZERO, Order
from brokers.alpaca.rest import Rest
from brokers.hooks import Executed, Moved
from brokers.sub_account import SubAccount
from core.errors import StoreFailed
from journal import Journal
from journal.account_log import CASH, OUTCOME, LiveExecution, Note
from journal.blotter import DONE, OPEN, LiveOrder


def catch_up(journal: Journal, rest: Rest, account: str, runs: Mapping[str, Any], orders: Sequence[Order]) -> list[str]:
    """Record what has become of the runs' orders since somebody looked.

    Args:
        account: the broker's id of it. runs: by their names. orders: of the last days, as they were read together with the positions.

    Returns:
        A sentence for each order that was executed meanwhile.

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
                told += _record(journal, account, run, each)
            journal.blotter.change(order.client_order_id, **_state(order, found))
    return told


def _older(rest: Rest, order: LiveOrder) -> Order | None:
    found = rest.order_by_client_id(order.client_order_id)
    return None if found is None else rest.order(found.id)  # with its legs


def _record(journal: Journal, account: str, run: str, order: Order) -> list[str]:
    """Record the shares of an order that were executed and are not in the journal."""
    known = [each for each in journal.account_log.executions(account, run) if each.client_order_id == order.client_order_id]
    before = max((each.filled for each in known), default=ZERO)
    qty = order.filled_qty - before
    if qty <= 0:
        return []
    paid = sum((each.qty * each.price for each in known), ZERO)
    price = (order.filled_qty * (order.filled_avg_price or ZERO) - paid) / qty
    journal.account_log.execute([LiveExecution(
        order.client_order_id, order.id, order.filled_qty, account, run, order.symbol, order.side, qty, price, order.updated_ns or 0)])
    return [f"{order.side} {qty:f} {order.symbol} at {price:,.4f} was executed while nobody listened"]


def _state(order: LiveOrder, found: Order) -> dict[str, Any]:
    is_over = found.done and all(leg.done for leg in found.legs)
    return dict(state=DONE if is_over else OPEN, broker_id=found.id, status=found.status, filled=found.filled_qty,
                price=found.filled_avg_price, reason=order.reason if found.status == "filled" or not found.done else found.status)


def restored(part: SubAccount, journal: Journal, account: str) -> SubAccount:
    """A sub-account as the journal's executions, dividends and splits of its run have left it."""
    part.reset()
    log = journal.account_log
    happened: list[LiveExecution | Note] = [*log.executions(account, part.name), *log.notes(account, part.name, kinds=(CASH,))]
    for each in sorted(happened, key=lambda each: each.time_ns):
        if isinstance(each, LiveExecution):
            part.book(Executed(None, each.symbol, float(each.signed), float(each.price), float(each.commission), each.time_ns))
        else:
            part.move(Decimal(each.facts["cash"]))
            if each.facts["qty"] is not None:
                part.hold(each.facts["symbol"], Decimal(each.facts["qty"]))
    return part


def missed(journal: Journal, rest: Rest, account: str) -> list[Moved]:
    """Dividends, splits and the like that the broker has booked since the journal last heard of the account.

    Raises:
        BrokerUnavailable, Unauthorized: it does not say.
    """
    log = journal.account_log
    notes = log.notes(account, kinds=(CASH, OUTCOME))
    since = max([*(each.time_ns for each in log.executions(account)[-1:]), *(each.time_ns for each in notes)], default=0)
    known = {each.facts.get("reference") for each in notes if each.kind == CASH}
    if not since:
        return []
    found = [each for each in rest.activities(after=since) if each.kind != "FILL" and each.id not in known]
    return [Moved(each.symbol, after=each.qty if each.kind == "SPLIT" else ZERO, is_split=each.kind == "SPLIT", cash=each.net_amount,
                  reference=each.id) for each in found if each.net_amount or (each.kind == "SPLIT" and each.qty)]


def moved_notes(journal: Journal, account: str, report: Callable[[str], None]) -> Any:
    """What writes down the cash and the shares that a run was given without an execution: `SharedAccount.on_moved`."""
    def note(run: str, symbol: str, cash: Decimal, qty: Decimal | None, reference: str) -> None:
        text = f"{symbol or 'account'}: {cash:+f} cash" + (f", {qty:f} shares from now on" if qty is not None else "")
        try:
            journal.account_log.note(account, run, CASH, text, symbol=symbol, cash=f"{cash:f}", qty=None if qty is None else f"{qty:f}",
                                     reference=reference)
        except StoreFailed as error:
            report(f"{run}: {text}, which could not be written down: {error}")

    return note
