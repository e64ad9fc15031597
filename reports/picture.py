"""A finished figure: drawn with matplotlib's object interface (no window, no pyplot) in the style of the house.

Colours are those of `reports.palette`, so that an SVG can follow the light or dark theme of the page.
"""

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import matplotlib
from matplotlib.figure import Figure

from reports.axes import Size
from reports.palette import LIGHT, themed

WIDE, HALF, PHONE = Size(10.0, 4.0, 9.0), Size(5.2, 2.6, 9.0), Size(4.4, 3.0, 9.0)
_RC: Any = {"font.family": "DejaVu Sans", "text.parse_math": False, "svg.fonttype": "none",
            "path.simplify_threshold": 0.5, "agg.path.chunksize": 20_000}


class Picture(NamedTuple):
    """One finished figure: its name for files, a sentence for those who cannot see it, PNG and inline SVG."""

    name: str
    caption: str
    png: bytes
    svg: str
    narrow_svg: str = ""


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the style of the reports; the reader's own style must not leak in."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)
        yield


def picture(name: str, caption: str, draw: Callable[[Size], Figure], size: Size,
            narrow: Size | None = None) -> Picture:
    """What `draw` makes at `size`, and once more for a phone where `narrow` is given."""
    figure = draw(size)
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=130, facecolor=LIGHT["card"], pil_kwargs={"compress_level": 3})
    return Picture(name, caption, png.getvalue(), _svg(figure, name),
                   _svg(draw(narrow), f"{name}-narrow") if narrow else "")


def _svg(figure: Figure, salt: str) -> str:
    text = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": salt}):
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", text.getvalue()[text.getvalue().index("<svg"):], flags=re.DOTALL)
    body = re.sub(r'(<g) id="[^"]*"', r"\1", body)
    body = re.sub(r'(<svg [^>]*?)width="[^"]*pt" height="[^"]*pt"|(<svg [^>]*?)height="[^"]*pt" width="[^"]*pt"',
                  r"\1\2", body, count=1)
    return themed(body)
