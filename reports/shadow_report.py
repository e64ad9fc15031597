"""Writing the report of live days beside their simulations, from what `cerebrolab shadow --json` prints.

index.html       the page                      shadow.json       the numbers
figures/*.png    the figures
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reports.archive import FIGURES, check_target, replace, write_figures, write_json

PAGE, SHADOW = "index.html", "shadow.json"


def write_shadow(summary: Mapping[str, Any], directory: str | Path) -> Path:
    """Write the report; an older one in `directory` is replaced when the new one is complete.

    Returns:
        The path of index.html.

    Raises:
        BadSpec: `directory` is a file, or a directory that holds something else than such a report.
        StoreFailed: it could not be written; an older report is untouched.
    """
    from reports.shadow_figures import draw_shadow
    from reports.shadow_page import render_shadow

    directory = Path(directory)
    check_target(directory, SHADOW)
    pictures = draw_shadow(summary)
    page = render_shadow(summary, pictures)

    def fill(fresh: Path) -> None:
        (fresh / PAGE).write_text(page, encoding="utf-8")
        write_figures(fresh, {each.name: each.png for each in pictures})
        write_json(fresh / SHADOW, summary)

    replace(directory, fill, {PAGE, SHADOW, FIGURES}, SHADOW)
    return directory / PAGE
