"""`cerebrolab walkforward`: choose in training, play out of sample, move on."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.spec import RunSpec
from scripts import output
from scripts import run_options as given
from scripts.spec_options import build_spec
from scripts.sweep import varying

if TYPE_CHECKING:
    from core.space import Space
    from optimize import WalkForward

log = logging.getLogger(__name__)
_NOT_RUN = ("param", "where", "train", "test", "windows", "anchored", "embargo", "method", "trials", "objective", "jobs",
            "engine", "spec", "out", "as_json")


def walkforward(
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
    train: Annotated[str | None, typer.Option(help="Length of the training window: 3y, 18mo; the default is half the data.")] = None,
    test: Annotated[str | None, typer.Option(help="Length of the test window that follows: 6mo, 1y.")] = None,
    windows: Annotated[int | None, typer.Option(min=1, help="Number of equal test windows, instead of --test; 5 where neither is given.")] = None,
    anchored: Annotated[bool, typer.Option("--anchored", help="Training always begins with the first bar.")] = False,
    embargo: Annotated[int, typer.Option(min=0, help="Sessions left out between training and test.")] = 0,
    method: Annotated[str, typer.Option(metavar="grid|random", help="How to search in training.")] = "grid",
    trials: given.Trials = None,
    objective: given.Objective = "sharpe",
    jobs: given.Jobs = None,
    engine: given.Engine = "auto",
    spec: given.Spec = None,
    out: given.Out = None,
    as_json: given.AsJson = False,
) -> None:
    """Choose the best parameters in each training window, play them in the test window that follows."""
    options = {name: value for name, value in locals().items() if name not in _NOT_RUN}
    from engine.varying import read_space
    from optimize.walk_forward import meant_windows

    run, space = read_space(build_spec(spec, (), options), varying(param or ()), where or ())
    asked = dict(train=train, test=test, windows=meant_windows(test, windows, method, trials), anchored=anchored, embargo=embargo, method=method, trials=trials,
                 objective=objective, engine=engine, seed=run.seed)
    _carry_out(run, space, asked, jobs, out, as_json)


def _carry_out(spec: RunSpec, space: "Space", asked: dict[str, Any], jobs: int | None, out: Path | None, as_json: bool) -> None:
    import reports
    from core.settings import load_settings
    from engine.loading import load
    from feeds import stores
    from journal import opened
    from optimize import walk_forward
    from optimize.recorded import window_recorder
    from reports.archive import check_target
    from reports.sweep_report import WALK
    from scripts.backtest import new_directory
    from sizers import solved

    if out is not None:
        check_target(out, WALK)
    settings = load_settings()
    solved.configure(settings.solved)
    bars = load(spec, stores.opened(settings.store))
    with opened(settings.journal) as journal, output.progress_bar() as progress:
        walk = walk_forward(
            spec, space, bars=bars, jobs=jobs, **asked,
            progress=progress and (lambda done, total: progress(done, total, "trials")),
            record=window_recorder(journal, spec, bars, space, "walkforward", asked["objective"], asked["engine"]))
    directory = out or new_directory(settings.runs_dir, f"{spec.strategy}_walkforward")
    page = reports.write_walk_forward(walk, directory).resolve()
    log.info("walk-forward of %s: %s", spec.strategy, page)
    if as_json:
        output.as_json({**walk.summary(), "report": str(page)})
    else:
        _show(walk, page)


def _show(walk: "WalkForward", page: Path) -> None:
    objective = walk.objectives[0].metric
    rows = [(f"{each.train_start} to {each.train_end}", f"{each.test_start} to {each.test_end}",
             ", ".join(f"{name}={value}" for name, value in each.params.items()) or "flat",
             *(output.number(name, part.get(name)) for part in (each.in_sample, each.out_of_sample)
               for name in dict.fromkeys((objective, "total_return")))) for each in walk.windows]
    heads = [f"{name.replace('_', ' ')} {where}" for where in ("in", "out") for name in dict.fromkeys((objective, "total_return"))]
    output.table(f"{walk.spec.strategy}: {'anchored' if walk.anchored else 'rolling'} walk-forward", ("trained", "played", "chosen", *heads),
                 rows, left=3)
    output.line()
    for text in walk.warnings:
        output.warn(text)
    shown = ", ".join(f"{name.replace('_', ' ')} {output.number(name, walk.metrics.get(name))}"
                      for name in ("total_return", "cagr", "sharpe", "max_drawdown"))
    output.line(f"out of sample: {shown}; efficiency {output.number('efficiency', walk.efficiency)}")
    output.line(f"report: {page}")
