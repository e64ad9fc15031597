"""Holdings: cash and shares as executions change them between two looks at the account. Imports answers.

Exact in Decimal; Backtrader's float positions are kept in step with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

import backtrader as bt

from brokers.alpaca.answers import ZERO, Position


@dataclass(frozen=True)
class Traded:
    """Signed shares that an execution closed and opened, and the average price of what it found."""

    closed: Decimal
    opened: Decimal
    average_before: Decimal


@dataclass
class Holding:
    """Signed shares of a symbol, their average price, and what one was worth when last heard of; USD."""

    qty: Decimal = ZERO
    average: Decimal = ZERO
    mark: Decimal = ZERO
    position: bt.Position = field(default_factory=bt.Position)

    def set(self, qty: Decimal, average: Decimal, mark: Decimal) -> None:
        """Hold `qty` shares from now on."""
        self.qty, self.average, self.mark = qty, average if qty else ZERO, mark
        self.position.fix(number(qty), float(self.average))

    def trade(self, signed: Decimal, price: Decimal) -> Traded:
        """Buy (below zero: sell) at a price; the average changes only where the position grows or turns."""
        closed = min(abs(self.qty), abs(signed)).copy_sign(signed) if self.qty * signed < 0 else ZERO
        opened, kept, before = signed - closed, self.qty + closed, self.average
        average = (kept * before + opened * price) / (kept + opened) if opened else before
        self.set(self.qty + signed, average, price)
        self.position.upopened, self.position.upclosed = number(opened), number(closed)
        return Traded(closed, opened, before)


class Holdings:
    """The account's cash, and what it holds by symbol."""

    def __init__(self) -> None:
        self.cash = ZERO
        self._held: dict[str, Holding] = {}

    def __iter__(self) -> Iterator[tuple[str, Holding]]:
        return ((symbol, held) for symbol, held in self._held.items() if held.qty)

    def __getitem__(self, symbol: str) -> Holding:
        """What is held of a symbol; the same record for ever."""
        return self._held.setdefault(symbol, Holding())

    def trade(self, symbol: str, signed: Decimal, price: Decimal) -> Traded:
        """Settle an execution in cash and shares."""
        self.cash -= signed * price
        return self[symbol].trade(signed, price)

    def differences(self, positions: Iterable[Position]) -> dict[str, tuple[Decimal, Decimal]]:
        """Symbol -> (shares here, shares at the venue), where the two differ."""
        theirs = {position.symbol: position.qty for position in positions}
        ours = {symbol: held.qty for symbol, held in self}
        return {symbol: (ours.get(symbol, ZERO), theirs.get(symbol, ZERO)) for symbol in sorted({*ours, *theirs})
                if ours.get(symbol, ZERO) != theirs.get(symbol, ZERO)}

    def take(self, positions: Iterable[Position]) -> None:
        """Hold what the venue says."""
        told = {position.symbol: position for position in positions}
        for symbol in {*self._held, *told}:
            position = told.get(symbol)
            if position is None:
                self[symbol].set(ZERO, ZERO, self[symbol].mark)
            else:
                mark = position.market_value / position.qty if position.qty else ZERO
                self[symbol].set(position.qty, position.avg_entry_price, mark)


def number(value: Decimal) -> float:
    """As Backtrader counts: whole shares as int."""
    return int(value) if value == value.to_integral_value() else float(value)
