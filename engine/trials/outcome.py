"""What came out of trials, and what plays them. Imports core."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from core.bars import Bars
from core.result import RunResult
from core.spec import RunSpec


class Trials(NamedTuple):
    """What came out of m trials.

    Attributes:
        measures: (m, len(MEASURES)) float64, a row of NaN where a trial could not be played.
        count: (B,) int64 sessions in each block. sum, square: (m, B) of their simple returns, and of the squares.
        problems: m texts, "" for a trial that was played.
    """

    measures: np.ndarray
    count: np.ndarray  # type: ignore[assignment]
    sum: np.ndarray
    square: np.ndarray
    problems: tuple[str, ...]


class Player(Protocol):
    """Plays trials of one run on one panel.

    Attributes:
        engine: "twin" or "cerebro". obstacle: why it is not the twin, "" where it is.
        spec, bars: the run whose parameters vary, and what it is played on. sessions: (S,) dates that are measured.
        traded: those bars at the prices orders fill at. periods: sessions a year.
    """

    engine: str
    obstacle: str
    spec: RunSpec
    bars: Bars
    traded: Bars
    sessions: np.ndarray
    periods: float

    def play(self, trials: Sequence[Mapping[str, Any]]) -> Trials:
        """Measures of each set of parameters; names are those of `-p` ("fast", "sizer.risk", "exits.stop")."""

    def returns(self, params: Mapping[str, Any]) -> np.ndarray:
        """(S,) simple session returns of one trial."""

    def result(self, params: Mapping[str, Any]) -> RunResult:
        """One trial with everything a report needs."""

    def measures(self, result: RunResult) -> dict[str, float]:
        """The measures of a result, over the window, by name."""

    def session_returns(self, result: RunResult) -> np.ndarray:
        """(S,) simple session returns of a result."""
