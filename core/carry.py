"""What holding costs from one session to the next: fees for borrowed shares, interest on borrowed money and on cash.

At each session's first bar the nights since the session before are booked, on what the account was at that session's last
closes, in calendar days over `Carry.days`:

    shares sold short    value * fee, each symbol's own or `Carry.borrow`
    money                `cash` a year on what is left of the cash without the proceeds of short sales, which secure the
                         borrowed shares and bring nothing; where that is below 0, `margin` a year is paid on it

Conventions as of brokers' price lists: simple interest, actual/360 (Stigum and Robinson, "Money Market and Bond Calculations",
1996). Imports core only.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

BORROW_FEE, MARGIN_INTEREST, CASH_INTEREST = KINDS = ("borrow fee", "margin interest", "cash interest")


class Terms(NamedTuple):
    """At what fee shares can be borrowed from a date on.

    Attributes:
        start: exchange date; NaT = since ever. fee: part of their value a year; NaN = `Carry.borrow`.
        available: whether they can be borrowed for new short sales.
    """

    start: np.datetime64
    fee: float
    available: bool


class Nights(NamedTuple):
    """When carry is booked on a panel of T bars, N symbols and S sessions, and at which terms.

    Attributes:
        rows: (R,) int64 first row of every session but the first; empty where nothing is ever booked.
        days: (R,) float64 calendar days since the session before.
        fees: (R or 1, N) annual fee of shares borrowed over that time.
        session: (T or 0,) int64 number of each row's session; empty where everything can be borrowed.
        lent: (S or 0, N) whether a session's shares can be borrowed for new short sales.
    """

    rows: np.ndarray
    days: np.ndarray
    fees: np.ndarray
    session: np.ndarray
    lent: np.ndarray


class Lending:
    """Which shares can be borrowed when, and at which fee.

    Args:
        fee: part of their value a year, of symbols without terms. terms: symbol -> terms in order of their dates.
    """

    def __init__(self, fee: float = 0.0, terms: Mapping[str, Sequence[Terms]] | None = None) -> None:
        self._fee, self._terms = fee, dict(terms or {})

    def fees(self, symbols: Sequence[str], sessions: np.ndarray) -> np.ndarray:
        """(S, N) annual fees on some sessions; (1, N) where they never change."""
        return self._table(symbols, sessions, lambda each: self._fee if np.isnan(each.fee) else each.fee, self._fee)

    def lent(self, symbols: Sequence[str], sessions: np.ndarray) -> np.ndarray | None:
        """(S, N) whether shares can be borrowed on some sessions; None where they always can."""
        if all(each.available for symbol in symbols for each in self._terms.get(symbol, ())):
            return None
        table = self._table(symbols, sessions, lambda each: each.available, True)
        return np.broadcast_to(table, (len(sessions), len(symbols))).astype(np.bool_)

    def _table(self, symbols: Sequence[str], sessions: np.ndarray, value: Callable[[Terms], float], standard: float) -> np.ndarray:
        table = np.full((len(sessions), len(symbols)), standard)
        for column, symbol in enumerate(symbols):
            for each in self._terms.get(symbol, ()):
                since = 0 if np.isnat(each.start) else int(np.searchsorted(sessions, each.start))
                table[since:, column] = value(each)
        return table if any(symbol in self._terms for symbol in symbols) else table[:1]


def without_new_shorts(wished: np.ndarray, current: np.ndarray, lent: np.ndarray) -> np.ndarray:
    """(N,) wished weights, those below 0 no lower than what is held (N,) where the shares cannot be borrowed (N,)."""
    return np.where(lent, wished, np.maximum(wished, np.minimum(current, 0.0)))
