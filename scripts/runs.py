"""`cerebrolab runs`: the journal of runs: list them, show one, compare several, play one again."""

import datetime as dt
import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.errors import UsageError
from scripts import output

if TYPE_CHECKING:
    from core.spec import RunSpec
    from journal import Journal, RunRow

runs = typer.Typer(help="Runs recorded in the journal.")
MOST_ROW = 2**63 - 1
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]


@runs.command("list")
def list_(
    strategy: Annotated[str | None, typer.Option(help="Only runs of this strategy.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the latest first.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the latest runs."""
    with _journal() as journal:
        found = journal.runs(strategy, limit)
    if as_json:
        output.as_json([_values(run) for run in found])
    elif not found:
        output.line("no runs yet: start one with cerebrolab backtest")
    else:
        rows = [(run.id, _when(run), run.strategy, _universe(run), f"{run.start[:4]}-{run.end[:4]}",
                 *(output.number(name, run.metrics.get(name)) for name in ("total_return", "sharpe", "max_drawdown")))
                for run in found]
        output.table("", ("run", "at (UTC)", "strategy", "symbols", "years", "return", "sharpe", "drawdown"), rows,
                     left=5)


@runs.command()
def show(
    run: Annotated[int, typer.Argument(metavar="RUN", min=1, max=MOST_ROW, help="Number of the run.")],
    as_json: AsJson = False,
) -> None:
    """Show one run: what was asked, what came out, what was refused."""
    with _journal() as journal:
        found = journal.run(run)
        refused = [order for order in journal.orders(run) if order.status in ("Margin", "Rejected")]
    if as_json:
        output.as_json({**_values(found), "refused": [
            {"symbol": order.symbol, "size": float(order.size), "reason": order.reason} for order in refused]})
        return
    output.table(f"run {found.id}: {found.strategy}, {_when(found)} UTC", ("asked", ""), _asked(found), left=2)
    output.line()
    output.table("", ("came out", ""), [(name.replace("_", " "), output.number(name, value))
                                        for name, value in _outcome(found).items()])
    output.line()
    for warning in found.warnings:
        output.warn(warning)
    for order in refused:
        output.line(f"refused: {order.symbol} {order.size.normalize():f}: {order.reason or order.status}")
    output.line(f"report: {found.directory or 'none'}")


@runs.command()
def compare(
    numbers: Annotated[list[int], typer.Argument(metavar="RUN...", min=1, max=MOST_ROW, help="Numbers of two runs or more.")],
    as_json: AsJson = False,
) -> None:
    """Put runs side by side."""
    if len(numbers) < 2:
        raise UsageError(f"only run {numbers[0]} was named: name two runs or more")
    with _journal() as journal:
        found = journal.compare(numbers)
    if as_json:
        output.as_json({"runs": [run.id for run in found.runs], "same_data": found.same_data, "asked": found.asked,
                        "metrics": found.metrics})
        return
    rows = [(name, *map(_said, values)) for name, values in found.asked.items()]
    rows += [(name.replace("_", " "), *(output.number(name, value) for value in values))
             for name, values in found.metrics.items()]
    output.table("", ("", *(f"run {run.id}" for run in found.runs)), rows)
    if not found.same_data:
        output.warn("these runs used different bars: their numbers do not compare like with like")


@runs.command()
def repeat(
    run: Annotated[int, typer.Argument(metavar="RUN", min=1, max=MOST_ROW, help="Number of the run.")],
    as_json: AsJson = False,
) -> None:
    """Play a run once more on the bars of its day, before the source changed any; exit code 1 when something else comes out."""
    import engine
    from core.settings import load_settings
    from feeds import stores
    from sizers import solved

    settings = load_settings()
    with _journal() as journal:
        found = journal.run(run)
    solved.configure(settings.solved)
    with output.progress_bar() as progress:
        result = engine.run(_as_it_was(found), store=stores.opened(settings.store), progress=progress)
    now = output.finite({"final_value": result.final_value, **result.metrics})  # as the journal keeps them
    same_bars, differ = result.bars.fingerprint == found.fingerprint, [name for name, value in now.items() if not _equal(_outcome(found).get(name), value)]
    if as_json:
        output.as_json({"run": found.id, "same_bars": same_bars, "same_result": not differ, "then": {name: _outcome(found).get(name) for name in now},
                        "now": now, "warnings": result.warnings})
    else:
        rows = [(name.replace("_", " "), output.number(name, _outcome(found).get(name)), output.number(name, now[name])) for name in now]
        output.table(f"run {found.id}: {found.strategy}, {_when(found)} UTC", ("", "then", "now"), rows)
        output.line(f"the bars are {'the same' if same_bars else 'others'}, the result is {'another' if differ else 'the same'}")
        for warning in result.warnings:
            output.warn(warning)
    if differ or not same_bars:
        raise typer.Exit(1)


def _as_it_was(run: "RunRow") -> "RunSpec":
    """The spec of a run, as of its time where its source keeps versions of bars."""
    from core.spec import RunSpec
    from feeds.load import source_named

    spec = RunSpec.from_dict(run.spec)
    if spec.as_of or not source_named(spec.source, spec.calendar).stored:
        return spec
    moment = dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=run.created_ns // 1_000)
    return spec.replace(as_of=f"{moment.isoformat()}Z")


def _equal(then: Any, now: Any) -> bool:
    """To nine digits: another machine's arithmetic may differ in the last ones."""
    if isinstance(then, float) and isinstance(now, float):
        return math.isclose(then, now, rel_tol=1e-9, abs_tol=1e-9)
    return then == now


def _journal() -> "Journal":
    from core.settings import load_settings
    from journal import opened

    return opened(load_settings().journal)


def _when(run: "RunRow") -> str:
    return f"{dt.datetime.fromtimestamp(run.created_ns / 1e9, dt.UTC):%Y-%m-%d %H:%M}"


def _universe(run: "RunRow") -> str:
    return ", ".join(run.symbols) if len(run.symbols) <= 2 else f"{run.symbols[0]} and {len(run.symbols) - 1} more"


def _asked(run: "RunRow") -> list[tuple[str, str]]:
    rows = [(name, _said(value)) for name, value in run.spec.items()]
    return [*rows, ("sessions", f"{run.start} to {run.end}"), ("bars", f"{run.source}, {run.fingerprint[:12]}")]


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={each}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "-" if value is None else str(value)


def _outcome(run: "RunRow") -> dict[str, Any]:
    return {"final_value": float(run.final_value), **run.metrics, "trades": run.trades, "fills": run.fills,
            "rejected": run.rejected, "seconds": run.seconds}


def _values(run: "RunRow") -> dict[str, Any]:
    return {"run": run.id, "at": _when(run), "strategy": run.strategy, "symbols": run.symbols, "start": run.start,
            "end": run.end, **_outcome(run), "spec": run.spec, "fingerprint": run.fingerprint,
            "directory": run.directory}
