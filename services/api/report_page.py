"""`page_at`: the page of a report as it is served: only from the folder of runs, and unable to ask for anything. Imports core and FastAPI."""

from pathlib import Path

from fastapi.responses import HTMLResponse

from core.errors import UnknownName
from core.settings import Settings

HEADERS = {"Content-Security-Policy": "sandbox allow-scripts; default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
           "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}


def page_at(place: str | Path | None, settings: Settings, anywhere: bool, whose: str) -> HTMLResponse:
    """The page in a file. Raises as `readable`."""
    if not place:
        raise UnknownName(f"{whose} has no report")
    file = readable(place, settings, anywhere, whose)
    if file.suffix != ".html" or not file.is_file():
        raise UnknownName(f"the report of {whose} is gone: run it again")
    return HTMLResponse(file.read_text(encoding="utf-8"), headers=HEADERS)


def readable(place: str | Path, settings: Settings, anywhere: bool, whose: str) -> Path:
    """A file or folder of a report, as it may be read.

    Args:
        anywhere: also outside the folder of runs.

    Raises:
        UnknownName: there is none, or none that may be shown.
    """
    try:
        found = Path(place).resolve()
        found.exists()
    except (OSError, RuntimeError, ValueError):  # a name too long, a loop of links
        raise UnknownName(f"the report of {whose} is gone: run it again") from None
    if not anywhere and not found.is_relative_to(settings.runs_dir.resolve()):
        raise UnknownName(f"the report of {whose} is not in the folder of runs: look for it on the machine of the API")
    return found
