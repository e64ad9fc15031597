"""Execution: how a market order is carried out, from a spec's text or an order's arguments. Imports core.errors only.

"twap:30", "vwap:30", "vwap:30:10", "participation:0.1", "participation:0.1:60", "participation:0.1:60:complete".
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import BadSpec, UnknownName

AT_ONCE = "now"
ALGOS: Mapping[str, tuple[str, ...]] = {
    "twap": ("minutes",), "vwap": ("minutes", "sessions"), "participation": ("rate", "minutes", "complete"),
}  # and what may be said of each, in the order of its text
TERMS = ("algo", "minutes", "rate", "sessions", "complete")
SESSIONS = 20


@dataclass(frozen=True)
class Execution:
    """An execution algorithm and its numbers.

    Attributes:
        algo: "twap" (the same size in every bar), "vwap" (sizes by the usual share of each bar in its session's volume) or
            "participation" (at most a part of the volume of the bar before).
        minutes: it takes, at most to the session's close; None = to the close ("participation" only).
        rate: largest part of a bar's volume, above 0 and at most 1 ("participation").
        sessions: how many earlier ones the usual volume is the mean of ("vwap"); None = 20.
        complete: what is left after `minutes` is sent at once; otherwise it expires ("participation").

    Raises:
        UnknownName: there is no such algorithm.
        BadSpec: a number is missing, out of range, or says nothing to the algorithm.
    """

    algo: str
    minutes: int | None = None
    rate: float | None = None
    sessions: int | None = None
    complete: bool = False

    def __post_init__(self) -> None:
        if self.algo not in ALGOS:
            raise UnknownName.of("execution algorithm", str(self.algo), ALGOS)
        for name in TERMS[1:]:
            if getattr(self, name) not in (None, False) and name not in ALGOS[self.algo]:
                raise BadSpec(f"{self.algo} takes no {name}: leave it out, or name another algorithm")
        for name in ("minutes", "sessions"):
            self._check_whole(name)
        self._check_participation()
        if self.minutes is None and (self.algo != "participation" or self.complete):
            raise BadSpec(f"{self.algo} needs minutes: say how long it may take, such as {_example(self.algo)!r}")

    def _check_whole(self, name: str) -> None:
        value = getattr(self, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise BadSpec(f"{name} of {self.algo} is {value!r}: it is a whole number from 1 on")

    def _check_participation(self) -> None:
        if not isinstance(self.complete, bool):
            raise BadSpec(f"complete of {self.algo} is {self.complete!r}: it is true or false")
        if self.algo != "participation":
            return
        number = isinstance(self.rate, int | float) and not isinstance(self.rate, bool)
        if not number or not math.isfinite(self.rate or 0.0) or not 0 < (self.rate or 0.0) <= 1:
            raise BadSpec(f"rate of participation is {self.rate!r}: it is a part of a bar's volume, above 0 and at most 1 (0.1 means 10%)")

    def __str__(self) -> str:
        """The text that `read` understands."""
        told = [f"{getattr(self, name):g}" for name in ("rate", "minutes", "sessions") if getattr(self, name) is not None]
        return ":".join([self.algo, *told, *(["complete"] if self.complete else [])])

    @classmethod
    def read(cls, text: str) -> "Execution":
        """The algorithm that a text names.

        Raises:
            UnknownName, BadSpec: see the class.
        """
        algo, *parts = str(text).strip().split(":")
        names = ALGOS.get(algo, ())
        if len(parts) > len(names) and names:
            raise BadSpec(f"execution {text!r} says too much: write it as {_example(algo)!r}")
        return cls(algo, **{name: _value(text, algo, name, part) for name, part in zip(names, parts, strict=False)})

    def check_bars(self, is_daily: bool) -> None:
        """Whether it can work on bars within the day, or on longer ones.

        Raises:
            BadSpec: minutes mean nothing on bars of a day or longer.
        """
        if is_daily and self.minutes is not None:
            raise BadSpec(f"execution {self} counts minutes, and the bars are whole days: trade on bars within the day, such as 1m, "
                          "or name participation without minutes")


def _value(text: str, algo: str, name: str, part: str) -> Any:
    if name == "complete" and part == "complete":
        return True
    try:
        return float(part) if name == "rate" else int(part)
    except ValueError:
        raise BadSpec(f"execution {text!r} is not understood: write it as {_example(algo)!r}") from None


def _example(algo: str) -> str:
    return {"twap": "twap:30", "vwap": "vwap:30"}.get(algo, "participation:0.1:60:complete")
