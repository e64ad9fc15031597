"""`cerebrolab data`: fetch bars into the store, list what is stored, check it."""

from typing import Annotated

import typer

from scripts import output

data = typer.Typer(help="Fetch bars into the store, list them, check them.")


@data.command()
def fetch(
    symbols: Annotated[list[str], typer.Option(help="Symbols: A,B or repeated.")],
    source: Annotated[str, typer.Option(help="yahoo and alpaca are kept in the store; the others are local.")] = "yahoo",
    period: Annotated[str | None, typer.Option(help="Length back from the end: 5y, 18mo, 6w, 90d.")] = None,
    start: Annotated[str | None, typer.Option(metavar="DATE", help="First session, such as 2015-01-31.")] = None,
    end: Annotated[str | None, typer.Option(metavar="DATE", help="Last session.")] = None,
    interval: Annotated[str, typer.Option(help="Length of a bar: 1d, 1h, 1m.")] = "1d",
    calendar: Annotated[str, typer.Option(help="Exchange calendar: XNYS, XLON, 24/7.")] = "XNYS",
) -> None:
    """Fetch the sessions the store does not have yet."""
    from core.settings import load_settings
    from core.spec import RunSpec
    from feeds import ParquetStore, load_bars
    from scripts.spec_options import split_names

    spec = RunSpec(symbols=split_names(symbols), source=source, period=period, start=start, end=end,
                   interval=interval, calendar=calendar)
    store = ParquetStore(load_settings().bars_dir)
    with output.progress_bar() as progress:
        bars = load_bars(source=spec.source, symbols=spec.symbols, start=spec.start, end=spec.end, period=spec.period,
                         interval=spec.interval, calendar=spec.calendar, store=store, progress=progress)
    rows = []
    for symbol in bars.symbols:
        series = bars.series(symbol)
        rows.append((symbol, len(series), series.session[0], series.session[-1]))
    output.table(f"{spec.interval} bars from {bars.origin.source}", ("symbol", "bars", "first", "last"), rows)
    for warning in bars.origin.warnings:
        output.warn(warning)


@data.command("list")
def list_() -> None:
    """List the stored bars."""
    from core.settings import load_settings
    from feeds import ParquetStore

    directory = load_settings().bars_dir
    held = ParquetStore(directory).list()
    if not held:
        output.line(f"no bars in {directory}: fetch some with cerebrolab data fetch --symbols SPY --period 5y")
        return
    rows = [(each.source, each.symbol, each.interval, each.bars, each.first or "-", each.last or "-", each.sessions)
            for each in held]
    output.table("", ("source", "symbol", "interval", "bars", "first", "last", "sessions asked"), rows, left=3)


@data.command()
def check() -> None:
    """Look for holes, invalid bars and damaged files; exit code 1 when there are any."""
    from core.settings import load_settings
    from feeds import ParquetStore

    store = ParquetStore(load_settings().bars_dir)
    findings = store.check()
    if not findings:
        output.line(f"{len(store.list())} series checked: nothing to complain of")
        return
    rows = [(each.source, each.symbol, each.interval, each.kind, each.detail) for each in findings]
    output.table("", ("source", "symbol", "interval", "finding", "what to do"), rows, left=5)
    raise typer.Exit(1)
