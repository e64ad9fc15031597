"""Dask: trials played on the workers of a dask.distributed cluster; import it where one is asked for, it takes long.

Imports core, engine and optimize.recipe.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

from distributed import Client, Future, WorkerPlugin, get_worker
from distributed.comm.addressing import parse_address, parse_host_port
from distributed.comm.registry import get_backend
from distributed.scheduler import KilledWorker

from core.bars import Bars
from core.errors import BadSpec, CerebrolabError, SourceUnavailable, UsageError
from engine.trials import Player, Trials
from optimize import shared_bars
from optimize.executors import DIED, Outcome
from optimize.far_bars import FarBars
from optimize.recipe import Numbered, Recipe, play

TRIES = 3
TIMEOUT_S = 10.0  # for an answer, a first worker, or another when the last has gone
LOOK_S = 1.0  # how often workers are counted
FETCH_S = 10.0  # what is not fetched by then is asked for again
AHEAD = 2  # chunks out for each thread of the workers
_panels: dict[str, Bars] = {}  # in a worker process: the bars of each recipe
_one_at_a_time = threading.Lock()  # Backtrader is not made for threads


class Dask:
    """The workers of a scheduler.

    Each gets the bars once, whenever it joins, or loads them itself from a store that it reaches; the source of a user's files comes
    with every chunk. A trial whose worker
    dies is played by another; one that several workers have died of has that as its problem.

    Raises:
        BadSpec: the address is none. SourceUnavailable: the scheduler does not answer, or has no workers. UsageError: they
            cannot import cerebrolab.
    """

    def __init__(self, recipe: Recipe, address: str, timeout_s: float = TIMEOUT_S) -> None:
        self._recipe = recipe
        self._address = address
        self._timeout_s = timeout_s
        self._client = _connected(address, timeout_s)
        try:
            self._prepare()
        except BaseException:
            self._client.close()
            raise
        self._seen_at = self._counted_at = time.monotonic()
        self._threads = sum(self._client.nthreads().values())

    def _prepare(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=self._timeout_s)
            self._client.register_plugin(_Panel(self._recipe))
        except TimeoutError:
            raise SourceUnavailable(f"the Dask scheduler {self._address} has no workers: start some with "
                                    f"`dask worker {self._address}`") from None
        except Exception as error:  # noqa: BLE001  (whatever a worker raised while it imported what it is to play)
            raise self._unfit(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._client.status == "running":
            with contextlib.suppress(OSError):
                self._client.unregister_worker_plugin(_name(self._recipe))
        self._client.close()

    def play(self, chunks: Iterable[Numbered]) -> Iterator[Outcome]:
        """Play all trials of all chunks.

        Raises:
            SourceUnavailable: the scheduler, or the last worker, has gone away. UsageError: a worker cannot play any.
        """
        source, suspects = iter(chunks), list[tuple[int, Mapping[str, Any]]]()
        out = _Out(self._client, self._recipe)
        try:
            while True:
                if suspects and not out.chunks:
                    out.send([suspects.pop()], alone=True)
                while not suspects and not out.alone and len(out.chunks) < AHEAD * max(1, self._threads):
                    chunk = next(source, None)
                    if chunk is None:
                        break
                    out.send(chunk)
                if not out.chunks:
                    return
                with contextlib.suppress(queue.Empty):
                    future = out.done.get(timeout=LOOK_S)
                    yield from self._taken(future, out, suspects)
                self._look()
        finally:
            if out.chunks and self._client.status == "running":
                self._client.cancel(list(out.chunks), force=True)

    def _taken(self, future: Future, out: "_Out", suspects: list[tuple[int, Mapping[str, Any]]]) -> Iterator[Outcome]:
        """What a chunk has come to; the trials of one whose workers died are suspects, to be played one by one."""
        chunk, alone = out.chunks.pop(future), out.alone
        out.alone = False
        if future.status == "cancelled":
            raise self._gone()
        try:
            error = future.exception(timeout=FETCH_S)
            if error is None:
                outcome = chunk, future.result(timeout=FETCH_S)
        except TimeoutError:  # its worker died before it was fetched: it is played again once there is another
            out.expect(future, chunk, alone)
            return
        except OSError:  # results come through the scheduler
            raise self._gone("scheduler") from None
        if error is None:
            yield outcome
            return
        if not isinstance(error, KilledWorker):
            raise error if isinstance(error, CerebrolabError) else self._unfit(error)
        if alone:
            yield chunk, self._recipe.unplayed(chunk, DIED)
        else:
            suspects.extend(chunk)

    def _look(self) -> None:
        """Count the threads of the workers, which come and go."""
        now = time.monotonic()
        if now - self._counted_at < LOOK_S:
            return
        try:
            self._threads = sum(self._client.nthreads().values())
        except OSError:
            raise self._gone("scheduler") from None
        self._counted_at = now
        if self._threads:
            self._seen_at = now
        elif now - self._seen_at > self._timeout_s:
            raise self._gone()

    def _unfit(self, error: BaseException) -> UsageError:
        return UsageError(f"a Dask worker at {self._address} cannot play: {error!r}; install the same "
                          "cerebrolab on every worker")

    def _gone(self, what: str = "") -> SourceUnavailable:
        what = what or ("scheduler" if self._client.status != "running" else "last worker of the scheduler")
        return SourceUnavailable(f"the Dask {what} at {self._address} has gone away; finished trials are kept: start it again "
                                 "and resume")


class _Out:
    """Chunks on the cluster by their futures, and the futures that are done."""

    def __init__(self, client: Client, recipe: Recipe) -> None:
        self._client, self._recipe = client, recipe
        self.chunks: dict[Future, Numbered] = {}
        self.done: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self.alone = False

    def send(self, chunk: Numbered, alone: bool = False) -> None:
        self.expect(self._client.submit(_play_chunk, self._recipe, chunk, pure=False), chunk, alone)

    def expect(self, future: Future, chunk: Numbered, alone: bool) -> None:
        """Have a future in `done` once it is."""
        self.alone = alone
        self.chunks[future] = chunk
        future.add_done_callback(self.done.put)


class _Panel(WorkerPlugin):
    """Takes the bars, where they are not far, to every worker of the cluster, those that join later too."""

    def __init__(self, recipe: Recipe) -> None:
        self.name = _name(recipe)
        self._key = recipe.key
        self._bars = None if isinstance(recipe.bars, FarBars) else shared_bars.opened(recipe.bars)

    def setup(self, worker: Any) -> None:
        if self._bars is not None:
            _panels[self._key] = self._bars

    def teardown(self, worker: Any) -> None:
        _panels.pop(self._key, None)


def _name(recipe: Recipe) -> str:
    return f"cerebrolab-{recipe.key}"


def _connected(address: str, timeout_s: float) -> Client:
    try:  # before there is a client: one that cannot read it complains again when it is collected
        kind, place = parse_address(address, strict=True)
        get_backend(kind)
        parse_host_port(place)
    except ValueError as error:
        raise BadSpec(f"the Dask address {address!r} is not understood: {error}; write tcp://HOST:8786") from None
    for attempt in range(TRIES):
        try:
            return Client(address, timeout=timeout_s, set_as_default=False)
        except OSError:
            time.sleep(0.2 * 2**attempt)
    raise SourceUnavailable(f"no Dask scheduler answers at {address} (tried {TRIES} times): start one with "
                            "`dask scheduler`, or check the address")


def _play_chunk(recipe: Recipe, chunk: Numbered) -> Trials:
    player = _player_of_far(recipe) if isinstance(recipe.bars, FarBars) else recipe.player(_panels[recipe.key])
    with _one_at_a_time if player.engine == "cerebro" else contextlib.nullcontext():
        return play(player, chunk)


def _player_of_far(recipe: Recipe) -> Player:
    """Built here, in a task: a worker that loads bars while it joins would not answer its scheduler.

    Raises:
        UsageError: this worker cannot load them, or finds others.
    """
    try:
        return recipe.player()
    except CerebrolabError as error:
        raise UsageError(f"the Dask worker {get_worker().address} cannot load the bars: {error}") from None
