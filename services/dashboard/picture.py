"""Equity and drawdown as a picture: there at once, while the code of the interactive chart is still on its way. Imports what is beside it."""

import math
from base64 import b64encode
from collections.abc import Callable, Sequence
from html import escape

from services.dashboard import words

UPPER, LOWER = (2.0, 66.0), (74.0, 97.0)  # top and bottom of the parts, percent of the height
STEPS = (1, 2, 2.5, 5, 10)


def curve(sessions: Sequence[str], equity: Sequence[float], drawdown: Sequence[float], line: str, fall: str) -> str:
    """The HTML of the picture; `line` and `fall` are the colours of equity and drawdown."""
    high, low, deepest = max(equity), min(equity), min((*drawdown, -0.01))
    spare = (high - low or 1.0) * 0.04
    above, below = _scale(UPPER, low - spare, high + spare), _scale(LOWER, deepest, 0.0)
    across = 100 / max(len(sessions) - 1, 1)
    fallen = f"M0 {below(0)}L{_path(drawdown, across, below)}L100 {below(0)}Z"
    drawn = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" preserveAspectRatio="none"><path d="{fallen}" fill="{fall}" fill-opacity=".22"/>'
             + "".join(f'<path d="M{_path(values, across, scale)}" fill="none" stroke="{colour}" stroke-width="{width}" vector-effect="non-scaling-stroke"/>'
                       for values, scale, colour, width in ((drawdown, below, fall, 1), (equity, above, line, 1.8))) + "</svg>")
    ticks = [(above(each), words.short(each)) for each in _ticks(low, high, 5)] + [(below(each), words.percent(each)) for each in _ticks(deepest, 0.0, 3)]
    rows = "".join(f'<i style="top:{top:.1f}%"></i><b style="top:{top:.1f}%">{escape(text)}</b>' for top, text in ticks)
    columns = "".join(f'<u style="left:{at * across:.1f}%">{escape(text)}</u>' for at, text in _dates(sessions))
    said = f"Equity from {words.money(equity[0])} to {words.money(equity[-1])}, largest drawdown {words.percent(min(drawdown))}"
    return (f'<div class="curve"><div>{rows}{columns}<img src="data:image/svg+xml;base64,{b64encode(drawn.encode()).decode()}" '
            f'alt="{escape(said)}"></div></div>')


def _scale(part: tuple[float, float], low: float, high: float) -> Callable[[float], float]:
    top, bottom = part
    return lambda value: round(bottom - (bottom - top) * (value - low) / (high - low or 1.0), 2)


def _path(values: Sequence[float], across: float, scale: Callable[[float], float]) -> str:
    return "L".join(f"{at * across:.2f} {scale(value)}" for at, value in enumerate(values))


def _ticks(low: float, high: float, count: int) -> list[float]:
    """Round numbers from low to high, about so many."""
    rough = (high - low) / count or 1.0
    unit = 10.0 ** math.floor(math.log10(rough))
    step = unit * next(each for each in STEPS if each * unit >= rough * 0.999)
    return [at * step for at in range(math.ceil(low / step), math.floor(high / step + 1e-9) + 1)]


def _dates(sessions: Sequence[str]) -> list[tuple[int, str]]:
    """Where a year or, within two of them, a month begins, and its name; a few, evenly."""
    length = 4 if len({each[:4] for each in sessions}) > 2 else 7
    begins = [(at, each[:length]) for at, each in enumerate(sessions) if at and each[:length] != sessions[at - 1][:length]]
    return begins[:: max(1, math.ceil(len(begins) / 6))]
