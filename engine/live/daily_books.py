"""`DailyBooks`: what the orders of a daily run have executed, and what its shares were given without a trade, written down.

Imports journal, brokers and core, and what is beside it.
"""

import logging
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from brokers.alpaca.answers import ZERO, Activity
from brokers.alpaca.rest import Rest
from brokers.hooks import Moved
from brokers.sub_account import SubAccount
from core.errors import CerebrolabError
from engine.live.restoring import executions_of, moves, restored
from journal import Journal
from journal.account_log import CASH, Note
from journal.live_days import every
from journal.pages import Chosen, RecordedOrder

log = logging.getLogger(__name__)
CENT, NANO_SHARE = Decimal("0.01"), Decimal("1e-9")
BACK_NS = 60 * 86_400 * 10**9  # how long an order or a booking of a run with books may go unseen


class DailyBooks:
    """The books of one run.

    Args:
        now: UTC ns, the venue's.
    """

    def __init__(self, rest: Rest, journal: Journal, now: Callable[[], int]) -> None:
        self._rest, self._journal, self._now = rest, journal, now
        self._seen: Any = None

    def look(self, standing: Any, account: str, key: str, run: str) -> list[str]:
        """Write down what is new since the last look: executions always, bookings where the run stands otherwise than then.

        Args:
            account: the broker's id of it. key: of the run's decisions, which other parameters change. run: its name, which they do not.

        Returns:
            A sentence where that could not be done: it is tried again at the next look.
        """
        try:
            has_books = (account, run) in self._journal.account_log.runs()
            since_ns = max(self._now() - BACK_NS, 0) if has_books else 0
            orders = self._orders(account, key, since_ns)
            late = self._late(account, run, orders)
            if late or (has_books and standing != self._seen):  # what is held is paid dividends, however long nothing was traded
                self._write(account, run, late, since_ns or min(each.created_ns for each in orders))
        except CerebrolabError as error:
            log.warning("the books were not kept: %s", error)
            return [f"what was executed could not be written down: {error}"]
        self._seen = standing
        return []

    def _orders(self, account: str, key: str, since_ns: int) -> list[RecordedOrder]:
        """Those that were executed, in whole or in part."""
        lately = Chosen(account, key, (), since_ns)
        return [each for each in every(lambda after: self._journal.pages.orders(lately, after)) if each.order.filled]

    def _late(self, account: str, run: str, orders: Sequence[RecordedOrder]) -> list[RecordedOrder]:
        known: dict[str, Decimal] = {}
        for each in self._journal.account_log.executions(account, run, max(self._now() - 2 * BACK_NS, 0)):
            known[each.client_order_id] = max(known.get(each.client_order_id, ZERO), each.filled)
        return [each for each in orders if known.get(each.order.client_order_id, ZERO) < each.order.filled]

    def _write(self, account: str, run: str, late: Sequence[RecordedOrder], since_ns: int) -> None:
        activities = self._rest.activities(after=since_ns)
        for each in late:
            found = self._rest.order_by_client_id(each.order.client_order_id)
            if found is not None:
                self._journal.account_log.execute(executions_of(self._journal, account, run, found, activities))
        part = restored(SubAccount(run, None, 0.0, ()), self._journal, account)
        for moved in moves(activities):
            held = part.held_before(moved.symbol, moved.time_ns) if moved.reference else ZERO
            if held and not part.knows(moved.reference):
                self._give(account, run, part, moved, held, self._before(moved, activities))

    def _before(self, moved: Moved, activities: Sequence[Activity]) -> Decimal:
        """The account's shares of a symbol just before a booking."""
        now = sum((each.qty for each in self._rest.positions() if each.symbol == moved.symbol), ZERO)
        later = (each for each in moves(activities) if each.symbol == moved.symbol and each.time_ns >= moved.time_ns)
        return now - sum((each.after - each.before for each in later), ZERO)

    def _give(self, account: str, run: str, part: SubAccount, moved: Moved, held: Decimal, total: Decimal) -> None:
        """Book the run's part of what the account was given; all of it where nobody else held the symbol."""
        own = held / total if total and held != total else Decimal(1)
        cash = (moved.cash * own).quantize(CENT) if own != 1 else moved.cash
        qty = (held + (moved.after - moved.before) * own).quantize(NANO_SHARE).normalize() if moved.is_split else None
        if not cash and qty is None:
            return
        text = f"{moved.symbol}: {cash:+f} cash" + (f", {qty:f} shares from now on" if qty is not None else "")
        facts = dict(symbol=moved.symbol, cash=f"{cash:f}", qty=None if qty is None else f"{qty:f}", reference=moved.reference, at_ns=moved.time_ns)
        self._journal.account_log.add(Note(account, run, CASH, text, self._now(), facts), key=f"{account} {run} {moved.reference}")
        part.move(moved.symbol, cash, qty, moved.time_ns, moved.reference)
