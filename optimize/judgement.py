"""The gate's judgement of a recorded run: how many trials stand behind it, and whether the twin agrees with it."""

import numpy as np

from analyzers import metrics
from core.blocks import edges
from core.result import RunResult
from engine.resolve import strategy_class
from engine.simulate import obstacle, simulate
from journal import Journal, SweepRow
from optimize.collected import MOST_KEPT
from optimize.evidence import counted
from optimize.gate import Verdict, judge
from optimize.parity import difference
from optimize.statistics.moments import Moments
from optimize.statistics.overfitting import Overfitting, pbo


def judged(result: RunResult, journal: Journal) -> Verdict:
    """Judge a run by all trials in the ledger on its strategy and universe.

    The probability of overfitting is that of the largest sweep of the same source on the same data, where there is one
    of 2 trials or more; the agreement is that of the run with the twin, where the twin can play it.
    """
    strategy = strategy_class(result.spec.strategy)
    effective, trials = counted(journal.ledger, strategy.__name__, result.spec.symbols)
    equity = metrics.session_last(result.bars.session, result.equity)[1]
    returns = metrics.session_returns(equity, result.spec.cash)
    return judge(returns, metrics.sessions_a_year(result.bars), max(effective, 1.0), _overfitting(result, strategy, journal),
                 _agreement(result, strategy), max(trials, 1))


def _overfitting(result: RunResult, strategy: type, journal: Journal) -> Overfitting | None:
    same = [row for row in journal.ledger.sweeps(strategy.__name__, result.spec.symbols)
            if row.fingerprint == result.bars.fingerprint and row.strategy_source == result.strategy_source
            and row.method != "backtest" and row.start == str(result.bars.session[0])]
    if not same:
        return None
    moments = _moments(max(same, key=lambda row: (journal.ledger.count(row.id), row.id)), journal)
    return pbo(moments) if moments is not None and len(moments.sum) > 1 else None


def _moments(row: SweepRow, journal: Journal) -> Moments | None:
    """Block moments of a sweep's trials, evenly chosen of many."""
    stride = -(-journal.ledger.count(row.id) // MOST_KEPT) or 1
    batches = [(batch.sum[::stride], batch.square[::stride]) for batch in journal.ledger.trials(row.id)]
    if not batches:
        return None
    sums, squares = (np.concatenate(each).astype(np.float64) for each in zip(*batches, strict=True))
    return Moments(np.diff(edges(row.sessions, sums.shape[1])).astype(np.float64), sums, squares)


def _agreement(result: RunResult, strategy: type) -> bool | str | None:
    if obstacle(result.spec, strategy):
        return None
    return difference(simulate(result.spec, result.bars), result) or True
