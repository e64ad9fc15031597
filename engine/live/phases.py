"""What a run decides by, and what it decided before that was changed. Imports engine and below."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from core.bars import Bars
from core.spec import RunSpec
from engine import resolve
from engine.build import strategy_params


@dataclass(frozen=True)
class Phase:
    """What a run decides by from a bar on (UTC ns)."""

    since_ns: int
    spec: RunSpec


def decisions(phases: Sequence[Phase], bars: Bars) -> np.ndarray:
    """(T, N) decisions of a target strategy, each by the parameters that were in force on its bar.

    Raises:
        UnknownName, BadSpec: a parameter, or what the strategy makes of the bars.
    """
    signals = np.full(bars.shape, np.nan)
    for phase in phases:
        strategy: Any = resolve.strategy_class(phase.spec.strategy)
        p = params_of(phase.spec)
        strategy.check(p)
        signals = np.where((bars.index >= phase.since_ns)[:, None], strategy.decisions(bars, p), signals)
    return signals


def params_of(spec: RunSpec) -> Any:
    """The parameters of a target strategy as its `decisions` take them.

    Raises:
        UnknownName, BadSpec: one is not possible.
    """
    strategy: Any = resolve.strategy_class(spec.strategy)
    spec = resolve.without_aliases(spec, strategy)
    return SimpleNamespace(**{**dict(strategy.params._getitems()), **strategy_params(spec, strategy)})
