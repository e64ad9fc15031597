"""The same number of shares for every position."""

import numpy as np

from core.bars import Bars
from core.errors import BadSpec
from sizers.base import PortfolioSizer
from sizers.correlation import uncorrelated
from sizers.limits import limit_weights, shares_of


class FixedQuantity(PortfolioSizer):
    """Each position that many shares, short where the conviction is negative; all of them, or none.

    A buy (or short sale) that the cash or a limit does not allow in full is dropped, the strongest conviction served
    first; what is held of the symbol stays. A position above a limit of its own is cut to it, as with other sizers.

    Params:
        quantity: shares; whole ones unless `fractional`.
    """

    params = (("quantity", 1.0),)

    def check(self) -> None:
        quantity = self.p.quantity
        if not 0 < quantity < np.inf or not (self.p.fractional or quantity == int(quantity)):
            raise BadSpec(f"sizer.quantity is {quantity:g}: it is a number of shares above 0, whole unless fractions are traded")
        if self.p.rounding != "floor":
            raise BadSpec(f"sizer.rounding is {self.p.rounding}: a fixed quantity is not rounded, leave it out")

    def weights(self, conviction: np.ndarray, history: Bars) -> np.ndarray:
        """Equal parts: what they are in shares depends on the account's value, which only a decision knows."""
        return np.sign(conviction) / max(np.count_nonzero(conviction), 1)

    def _wished_with(self, conviction: np.ndarray, history: Bars, current: np.ndarray, value: float) -> np.ndarray:
        if not value > 0:
            return np.zeros(len(conviction))
        chosen = np.sign(uncorrelated(conviction, history, self._limits))
        return chosen * self.p.quantity * np.nan_to_num(history.last_close[-1]) / value

    def _limited(self, wished: np.ndarray, current: np.ndarray, held: np.ndarray, conviction: np.ndarray,
                 decided: np.ndarray, value: float, cash: float, history: Bars) -> np.ndarray:
        groups, prices = self.groups(history), history.last_close[-1]
        held_on = np.where(wished * current > 0, current, 0.0)  # what stays of it where a buy is dropped
        ranked = np.argsort(-np.abs(np.where(decided, conviction, 0.0)), kind="stable")
        wished, full = wished.copy(), np.sign(wished) * self.p.quantity
        while True:
            allowed = limit_weights(wished, current, conviction, decided, groups, value, cash, self._limits)
            partly = decided & (np.abs(allowed) < np.abs(wished)) & (np.abs(allowed) > np.abs(held_on))
            if not partly.any():
                break
            dropped = ranked[np.argmax(partly[ranked])]
            wished[dropped], full[dropped] = held_on[dropped], held[dropped] if held_on[dropped] else 0.0
        shares = shares_of(allowed, held, decided, value, prices, bool(self.p.fractional), self._limits)
        return np.where(decided & (prices > 0) & (allowed == wished), full, shares)
