"""The certificate: what was compared, what differed and why, as a table and JSON. Imports core and the modules beside it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from checks.parity.compare import when
from checks.parity.differences import Difference, Verdict
from checks.parity.story import State


@dataclass(frozen=True)
class Certificate:
    """Whether a backtest and Alpaca's path do the same.

    Attributes:
        spec: what was played, as a table. path: "daily run" or "streaming". interval: of the bars.
        played: first and last session (ISO dates). bars: facts about them: fingerprint, source, symbols, sessions.
        injected: gaps planted. verdict: the differences. ends: account at the end, by side.
        versions: of the packages that decide. notes: what a reader must know. seconds: it took.
    """

    spec: Mapping[str, Any]
    path: str
    interval: str
    played: tuple[str, str]
    bars: Mapping[str, Any]
    verdict: Verdict
    ends: Mapping[str, State]
    injected: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether there was trading, and nothing that is not explained."""
        return self.verdict.name == "pass"

    def summary(self) -> dict[str, Any]:
        """What `--json` prints."""
        verdict = self.verdict
        slipped = [each for each in verdict.differences if each.kind == "fill" and each.basis_points]
        return {
            "verdict": verdict.name, "orders": verdict.orders, "fills": verdict.fills, "same": verdict.same, "counts": verdict.counts,
            "unexplained": len(verdict.unexplained), "cost": sum(each.cost for each in verdict.differences),
            "slippage_bp": sum(each.basis_points for each in slipped) / len(slipped) if slipped else 0.0,
            "path": self.path, "interval": self.interval, "played": list(self.played), "injected": list(self.injected),
            "spec": dict(self.spec), "bars": dict(self.bars), "versions": dict(self.versions), "notes": list(self.notes),
            "ends": {side: end._asdict() for side, end in self.ends.items()},
            "differences": [each._asdict() for each in verdict.differences], "seconds": self.seconds}

    def rows(self, differences: Sequence[Difference]) -> list[tuple[str, ...]]:
        """(class, bar, symbol, simulated, alpaca, cost, explanation) of differences, as texts."""
        return [(each.kind, when(each.bar_ns, self.interval), each.symbol or "account", each.simulated, each.alpaca, _cost(each),
                 each.explanation or "UNEXPLAINED") for each in differences]

    @property
    def title(self) -> str:
        """One line: what was certified, and the verdict."""
        return f"{self.spec['strategy']} on {len(self.bars['symbols'])} symbols, {self.played[0]} to {self.played[1]} ({self.path}): {self.verdict.name}"


def _cost(each: Difference) -> str:
    if not each.cost:
        return "-"
    return f"{each.cost:,.2f}" + (f" ({each.basis_points:.2f} bp)" if each.basis_points else "")


def plain(value: Any) -> Any:
    """As JSON can write it: numbers that are none become null."""
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value
