"""Which sets of parameters a grid or a random sweep tries, numbered so that a sweep can be gone on with."""

import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

from core.errors import BadSpec
from core.space import Space

TRIES = 10_000  # draws that break the rules, one after the other, before the space is called empty
Proposal = tuple[int, dict[str, Any]]


def proposals(space: Space, method: str, trials: int | None, seed: int) -> Iterator[Proposal]:
    """(number, parameters) of every trial of a "grid" or "random" sweep, always the same ones.

    Raises:
        BadSpec: the space is empty, or its rules leave nothing; a grid over a continuous range.
    """
    if not space.dimensions:
        raise BadSpec("the space is empty: name ranges or choices, such as -p fast=5:100:5")
    if method == "grid":
        return _some(space.grid(), space)
    return _some(islice(_draws(space, seed), trials), space)


def bound(space: Space, method: str, trials: int | None) -> int:
    """The most trials a sweep can have."""
    if method == "grid":
        return space.size
    return min(trials or 0, space.size) if finite(space) else trials or 0


def finite(space: Space) -> bool:
    """Whether the space has a grid."""
    return all(getattr(each, "step", 1) is not None for each in space.dimensions.values())


def _some(found: Iterator[Proposal], space: Space) -> Iterator[Proposal]:
    first = next(found, None)
    if first is None:
        raise BadSpec(f"the rules {', '.join(space.where)} leave nothing of the space "
                      f"{', '.join(f'{name}={each}' for name, each in space.dimensions.items())}: widen it or loosen them")

    def chain() -> Iterator[Proposal]:
        yield first
        yield from found

    return chain()


def _draws(space: Space, seed: int) -> Iterator[Proposal]:
    """Points at random, none twice where the space is finite."""
    source = random.Random(seed)
    seen: set[int] = set()
    most = space.size if finite(space) else None
    number, misses = 0, 0
    while misses < TRIES and (most is None or len(seen) < most):
        if most is None:
            point = space.sample(source)
        else:
            at = source.randrange(most)
            if at in seen:
                if 2 * len(seen) > most:
                    at = _next_free(at, seen, most)
                else:
                    continue
            seen.add(at)
            point = space.point(at)
        if space.allows(point):
            yield number, point
            number, misses = number + 1, 0
        else:
            misses += 1


def _next_free(at: int, seen: set[int], most: int) -> int:
    while at in seen:
        at = (at + 1) % most
    return at
