"""`cerebrolab backtest`: run a strategy on the simulated broker, write its report, record the run."""

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.errors import CerebrolabError, StoreFailed
from core.spec import FILLS, PRICES
from scripts import output
from scripts.spec_options import build_spec

if TYPE_CHECKING:
    from core.result import RunResult
    from core.settings import Settings

log = logging.getLogger(__name__)
SHOWN = ("final_value", "total_return", "cagr", "volatility", "sharpe", "max_drawdown", "win_rate", "average_trade",
         "trades", "fills", "rejected", "seconds")


def backtest(
    strategy: Annotated[str | None, typer.Argument(
        metavar="[STRATEGY]", help="A shipped strategy, file.py:Class, or module:Class.")] = None,
    symbols: Annotated[list[str] | None, typer.Option(help="Symbols to trade: A,B or repeated; or CSV files.")] = None,
    reference: Annotated[list[str] | None, typer.Option(help="Symbols to see but not to trade.")] = None,
    source: Annotated[str | None, typer.Option(
        help="sample, csv, csv:DIR, yahoo, synthetic; the default is sample.")] = None,
    start: Annotated[str | None, typer.Option(metavar="DATE", help="First session, such as 2015-01-31.")] = None,
    end: Annotated[str | None, typer.Option(metavar="DATE", help="Last session.")] = None,
    period: Annotated[str | None, typer.Option(help="Length back from the end: 5y, 18mo, 6w, 90d.")] = None,
    years: Annotated[int | None, typer.Option(min=1, help="The same, in years.")] = None,
    signal_start: Annotated[str | None, typer.Option(metavar="DATE", help="First session with decisions.")] = None,
    interval: Annotated[str | None, typer.Option(help="Length of a bar: 1d, 1h, 1m.")] = None,
    calendar: Annotated[str | None, typer.Option(help="Exchange calendar: XNYS, XLON, 24/7.")] = None,
    cash: Annotated[float | None, typer.Option(help="Starting cash.")] = None,
    commission: Annotated[str | None, typer.Option(help="0.001, 0.1%, 10bp, 0.005/share min 1, none.")] = None,
    slippage: Annotated[str | None, typer.Option(help="0.0005, 0.05%, 5bp, 0.01/share, none.")] = None,
    fractional: Annotated[bool | None, typer.Option(
        "--fractional/--whole", help="Trade fractions of shares, or whole ones.", show_default=False)] = None,
    max_volume: Annotated[float | None, typer.Option(help="Largest part of a bar's volume one order fills.")] = None,
    fill: Annotated[str | None, typer.Option(metavar="|".join(FILLS), help="When orders fill.")] = None,
    prices: Annotated[str | None, typer.Option(metavar="|".join(PRICES), help="Prices orders fill at.")] = None,
    sizer: Annotated[str | None, typer.Option(help="A shipped sizer, or file.py:Class.")] = None,
    sleeves: Annotated[list[str] | None, typer.Option(
        metavar="NAME=SHARE:SYMBOLS", help="A part of the account: etfs=0.5:SPY,QQQ, or rest=0.5; repeatable.")] = None,
    sectors: Annotated[str | None, typer.Option(metavar="FILE", help="CSV with the columns symbol and sector.")] = None,
    benchmark: Annotated[str | None, typer.Option(help="A symbol, or universe.")] = None,
    risk_free: Annotated[float | None, typer.Option(help="Annual rate used in Sharpe and alpha.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random.")] = None,
    param: Annotated[list[str] | None, typer.Option(
        "--param", "-p", metavar="NAME=VALUE", help="Parameter: fast=20, sizer.x=1, limits.x=1, exits.stop=0.08.")] = None,
    spec: Annotated[Path | None, typer.Option(metavar="FILE", help="TOML file with the same names.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the report.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Run a strategy on stored, sample or fetched bars and write a report."""
    options = {name: value for name, value in locals().items() if name not in ("param", "spec", "out", "as_json")}
    _carry_out(build_spec(spec, param or (), options), out, as_json)


def _carry_out(spec: Any, out: Path | None, as_json: bool) -> None:
    import engine
    import reports
    from core.calendars import get_calendar
    from core.settings import load_settings
    from feeds import ParquetStore
    from reports.archive import check_target
    from sizers import solved

    if out is not None:
        check_target(out)
    get_calendar(spec.calendar)
    settings = load_settings()
    solved.configure(settings.solved)
    with output.progress_bar() as progress:
        result = engine.run(spec, store=ParquetStore(settings.bars_dir), progress=progress)
    directory = out or new_directory(settings.runs_dir, spec.strategy)
    page = reports.write(result, directory).resolve()
    run_id, warnings = _record(result, directory, settings)
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


def _record(result: "RunResult", directory: Path, settings: "Settings") -> tuple[int | None, list[str]]:
    """Number of the run in the journal; a journal that fails costs the number, not the report."""
    from journal import Journal

    try:
        with Journal(settings.journal) as journal:
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
