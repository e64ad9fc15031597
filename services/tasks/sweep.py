"""`Sweep` and `WalkForward`: parameters chosen by trying. Imports what lies below services, and what is beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.settings import Settings
from core.spec import RunSpec
from services.tasks.outcome import Outcome, Telling, loaded


@dataclass(frozen=True)
class Sweep:
    """`cerebrolab sweep`: a spec, the texts of what varies (see `engine.varying`), and the fields of `optimize.Search`."""

    spec: RunSpec
    vary: Mapping[str, Any] = field(default_factory=dict)
    where: Sequence[str] = ()
    search: Mapping[str, Any] = field(default_factory=dict)
    kind = "sweep"

    def asked(self) -> dict[str, Any]:
        """What was asked for, with secret-looking values masked."""
        return {"spec": self.spec.masked(), "vary": dict(self.vary), "where": list(self.where), **self.search}

    def play(self, settings: Settings, journal: Any, directory: Path, tell: Telling) -> Outcome:
        """Sweep, write the report, record the best run; returns what came out.

        Raises:
            CerebrolabError: as `optimize.sweep`, `reports.write_sweep` and the journal.
        """
        import reports
        from engine.varying import read_space
        from optimize import Search, sweep
        from optimize.searching import OPTUNA

        spec, space = read_space(self.spec, self.vary, self.where)
        storage = str(settings.optuna) if self.search.get("method") in OPTUNA else None
        search = Search(**{"seed": spec.seed, "storage": storage, **self.search})
        tell(0.02, "loading bars")
        bars = loaded(spec, settings, tell)
        result = sweep(spec, space, bars=bars, journal=journal, search=search,
                       progress=lambda done, most, what: tell(0.1 + 0.75 * min(done / max(most, 1), 1.0), what))
        tell(0.85, "writing the report")
        page = reports.write_sweep(result, directory)
        run = None
        if result.best_run is not None:
            reports.write(result.best_run, directory / "best")
            run = journal.record_run(result.best_run, str(directory / "best"))
        return Outcome(run, result.sweep_id, str(page), result.summary())


@dataclass(frozen=True)
class WalkForward:
    """`cerebrolab walkforward`: as `Sweep`, with the arguments of `optimize.walk_forward` for windows."""

    spec: RunSpec
    vary: Mapping[str, Any] = field(default_factory=dict)
    where: Sequence[str] = ()
    windows: Mapping[str, Any] = field(default_factory=dict)
    kind = "walkforward"

    def asked(self) -> dict[str, Any]:
        """What was asked for, with secret-looking values masked."""
        return {"spec": self.spec.masked(), "vary": dict(self.vary), "where": list(self.where), **self.windows}

    def play(self, settings: Settings, journal: Any, directory: Path, tell: Telling) -> Outcome:
        """Walk forward, write the report; every trial is recorded. Returns what came out.

        Raises:
            CerebrolabError: as `optimize.walk_forward`, `reports.write_walk_forward` and the journal.
        """
        import reports
        from engine.varying import read_space
        from optimize import walk_forward
        from optimize.recorded import window_recorder

        spec, space = read_space(self.spec, self.vary, self.where)
        tell(0.02, "loading bars")
        bars = loaded(spec, settings, tell)
        asked = {"objective": "sharpe", **self.windows}
        walk = walk_forward(spec, space, bars=bars, seed=spec.seed, **asked,
                            record=window_recorder(journal, spec, bars, space, "walkforward", asked["objective"], asked.get("engine", "auto")),
                            progress=lambda done, total: tell(0.1 + 0.75 * done / max(total, 1), "trials"))
        tell(0.9, "writing the report")
        page = reports.write_walk_forward(walk, directory)
        return Outcome(report=str(page), summary=walk.summary())
