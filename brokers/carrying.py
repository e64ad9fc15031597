"""Fees for borrowed shares and interest on the simulated account, as `core.carry` states them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from core.carry import BORROW_FEE, CASH_INTEREST, MARGIN_INTEREST, Nights
from core.day_numbers import day_numbers
from core.options import Carry


class Charge(NamedTuple):
    """Cash that holding costs, negative, or brings; `data` None = the account's interest."""

    data: Any
    moment: float
    kind: str
    amount: float


class CarryingCosts:
    """What a simulated account pays and earns between sessions.

    Args:
        rates: a year. nights: on a panel of `symbols` (N,) with times `index` (T,) UTC ns.
    """

    def __init__(self, rates: Carry, nights: Nights, symbols: Sequence[str], index: np.ndarray) -> None:
        self._rates, self._nights = rates, nights
        self._columns = {symbol: at for at, symbol in enumerate(symbols)}
        self._moments = day_numbers(index[nights.rows]).tolist()
        self._at = 0

    @classmethod
    def of(cls, rates: Carry, nights: Nights, symbols: Sequence[str], index: np.ndarray) -> "CarryingCosts | None":
        """None where nothing is ever charged."""
        return cls(rates, nights, symbols, index) if len(nights.rows) else None

    def charges(self, datas: Iterable[Any], held: dict[Any, Any], cash: float) -> Iterator[Charge]:
        """What is due on the feeds' current bars, on `held` (feed -> position) and `cash` as they were before them."""
        if self._at == len(self._moments):
            return
        now = max((data.datetime[0] for data in datas if len(data)), default=0.0)
        while self._at < len(self._moments) and now >= self._moments[self._at]:
            yield from self._night(self._at, now, held, cash)
            self._at += 1

    def _night(self, night: int, now: float, held: dict[Any, Any], cash: float) -> Iterator[Charge]:
        rates, days, fees = self._rates, float(self._nights.days[night]), self._nights.fees
        lent = fees[min(night, len(fees) - 1)]
        secured = 0.0
        for data, position in held.items():
            if position.size < 0.0:
                worth = -position.size * (data.close[-1] if data.datetime[0] >= now else data.close[0])
                secured += worth
                fee = float(lent[self._columns[data._name]])
                if fee:
                    yield Charge(data, now, BORROW_FEE, -(worth * fee * days / rates.days))
        free = cash - secured
        rate = rates.cash if free > 0.0 else rates.margin
        if rate and free:
            yield Charge(None, now, CASH_INTEREST if free > 0.0 else MARGIN_INTEREST, free * rate * days / rates.days)
