"""What an account, or a run on it, is worth at a moment, for the journal's history. Imports journal, brokers and core."""

import logging
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from brokers.alpaca.answers import ZERO, Account, Position
from brokers.alpaca.rest import Rest
from core.bars import Bars
from core.errors import CerebrolabError
from core.spec import RunSpec
from journal import Journal
from journal.columns import shortest
from journal.history import Snapshot

log = logging.getLogger(__name__)
SOURCE = "run"  # who says what the snapshots say
ALL = ""  # the account as a whole, in place of a run


class Worth(NamedTuple):
    """Equity and cash in account currency; symbol -> signed shares and price of what is held."""

    equity: Decimal
    cash: Decimal
    positions: dict[str, tuple[Decimal, Decimal]]

    def snapshot(self, account: str, run: str, time_ns: int) -> Snapshot:
        """As the journal keeps it."""
        told = {symbol: {"quantity": f"{shortest(qty):f}", "price": f"{shortest(price):f}"} for symbol, (qty, price) in sorted(self.positions.items())}
        return Snapshot(account, run, time_ns, self.equity, self.cash, told, SOURCE)


def part_of(account: Account, spec: RunSpec, worth: Decimal) -> tuple[Decimal, Decimal]:
    """Equity and cash that a run has of an account that it has to itself, or `capital` of it.

    Args:
        worth: of its positions, without their signs.
    """
    if spec.capital is None:
        return account.equity, account.cash
    value = min(account.equity, Decimal(repr(float(spec.capital))))
    return value, min(account.cash, value - worth)


class Snapshots:
    """Those of a daily run: of it and of its account, at the first look of a process and whenever something has changed.

    Args:
        now: UTC ns, the venue's.
    """

    def __init__(self, spec: RunSpec, rest: Rest, journal: Journal, now: Callable[[], int]) -> None:
        self._spec, self._rest, self._journal, self._now = spec, rest, journal, now
        self._seen: Any = None

    def look(self, standing: Any, run: str, bars: Bars) -> list[str]:
        """Take them where the run stands otherwise than at the look before.

        Returns:
            A sentence where that could not be done: it is tried again at the next look.
        """
        if standing == self._seen:
            return []
        try:
            self._take(run, bars)
        except CerebrolabError as error:
            log.warning("no snapshot: %s", error)
            return [f"what the account is worth could not be written down: {error}"]
        self._seen = standing
        return []

    def _take(self, run: str, bars: Bars) -> None:
        account, held = self._rest.account(), _priced(self._rest.positions())
        own = {symbol: held[symbol] for symbol in bars.symbols if symbol in held}
        part = part_of(account, self._spec, sum((abs(qty) * price for qty, price in own.values()), ZERO))
        now = self._now()
        with self._journal.together(durable=False):
            for name, worth in ((run, Worth(*part, own)), (ALL, Worth(account.equity, account.cash, held))):
                self._journal.history.take(**vars(worth.snapshot(account.id, name, now)))


def _priced(positions: list[Position]) -> dict[str, tuple[Decimal, Decimal]]:
    return {each.symbol: (each.qty, each.market_value / each.qty) for each in positions if each.qty}
