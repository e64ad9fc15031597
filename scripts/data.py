"""`cerebrolab data`: fetch bars into the store, list what is stored, check it, copy it to another store, and what has changed."""

from pathlib import Path
from typing import Annotated

import typer

from scripts import output
from scripts import run_options as given
from scripts.data_averages import averages, bring_up
from scripts.data_record import record
from scripts.data_revisions import revisions

data = typer.Typer(help="Fetch or record bars into the store, list them, check them, copy them, average them, see what sources have changed.")
data.command()(revisions)
data.command()(averages)
data.command()(record)


@data.command()
def fetch(
    symbols: Annotated[list[str], typer.Option(help="Symbols: A,B or repeated.")],
    source: Annotated[str, typer.Option(help="yahoo and alpaca are kept in the store; the others are local.")] = "yahoo",
    period: Annotated[str | None, typer.Option(help="Length back from the end: 5y, 18mo, 6w, 90d.")] = None,
    start: Annotated[str | None, typer.Option(metavar="DATE", help="First session, such as 2015-01-31.")] = None,
    end: Annotated[str | None, typer.Option(metavar="DATE", help="Last session.")] = None,
    interval: Annotated[str, typer.Option(help="Length of a bar: 1d, 1h, 1m.")] = "1d",
    calendar: Annotated[str, typer.Option(help="Exchange calendar: XNYS, XLON, 24/7.")] = "XNYS",
    again: Annotated[bool, typer.Option("--again", help="Also ask for what is stored; what the source changes is kept as a new version.")] = False,
    averaged: Annotated[bool, typer.Option("--averages", help="Also bring their moving averages up to date: see data averages.")] = False,
) -> None:
    """Fetch the sessions the store does not have yet."""
    from core.errors import UsageError
    from core.settings import load_settings
    from core.spec import RunSpec
    from feeds import load_bars, source_named, stores
    from scripts.spec_options import split_names

    spec = RunSpec(symbols=split_names(symbols), source=source, period=period, start=start, end=end,
                   interval=interval, calendar=calendar)
    if averaged and not source_named(spec.source, spec.calendar).stored:
        raise UsageError(f"bars of {spec.source} are not kept in the store, so --averages has nothing to stand beside: use yahoo or alpaca")
    store = stores.opened(load_settings().store)
    with output.progress_bar() as progress:
        bars = load_bars(source=spec.source, symbols=spec.symbols, start=spec.start, end=spec.end, period=spec.period,
                         interval=spec.interval, calendar=spec.calendar, store=store, progress=progress, again=again)
    rows = []
    for symbol in bars.symbols:
        series = bars.series(symbol)
        rows.append((symbol, len(series), series.session[0], series.session[-1]))
    output.table(f"{spec.interval} bars from {bars.origin.source}", ("symbol", "bars", "first", "last"), rows)
    if averaged:
        bring_up(store, ((bars.origin.source, symbol, spec.interval) for symbol in bars.symbols))
    for warning in bars.origin.warnings:
        output.warn(warning)


@data.command("list")
def list_() -> None:
    """List the stored bars."""
    from core.settings import load_settings
    from feeds import stores

    place = load_settings().store
    held = stores.opened(place).list()
    if not held:
        output.line(f"no bars in {stores.shown(place)}: fetch some with cerebrolab data fetch --symbols SPY --period 5y")
        return
    rows = [(each.source, each.symbol, each.interval, each.bars, each.first or "-", each.last or "-", each.sessions)
            for each in held]
    output.table("", ("source", "symbol", "interval", "bars", "first", "last", "sessions asked"), rows, left=3)


@data.command()
def check() -> None:
    """Look for holes, invalid bars and damaged files; exit code 1 when there are any."""
    from core.settings import load_settings
    from feeds import stores

    store = stores.opened(load_settings().store)
    findings = store.check()
    if not findings:
        output.line(f"{len(store.list())} series checked: nothing to complain of")
        return
    rows = [(each.source, each.symbol, each.interval, each.kind, each.detail) for each in findings]
    output.table("", ("source", "symbol", "interval", "finding", "what to do"), rows, left=5)
    raise typer.Exit(1)


@data.command()
def copy(
    origin: Annotated[str, typer.Argument(metavar="FROM", help="A folder, or an address as CEREBROLAB_STORE has it.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="The same, to copy to.")],
    source: Annotated[str | None, typer.Option(help="Only bars of this source, such as yahoo.")] = None,
    interval: Annotated[str | None, typer.Option(help="Only bars of this length, such as 1d.")] = None,
    symbols: Annotated[list[str] | None, typer.Option(help="Only these symbols: A,B or repeated.")] = None,
    as_json: given.AsJson = False,
) -> None:
    """Copy bars, and what was asked for, from one store to another; repeat it when it was interrupted."""
    from core.errors import UsageError
    from feeds import stores
    from feeds.copying import copy as copied
    from scripts.spec_options import split_names

    if _place(origin) == _place(target):
        raise UsageError(f"{stores.shown(origin)} would be copied onto itself: name another store to copy to")
    with output.progress_bar() as progress:
        done = list(copied(stores.opened(origin), stores.opened(target), source, interval, split_names(symbols or ()), progress))
    if as_json:
        output.as_json({"series": len(done), "bars": sum(each.bars for each in done), "copied": [each._asdict() for each in done]})
        return
    new = [each for each in done if each.bars or each.sessions]
    if new:
        output.table("", ("source", "symbol", "interval", "bars", "sessions asked"),
                     [(each.source, each.symbol, each.interval, each.bars, each.sessions) for each in new], left=3)
    others = "; it had the others already" if len(new) < len(done) else ""
    output.line(f"{len(new)} of {len(done)} series copied to {stores.shown(target)}{others}")


def _place(text: str) -> str:
    return text if "://" in text else str(Path(text).resolve())
