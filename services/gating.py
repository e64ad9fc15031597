"""`verdict_on`: the gate's verdict on a recorded run, judged from its report and written down. May import what lies below services, and services.own_files."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import UsageError
from services import own_files

if TYPE_CHECKING:
    from core.result import RunResult
    from optimize.gate import Verdict


@dataclass(frozen=True)
class Judged:
    """The verdict on a run, under which number it is in the journal."""

    run: int
    strategy: str
    verdict: "Verdict"
    number: int

    def summary(self) -> dict[str, Any]:
        """What `--json` prints."""
        said = self.verdict
        return {"run": self.run, "strategy": self.strategy, "passed": said.passed, "reasons": list(said.reasons), **said.numbers, "verdict": self.number}


def verdict_on(journal: Any, run: int, within: Path | None = None) -> Judged:
    """Judge a run and record the verdict.

    Args:
        journal: of it `run`, and of its ledger `sweeps`, `trials`, `count` and `record_verdict` are used.
        within: the folder that its report has to be in, and then it may not decide by code of one's own; None = anywhere, by any.

    Raises:
        UnknownName: no such run. UsageError: its report is gone. CorruptFile: it is damaged.
    """
    from engine.deciding import deciding
    from optimize import judged

    row = journal.run(run)
    result = _loaded(run, row.directory, within)
    verdict = judged(result, journal)
    number = journal.ledger.record_verdict(
        run_id=run, strategy=row.strategy, strategy_source=row.strategy_source, params=deciding(result.spec), universe=result.spec.symbols,
        fingerprint=row.fingerprint, passed=verdict.passed, reasons=list(verdict.reasons), numbers=verdict.numbers)
    return Judged(run, row.strategy, verdict, number)


def _loaded(run: int, directory: str | None, within: Path | None) -> "RunResult":
    import reports

    if directory is None or not Path(directory).is_dir():
        raise UsageError(f"the report of run {run} is gone ({directory or 'it had none'}): run it again and judge the new one")
    if within is not None and not Path(directory).resolve().is_relative_to(within.resolve()):
        raise UsageError(f"the report of run {run} is not in the folder of runs: judge it with cerebrolab gate, where it is")
    result = reports.load(directory)
    if within is not None:
        own_files.refuse(result.spec)
    return result
