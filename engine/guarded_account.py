"""What guards ask the account whose runs they guard: a simulated one, or one at Alpaca. Imports brokers and core."""

import datetime as dt
from decimal import Decimal
from typing import Any

import backtrader as bt
import numpy as np
from backtrader import Order

from brokers.alpaca.moments import at_new_york
from brokers.guard.quotes import Quotes
from brokers.guard.splits import Splits
from brokers.guard.transfers import KINDS
from core.day_numbers import moments_of
from core.errors import CerebrolabError

LATELY_NS = 7 * 86_400 * 10**9  # longer than from any session to the next
AGAIN_NS = 30 * 10**9  # between two questions whether a split has been booked


class GuardedAccount:
    """An account whose time is that of the bars, and whose quotes are their closes."""

    def __init__(self, broker: Any) -> None:
        self._broker = broker

    def now_ns(self, strategy: bt.Strategy) -> int:
        """UTC ns."""
        return newest_bar(strategy)

    def quote(self, order: Order) -> float:
        """The last quote for an order."""
        return float(order.data.close[0])

    def worth(self, strategy: bt.Strategy, alone: bool) -> float:
        """The value of what a run trades with: its part of an account that it shares, else all, whatever `capital` shows of it."""
        return float(self._broker.equity if alone and hasattr(type(self._broker), "equity") else strategy.broker.getvalue())

    def lacking(self, data: Any) -> float:
        """See `brokers.guard.splits.Splits`; a simulated account is split with its prices."""
        return 1.0

    def transfers(self) -> dict[str, float]:
        """What came from outside in the last days, by the venue's name of it."""
        return {}

    def close(self) -> None:
        """End what was opened for questions."""


class GuardedAlpaca(GuardedAccount):
    """An account at Alpaca, of an `AlpacaStore`; what it is asked may raise errors of core.errors."""

    def __init__(self, broker: Any, store: Any, symbols: set[str]) -> None:
        super().__init__(broker)
        self._store, self._symbols = store, symbols
        self._quotes: Quotes | None = None
        self._splits = Splits(store.clock.today(), self._is_booked)
        self._asked: dict[tuple[str, dt.date], int] = {}

    def now_ns(self, strategy: bt.Strategy) -> int:
        return int(self._store.clock.now_ns())

    def quote(self, order: Order) -> float:
        if self._quotes is None:
            self._quotes = Quotes(self._store.endpoints, self._store.clock, self._symbols)
        return self._quotes.of(order.data._name, order.isbuy())

    def worth(self, strategy: bt.Strategy, alone: bool) -> float:
        lacks = 0.0
        for data in {data._name: data for data in reversed(strategy.datas)}.values():
            factor = self.lacking(data)
            if factor != 1:
                lacks += strategy.broker.getposition(data).size * data.close[0] * (factor - 1)
        return super().worth(strategy, alone) + lacks

    def lacking(self, data: Any) -> float:
        return self._splits.lacking(data)

    def transfers(self) -> dict[str, float]:
        booked = self._store.rest.activities(KINDS, after=self._store.clock.now_ns() - LATELY_NS)
        return {each.id: float(each.net_amount) for each in booked}

    def close(self) -> None:
        if self._quotes is not None:
            self._quotes.close()

    def _is_booked(self, symbol: str, date: dt.date) -> bool:
        now = self._store.clock.now_ns()
        if now - self._asked.get((symbol, date), -AGAIN_NS) < AGAIN_NS:
            return False
        midnight = at_new_york(date, dt.time())
        booked = [each for each in self._store.rest.activities(("SPLIT", "FILL"), after=midnight - 1) if each.symbol == symbol]
        self._broker.reconcile()
        theirs = sum((each.qty for each in self._store.rest.positions() if each.symbol == symbol), Decimal(0))
        if self._held(symbol) != theirs:
            raise CerebrolabError(f"{symbol} is split, and its shares could not be read yet")
        self._asked[symbol, date] = now
        bought = sum((each.qty if each.side == "buy" else -each.qty for each in booked if each.kind == "FILL"), Decimal(0))
        return any(each.kind == "SPLIT" for each in booked) or bought == theirs

    def _held(self, symbol: str) -> Decimal:
        return Decimal(repr(self._broker.getposition(self._broker.feed_of(symbol)).size))


def newest_bar(strategy: bt.Strategy) -> int:
    """UTC ns of the newest bar a strategy sees."""
    return int(moments_of(np.array([strategy.datetime[0]]))[0])
