"""`cerebrolab taxes`: tax lots, wash sales and what is left after tax of what the journal's live accounts have traded."""

import csv
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import UnknownName, UsageError
from scripts import output
from scripts import run_options as given

if TYPE_CHECKING:
    from taxes.form_8949 import Row
    from taxes.report import TaxReport
    from taxes.years import Rates, TaxYear

Names = Mapping[tuple[str, str], str]  # (account, run) -> what people call it
LINES = (
    ("short-term gains", "short_gains"), ("short-term losses", "short_losses"), ("brought over, short", "short_brought"), ("net short-term", "net_short"),
    ("long-term gains", "long_gains"), ("long-term losses", "long_losses"), ("brought over, long", "long_brought"), ("net long-term", "net_long"),
    ("net", "net"), ("deducted from income", "deduction"), ("carried over, short", "short_carried"), ("carried over, long", "long_carried"),
    ("moved by wash sales", "disallowed"), ("dividends", "dividends"), ("profit before tax", "pre_tax"), ("tax", "tax"), ("profit after tax", "after_tax"),
)
WORST = 10  # sales shown, those with the largest adjustment and then the largest gain or loss


def taxes(
    method: Annotated[str, typer.Option(metavar="fifo|lifo|highest_cost|specific", help="Which lots a sale takes.")] = "fifo",
    lots: Annotated[Path | None, typer.Option(metavar="FILE", help="For specific: CSV with the columns sale, lot (client order ids) and shares.")] = None,
    year: Annotated[int | None, typer.Option(help="Only this year, with what earlier ones carry over; the default is all.")] = None,
    short_rate: Annotated[str | None, typer.Option(help="On short-term gains and ordinary income: 32% or 0.32.")] = None,
    long_rate: Annotated[str | None, typer.Option(help="On long-term gains.")] = None,
    dividend_rate: Annotated[str | None, typer.Option(help="On dividends; the default is the short rate.")] = None,
    separately: Annotated[bool, typer.Option("--separately", help="Married, filing separately: 1,500 of a loss is deducted a year, not 3,000.")] = False,
    capital: Annotated[float | None, typer.Option(min=0.01, help="What returns are measured against.")] = None,
    account: Annotated[str | None, typer.Option(help="Only this account, by the broker's id of it.")] = None,
    group: Annotated[list[str] | None, typer.Option(metavar="SYMBOL=NAME", help="Symbols of one name are substantially identical; repeatable.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the sales in the columns of Form 8949.")] = None,
    as_json: given.AsJson = False,
) -> None:
    """Work out gains and losses of live accounts by tax lot, with wash sales across all runs, and what is left after tax."""
    from core.settings import load_settings
    from engine.live.books import names_of
    from journal import opened
    from scripts.tax_events import booked
    from taxes import Taxpayer
    from taxes.form_8949 import write_csv
    from taxes.report import tax_report
    from taxes.years import LIMIT

    rates = _rates(short_rate, long_rate, dividend_rate)
    taxpayer = Taxpayer(method, _chosen(lots), _groups(group or ()))
    with opened(load_settings().journal) as journal:
        dividends, warnings = booked(taxpayer, journal, account)
        names = names_of(journal, account)
    report = tax_report(taxpayer, dividends, rates, LIMIT / 2 if separately else LIMIT, None if capital is None else Decimal(str(capital)))
    found = report.of(year)
    if year is not None and not found.years:
        raise UnknownName.of("tax year", str(year), [str(each.year) for each in report.years])
    if csv_file is not None:
        write_csv(found.rows, csv_file)
    for warning in warnings:
        output.warn(warning)
    if as_json:
        output.as_json(found.values())
    else:
        _show(found, names)


def _rates(short: str | None, long: str | None, dividend: str | None) -> "Rates | None":
    from taxes.years import Rates

    if short is None and long is None:
        if dividend is not None:
            raise UsageError("--dividend-rate alone makes no tax: give --short-rate and --long-rate too")
        return None
    if short is None or long is None:
        raise UsageError("--short-rate and --long-rate belong together: give both")
    return Rates(_rate(short), _rate(long), _rate(dividend if dividend is not None else short))


def _rate(text: str) -> Decimal:
    number = _number(text.removesuffix("%"), f"{text!r} is no rate; write 24% or 0.24")
    return number / 100 if text.endswith("%") else number


def _number(text: str, message: str) -> Decimal:
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        raise UsageError(message) from None


def _groups(texts: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    for text, (symbol, _, name) in zip(texts, pairs, strict=True):
        if not (symbol and name):
            raise UsageError(f"--group is SYMBOL=NAME, such as VOO=SP500, not {text!r}")
    return {symbol: name for symbol, _, name in pairs}


def _chosen(path: Path | None) -> Mapping[str, Mapping[str, Decimal]]:
    """Read which lots were chosen: sale -> {lot: shares}."""
    chosen: dict[str, dict[str, Decimal]] = {}
    if path is None:
        return chosen
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}; --lots takes a CSV file with the columns sale, lot and shares") from None
    for at, row in enumerate(rows, start=2):
        if not (row.get("sale") and row.get("lot") and row.get("shares")):
            raise UsageError(f"{path}, line {at}: a line names sale, lot and shares; write all three under that heading")
        shares = _number(row["shares"], f"{path}, line {at}: {row['shares']!r} is no number of shares; correct it")
        if not (shares.is_finite() and shares > 0):
            raise UsageError(f"{path}, line {at}: {row['shares']} shares cannot be sold; write how many, unsigned")
        sale = chosen.setdefault(row["sale"], {})
        sale[row["lot"]] = sale.get(row["lot"], Decimal(0)) + shares
    return chosen


def _show(report: "TaxReport", names: Names) -> None:
    from taxes.report import NO_ADVICE

    if not report.years:
        output.line("nothing was sold on a live account yet: start with cerebrolab paper")
        return
    rows = [(head, *(_amount(getattr(year, name)) for year in report.years)) for head, name in LINES]
    for head, name in (("return before tax", "pre_tax"), ("return after tax", "after_tax")) if report.capital else ():
        rows.append((head, *(_percent(report, year, name) for year in report.years)))
    output.table(f"gains and losses, lots by {report.method}", ("", *(str(year.year) for year in report.years)), rows)
    _show_sales(report.rows, names)
    output.line(f"\n{NO_ADVICE}")


def _percent(report: "TaxReport", year: "TaxYear", name: str) -> str:
    part = report.part(getattr(year, name))
    return "-" if part is None else f"{part:.2%}"


def _show_sales(rows: "Sequence[Row]", names: Names) -> None:
    shown = sorted(rows, key=lambda row: (-row.adjustment, -abs(row.gain)))[:WORST]
    if shown:
        output.line()
        output.table(f"{len(shown)} of {len(rows)} sales, those that wash sales changed most first",
                     ("sold", "what", "term", "acquired", "proceeds", "cost", "code", "adjustment", "gain", "run"),
                     [(row.sold, row.description, row.term, row.acquired, *map(_amount, (row.proceeds, row.cost)), row.code,
                       *map(_amount, (row.adjustment, row.gain)), names.get((row.account, row.run), row.run) or "(others)") for row in shown], left=3)


def _amount(value: Decimal | None) -> str:
    return "-" if value is None else f"{value:,.2f}"
