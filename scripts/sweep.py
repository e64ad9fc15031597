"""`cerebrolab sweep`: try many sets of parameters, write the report, record every trial."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.spec import RunSpec
from core.spec_texts import parse_assignment
from scripts import output
from scripts import run_options as given
from scripts.spec_options import build_spec

if TYPE_CHECKING:
    from core.space import Space
    from optimize.result import SweepResult

log = logging.getLogger(__name__)
SHOWN = ("total_return", "cagr", "sharpe", "max_drawdown", "trades")
_NOT_RUN = ("param", "spec", "out", "as_json", "where", "method", "trials", "objective", "folds", "jobs", "dask", "engine",
            "storage", "study", "verify", "robust", "yes")


def sweep(
    strategy: given.Strategy = None,
    symbols: given.Symbols = None,
    universe: given.Universe = None,
    events: given.Events = None,
    delisting: given.Delisting = None,
    reference: given.Reference = None,
    source: given.Source = None,
    start: given.Start = None,
    end: given.End = None,
    period: given.Period = None,
    years: given.Years = None,
    as_of: given.AsOf = None,
    signal_start: given.SignalStart = None,
    interval: given.Interval = None,
    calendar: given.Calendar = None,
    cash: given.Cash = None,
    commission: given.Commission = None,
    slippage: given.Slippage = None,
    fractional: given.Fractional = None,
    max_volume: given.MaxVolume = None,
    fill: given.Fill = None,
    prices: given.Prices = None,
    rules: given.Rules = None,
    sizer: given.Sizer = None,
    quantity: given.Quantity = None,
    sleeves: given.SleeveTexts = None,
    sectors: given.Sectors = None,
    shorts: given.Shorts = None,
    benchmark: given.Benchmark = None,
    risk_free: given.RiskFree = None,
    capital: given.Capital = None,
    trading_days: given.TradingDays = None,
    name: given.Name = None,
    on_stop: given.OnStop = None,
    stop_within: given.StopWithin = None,
    execution: given.Execution = None,
    seed: given.Seed = None,
    param: given.Swept = None,
    where: given.Where = None,
    method: given.Method = "grid",
    trials: given.Trials = None,
    objective: given.Objective = "sharpe",
    folds: Annotated[int, typer.Option(help="Parts of the sessions, after each of which a weak trial is stopped (Optuna).")] = 1,
    jobs: given.Jobs = None,
    dask: Annotated[str | None, typer.Option(metavar="tcp://HOST:PORT", help="Dask scheduler whose workers play.")] = None,
    engine: given.Engine = "auto",
    storage: Annotated[str | None, typer.Option(metavar="FILE|URL", help="Optuna storage; several processes may share it.")] = None,
    study: Annotated[str | None, typer.Option(help="Name of the study in the storage.")] = None,
    verify: Annotated[bool, typer.Option("--verify/--no-verify", help="Play the best trials through Cerebro too.")] = True,
    robust: Annotated[bool, typer.Option("--robust", help="Bootstrap, costs, timing luck of the best, in the report.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before more than a million trials.")] = False,
    spec: given.Spec = None,
    out: given.Out = None,
    as_json: given.AsJson = False,
) -> None:
    """Try every set of parameters of a space, and say how much of the best to believe."""
    options = {name: value for name, value in locals().items() if name not in _NOT_RUN}
    from engine.varying import read_space

    run, space = read_space(build_spec(spec, (), options), varying(param or ()), where or ())
    search = dict(method=method, trials=trials, objective=objective, folds=folds, jobs=jobs, dask=dask, engine=engine,
                  seed=run.seed, storage=storage, study=study, verify=verify)
    _carry_out(run, space, search, robust, yes, out, as_json)


def varying(params: Sequence[str]) -> dict[str, str]:
    """Name -> text of each "fast=5:100:5".

    Raises:
        BadSpec: one has no name, or no value.
    """
    return {parse_assignment(text)[0]: text.partition("=")[2].strip() for text in params}


def _carry_out(spec: RunSpec, space: "Space", search: dict[str, Any], robust: bool, yes: bool, out: Path | None,
               as_json: bool) -> None:
    from core.calendars import get_calendar
    from core.settings import load_settings
    from feeds import stores
    from journal import opened
    from optimize import Search, sweep
    from reports.archive import check_target
    from reports.sweep_report import SWEEP
    from sizers import solved

    if out is not None:
        check_target(out, SWEEP)
    get_calendar(spec.calendar)
    settings = load_settings()
    solved.configure(settings.solved)
    if search["method"] not in ("grid", "random") and search["storage"] is None:
        search["storage"] = str(settings.optuna)
    asked = Search(**search, many=_meant(space, search, yes, as_json))
    with opened(settings.journal) as journal, output.progress_bar() as progress:
        result = sweep(spec, space, store=stores.opened(settings.store), journal=journal, progress=progress, search=asked)
    summary = _reported(result, robust, out, settings)
    if as_json:
        output.as_json(summary)
    else:
        _show(result, summary)
    if result.agreement.agrees is False:
        output.fail(f"the twin and Cerebro disagree: {result.agreement.difference}")
        raise typer.Exit(1)


def _meant(space: "Space", search: dict[str, Any], yes: bool, as_json: bool) -> bool:
    """Ask before more than a million trials where somebody can answer."""
    import sys

    from optimize import MANY
    from optimize.proposals import bound

    most = bound(space, search["method"], search["trials"])
    if yes or most <= MANY or as_json or not sys.stdin.isatty():
        return yes
    return typer.confirm(f"This sweep has up to {most:,} trials. Go on?", abort=True)


def _reported(result: "SweepResult", robust: bool, out: Path | None, settings: Any) -> dict[str, Any]:
    """What `--json` prints, with the report written and the best run recorded."""
    import reports
    from optimize import robustness
    from scripts.backtest import new_directory, record

    directory = out or new_directory(settings.runs_dir, f"{result.spec.strategy}_sweep")
    page = reports.write_sweep(result, directory, robustness=robustness(result) if robust else None)
    summary = {**result.summary(), "report": str(page.resolve()), "run": None}
    if result.best_run is not None:
        best = directory / "best"
        reports.write(result.best_run, best)
        summary["run"], warnings = record(result.best_run, best, settings, trial=False)
        summary["warnings"] += warnings
    log.info("sweep %s of %s: %s", result.sweep_id, result.spec.strategy, page)
    return summary


def _show(result: "SweepResult", summary: dict[str, Any]) -> None:
    names = list(result.columns)
    rows = []
    for at in (result.ranked(10) if len(result.front) == 1 else result.front[:10]):
        params = result.params(int(at))
        rows.append([int(result.numbers[at]), *(f"{params[name]:g}" if isinstance(params[name], float) else params[name] for name in names),
                     *(output.number(name, float(result.metrics[name][at])) for name in SHOWN)])
    what = "the best" if len(result.front) == 1 else "none is better in every objective than"
    output.table(f"{summary['strategy']}, {summary['start']} to {summary['end']}: {what} of {len(result):,} trials",
                 ("trial", *names, *(name.replace("_", " ") for name in SHOWN)), rows)
    output.line()
    for text in summary["warnings"]:
        output.warn(text)
    engine = "the twin" if result.engine == "twin" else f"Cerebro ({result.obstacle})"
    output.line(f"{len(result):,} trials in {result.seconds:.2f} s ({summary['rate']:,.0f}/s) on {engine}")
    if result.agreement.agrees:
        output.line(f"{len(result.agreement.compared)} of them played again in Cerebro: the same fills, the same equity")
    output.line(f"deflated Sharpe {result.deflated_sharpe:.2f} after {result.ledger_trials:,} trials "
                f"({result.effective_trials:,.1f} effective); probability of overfitting {result.pbo:.2f}")
    if summary["run"]:
        output.line(f"sweep {summary['sweep']}, best run {summary['run']}: judge it with cerebrolab gate {summary['run']}")
    output.line(f"report: {summary['report']}")
