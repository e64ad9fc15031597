"""Recipe: a player in strings and numbers, for worker processes here and on other machines to build it from.

Imports core, engine and its neighbours in optimize.
"""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from core.bars import Bars
from core.measures import MEASURES
from core.spec import RunSpec
from engine.trials import Player, Trials, player
from optimize import shared_bars
from optimize.far_bars import FarBars
from optimize.sent_files import present, text_of

Numbered = Sequence[tuple[int, Mapping[str, Any]]]  # trials: number and parameters
FILES = ("strategy", "sizer", "shorts")  # fields of a spec that may name a user's file
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, eq=False)
class Recipe:
    """What a worker needs to play trials.

    Attributes:
        spec: the run the trials vary, files of the user with their absolute paths.
        bars: where `shared_bars.write` has left the bars, or how to load them.
        engine, start, end, blocks: as `engine.trials.player` takes them.
        texts: path -> text of the user's files, for a machine that does not have them.
    """

    spec: RunSpec
    bars: str | FarBars
    engine: str
    start: str | None
    end: str | None
    blocks: int
    texts: Mapping[str, str]

    @classmethod
    def of(cls, spec: RunSpec, bars: str | Path | FarBars, engine: str = "auto", start: str | None = None, end: str | None = None,
           blocks: int = 64) -> "Recipe":
        """The recipe of a player for `spec` on the bars at the path `bars`, or on those.

        Raises:
            UsageError: a file that the spec names cannot be read.
        """
        texts = {}
        for name in FILES:
            place, rest = _file(spec, name)
            if place:
                path = str(Path(place).resolve())
                texts[path] = text_of(path)
                spec = spec.replace(**{name: path + rest})
        return cls(spec, bars if isinstance(bars, FarBars) else str(Path(bars).resolve()), engine, start, end, blocks, texts)

    @cached_property
    def key(self) -> str:
        """Digest: equal recipes, equal key."""
        bars = self.bars.key if isinstance(self.bars, FarBars) else self.bars
        parts = (self.spec.to_dict(), bars, self.engine, self.start, self.end, self.blocks, sorted(self.texts.items()))
        return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recipe) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def player(self, bars: Bars | None = None) -> Player:
        """The player; built once per process.

        Args:
            bars: the panel, where the folder is out of reach.
        """
        with _one_at_a_time:
            return _player(self, bars)

    def unplayed(self, trials: Numbered, problem: str) -> Trials:
        """Rows of trials that could not be played."""
        count = self.player().play([]).count
        blank = np.zeros((len(trials), len(count)))
        return Trials(np.full((len(trials), len(MEASURES)), np.nan), count, blank, blank, (problem,) * len(trials))


@lru_cache(maxsize=2)
def _player(recipe: Recipe, bars: Bars | None) -> Player:
    spec = recipe.spec
    for name in FILES:
        place, rest = _file(spec, name)
        if place:
            spec = spec.replace(**{name: present(place, recipe.texts[place]) + rest})
    return player(spec, _bars(recipe) if bars is None else bars, engine=recipe.engine, start=recipe.start, end=recipe.end,
                  blocks=recipe.blocks)


def _bars(recipe: Recipe) -> Bars:
    return recipe.bars.loaded() if isinstance(recipe.bars, FarBars) else shared_bars.opened(recipe.bars)


def play(played_by: Player, trials: Numbered) -> Trials:
    """What came out of numbered trials."""
    return played_by.play([params for _, params in trials])


def _file(spec: RunSpec, name: str) -> tuple[str, str]:
    """The path in "path.py:Class" or "path.py", or of shorts, and what follows it; ("", "") where no file is named."""
    text = getattr(spec, name) or ""
    if name == "shorts":
        return text, ""
    place, colon, kind = (text, "", "") if text.endswith(".py") else text.rpartition(":")
    return (place, colon + kind) if place.endswith(".py") else ("", "")
