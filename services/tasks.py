"""What a job does in its process: a backtest or a sweep, with its report, recorded through the process that holds the journal.

A task is plain values, so that it can be handed to another process. May import what lies below services, and services.market.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.calendars import get_calendar
from core.settings import Settings
from core.spec import RunSpec

Telling = Callable[[float, str], None]  # done so far, 0 to 1, and what is being done


@dataclass(frozen=True)
class Outcome:
    """What came out: the number of the run and of the sweep, the page of the report, and what `--json` prints."""

    run: int | None
    sweep: int | None
    report: str
    summary: Mapping[str, Any]


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
        bars = _loaded(self.spec, settings, tell)
        tell(0.3, f"playing {len(bars):,} bars")
        result = engine.run(self.spec, bars=bars, playing=lambda done, total: tell(0.3 + 0.4 * done / total, f"playing {total:,} bars"))
        tell(0.7, "writing the report")
        page = reports.write(result, directory)
        tell(0.95, "recording")
        record_backtest(journal, result)
        return Outcome(journal.record_run(result, str(directory)), None, str(page), {**result.summary(), "warnings": result.warnings})


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
        bars = _loaded(spec, settings, tell)
        result = sweep(spec, space, bars=bars, journal=journal, search=search,
                       progress=lambda done, most, what: tell(0.1 + 0.75 * min(done / max(most, 1), 1.0), what))
        tell(0.85, "writing the report")
        page = reports.write_sweep(result, directory)
        run = None
        if result.best_run is not None:
            reports.write(result.best_run, directory / "best")
            run = journal.record_run(result.best_run, str(directory / "best"))
        return Outcome(run, result.sweep_id, str(page), result.summary())


Task = Backtest | Sweep


def _loaded(spec: RunSpec, settings: Settings, tell: Telling) -> Any:
    from engine.loading import load
    from services import market
    from sizers import solved

    get_calendar(spec.calendar)
    solved.configure(settings.solved)
    return load(spec, market.store(settings), lambda done, total, symbol: tell(0.1 * done / max(total, 1), f"loading {symbol}"))
