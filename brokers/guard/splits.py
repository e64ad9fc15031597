"""Splits: around a split, shares show it when the venue books it, and prices with the next bar. Imports nothing of ours."""

import datetime as dt
from collections.abc import Callable
from typing import Any


class Splits:
    """Whether shares and prices of feeds fit each other.

    Args:
        since: date of the account that was read first; earlier splits are in it.
        is_booked: whether the shares of a symbol are those of after its split on a date; may raise errors of core.errors.
    """

    def __init__(self, since: dt.date, is_booked: Callable[[str, dt.date], bool]) -> None:
        self._since, self._is_booked = since.toordinal(), is_booked
        self._booked: set[tuple[str, dt.date]] = set()

    def lacking(self, data: Any) -> float:
        """By what shares times last close is to be multiplied, to be what the position is worth; 1 where they fit.

        2 while the price of a 2:1 split is there and the new shares are not, 0.5 where it is the other way around.
        """
        factor = 1.0
        for action in getattr(data, "actions", ()):
            if action.split != 1 and action.moment >= self._since:
                priced = bool(len(data)) and data.datetime[0] >= action.moment
                factor *= action.split ** (priced - self._has(data._name, dt.date.fromordinal(int(action.moment))))
        return factor

    def _has(self, symbol: str, date: dt.date) -> bool:
        if (symbol, date) not in self._booked and self._is_booked(symbol, date):
            self._booked.add((symbol, date))
        return (symbol, date) in self._booked
