"""What past advice was worth: the return of the sessions after it, beside that of the market. Imports core and journal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from journal.subscriptions import Advice

SESSIONS = 20  # after the advice, about a month


@dataclass(frozen=True)
class Score:
    """Past advice of a strategy on a symbol.

    Attributes:
        count: advice with `SESSIONS` sessions after it. better: how many of them did better than the benchmark.
        mean: mean return beyond the benchmark's, of the sessions after, as a fraction; a sale is worth what it avoided.
    """

    count: int
    better: int
    mean: float


def score(past: Sequence[Advice], sessions: np.ndarray, closes: np.ndarray, benchmark: Mapping[np.datetime64, float]) -> Score | None:
    """How past advice did; None where there is none that is old enough.

    Args:
        sessions: (T,) datetime64[D], in order. closes: (T,), with splits and dividends inside; NaN where there is none.
        benchmark: session -> its close, in the same way; empty = cash, whose return is 0.
    """
    found = []
    for each in past:
        row = int(np.searchsorted(sessions, np.datetime64(each.session, "D")))
        last = row + SESSIONS
        if row < len(sessions) and last < len(sessions) and str(sessions[row]) == each.session:
            gain = closes[last] / closes[row] - 1 - _gain(benchmark, sessions[row], sessions[last])
            found.append(gain if each.signal == "BUY" else -gain)
    known = np.array(found)[~np.isnan(found)] if found else np.array([])
    return Score(len(known), int((known > 0).sum()), float(known.mean())) if len(known) else None


def _gain(benchmark: Mapping[np.datetime64, float], first: np.datetime64, last: np.datetime64) -> float:
    if not benchmark:
        return 0.0
    return benchmark.get(last, np.nan) / benchmark.get(first, np.nan) - 1


def told(found: Score | None, against: str) -> dict[str, str]:
    """The score as a mail says it: name -> text."""
    if found is None:
        return {}
    return {f"past signals, {SESSIONS} sessions later": f"{found.better} of {found.count} beat {against}, {found.mean:+.2%} on average"}
