"""`cerebrolab questdb`: copy the journal and the stored bars to QuestDB, and see how far the copy is."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from scripts import output
from scripts import run_options as given

if TYPE_CHECKING:
    from core.settings import Settings
    from journal.database import Database
    from journal.quest import Quest

questdb = typer.Typer(help="QuestDB beside the journal: copy executions, equity and bars to it.")


class Ends(NamedTuple):
    """From where to where is copied."""

    settings: "Settings"
    journal: "Database"
    quest: "Quest"


@questdb.command()
def copy(
    bars: Annotated[bool, typer.Option("--bars", help="Copy every series of the bar store too.")] = False,
    every: Annotated[float | None, typer.Option(
        metavar="SECONDS", min=0.1, help="Go on until SIGINT or SIGTERM, and copy what is new every so often; outages are waited for.")] = None,
) -> None:
    """Copy what QuestDB has not yet; what was copied before is not doubled."""
    with _ends() as ends:
        once = _copying(ends, bars, quiet=every is not None)
        once() if every is None else _go_on(once, every)


@questdb.command()
def status(as_json: given.AsJson = False) -> None:
    """Show how many records QuestDB and the journal have, and by how many QuestDB is behind; exit code 1 where it has lost some."""
    from journal.quest import standings

    with _ends() as ends:
        found, bars = standings(ends.journal, ends.quest), ends.quest.count_bars()
    if as_json:
        output.as_json({**{f"{each.kind}s": {"questdb": each.there, "journal": each.journal, "behind": each.behind} for each in found},
                        "bars": {"questdb": bars}})
    else:
        rows = [(f"{each.kind}s", *(f"{count:,}" for count in each[1:])) for each in found]
        output.table(ends.quest.shown, ("", "QuestDB", "journal", "behind"), [*rows, ("bars", f"{bars:,}", "-", "-")])
    lost = [each for each in found if each.lost]
    for each in lost:
        output.warn(f"QuestDB has lost {each.lost:,} {each.kind}s that were copied: drop its tables cerebrolab_executions and "
                    "cerebrolab_equity, and copy again")
    if lost:
        raise typer.Exit(1)


@contextlib.contextmanager
def _ends() -> Iterator[Ends]:
    """The journal and the QuestDB of the settings.

    Raises:
        UsageError: no QuestDB is set, or an address is none.
    """
    from core.errors import UsageError
    from core.settings import load_settings
    from journal.database import Database
    from journal.quest import Quest

    settings = load_settings()
    if settings.questdb is None:
        raise UsageError("there is no QuestDB to copy to: set CEREBROLAB_QUESTDB to questdb://USER:PASSWORD@HOST:9000")
    with Quest(settings.questdb) as quest, contextlib.closing(Database(settings.journal)) as journal:
        yield Ends(settings, journal, quest)


def _copying(ends: Ends, with_bars: bool, quiet: bool) -> Callable[[], None]:
    """What copies once and tells of it; `quiet`: only where there was something."""
    from feeds import stores
    from journal.quest import follow
    from services.questdb import BarCopies

    copies = BarCopies(stores.opened(ends.settings.store), ends.quest)

    def once() -> None:
        counts = {f"{name}s": count for name, count in follow(ends.journal, ends.quest).items()}
        counts["bars"], left_out = copies.copy() if with_bars else (0, 0)
        total = sum(counts.values())
        told = ": " + ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) if total else ""
        if total or not quiet:
            output.line(f"{total:,} records copied to {ends.quest.shown}{told}")
        if left_out:
            output.warn(f"{left_out:,} bars from before 1970 were left out: QuestDB's times begin there")

    return once


def _go_on(once: Callable[[], None], every_s: float) -> None:
    from journal.quest import QuestAway
    from scripts.ending import heard
    from services.questdb import keep_up

    ending = threading.Event()
    with heard(ending.set):
        keep_up(once, every_s, ending, output.line, output.warn, QuestAway)
