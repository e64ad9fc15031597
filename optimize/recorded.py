"""Recorded: the link of a sweep with the ledger: what is there already, and what is appended as it comes."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from core.bars import Bars
from core.result import RunResult
from core.space import Space
from core.spec import RunSpec
from engine.deciding import deciding
from engine.resolve import source_digest, strategy_class
from engine.trials import Player, Trials, player
from journal import Journal, SweepHead, TrialBatch, rows_of
from optimize.statistics.moments import moments_of

EVERY_S = 1.0
EVERY = 5_000  # trials


class Recorded:
    """Appends the trials of one sweep to the ledger, now and then and at the end; None for a journal does nothing.

    Attributes:
        sweep_id: its number, None without a journal. done: (m,) numbers of trials recorded in earlier sessions.
    """

    def __init__(self, journal: Journal | None, head: SweepHead) -> None:
        self._journal = journal
        self.sweep_id: int | None = None
        self.done = np.empty(0, np.int64)
        self._rows: list[Any] = []
        self._flushed = time.monotonic()
        if journal is not None:
            self.sweep_id, self.done = journal.ledger.begin(head)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._rows:
            self.flush()

    def earlier(self) -> Iterator[TrialBatch]:
        """The trials of earlier sessions."""
        if self._journal is not None and self.sweep_id is not None and len(self.done):
            yield from self._journal.ledger.trials(self.sweep_id)

    def add(self, trials: Sequence[tuple[int, Mapping[str, Any]]], outcome: Trials, taken: np.ndarray) -> None:
        """Have the trials that were taken recorded."""
        if self.sweep_id is None:
            return
        new = [trial for trial, each in zip(trials, taken, strict=True) if each]
        self._rows += rows_of(self.sweep_id, [number for number, _ in new], [params for _, params in new],
                              outcome.measures[taken], outcome.sum[taken], outcome.square[taken])
        if len(self._rows) >= EVERY or time.monotonic() - self._flushed >= EVERY_S:
            self.flush()

    def flush(self, finished: bool = False) -> None:
        """Record what waits; `finished` = it is all there will be."""
        if self._journal is not None:
            rows, self._rows = self._rows, []
            self._journal.ledger.insert(rows, self.sweep_id if finished else None)
        self._flushed = time.monotonic()


def head_of(played: Player, space: Space, method: str, objective: str, seed: int, folds: int) -> SweepHead:
    """What a sweep is recorded under."""
    spec = played.spec
    strategy: Any = strategy_class(spec.strategy)
    source, data = source_digest(strategy), played.traded.fingerprint
    parts = (source, spec.to_dict(), *([_digest(spec.shorts)] if spec.shorts else []), data, space.to_dict(), method, objective, seed, folds, played.engine)
    return SweepHead(
        key=hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest(), strategy=strategy.__name__,
        strategy_source=source, universe=spec.symbols, fingerprint=data, spec=spec.masked(), space=space.to_dict(),
        method=method, objective=objective, seed=seed, engine=played.engine, start=str(played.sessions[0]),
        end=str(played.sessions[-1]), sessions=len(played.sessions))


def _digest(file: str) -> str:
    """Of what a file says."""
    return hashlib.blake2b(Path(file).read_bytes(), digest_size=16).hexdigest()


def trials_of(batch: TrialBatch, chosen: np.ndarray, count: np.ndarray) -> tuple[list[tuple[int, dict[str, Any]]], Trials]:
    """The chosen trials, (m,) bool, of a batch from the ledger as they came out of a player; count: sessions by block."""
    numbered = [(int(batch.numbers[at]), batch.params[at]) for at in np.flatnonzero(chosen)]
    return numbered, Trials(batch.measures[chosen], count, batch.sum[chosen].astype(np.float64),
                            batch.square[chosen].astype(np.float64), ("",) * len(numbered))


def record_part(journal: Journal, head: SweepHead, part: str, params: Sequence[Mapping[str, Any]], outcome: Trials) -> None:
    """Append trials on a part of the data, such as a training window, under a head of their own."""
    own = replace(head, key=f"{head.key}:{part}", start=part, sessions=int(outcome.count.sum()))
    sweep_id, done = journal.ledger.begin(own)
    played = np.array([not problem for problem in outcome.problems], bool)
    if len(done) < played.sum():  # a journal behind an API may have got a part of them
        journal.ledger.append(sweep_id, np.flatnonzero(played).tolist(),
                              [each for each, good in zip(params, played, strict=True) if good],
                              outcome.measures[played], outcome.sum[played], outcome.square[played])
    journal.ledger.finish(sweep_id)


def window_recorder(journal: Journal, spec: RunSpec, bars: Bars, space: Space, method: str, objective: str, engine: str = "auto") -> Callable[[Sequence[Mapping[str, Any]], Trials], None]:
    """What `walk_forward` tells the trials of each training window to: they are appended under a head of their own."""
    head, parts = head_of(player(spec, bars, engine), space, method, objective, spec.seed, 1), count(1)
    return lambda params, outcome: record_part(journal, head, f"window {next(parts)}", params, outcome)


def record_backtest(journal: Journal, result: RunResult) -> None:
    """Append a single run: to try by hand is to try."""
    spec, params = result.spec, deciding(result.spec)
    account = player(spec, result.bars, engine="cerebro")
    returns = account.session_returns(result)
    strategy = strategy_class(spec.strategy)
    parts = (result.strategy_source, params, *([_digest(spec.shorts)] if spec.shorts else []), result.bars.fingerprint)
    key = hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
    head = SweepHead(
        key=f"backtest:{key}", strategy=strategy.__name__, strategy_source=result.strategy_source, universe=spec.symbols,
        fingerprint=result.bars.fingerprint, spec=spec.masked(), space={}, method="backtest", objective="", seed=spec.seed,
        engine="cerebro", start=str(result.bars.session[0]), end=str(result.bars.session[-1]), sessions=len(returns))
    sweep_id, done = journal.ledger.begin(head)
    if not len(done):
        moments = moments_of(returns)
        measures = np.array([list(account.measures(result).values())])
        journal.ledger.append(sweep_id, [0], [params], measures, moments.sum, moments.square)
        journal.ledger.finish(sweep_id)
