"""`cerebrolab export` and `cerebrolab import`: the whole journal as one file, and back into an empty database."""

from pathlib import Path
from typing import Annotated

import typer

from scripts import output
from scripts import run_options as given


def export(
    out: Annotated[Path, typer.Option(metavar="FILE.tar.gz", help="The archive to write.")],
    as_json: given.AsJson = False,
) -> None:
    """Write the journal, every table as Parquet with a manifest, into one file."""
    from core.settings import load_settings
    from journal.archive import export as export_journal

    _tell(export_journal(load_settings().journal, out), f"exported to {out}", as_json)


def bring_in(
    archive: Annotated[Path, typer.Argument(metavar="FILE.tar.gz", help="What cerebrolab export has written.")],
    as_json: given.AsJson = False,
) -> None:
    """Fill an empty journal, of whichever kind of database, from an archive."""
    from core.settings import load_settings
    from journal.archive import bring_in as bring_in_journal

    _tell(bring_in_journal(archive, load_settings().journal), f"imported from {archive}", as_json)


def _tell(rows: dict[str, int], done: str, as_json: bool) -> None:
    if as_json:
        output.as_json(rows)
    else:
        output.line(f"{sum(rows.values()):,} records {done}: " + ", ".join(f"{count:,} {name}" for name, count in rows.items() if count))
