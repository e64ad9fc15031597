"""`cerebrolab data averages`: moving averages of stored closes, kept beside the bars."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from scripts import output

if TYPE_CHECKING:
    from feeds import BarStore

Series = tuple[str, str, str]  # source, symbol, interval


def averages(
    symbols: Annotated[list[str] | None, typer.Option(help="Only of these symbols: A,B or repeated.")] = None,
    source: Annotated[str | None, typer.Option(help="Only of this source, such as yahoo.")] = None,
    interval: Annotated[str | None, typer.Option(help="Only of bars of this length, such as 1d.")] = None,
) -> None:
    """Bring the moving averages (7, 21, 50, 100 and 200 bars) of stored closes up to date; only what has changed is written."""
    from core.errors import NoBars
    from core.settings import load_settings
    from feeds import stores
    from feeds.copying import chosen
    from scripts.spec_options import split_names

    place = load_settings().store
    store = stores.opened(place)
    held = store.list()
    if not held:
        raise NoBars(f"no bars in {stores.shown(place)}: fetch some with cerebrolab data fetch --symbols SPY --period 5y")
    wanted = chosen(held, source, interval, split_names(symbols or ()), "(of the stored bars)")
    bring_up(store, ((each.source, each.symbol, each.interval) for each in wanted if each.bars))


def bring_up(store: "BarStore", series: Iterable[Series]) -> None:
    """Bring the averages of stored series up to date, and say what was written."""
    from feeds.averages import update

    rows = [(source, symbol, interval, update(store, symbol, interval, source)) for source, symbol, interval in series]
    new = [row for row in rows if row[-1]]
    if new:
        output.table("averages", ("source", "symbol", "interval", "rows written"), new, left=3)
    others = "; those of the others were up to date" if len(new) < len(rows) else ""
    output.line(f"averages of {len(new)} of {len(rows)} series written, {sum(row[-1] for row in new)} rows{others}")
