"""`Recorder`: writes the decisions, orders and executions of streaming runs into the journal.

An order is written down before it is sent, and is not sent where that fails. What becomes of it is written down once the orders of the
turn have left: a process that is killed in between finds it at the broker (`engine.live.restoring.catch_up`).

Imports journal, engine.resolve, brokers and core.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from backtrader import Order

from brokers.alpaca.order_desk import Leaving
from brokers.alpaca.order_terms import exact_number, moment_of
from brokers.hooks import Executed
from core.calendars import get_calendar
from core.errors import StoreFailed, UsageError
from core.spec import RunSpec
from engine import resolve
from engine.live.chronicle import Chronicle
from journal import Journal
from journal.account_log import LiveExecution
from journal.blotter import DONE, OPEN, SENDING, LiveOrder

log = logging.getLogger(__name__)


@dataclass
class _Sent:
    """An order that was written down: how many shares of it are executed, and for how much."""

    filled: Decimal = Decimal(0)
    seen: Decimal = Decimal(0)  # executed since we look
    paid: Decimal = Decimal(0)

    @property
    def price(self) -> Decimal | None:
        """The average."""
        return self.paid / self.seen if self.seen else None


class Recorder:
    """The record of the runs on one account.

    Args:
        account: the broker's id of it. runs: name -> spec.
        run_of: whose an order is, a name of `runs`; "" where it is nobody's.
        report: told what could not be written down.
        chronicle: what the runs say, and what everything is worth.
    """

    def __init__(self, journal: Journal, account: str, runs: Mapping[str, RunSpec], run_of: Callable[[Order], str],
                 report: Callable[[str], None], chronicle: Chronicle) -> None:
        self._journal, self._account, self._runs, self._run_of, self._report = journal, account, runs, run_of, report
        self.chronicle = chronicle
        self._told_by = {name: _told_by(spec) for name, spec in runs.items()}
        self._decisions: dict[tuple[str, int], int] = {}
        self._latest: dict[str, int] = {}  # bar of the latest decision of an earlier process, by run
        self._places: dict[int, int] = {}
        self._names: dict[int, list[str]] = {}  # reference of an order -> its ids at the broker
        self._sent: dict[str, _Sent] = {}
        self._executions: list[LiveExecution] = []  # still to be written down, as the changes
        self._changes: dict[str, dict[str, Any]] = {}

    def changed(self, run: str, spec: RunSpec) -> None:
        """A run decides by another spec from now on."""
        self._told_by[run] = _told_by(spec)

    def listen(self, broker: Any) -> None:
        """Have an AlpacaBroker tell what it sends and what becomes of it."""
        broker.p.persist = self.sending
        broker.hook(executed=self.executed, told=self.told, sent=lambda _: self.write())

    # -- what the broker tells ------------------------------------------------------------------------

    def sending(self, leaving: Sequence[Leaving]) -> None:
        """Orders are about to be sent; those of one decision are written down together.

        Raises:
            StoreFailed: they cannot be written down, and must not be sent.
        """
        by_decision: dict[tuple[str, int], list[Leaving]] = {}
        for each in leaving:
            self._names.setdefault(each.order.ref, []).append(each.client_order_id)
            self._sent[each.client_order_id] = _Sent()
            run = self._run_of(each.order)
            if run in self._runs:
                by_decision.setdefault((run, moment_of(each.order.created.dt)), []).append(each)
        for (run, bar_ns), orders in by_decision.items():
            self._write(run, bar_ns, orders)

    def executed(self, executed: Executed) -> None:
        """Shares have changed hands."""
        qty, price = abs(exact_number(executed.size)), exact_number(executed.price)
        sent = self._sent.setdefault(executed.client_order_id, _Sent())
        sent.filled, sent.seen, sent.paid = executed.filled, sent.seen + qty, sent.paid + qty * price
        made = LiveExecution(executed.client_order_id, executed.broker_id, executed.filled, self._account,
                             self._run_of(executed.order) if executed.order is not None else "", executed.symbol,
                             "buy" if executed.size > 0 else "sell", qty, price, executed.time_ns)
        self._executions.append(made)

    def told(self, order: Order) -> None:
        """An order is in another state."""
        if order.status in (Order.Accepted, Order.Partial):
            self._change(order, state=OPEN)
        elif not order.alive():
            is_over = order.status != Order.Completed or order.transmit  # the exits of a bracket go on under its name
            self._change(order, state=DONE if is_over else OPEN, reason=str(order.info.get("reason") or ""))
            if order.parent is not None:
                self._change(order.parent, state=DONE)

    # -- writing --------------------------------------------------------------------------------------

    def _write(self, run: str, bar_ns: int, leaving: Sequence[Leaving]) -> None:
        blotter = self._journal.blotter
        number = self._decisions.get((run, bar_ns))
        if run not in self._latest:
            self._latest[run] = blotter.latest(self._account, run)
        if number is None and bar_ns <= self._latest[run]:
            known = blotter.decision(self._account, run, bar_ns)
            number = known.id if known is not None else None
        place = self._places.get(number or 0, 0)
        rows = [_row(each, at) for at, each in enumerate(leaving, start=place)]
        if number is None:
            number = blotter.decide(rows, account=self._account, run_key=run, bar_ns=bar_ns, **self._decision(run, leaving[0].order, bar_ns))
        else:
            blotter.add(number, *rows)
        self._decisions[run, bar_ns] = number
        self._places[number] = place + len(rows)

    def _decision(self, run: str, order: Order, bar_ns: int) -> dict[str, Any]:
        owner, session = order.owner, get_calendar(self._runs[run].calendar).session_of(np.array([bar_ns]))[0]
        decided = getattr(owner, "decision", None)
        targets = {data._name: shares for data, shares in decided.shares.items()} if decided is not None else {}
        return dict(session=str(session), **self._told_by[run], fingerprint="", equity=exact_number(owner.broker.getvalue()),
                    cash=exact_number(owner.broker.getcash()), targets=targets, notes=[])

    def _change(self, order: Order, **values: Any) -> None:
        adopted = order.info.get("client_order_id") if "client_order_id" in order.info else None
        for name in self._names.get(order.ref) or ([adopted] if adopted else []):
            sent = self._sent.get(name, _Sent())
            self._changes[name] = {**values, "status": order.getstatusname().lower(), "filled": sent.filled, "price": sent.price}

    def write(self) -> None:
        """Write down what has happened; that it cannot be written down is told, and the run goes on."""
        self.chronicle.look()
        if self._executions or self._changes or self.chronicle.due:
            self._write_down()

    def _write_down(self) -> bool:
        """One transaction; whether it is done. Signals and snapshots alone do not wait for the disk."""
        happened = bool(self._executions or self._changes)
        try:
            with self._journal.together(durable=happened):
                if happened:
                    self._journal.account_log.execute(self._executions, self._changes)
                self.chronicle.write(self._journal.history)
        except (StoreFailed, UsageError) as error:  # an API may refuse what is too large for it; the run goes on
            self.chronicle.failed()
            log.warning("not recorded: %s", error)
            self._report(str(error))
            return False
        self._executions, self._changes = [], {}
        self.chronicle.written()
        return True

    def end(self) -> None:
        """The runs have ended: write down what they are worth."""
        self.chronicle.look()
        self.chronicle.take()
        while self.chronicle.waits and self._write_down():
            pass

    def note(self, run: str, kind: str, text: str, **facts: Any) -> None:
        """Write a note down; see `journal.account_log.AccountLog.note`."""
        self._journal.account_log.note(self._account, run, kind, text, **facts)


def _told_by(spec: RunSpec) -> dict[str, Any]:
    """What every decision of a run says of the run."""
    strategy: Any = resolve.strategy_class(spec.strategy)
    return dict(strategy=strategy.__name__, strategy_source=resolve.source_digest(strategy), spec=spec.masked())


def _row(leaving: Leaving, place: int) -> LiveOrder:
    request, info = leaving.request, leaving.order.info
    return LiveOrder(leaving.client_order_id, place, request.symbol, request.side, request.qty or Decimal(0), str(info.get("intent") or request.side),
                     state=SENDING, tif=request.tif)
