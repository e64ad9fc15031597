"""`cerebrolab signals`: what a strategy says on the last bar, symbol by symbol, with the reason in numbers."""

import csv
import io
import math
from pathlib import Path
from typing import Annotated, Any

import typer

from core.errors import UsageError
from scripts import output
from scripts import run_options as given
from scripts.spec_options import build_spec

HEADS = ("symbol", "signal", "decided", "conviction", "weight", "shares", "close", "signal_close", "orders")


def signals(
    strategy: Annotated[str | None, typer.Argument(
        metavar="[STRATEGY]", help="A shipped strategy, file.py:Class, or module:Class.")] = None,
    symbols: Annotated[list[str] | None, typer.Option(help="Symbols to decide on: A,B or repeated; or CSV files.")] = None,
    universe: given.Universe = None,
    events: given.Events = None,
    delisting: given.Delisting = None,
    reference: Annotated[list[str] | None, typer.Option(help="Symbols to see but not to decide on.")] = None,
    source: Annotated[str | None, typer.Option(help="sample, csv, csv:DIR, yahoo, alpaca, synthetic.")] = None,
    start: Annotated[str | None, typer.Option(metavar="DATE", help="First session, such as 2015-01-31.")] = None,
    end: Annotated[str | None, typer.Option(metavar="DATE", help="The day to decide on; the default is the latest.")] = None,
    period: Annotated[str | None, typer.Option(help="Length back from the end: 5y, 18mo, 6w, 90d.")] = None,
    as_of: given.AsOf = None,
    signal_start: Annotated[str | None, typer.Option(metavar="DATE", help="First session with decisions.")] = None,
    interval: Annotated[str | None, typer.Option(help="Length of a bar: 1d, 1h, 1m.")] = None,
    calendar: Annotated[str | None, typer.Option(help="Exchange calendar: XNYS, XLON, 24/7.")] = None,
    cash: Annotated[float | None, typer.Option(help="The account that weights and shares are for.")] = None,
    fractional: Annotated[bool | None, typer.Option(
        "--fractional/--whole", help="Fractions of shares, or whole ones.", show_default=False)] = None,
    sizer: Annotated[str | None, typer.Option(help="A shipped sizer, or file.py:Class.")] = None,
    quantity: Annotated[float | None, typer.Option(help="Shares of every position, instead of a sizer.")] = None,
    sleeves: Annotated[list[str] | None, typer.Option(
        metavar="NAME=SHARE:SYMBOLS", help="A part of the account: etfs=0.5:SPY,QQQ, or rest=0.5; repeatable.")] = None,
    sectors: Annotated[str | None, typer.Option(metavar="FILE", help="CSV with the columns symbol and sector.")] = None,
    param: Annotated[list[str] | None, typer.Option(
        "--param", "-p", metavar="NAME=VALUE", help="Parameter: fast=20, sizer.x=1, limits.x=1.")] = None,
    spec: Annotated[Path | None, typer.Option(metavar="FILE", help="TOML file with a run's options.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV and nothing else.")] = False,
) -> None:
    """Say what a strategy decides on the last bar, and why. No order is placed.

    BUY and SELL: the last bar changes what is to be held (into or out of a symbol, or a short). HOLD: it is to be held
    since an earlier bar, also where the last one says so again. SHORT: the same, for a short. OUT: not to be held.

    "decided" is the date of the latest decision, "-" where there never was one. Weight and shares are those of an
    account that has nothing but the cash. "signal close" is the close with splits and dividends inside, as the
    strategy's numbers have it.

    Of a plain Backtrader strategy: BUY and SELL are the orders it creates on the last bar, the others its position in
    a backtest up to then, and the numbers its indicators.
    """
    fields = {name: value for name, value in locals().items() if name not in ("param", "spec", "as_json", "as_csv")}
    if as_json and as_csv:
        raise UsageError("--json and --csv are both given: name one of them")
    run = build_spec(spec, param or (), fields)

    import engine
    from core.calendars import get_calendar
    from core.settings import load_settings
    from feeds import stores
    from sizers import solved

    get_calendar(run.calendar)
    settings = load_settings()
    solved.configure(settings.solved)
    with output.progress_bar() as progress:
        found = engine.today(run, store=stores.opened(settings.store), progress=progress).summary()
    if as_json:
        output.as_json(found)
        return
    if as_csv:
        _print_csv(found["signals"])
    else:
        _show(found)
    for warning in found["warnings"]:
        output.warn(warning)


def _show(found: dict[str, Any]) -> None:
    rows = [_flat(row) for row in found["signals"]]
    shown = {head: [_text(head, row.get(head)) for row in rows] for head in _heads(found["signals"])}
    shown = {head: column for head, column in shown.items() if set(column) - {"-", ""}}
    title = f"{found['strategy']} on {found['session']}, {len(rows)} symbols ({found['source']} bars)"
    output.table(title, [head.replace("_", " ") for head in shown], zip(*shown.values(), strict=True), left=3)


def _print_csv(rows: list[dict[str, Any]]) -> None:
    heads, lines = _heads(rows), io.StringIO()
    writer = csv.DictWriter(lines, heads, lineterminator="\n")
    writer.writeheader()
    writer.writerows(output.finite(_flat(row)) for row in rows)
    output.line(lines.getvalue().rstrip("\n"))


def _heads(rows: list[dict[str, Any]]) -> list[str]:
    return [*HEADS, *dict.fromkeys(name for row in rows for name in row["numbers"] if name not in HEADS)]


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its numbers beside the other columns, which keep their names."""
    own = {name: row[name] for name in HEADS}
    return {**row["numbers"], **own, "orders": "; ".join(row["orders"])}


def _text(head: str, value: Any) -> str:
    """A cell as people read it: five digits that count, weights in percent, "-" for what is missing."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "-"
    if head == "weight":
        return f"{value:.2%}"
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.5g}" if abs(value) < 1_000 else f"{value:,.2f}".removesuffix(".00")
