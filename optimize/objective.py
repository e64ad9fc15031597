"""Objective: the metric a sweep looks for, and which way is better. Imports core only."""

from typing import NamedTuple

import numpy as np

from core.errors import BadSpec, UnknownName
from core.measures import MEASURES

LOWER_IS_BETTER = {"max_drawdown", "volatility", "turnover", "costs", "rejected"}


class Objective(NamedTuple):
    """A metric and its direction.

    Attributes:
        metric: one of `core.measures.MEASURES`. minimize: whether less is better.
    """

    metric: str
    minimize: bool = False

    def __str__(self) -> str:
        usual = self.minimize == (self.metric in LOWER_IS_BETTER)
        return self.metric if usual else f"{'-' if self.minimize else '+'}{self.metric}"

    def score(self, values: np.ndarray) -> np.ndarray:
        """Values for which more is better, NaN as it is."""
        return -values if self.minimize else values


def read_objectives(text: str) -> tuple[Objective, ...]:
    """The objectives in "sharpe" or "sharpe,max_drawdown"; a sign says which way: "-turnover" is to be small.

    Raises:
        UnknownName: no such metric. BadSpec: none, or one twice.
    """
    found = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        name = word.lstrip("+-")
        if name not in MEASURES:
            raise UnknownName.of("objective", name, MEASURES)
        minimize = word.startswith("-") or (name in LOWER_IS_BETTER and not word.startswith("+"))
        found.append(Objective(name, minimize))
    if not found or len({each.metric for each in found}) < len(found):
        raise BadSpec(f"objective {text!r}: name one or more different metrics, such as sharpe,max_drawdown")
    return tuple(found)
