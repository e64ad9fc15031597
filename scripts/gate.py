"""`cerebrolab gate`: is a run more than the luck of having tried so much? The verdict goes to the journal."""

from typing import Annotated, Any

import typer

from scripts import output
from scripts import run_options as given

SHOWN = ("sharpe", "luck_sharpe", "deflated_sharpe", "probabilistic_sharpe", "pbo", "trials", "effective_trials", "years",
         "minimum_backtest_length")


def gate(
    run: Annotated[int, typer.Argument(metavar="RUN", help="Number of a run: of a backtest, or of the best of a sweep.")],
    as_json: given.AsJson = False,
) -> None:
    """Say pass or fail, with reasons. Exit code 0 = pass, 1 = fail."""
    from core.settings import load_settings
    from journal import opened
    from services.gating import verdict_on

    with opened(load_settings().journal) as journal:
        judged = verdict_on(journal, run)
    if as_json:
        output.as_json(judged.summary())
    else:
        _show(run, judged.strategy, judged.verdict)
    if not judged.verdict.passed:
        raise typer.Exit(1)


def _show(run: int, strategy: str, verdict: Any) -> None:
    rows = [(name.replace("_", " "), output.number(name, verdict.numbers[name])) for name in SHOWN]
    output.table(f"run {run} of {strategy}: {'PASS' if verdict.passed else 'FAIL'}", ("", ""), rows)
    output.line()
    for reason in verdict.reasons:
        output.line(reason)
