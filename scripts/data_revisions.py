"""`cerebrolab data revisions`: what sources have changed of stored bars, and which past signals that would have flipped."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scripts import output
from scripts import run_options as given

if TYPE_CHECKING:
    from checks.revisions import Asked, Change, Flip

SHOWN = 20  # rows of a table; --json has them all


def revisions(
    symbols: Annotated[list[str] | None, typer.Option(help="Only bars of these symbols: A,B or repeated.")] = None,
    source: Annotated[str | None, typer.Option(help="Only bars of this source, such as yahoo.")] = None,
    interval: Annotated[str | None, typer.Option(help="Only bars of this length, such as 1d.")] = None,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="Only changes that arrived on this day or later.")] = None,
    spec: Annotated[list[Path] | None, typer.Option(
        metavar="FILE", help="TOML file of a run whose signals are looked at; repeatable. The default: every live run in the journal.")] = None,
    as_json: given.AsJson = False,
) -> None:
    """List what sources have changed of stored bars, and the past signals that would have been others.

    "told": a live run has said so on that bar, by the journal. A signal is one bar's decision: HOLD, OUT, SHORT, or "-" for none.
    """
    from checks import revisions as checked
    from core.settings import load_settings
    from core.spec import RunSpec
    from core.spec_texts import utc_ns, utc_time
    from feeds import stores
    from journal import opened
    from scripts.spec_options import split_names

    settings = load_settings()
    store = stores.opened(settings.store)
    since_ns = utc_ns(utc_time("since", since), last=False) if since else 0
    specs = [RunSpec.from_toml(path) for path in spec or ()]
    found = checked.changes(store, source, interval, split_names(symbols or ()), since_ns)
    with opened(settings.journal) as journal, output.progress_bar() as progress:
        asked = [checked.Asked(each.name or each.strategy, "", each) for each in specs] or checked.live_runs(journal)
        flipped, warnings = checked.flips(asked, found, store, journal, progress)
    if as_json:
        output.as_json(checked.summary(found, flipped, warnings))
        return
    _show(found, flipped, asked)
    for warning in warnings:
        output.warn(warning)


def _show(found: "list[Change]", flipped: "list[Flip]", asked: "list[Asked]") -> None:
    if not found:
        output.line("no stored bar was changed by its source; cerebrolab data fetch --again asks for bars a second time")
        return
    from checks.revisions import time_text

    rows = [(each.source, each.symbol, each.interval, each.session, name, _number(each.before.get(name)), _number(each.after.get(name)), time_text(each.time_ns))
            for each in found for name in (each.after or each.before)]
    output.table("changes", ("source", "symbol", "interval", "session", "value", "was", "is", "since (UTC)"), rows[-SHOWN:], left=5)
    if len(rows) > SHOWN:
        output.line(f"and {len(rows) - SHOWN} earlier ones: see --json")
    output.line()
    if not asked:
        output.line("no live run is in the journal: name runs with --spec run.toml to see whether their signals would have been others")
    elif not flipped:
        output.line(f"no past signal of {', '.join(dict.fromkeys(each.name for each in asked))} would have been another")
    else:
        lines = [(each.run, each.symbol, each.session, each.said, each.says, "yes" if each.told else "no", time_text(each.time_ns)) for each in flipped]
        output.table("signals that would have been others", ("run", "symbol", "session", "was", "is", "told", "since (UTC)"), lines[-SHOWN:], left=5)
        if len(lines) > SHOWN:
            output.line(f"and {len(lines) - SHOWN} earlier ones: see --json")


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:,.6g}"
