"""The certificate: what was compared, what differed and why, as a table, JSON and a page to read. Imports core and the modules beside it."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from checks.parity.compare import when
from checks.parity.differences import Difference, Verdict
from checks.parity.story import State
from core.errors import StoreFailed

DATA, PAGE = "certificate.json", "certificate.md"
SHOWN = 200  # differences on the page; the JSON has all


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

    def write(self, directory: Path) -> Path:
        """Write `certificate.json` and `certificate.md` into a directory; the path of the page.

        Raises:
            StoreFailed: they cannot be written.
        """
        try:
            directory.mkdir(parents=True, exist_ok=True)
            (directory / DATA).write_text(json.dumps(_plain(self.summary()), indent=1), encoding="utf-8")
            (directory / PAGE).write_text(self.page(), encoding="utf-8")
        except OSError as error:
            raise StoreFailed(f"the certificate cannot be written to {directory}: {error.strerror or error}; name another folder with --out") from None
        return directory / PAGE

    def page(self) -> str:
        """The certificate as Markdown."""
        verdict, bars = self.verdict, self.bars
        result = (f"**{verdict.name}**: {verdict.same} of {verdict.orders} orders alike in everything, {len(verdict.differences)} differences, "
                  f"{len(verdict.unexplained)} of them unexplained")
        facts = [("verdict", result),
                 ("compared", f"the simulated broker with Alpaca's rules, and the {self.path} on the local Alpaca over REST"
                              + (" and websockets" if self.path == "streaming" else "")),
                 ("sessions", f"{self.played[0]} to {self.played[1]}, {self.interval} bars"),
                 ("bars", f"{bars['source']}, {', '.join(bars['symbols'])}; fingerprint `{bars['fingerprint']}`"
                          + ("; **synthetic**: no statement about any market" if bars["synthetic"] else "")),
                 ("injected", ", ".join(self.injected) or "nothing"),
                 ("differences by class", ", ".join(f"{kind} {count}" for kind, count in verdict.counts.items())),
                 *((f"at the end, {side}", _state(end)) for side, end in self.ends.items()),
                 ("versions", ", ".join(f"{name} {number}" for name, number in self.versions.items()))]
        lines = [f"# Parity certificate: {self.spec['strategy']}", "", *_table(("", ""), facts), ""]
        lines += [f"- {note}" for note in self.notes]
        shown = [*verdict.unexplained, *(each for each in verdict.differences if each.explanation)][:SHOWN]
        if shown:
            lines += ["", "## Differences", "", *_table(("class", "bar (UTC)", "symbol", "simulated", "alpaca", "cost", "explanation"), self.rows(shown))]
        if len(shown) < len(verdict.differences):
            lines += ["", f"{len(verdict.differences) - len(shown)} more are in {DATA}."]
        lines += ["", "## Spec", "", "```json", json.dumps(_plain(dict(self.spec)), indent=1), "```"]
        return "\n".join(lines) + "\n"


def _cost(each: Difference) -> str:
    if not each.cost:
        return "-"
    return f"{each.cost:,.2f}" + (f" ({each.basis_points:.2f} bp)" if each.basis_points else "")


def _state(end: State) -> str:
    held = ", ".join(f"{size:g} {symbol}" for symbol, size in end.positions.items()) or "nothing"
    return f"value {end.value:,.2f}, cash {end.cash:,.2f}; holds {held}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    cells = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in cells]


def _plain(value: Any) -> Any:
    """As JSON can write it: numbers that are none become null."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value



