"""Why the simulated broker opens no position in a symbol on some days, whoever asks: nobody lends it, it has left the universe."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from core.day_numbers import day_numbers


class Barrier(ABC):
    """Days on which orders of a symbol are refused that open something.

    Args:
        free: (T, N) bool, whether such orders are taken. symbols: N. index: (T,) UTC ns.
    """

    def __init__(self, free: np.ndarray, symbols: Sequence[str], index: np.ndarray) -> None:
        self._free, self._moments = free, day_numbers(index)
        self._columns = {symbol: at for at, symbol in enumerate(symbols)}

    def refusal(self, order: Any, held: float, now: float) -> str:
        """Why an order is refused that would make `held` shares another number of them at a moment (a day number); "" = it is not."""
        if not self.opens(held, held + order.created.size):
            return ""
        row = int(np.searchsorted(self._moments, now))
        return "" if self._free[row, self._columns[order.data._name]] else self.reason(order.data._name)

    @abstractmethod
    def opens(self, before: float, after: float) -> bool:
        """Whether it concerns a change of shares."""

    @abstractmethod
    def reason(self, symbol: str) -> str:
        """What to say of a symbol."""


class NotLent(Barrier):
    """Shares that nobody lends are not sold short."""

    def opens(self, before: float, after: float) -> bool:
        return after < min(before, 0.0)

    def reason(self, symbol: str) -> str:
        return f"{symbol} cannot be borrowed: it is not sold short"


class NotMember(Barrier):
    """What does not belong to the universe is not bought, and not sold short."""

    def opens(self, before: float, after: float) -> bool:
        return abs(after) > abs(before) or before * after < 0

    def reason(self, symbol: str) -> str:
        return f"{symbol} does not belong to the universe: nothing is opened in it"
