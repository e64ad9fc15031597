"""`cerebrolab accounts`: what each run has done on each live account."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer

from scripts import output
from scripts import run_options as given

if TYPE_CHECKING:
    from engine.live.books import Book

Names = dict[tuple[str, str], str]  # (account, run) -> what people call it
HEADS = ("run", "executions", "trades", "realized", "commission", "dividends", "profit", "holds")


def accounts(
    account: Annotated[str | None, typer.Option(help="Only this account, by the broker's id of it.")] = None,
    as_json: given.AsJson = False,
) -> None:
    """Show what each run has traded, earned and holds on live accounts, as the journal has it."""
    from core.settings import load_settings
    from engine.live.books import books_of, names_of
    from journal import opened

    with opened(load_settings().journal) as journal:
        books, names = books_of(journal, account), names_of(journal, account)
    if as_json:
        output.as_json([_values(book, names) for book in books])
    elif not books:
        output.line("nothing was executed on a live account yet: start with cerebrolab paper")
    for number in dict.fromkeys(book.account for book in books if not as_json):
        mine = [book for book in books if book.account == number]
        last = dt.datetime.fromtimestamp(max(book.last_ns for book in mine) / 1e9, dt.UTC)
        output.table(f"account {number}, up to {last:%Y-%m-%d %H:%M} UTC", HEADS, [*(_row(book, names) for book in mine), _sum(mine)])


def _row(book: "Book", names: Names) -> tuple[str, ...]:
    held = ", ".join(f"{qty.normalize():f} {symbol} at {average:,.2f}" for symbol, (qty, average) in book.held.items())
    return (names.get((book.account, book.run), book.run) or "(others)", f"{book.executions}", f"{book.trades}", f"{book.realized:,.2f}", f"{book.commission:,.2f}",
            f"{book.dividends:,.2f}", f"{book.profit:,.2f}", held or "nothing")


def _sum(books: "list[Book]") -> tuple[str, ...]:
    totals = (sum(getattr(book, name) for book in books) for name in ("realized", "commission", "dividends", "profit"))
    return ("together", f"{sum(book.executions for book in books)}", f"{sum(book.trades for book in books)}",
            *(f"{total:,.2f}" for total in totals), "")


def _values(book: "Book", names: Names) -> dict[str, object]:
    numbers = {name: float(getattr(book, name)) for name in ("realized", "commission", "dividends", "profit", "flow")}
    return {"account": book.account, "run": book.run, "name": names.get((book.account, book.run), book.run), "first": book.first_ns, "last": book.last_ns, "executions": book.executions,
            "trades": book.trades, **numbers,
            "held": {symbol: {"qty": float(qty), "average": float(average)} for symbol, (qty, average) in book.held.items()}}
