"""OptimizedSizer: what all sizers that ask a solver have in common. Imports core and the other sizers."""

import sys
import warnings
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from core.bars import Bars
from core.errors import BadSpec
from sizers.base import PortfolioSizer
from sizers.inverse_volatility import inverse_volatility
from sizers.solved import Solved, key_of, solved
from sizers.window import usable, window_of

NEGLIGIBLE = 1e-6  # smaller weights are a solver's rounding
PERIODS = 252  # bars in a year, to annualise; only a risk-free rate and yearly fees depend on it


class Unsolvable(ValueError):
    """A problem without a solution, with the reason as its message."""


class OptimizedSizer(PortfolioSizer):
    """Base of sizers that optimise; a subclass states `solve`.

    Only symbols with a conviction take part. Of K of them, one that has traded on less than half the lookback,
    or has not moved, gets the equal share 1/K; the others share what is left as the solver says. A short takes
    part with its returns negated and gets a negative weight: for a budget of absolute weights that is the same
    as bounds of (-1, 0), and it works with every method, and when all are shorts.

    When there is nothing to optimise or the solver fails, the weights are those of `InverseVolatility` over the
    same lookback (which are equal weights where volatility is not known), and a note says why.

    Params:
        lookback: returns in the estimates, of forward-adjusted closes up to the decision bar.

    Attributes:
        distributions: installed packages whose versions decide the numbers. fewest: symbols that `solve` takes at least.
        minds_strength: the size of a conviction matters, not only its sign.
        minds_current: the weights held now matter.
    """

    params = (("lookback", 252),)
    distributions: tuple[str, ...] = ()
    fewest = 2
    minds_strength = minds_current = False

    def check(self) -> None:
        if self.p.lookback < 3 or self.p.lookback != int(self.p.lookback):
            raise BadSpec(f"sizer.lookback is {self.p.lookback:g}: it is a whole number of returns, from 3 on")

    def solve(self, returns: Any, strength: np.ndarray, current: np.ndarray) -> np.ndarray:
        """Optimal weights, absolute ones: shorts are in `returns` with their sign changed.

        Args:
            returns: DataFrame (L, K), columns 0 to K - 1.
            strength: (K,) conviction / the largest absolute one; only its sign, unless `minds_strength`.
            current: (K,) weights held now in the direction wished, 0 where the position is on the other side.

        Returns:
            (K,) weights from 0 on that sum to at most 1 (or to the leverage of the sizer).

        Raises:
            Unsolvable: there is no solution. Anything else the library raises counts as its failure.
        """
        raise BadSpec(f"{type(self).__name__} has no solve method: an optimised sizer states one")

    def weights(self, conviction: np.ndarray, history: Bars) -> np.ndarray:
        return self._weights(conviction, history, np.zeros(len(conviction)))[0]

    def weights_from(self, conviction: np.ndarray, history: Bars, current: np.ndarray) -> np.ndarray:
        weights, reason = self._weights(conviction, history, current)
        if reason:
            self.note(history, f"{type(self).__name__} fell back to inverse volatility: {reason}")
        return weights

    def _weights(self, conviction: np.ndarray, history: Bars, current: np.ndarray) -> tuple[np.ndarray, str]:
        columns = np.flatnonzero(conviction)
        weights = np.zeros(len(conviction))
        if not len(columns):
            return weights, ""
        chosen = conviction[columns]
        side = np.sign(chosen)
        strength = chosen / np.abs(chosen).max() if self.minds_strength else side
        held = np.maximum(side * current[columns], 0.0) if self.minds_current else np.zeros(len(columns))
        window = window_of(history, columns, self.p.lookback)
        key = key_of(window, strength, held)
        answer = solved(self._family, key, lambda: self._answer(window, strength, held))
        weights[columns] = side * answer.weights + 0.0  # no negative zeros
        return weights, answer.reason

    def _answer(self, window: np.ndarray, strength: np.ndarray, current: np.ndarray) -> Solved:
        """The sizes of all chosen symbols, and why they are not the solver's."""
        closes, known = usable(window, self.p.lookback)
        share = known.mean()
        sizes = np.full(len(known), 1.0 / len(known))
        try:
            if known.sum() < self.fewest:
                raise Unsolvable("only one symbol takes part" if known.any() else "no chosen symbol has moved and "
                                 f"traded on half of the last {self.p.lookback:g} bars")
            sizes[known] = share * self._solve(closes, strength[known], current[known] / share)
        except Unsolvable as failure:
            return Solved(inverse_volatility(window, self.p.lookback), str(failure))
        return Solved(sizes)

    def _solve(self, closes: np.ndarray, strength: np.ndarray, current: np.ndarray) -> np.ndarray:
        import pandas as pd

        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                returns = pd.DataFrame((closes[1:] / closes[:-1] - 1.0) * np.sign(strength))
                weights = np.asarray(self.solve(returns, strength, current), dtype=np.float64)
            except Unsolvable:
                raise
            except Exception as error:  # whatever a solver raises, the run goes on
                raise Unsolvable(_one_line(error)) from error
        if weights.shape != strength.shape or not np.isfinite(weights).all() or weights.min() < -1e-3:
            raise Unsolvable("the solver gave no usable weights")
        return np.where(weights < NEGLIGIBLE, 0.0, weights)

    @cached_property
    def _family(self) -> bytes:
        """Everything beside the window that decides the weights: the code, the parameters, the packages."""
        own = {name: value for name, value in self.p._getkwargs().items() if name not in PortfolioSizer.params._getkeys()}
        file = getattr(sys.modules.get(type(self).__module__), "__file__", None)
        code = Path(file).read_bytes() if file else repr(type(self))  # no file: typed into a shell
        return key_of(type(self).__qualname__, code, sorted(own.items()), _versions(self.distributions))


@cache
def _versions(distributions: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(version(name) for name in distributions)


def _one_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}{f': {lines[0]}' if lines else ''}"
