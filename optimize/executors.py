"""Where trials are played: threads of this process, processes of this machine, a Dask cluster.

Each is a context manager with one method, `play(chunks)`: it takes chunks of numbered trials as it needs them, keeps a
bounded number of them out, and yields (trials, outcome) as they complete, in any order and possibly in smaller pieces,
every trial exactly once. Imports core, engine and optimize.recipe.
"""

import sys
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from types import TracebackType
from typing import Any, Protocol, Self

from engine.trials import Player, Trials, TwinPlayer
from optimize.memory import chunks_at_once
from optimize.recipe import Numbered, Recipe, play

SWITCH_S = 0.00005  # how long a thread that has played waits for the interpreter
Outcome = tuple[Numbered, Trials]
DIED = "the worker process died while it played this trial (out of memory, or a crash in compiled code)"


class Executor(Protocol):
    """What a sweep needs of a place where trials are played."""

    def play(self, chunks: Iterable[Numbered]) -> Iterator[Outcome]:
        """Play all trials of all chunks."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


class Here:
    """This process: the calling thread, or several threads, as many as the memory is enough for; the twin does not hold the interpreter."""

    def __init__(self, player: Player, jobs: int = 1) -> None:
        self._player = player
        self._most = chunks_at_once(player.traded.shape, jobs) if jobs > 1 else 1
        self._pool = ThreadPoolExecutor(min(jobs, self._most), "trials") if jobs > 1 else None

    def __enter__(self) -> Self:
        self._interval = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setswitchinterval(self._interval)
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def play(self, chunks: Iterable[Numbered]) -> Iterator[Outcome]:
        """Play all trials of all chunks."""
        if self._pool is None:
            for chunk in chunks:
                yield chunk, play(self._player, chunk)
            return
        out: dict[Future[Trials], Numbered] = {}
        try:
            for chunk in chunks:
                out[self._submitted(self._pool, chunk)] = chunk
                if len(out) >= self._most:
                    yield from _finished(out)
            while out:
                yield from _finished(out)
        finally:
            for future in out:
                future.cancel()


    def _submitted(self, pool: ThreadPoolExecutor, chunk: Numbered) -> Future[Trials]:
        """The twin's trials decide in this thread and are played in another, so that no two ask for the interpreter."""
        if isinstance(self._player, TwinPlayer):
            return pool.submit(self._player.finish, self._player.prepare([params for _, params in chunk]))
        return pool.submit(play, self._player, chunk)


def _finished(out: dict[Future[Trials], Numbered]) -> Iterator[Outcome]:
    for future in wait(out, return_when=FIRST_COMPLETED).done:
        yield out.pop(future), future.result()


class Processes:
    """Worker processes of this machine by joblib; each builds the player once, over bars mapped into its memory.

    A trial whose process dies is played again, alone; when that dies too, it has that as its problem.
    """

    def __init__(self, recipe: Recipe, jobs: int) -> None:
        self._recipe = recipe
        self._jobs = max(jobs, 2)  # joblib plays a single job in the calling process, which a crash would end

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=kind is not None)

    def play(self, chunks: Iterable[Numbered]) -> Iterator[Outcome]:
        """Play all trials of all chunks."""
        source = _Source(chunks)
        while not source.ended:
            try:
                yield from self._play(source)
            except BrokenProcessPool:
                for number, params in source.lost():
                    yield from self._play_alone([(number, params)])

    def _play_alone(self, trial: Numbered) -> Iterator[Outcome]:
        try:
            yield from self._play(_Source([trial]))
        except BrokenProcessPool:
            yield trial, self._recipe.unplayed(trial, DIED)

    def _play(self, source: "_Source") -> Iterator[Outcome]:
        import joblib

        with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
            parallel = joblib.Parallel(self._jobs, return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")
        played = parallel(joblib.delayed(_play_chunk)(self._recipe, at, chunk) for at, chunk in source)
        try:
            for at, trials in played:
                yield source.taken(at), trials
        finally:
            with warnings.catch_warnings():  # joblib warns of every generator that is closed early
                warnings.simplefilter("ignore", UserWarning)
                played.close()
        source.check()


def _play_chunk(recipe: Recipe, at: int, chunk: Numbered) -> tuple[int, Trials]:
    return at, play(recipe.player(), chunk)


class _Source:
    """Chunks by place, with those that are out; joblib takes them in threads of its own."""

    def __init__(self, chunks: Iterable[Numbered]) -> None:
        self._chunks = iter(chunks)
        self._lock = threading.Lock()
        self._out: dict[int, Numbered] = {}
        self._at = 0
        self._error: BaseException | None = None
        self.ended = False

    def __iter__(self) -> Iterator[tuple[int, Numbered]]:
        return self

    def __next__(self) -> tuple[int, Numbered]:
        with self._lock:
            if self.ended:
                raise StopIteration
            try:
                chunk = next(self._chunks)
            except BaseException as error:  # noqa: BLE001  (whatever it is, `check` raises it again)
                self.ended = True
                self._error = None if isinstance(error, StopIteration) else error
                raise StopIteration from None  # anything else would leave joblib waiting
            self._at += 1
            self._out[self._at] = chunk
            return self._at, chunk

    def taken(self, at: int) -> Numbered:
        """The chunk that has come back."""
        with self._lock:
            return self._out.pop(at)

    def lost(self) -> list[tuple[int, Mapping[str, Any]]]:
        """The trials that went out and did not come back; they are out no longer."""
        with self._lock:
            trials = [trial for chunk in self._out.values() for trial in chunk]
            self._out.clear()
            return trials

    def check(self) -> None:
        """Raise what the chunks raised."""
        if self._error is not None:
            raise self._error
