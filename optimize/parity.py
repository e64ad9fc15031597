"""Parity: trials of the compiled twin played again through Cerebro, and compared fill by fill."""

import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.result import Fill, RunResult
from engine.trials import Player, player
from optimize.result import Agreement

CLOSE = 1e-9  # of prices and equity
MEASURED = 1e-7  # of a measure: sums may be taken in another order
BEST, AT_RANDOM = 3, 2  # trials that are played again


def chosen(ranked: Sequence[int], count: int, seed: int) -> list[int]:
    """Indices of the trials to play again: the best and a random few, the very best first."""
    best = [int(at) for at in ranked[:BEST]]
    others = sorted(set(range(count)) - set(best)) if count <= 10_000 else range(count)
    drawn = random.Random(seed).sample(others, min(AT_RANDOM, len(others)))
    return best + [at for at in drawn if at not in best]


def compared(played: Player, trials: Mapping[int, tuple[Mapping[str, Any], Mapping[str, float]]],
             ) -> tuple[Agreement, RunResult | None]:
    """Play trials again in Cerebro and compare.

    Args:
        played: the twin's player. trials: number -> (parameters, measures of the sweep), the best first.

    Returns:
        The agreement, and Cerebro's result of the first.
    """
    started = time.perf_counter()
    oracle = player(played.spec, played.bars, engine="cerebro")
    first, found = None, ""
    for number, (params, measures) in trials.items():
        theirs = oracle.result(params)
        first = first or theirs
        found = difference(played.result(params), theirs) or _measured(measures, oracle.measures(theirs))
        if found:
            words = ", ".join(f"{name}={value}" for name, value in params.items())
            found = f"trial {number} ({words}): {found}"
            break
    seconds = time.perf_counter() - started
    return Agreement(not found, tuple(trials), found, seconds), first


def difference(ours: RunResult, theirs: RunResult) -> str:
    """The first difference between a run of the twin and the same run of Cerebro; "" for none."""
    for at, (mine, other) in enumerate(zip(ours.fills, theirs.fills, strict=False), start=1):
        if not _same(mine, other):
            return f"fill {at} is {_words(mine)} on the twin, {_words(other)} in Cerebro"
    if len(ours.fills) != len(theirs.fills):
        more, where = (ours, "the twin") if len(ours.fills) > len(theirs.fills) else (theirs, "Cerebro")
        at = min(len(ours.fills), len(theirs.fills))
        return f"fill {at + 1}, {_words(more.fills[at])}, exists only {'on ' if more is ours else 'in '}{where}"
    apart = np.abs(ours.equity - theirs.equity) > CLOSE * np.maximum(np.abs(theirs.equity), ours.spec.cash)
    if apart.any():
        row = int(np.argmax(apart))
        return (f"equity on {ours.bars.session[row]} is {ours.equity[row]!r} on the twin, {theirs.equity[row]!r} in Cerebro, "
                f"after the same fills")
    return ""


def _same(mine: Fill, other: Fill) -> bool:
    return (mine.time, mine.symbol) == (other.time, other.symbol) and all(
        np.isclose(getattr(mine, name), getattr(other, name), rtol=CLOSE, atol=CLOSE)
        for name in ("size", "price", "commission"))


def _words(fill: Fill) -> str:
    return f"{'buy' if fill.size > 0 else 'sell'} {abs(fill.size):g} {fill.symbol} at {fill.price:.6g} on {fill.session}"


def _measured(measures: Mapping[str, float], theirs: Mapping[str, float]) -> str:
    """The first measure of the sweep that is not Cerebro's."""
    for name, value in measures.items():
        if not np.isclose(value, theirs[name], rtol=MEASURED, atol=MEASURED, equal_nan=True):
            return f"{name} is {value!r} on the twin, {theirs[name]!r} in Cerebro"
    return ""
