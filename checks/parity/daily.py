"""The side of Alpaca, session by session: the daily run of a spec, called as a scheduler would, on the local Alpaca's own time.

REST is real; each call is a new process as far as the run can tell.
"""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

from brokers.alpaca.clock import BrokerClock
from brokers.alpaca.endpoints import Endpoints
from brokers.alpaca.rest import Rest
from brokers.local_alpaca import LocalAlpaca, VenueClock
from checks.parity.evidence import Evidence
from checks.parity.story import Asked, Fill, Moments, Sent, State, Story
from core.bars import Bars
from core.calendars import MINUTE_NS, get_calendar
from core.spec import RunSpec
from engine.live.daily import Daily
from journal import Journal
from journal.blotter import DONE, LiveOrder
from journal.tables import DecisionRow

SETTLED_NS = 25 * MINUTE_NS  # after the close the day's bar is complete
EVENING_NS = 185 * MINUTE_NS  # after the close auction orders are taken: from 19:00, on any day
MORNING_NS = MINUTE_NS  # after the open
REFUSED = {"refused": "Rejected", "rejected": "Rejected", "filled": "Completed", "canceled": "Canceled", "expired": "Expired"}


class DailyRuns:
    """The daily run on a venue, from the evening of the first decision to the last evening.

    Args:
        venue: after the close of the first session. bars: what is decided on. journal: path of an SQLite file. run: the class.
    """

    def __init__(self, venue: LocalAlpaca, spec: RunSpec, bars: Bars, journal: Path, run: Callable[..., Any] = Daily) -> None:
        self.venue, self.spec, self.bars, self._path, self._run = venue, spec, bars, f"sqlite:///{journal}", run
        self._warnings: list[str] = []

    def play(self, sessions: np.ndarray) -> Story:
        """Decide on the evening of each session (datetime64[D]) and trade on it in the next one; what was done."""
        calendar = get_calendar(self.bars.calendar)
        for at, session in enumerate(sessions):
            closes = int(calendar.close_of(np.array([session]))[0])
            self._once(closes + SETTLED_NS)
            if at + 1 < len(sessions):
                self._once(closes + EVENING_NS)
                opens = int(calendar.open_of(sessions[at + 1:at + 2])[0])
                self._once(opens)
                self._once(opens + MORNING_NS)
        return self._story()

    def _once(self, at: int) -> None:
        self.venue.advance(to=at)
        rest = self._rest()
        try:
            clock = BrokerClock(rest)
            with Journal(self._path, clock) as journal:
                report = self._run(self.spec, rest, clock, journal, bars_of=lambda session: self.bars.between(None, session)).once()
        finally:
            rest.close()
        self._warnings += [text for text in report.warnings if text not in self._warnings]

    def _rest(self) -> Rest:
        venue = self.venue
        return Rest(Endpoints(venue.key_id, venue.secret_key, True, venue.url, venue.data_url, venue.stream_url, venue.trade_stream_url),
                    VenueClock(venue), seed=1)

    # -- what the journal says --------------------------------------------------------------------------------

    def _story(self) -> Story:
        asked: list[Asked] = []
        states: dict[int, State] = {}
        with Journal(self._path) as journal:
            for row in journal.blotter.decisions(self.venue.account_id):
                orders = journal.blotter.orders(row.id)
                states[row.bar_ns] = State(float(row.equity), float(row.cash), self._held(row.bar_ns))
                asked += self._asked(row, orders)
        account = self.venue.account
        held = {symbol: float(position.qty) for symbol, position in account.positions.items()}
        return Story("alpaca", asked, State(float(account.equity), float(account.cash), held), states, notes=self._warnings)

    def _held(self, bar_ns: int) -> dict[str, float]:
        """Shares held after a bar, from the fills alone."""
        held: dict[str, Decimal] = {}
        story: list[Any] = [*self.venue.ledger.executions, *(entry for entry in self.venue.ledger.entries if entry.kind == "SPLIT")]
        for each in sorted((each for each in story if each.time <= bar_ns + MINUTE_NS), key=lambda each: each.time):
            held[each.symbol] = held.get(each.symbol, Decimal(0)) + (each.signed if hasattr(each, "signed") else each.qty)
        return {symbol: float(qty) for symbol, qty in held.items() if qty}

    def _asked(self, row: DecisionRow, orders: list[LiveOrder]) -> list[Asked]:
        """The orders of a decision; attempts of one, and both halves of a reversal, count as one order."""
        groups: dict[tuple[str, str], list[LiveOrder]] = {}
        for order in orders:
            groups.setdefault((order.symbol, order.side), []).append(order)
        return [self._one(row.bar_ns, parts) for parts in groups.values()]

    def _one(self, bar_ns: int, parts: list[LiveOrder]) -> Asked:
        first, last, moments = parts[0], parts[-1], Moments(self.bars.index)
        sign = 1 if first.side == "buy" else -1
        sent = {order.client_order_id: order for order in self.venue.ledger.orders}
        evidence = Evidence.of(self.venue, self.spec)
        fills = [Fill(moments.within(done.time_ns), done.size, done.price)
                 for part in parts for done in evidence.executions.get(part.client_order_id, ())]
        qty = sum((part.qty for part in parts if part.attempt == 1), Decimal(0))
        times = [Sent(sent[part.client_order_id].created_at, part.client_order_id, float(part.qty))
                 for part in parts if part.client_order_id in sent]
        status = "open" if last.state != DONE else REFUSED.get(last.status, last.status or "Canceled")
        return Asked(bar_ns, first.symbol, float(sign * qty), "Market", last.intent if len(parts) > 1 else first.intent, status, last.reason,
                     fills, times)
