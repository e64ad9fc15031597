"""`cerebrolab report`: draw the report of an earlier run again."""

from pathlib import Path
from typing import Annotated

import typer

from scripts import output


def report(directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run.")]) -> None:
    """Draw the report of an earlier run again."""
    import reports

    output.line(f"report: {reports.redraw(directory).resolve()}")
