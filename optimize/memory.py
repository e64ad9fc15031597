"""How much memory there is for trials, and how many of them it holds. Imports nothing of ours."""

import logging
import math
from pathlib import Path

log = logging.getLogger(__name__)
CELL_BYTES = 17  # of a decision of one symbol that waits to be played: conviction, wish, and whether it is one
CHUNK_CELLS = 2**24  # decisions of the trials that are played together, about 285 MB
LARGEST_CHUNK = 512  # trials
SHARE = 0.5  # of the free memory that waiting trials may take; players, indicators and bars need the rest
_MACHINE, _GROUP = Path("/proc/meminfo"), Path("/sys/fs/cgroup")


def trials_together(shape: tuple[int, int]) -> int:
    """How many trials on a (T, N) panel are played together at most, from 1 on."""
    return min(max(CHUNK_CELLS // max(math.prod(shape), 1), 1), LARGEST_CHUNK)


def chunks_at_once(shape: tuple[int, int], jobs: int) -> int:
    """How many chunks of such trials, up to two a thread, wait or are played at the same time; fewer threads are told of in the log."""
    needed, free = CELL_BYTES * math.prod(shape) * trials_together(shape), available()
    most = 2 * jobs if free is None else min(max(int(SHARE * free) // max(needed, 1), 1), 2 * jobs)
    if most < jobs:
        log.warning("%d instead of %d threads play at once: a trial on %s bars x %s symbols takes up to %s MB, and %s MB are free", most, jobs,
                    *(f"{each:,.0f}" for each in (*shape, needed / 1e6, free / 1e6 if free else 0)))
    return most


def available() -> int | None:
    """Bytes that this process can have without swapping: the machine's, or those of its control group; None = it does not say."""
    known = [each for each in (_of_machine(), _of_group()) if each is not None]
    return min(known) if known else None


def _of_machine() -> int | None:
    try:
        lines = _MACHINE.read_text().splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")), None)


def _of_group() -> int | None:
    """Of version 2, as containers have it; what was read from files can be given back."""
    try:
        most, used = ((_GROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        given_back = sum(int(line.split()[1]) for line in (_GROUP / "memory.stat").read_text().splitlines()
                         if line.startswith(("inactive_file ", "active_file ")))
    except (OSError, ValueError):
        return None
    return None if most == "max" else max(int(most) - int(used) + given_back, 0)
