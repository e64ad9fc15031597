"""Evidence: how many trials stand behind a choice, and what is left of its Sharpe ratio when they are counted."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from core.blocks import edges
from journal import Ledger, SweepRow, TrialBatch
from journal.columns import canonical_json
from optimize.statistics.effective import effective_trials
from optimize.statistics.moments import Moments

MOST_SKETCHES = 100_000  # trials of one sweep whose returns are compared: 50 MB
DAYS = ("start", "end", "period", "signal_start", "source")  # fields of a spec that only say which data


class Counted(NamedTuple):
    """Trials on one strategy and universe.

    Attributes:
        effective: number of independent trials they amount to. trials: how many there are.
    """

    effective: float
    trials: int


def counted(ledger: Ledger, strategy: str, universe: Sequence[str]) -> Counted:
    """All trials in the ledger on a strategy and universe, whatever the session, the source text and the data.

    Trials on the same data are compared with each other by their returns. Those on other data, or on a part of it,
    count on their own as far as they were not tried on more data too: the same source text, run and parameters again
    are no new idea.
    """
    groups: dict[tuple[str, str, str, int], list[SweepRow]] = {}
    for row in reversed(ledger.sweeps(strategy, universe)):
        groups.setdefault((row.fingerprint, row.start, row.end, row.sessions), []).append(row)
    seen: set[str] = set()
    effective, total = 0.0, 0
    for (*_, sessions), sweeps in sorted(groups.items(), key=lambda group: -group[0][3]):
        batches = ((_run_of(sweep), batch) for sweep in sweeps for batch in ledger.trials(sweep.id))
        part = _new_ones(batches, sessions, seen)
        effective += part.effective
        total += part.trials
    return Counted(max(effective, 1.0), total)


def _run_of(sweep: SweepRow) -> str:
    """Equal for sweeps that vary the same run of the same source text, on whatever data."""
    run = {name: value for name, value in sweep.spec.items() if name not in DAYS}
    return hashlib.blake2b(canonical_json([sweep.strategy_source, run]).encode(), digest_size=8).hexdigest()


def _new_ones(batches: Iterator[tuple[str, TrialBatch]], sessions: int, seen: set[str]) -> Counted:
    """The trials not in `seen`, which gets them; each batch with the run it varies."""
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    own: set[str] = set()
    total, stride, kept = 0, 1, 0
    for run, batch in batches:
        texts = [run + canonical_json(params) for params in batch.params]
        new = np.array([text not in seen for text in texts], bool)
        own.update(texts)
        rows = np.flatnonzero(new)[::stride]
        parts.append((batch.sum[rows], batch.square[rows]))
        total, kept = total + int(new.sum()), kept + len(rows)
        if kept > MOST_SKETCHES:
            parts = [(sums[::2], squares[::2]) for sums, squares in parts]
            stride, kept = 2 * stride, sum(len(sums) for sums, _ in parts)
    seen |= own
    if not total:
        return Counted(0.0, 0)
    width = parts[-1][0].shape[1]
    usable = [(sums, squares) for sums, squares in parts if sums.shape[1] == width]
    sums, squares = (np.concatenate(each).astype(np.float64) for each in zip(*usable, strict=True))
    moments = Moments(np.diff(edges(sessions, width)).astype(np.float64), sums, squares)
    return Counted(min(effective_trials(moments) * total / max(len(sums), 1), float(total)), total)
