"""Writing a report from a run, and drawing it again from its directory."""

from pathlib import Path

from core.result import RunResult
from reports.archive import check_target, load, save


def write(result: RunResult, directory: str | Path) -> Path:
    """Write the report of a run: page, figures, numbers, and what is needed to load or repeat it.

    An older report in `directory` is replaced when the new one is complete.

    Returns:
        The path of report.html.

    Raises:
        BadSpec: `directory` is a file, or a directory that holds something else than a report.
        StoreFailed: it could not be written; an older report is untouched.
    """
    from reports.figures import draw_all
    from reports.page import render

    check_target(Path(directory))
    pictures = draw_all(result)
    return save(result, Path(directory), render(result, pictures), {each.name: each.png for each in pictures})


def redraw(directory: str | Path) -> Path:
    """Draw a report again from what its directory holds.

    Raises:
        BadSpec: there is no report. CorruptFile: it is damaged. StoreFailed: it could not be written.
    """
    return write(load(directory), directory)
