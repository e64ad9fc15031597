"""`Backtest`: a run with its report. Imports what lies below services, and what is beside it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.settings import Settings
from core.spec import RunSpec
from services.tasks.outcome import Outcome, Telling, loaded


@dataclass(frozen=True)
class Backtest:
    """`cerebrolab backtest`."""

    spec: RunSpec
    kind = "backtest"

    def asked(self) -> dict[str, Any]:
        """What was asked for, with secret-looking values masked."""
        return {"spec": self.spec.masked()}

    def play(self, settings: Settings, journal: Any, directory: Path, tell: Telling) -> Outcome:
        """Run it, write the report, record the run; returns what came out.

        Raises:
            CerebrolabError: as `engine.run`, `reports.write` and the journal.
        """
        import engine
        import reports
        from optimize import record_backtest

        tell(0.05, "loading bars")
        bars = loaded(self.spec, settings, tell)
        tell(0.3, f"playing {len(bars):,} bars")
        result = engine.run(self.spec, bars=bars, playing=lambda done, total: tell(0.3 + 0.4 * done / total, f"playing {total:,} bars"))
        tell(0.7, "writing the report")
        page = reports.write(result, directory)
        tell(0.95, "recording")
        record_backtest(journal, result)
        return Outcome(journal.record_run(result, str(directory)), None, str(page), {**result.summary(), "warnings": result.warnings})
