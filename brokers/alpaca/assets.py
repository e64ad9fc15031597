"""Assets: what may be done with each symbol, known before an order needs it. Imports the modules beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from brokers.alpaca.answers import Asset
from brokers.alpaca.clock import BrokerClock
from brokers.alpaca.rest import Rest
from core.errors import CerebrolabError

APART_S = 1.0  # between two that are asked for ahead: they take no more than a part of the requests a minute, and of a turn
TROUBLE_S = 60.0  # nothing is asked for ahead so soon after one has failed


class Assets:
    """The symbols as the venue describes them, each asked for once a day.

    What is shortable, or can be traded at all, changes from day to day.
    """

    def __init__(self, rest: Rest, clock: BrokerClock) -> None:
        self._rest, self._clock = rest, clock
        self._today: dt.date | None = None
        self._known: dict[str, Asset] = {}
        self._tried: set[str] = set()
        self._not_before = clock.monotonic()

    def of(self, symbol: str) -> Asset:
        """What may be done with a symbol today.

        Raises:
            UnknownName: there is no such symbol. BrokerUnavailable, Unauthorized: no answer.
        """
        self._turn_page()
        if symbol not in self._known:
            self._known[symbol] = self._rest.asset(symbol)
        return self._known[symbol]

    def ask_ahead(self, symbols: Iterable[str]) -> None:
        """Ask for one that has not been asked for today, now and then; what does not work out is asked for when it is needed."""
        now = self._clock.monotonic()
        if now < self._not_before or self._rest.hurried():
            return
        self._turn_page()
        symbol = next((each for each in symbols if each not in self._known and each not in self._tried), None)
        if symbol is None:
            return
        self._tried.add(symbol)
        self._not_before = now + APART_S
        try:
            self._known[symbol] = self._rest.asset(symbol, once=True)
        except CerebrolabError:
            self._not_before = now + TROUBLE_S

    def _turn_page(self) -> None:
        if self._today != (today := self._clock.today()):
            self._today, self._known, self._tried = today, {}, set()
