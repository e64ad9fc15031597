"""A small picture of the latest closes, as it stands in a mail. Imports matplotlib when asked."""

import io
from collections.abc import Sequence
from functools import lru_cache

SIZE = (5.2, 1.3)  # inches, at `DPI`
DPI = 100
COLOURED = 16  # colours of the picture: a quarter of the bytes
COLOURS = {"BUY": "#0b8a58", "SELL": "#d13c3c"}


@lru_cache(maxsize=256)
def chart(closes: Sequence[float], signal: str) -> bytes:
    """A PNG of closes, oldest first, with the last one marked in the colour of the signal."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=SIZE, dpi=DPI, facecolor="#ffffff")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.01, 0.04, 0.98, 0.92))
    axes.plot(closes, color="#2456e6", linewidth=1.4, solid_capstyle="round")
    axes.plot([len(closes) - 1], closes[-1:], "o", markersize=6, color=COLOURS.get(signal, "#687182"))
    axes.set_xlim(-1, len(closes) + 1)
    axes.margins(y=0.12)
    axes.axis("off")
    canvas.draw()
    picture = io.BytesIO()
    Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").quantize(COLOURED).save(picture, "png", optimize=True)
    return picture.getvalue()
