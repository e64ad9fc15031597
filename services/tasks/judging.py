"""`Recommendation` and `Gate`: what to believe. Imports what lies below services, and what is beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.settings import Settings
from core.spec import RunSpec
from services.tasks.outcome import Outcome, Telling, loaded


@dataclass(frozen=True)
class Recommendation:
    """`cerebrolab recommend`: the strategies to compare on the one symbol of a spec; windows and trials of each walk-forward."""

    spec: RunSpec
    strategies: Sequence[str]
    windows: int
    trials: int
    kind = "recommendation"

    def asked(self) -> dict[str, Any]:
        """What was asked for, with secret-looking values masked."""
        return {"spec": self.spec.masked(), "strategies": list(self.strategies), "windows": self.windows, "trials": self.trials}

    def play(self, settings: Settings, journal: Any, directory: Path, tell: Telling) -> Outcome:
        """Compare them; every trial is recorded. Returns what came out.

        Raises:
            CerebrolabError: as `optimize.recommend.recommend` and the journal.
        """
        from optimize.recommend import recommend, recorder

        tell(0.02, "loading bars")
        loaded(self.spec, settings, tell)
        found = recommend(self.spec, self.strategies, lambda spec: loaded(spec, settings, lambda *_: None), windows=self.windows,
                          trials=self.trials, record=recorder(journal),
                          progress=lambda done, total, name: tell(0.1 + 0.9 * done / total, f"{name} walked forward"))
        return Outcome(summary=found.summary())


@dataclass(frozen=True)
class Gate:
    """`cerebrolab gate`: the number of a recorded run; `files`: code of this machine may be read, and reports outside the folder of runs."""

    run: int
    files: bool = False
    kind = "gate"

    def asked(self) -> dict[str, Any]:
        """What was asked for."""
        return {"run": self.run}

    def play(self, settings: Settings, journal: Any, directory: Path, tell: Telling) -> Outcome:
        """Judge the run, record the verdict; returns what came out.

        Raises:
            CerebrolabError: as `services.gating.verdict_on`.
        """
        from services.gating import verdict_on

        tell(0.1, "judging")
        return Outcome(summary=verdict_on(journal, self.run, None if self.files else settings.runs_dir).summary())
