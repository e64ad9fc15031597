"""Runs that share one account of the local Alpaca, lived through in virtual time: real REST, real websockets, given bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np

from brokers.alpaca import AlpacaStore
from brokers.local_alpaca import AccountRules, LocalAlpaca, ReplayClock
from core.bars import Bars
from core.calendars import MINUTE_NS, get_calendar
from core.spec import RunSpec
from engine.live.streaming import Event, stream_several
from journal import Journal

MARGIN = 4  # buying power per dollar of equity, so that there are short sales
SECONDS = 10**9
RECONCILED = 3600.0  # seconds of the venue between two looks at the whole account; every one is a handful of requests


@dataclass(frozen=True)
class Week:
    """What is left of it.

    Attributes:
        journal: the file with decisions, orders and executions. account: the broker's id of the account.
        equity: of the account at the end, by the venue's own books. events: what the runs told.
    """

    journal: Path
    account: str
    equity: Decimal
    events: tuple[Event, ...]


def lived(specs: Sequence[RunSpec], bars: Bars, first: str, folder: Path, cash: float = 100_000.0, slippage: str = "0") -> Week:
    """Stream the specs on one account from the session `first` to the end of the bars; the sessions before are history.

    Args:
        folder: where the journal is written. slippage: part of the price that the venue takes from market orders.

    Raises:
        CerebrolabError: as `engine.live.streaming.stream_several`.
    """
    calendar = get_calendar(bars.calendar)
    opens = int(calendar.open_of(np.array([first], "datetime64[D]"))[0])
    until = int(calendar.close_of(bars.session[-1:])[0]) + 30 * SECONDS
    with LocalAlpaca(bars, cash, opens - 2 * MINUTE_NS, account=AccountRules(multiplier=MARGIN)) as venue:
        venue.slippage = Decimal(slippage)
        clock = ReplayClock(venue)
        clock.stops = [until, until + 120 * SECONDS]
        store, events = _store(venue, clock), []
        account = store.rest.account().id
        with Journal(folder / "journal.db", clock) as journal:
            try:
                stream_several(specs, store, lambda: venue.now >= until, events.append, journal=journal)
            finally:
                store.stop()
        return Week(folder / "journal.db", account, venue.account.equity, tuple(events))


def _store(venue: LocalAlpaca, clock: ReplayClock) -> AlpacaStore:
    """A store on the venue, whose clock knows what has been heard of the streams."""
    store = AlpacaStore(venue.key_id, venue.secret_key, base_url=venue.url, data_url=venue.data_url, stream_url=venue.stream_url,
                        trade_stream_url=venue.trade_stream_url, clock=clock)
    listen, broker = store.listen, store.getbroker(reconcile_s=RECONCILED)

    def listening(symbols, on_bar, on_state):
        clock.data.state = "connecting"
        return listen(symbols, clock.data.through(on_bar), clock.data.through(on_state))

    store.listen = listening
    broker.on_update, broker.on_state = clock.trade.through(broker.on_update), clock.trade.through(broker.on_state)
    clock.trade.state = "connecting"
    store.getdata = partial(store.getdata, qcheck=60.0)
    return store
