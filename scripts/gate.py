"""`cerebrolab gate`: is a run more than the luck of having tried so much? The verdict goes to the journal."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.errors import UsageError
from scripts import output
from scripts import run_options as given

if TYPE_CHECKING:
    from core.result import RunResult

SHOWN = ("sharpe", "luck_sharpe", "deflated_sharpe", "probabilistic_sharpe", "pbo", "trials", "effective_trials", "years",
         "minimum_backtest_length")


def gate(
    run: Annotated[int, typer.Argument(metavar="RUN", help="Number of a run: of a backtest, or of the best of a sweep.")],
    as_json: given.AsJson = False,
) -> None:
    """Say pass or fail, with reasons. Exit code 0 = pass, 1 = fail."""
    from core.settings import load_settings
    from engine.deciding import deciding
    from journal import opened
    from optimize import judged

    with opened(load_settings().journal) as journal:
        row = journal.run(run)
        result = _loaded(run, row.directory)
        verdict = judged(result, journal)
        number = journal.ledger.record_verdict(
            run_id=run, strategy=row.strategy, strategy_source=row.strategy_source, params=deciding(result.spec),
            universe=result.spec.symbols, fingerprint=row.fingerprint, passed=verdict.passed, reasons=list(verdict.reasons),
            numbers=verdict.numbers)
    if as_json:
        output.as_json({"run": run, "strategy": row.strategy, "passed": verdict.passed, "reasons": list(verdict.reasons),
                        **verdict.numbers, "verdict": number})
    else:
        _show(run, row.strategy, verdict)
    if not verdict.passed:
        raise typer.Exit(1)


def _loaded(run: int, directory: str | None) -> "RunResult":
    import reports

    if directory is None or not Path(directory).is_dir():
        raise UsageError(f"the report of run {run} is gone ({directory or 'it had none'}): run it again and judge the new one")
    return reports.load(directory)


def _show(run: int, strategy: str, verdict: Any) -> None:
    rows = [(name.replace("_", " "), output.number(name, verdict.numbers[name])) for name in SHOWN]
    output.table(f"run {run} of {strategy}: {'PASS' if verdict.passed else 'FAIL'}", ("", ""), rows)
    output.line()
    for reason in verdict.reasons:
        output.line(reason)
