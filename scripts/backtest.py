"""`cerebrolab backtest`: run a strategy on the simulated broker, write its report, record the run."""

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import CerebrolabError, StoreFailed
from scripts import output
from scripts import run_options as given
from scripts.spec_options import build_spec

if TYPE_CHECKING:
    from core.result import RunResult
    from core.settings import Settings

log = logging.getLogger(__name__)
SHOWN = ("final_value", "total_return", "cagr", "volatility", "sharpe", "max_drawdown", "win_rate", "average_trade",
         "trades", "fills", "rejected", "seconds")


def backtest(
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
    param: given.Param = None,
    spec: given.Spec = None,
    out: given.Out = None,
    as_json: given.AsJson = False,
) -> None:
    """Run a strategy on stored, sample or fetched bars and write a report."""
    options = {name: value for name, value in locals().items() if name not in ("param", "spec", "out", "as_json")}
    _carry_out(build_spec(spec, param or (), options), out, as_json)


def _carry_out(spec: Any, out: Path | None, as_json: bool) -> None:
    import engine
    import reports
    from core.calendars import get_calendar
    from core.settings import load_settings
    from feeds import stores
    from reports.archive import check_target
    from sizers import solved

    if out is not None:
        check_target(out)
    get_calendar(spec.calendar)
    settings = load_settings()
    solved.configure(settings.solved)
    with output.progress_bar() as progress:
        result = engine.run(spec, store=stores.opened(settings.store), progress=progress)
    directory = out or new_directory(settings.runs_dir, spec.strategy)
    page = reports.write(result, directory).resolve()
    run_id, warnings = record(result, directory, settings, trial=True)
    log.info("run %s of %s: %s", run_id, spec.strategy, page)
    summary = {**result.summary(), "report": str(page), "run": run_id, "warnings": [*result.warnings, *warnings]}
    if as_json:
        output.as_json(summary)
    else:
        _show(summary)


def new_directory(runs_dir: Path, strategy: str) -> Path:
    """Create a folder of its own for a run: UTC time, strategy, and a number where that is taken.

    Raises:
        StoreFailed: the folder cannot be created.
    """
    import datetime as dt

    name = re.sub(r"\W+", "_", strategy.rpartition(":")[2].removesuffix(".py")) or "run"
    stem = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}-{name}"
    for count in range(1, 1000):
        directory = runs_dir / (stem if count == 1 else f"{stem}-{count}")
        try:
            directory.mkdir(parents=True)
            return directory
        except FileExistsError:
            if not runs_dir.is_dir():
                break
        except OSError as error:
            raise StoreFailed(f"cannot create {directory}: {error.strerror}; name another folder with --out") from None
    raise StoreFailed(f"cannot create {runs_dir / stem}: the name is taken; name another folder with --out")


def record(result: "RunResult", directory: Path, settings: "Settings", trial: bool) -> tuple[int | None, list[str]]:
    """Number of the run in the journal; a journal that fails costs the number, not the report.

    Args:
        trial: it is one more set of parameters tried, not one that a sweep has counted already.
    """
    from journal import opened
    from optimize import record_backtest

    try:
        with opened(settings.journal) as journal:
            if trial:
                record_backtest(journal, result)
            return journal.record_run(result, str(directory.resolve())), []
    except CerebrolabError as error:
        log.error("run not recorded: %s", error)
        return None, [f"this run is not in the journal: {error}"]


def _show(summary: dict[str, Any]) -> None:
    symbols = summary["symbols"]
    universe = ", ".join(symbols[:5]) + (f" and {len(symbols) - 5} more" if len(symbols) > 5 else "")
    title = f"{summary['strategy']} on {universe}, {summary['start']} to {summary['end']}"
    rows = [(name.replace("_", " "), output.number(name, summary.get(name))) for name in SHOWN]
    output.table(title, ("", ""), rows)
    output.line()
    for warning in summary["warnings"]:
        output.warn(warning)
    output.line(f"run {summary['run']}" if summary["run"] else "run not recorded")
    output.line(f"report: {summary['report']}")
