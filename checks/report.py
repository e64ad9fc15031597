"""What a check leaves behind: the probes it made, and the first difference each of them found. Imports core only."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

KINDS = ("future", "perturbation", "orders", "delivery", "scale", "warm-up", "repeat", "process")


class Finding(NamedTuple):
    """A decision that depends on what it must not depend on.

    Attributes:
        kind: one of `KINDS`. session: exchange date of the first bar that differs. time: its UTC nanoseconds.
        symbol: the first symbol that differs on it.
        seen: the decision (a conviction, or an order) on the bars as they are. without: with the future cut off or
            changed, prices scaled, another start, or on a second run.
        explanation: one line: what was changed, and what that says.
    """

    kind: str
    session: str
    time: int
    symbol: str
    seen: str
    without: str
    explanation: str

    def __str__(self) -> str:
        return f"{self.kind}: on {self.session}, {self.symbol}: {self.seen}, but {self.without} {self.explanation}"


class Probe(NamedTuple):
    """One line of the report.

    Attributes:
        kind: one of `KINDS`. tried: what was done. done, of: how many of how many; 0 of 0 = not checked.
        unjudged: how many of them could not be judged. note: why, or why it was not checked.
        finding: the earliest difference; None = clean.
    """

    kind: str
    tried: str
    done: int = 0
    of: int = 0
    unjudged: int = 0
    note: str = ""
    finding: Finding | None = None

    @property
    def result(self) -> str:
        """"clean", "leak" or "not checked"."""
        if self.finding is not None:
            return "leak"
        return "clean" if self.done > self.unjudged else "not checked"


@dataclass
class Report:
    """All probes of one strategy.

    Attributes:
        strategy: as it was named. bars: one line about the bars. probes: in the order they were made.
        warnings: sentences a reader must see. seconds: how long it took.
    """

    strategy: str
    bars: str
    probes: list[Probe] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def findings(self) -> list[Finding]:
        """The differences found, one for each probe that found any."""
        return [probe.finding for probe in self.probes if probe.finding is not None]

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def summary(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "strategy": self.strategy, "bars": self.bars, "clean": self.clean,
            "findings": [finding._asdict() for finding in self.findings],
            "probes": [{**probe._asdict(), "finding": None, "result": probe.result} | (
                {"finding": probe.finding._asdict()} if probe.finding else {}) for probe in self.probes],
            "warnings": self.warnings, "seconds": self.seconds,
        }
