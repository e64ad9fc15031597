"""The page of a walk-forward, and its part in the page of a sweep. The layouts are in `walk_forward*.html.j2`."""

import math
from collections.abc import Sequence
from typing import Any

from optimize.walk_forward import WalkForward
from reports.formats import count, gain_or_loss, number, percent, signed_percent
from reports.page import filled, span_of
from reports.picture import Picture
from reports.sweep_tables import window_table
from reports.sweep_words import name_of, space_text
from reports.toml import to_toml


def render_walk_forward(walk: WalkForward, pictures: Sequence[Picture]) -> str:
    """The whole page of a walk-forward."""
    return filled(
        "walk_forward.html.j2",
        kind="Walk-forward",
        title=name_of(walk.spec.strategy),
        span=span_of(walk.bars),
        synthetic=walk.bars.origin.synthetic,
        notes=list(walk.warnings),
        tiles=walk_tiles(walk),
        figures={each.name: each for each in pictures},
        walk=walk_content(walk),
        toml=to_toml(walk.spec.masked()),
        asked=[
            ("Space", space_text(walk.space)),
            ("Method", walk.method),
            ("Objective", ", ".join(map(str, walk.objectives))),
            ("Training", "from the first session on" if walk.anchored else "rolling"),
            ("Engine", walk.engine),
            ("Time", f"{walk.seconds:.2f} s"),
        ],
    )


def walk_content(walk: WalkForward | None) -> dict[str, Any] | None:
    """What the part of a page about a walk-forward shows."""
    if walk is None:
        return None
    return {
        "tiles": walk_tiles(walk),
        "windows": window_table(walk),
        "note": f"{len(walk.windows)} windows, parameters chosen anew before each. {_kept(walk.efficiency)}"
        "Every window begins with the starting cash; the returns are chained.",
    }


def _kept(efficiency: float) -> str:
    if math.isnan(efficiency):
        return ""
    if efficiency < 0:
        return "The annual return in training turned into a loss. "
    return f"{percent(efficiency, 0)} of the annual return in training was kept. "


def walk_tiles(walk: WalkForward) -> list[tuple[str, str, str, str]]:
    """Label, value, remark and kind of the headline numbers."""
    found = walk.metrics
    return [
        ("Final value", f"{walk.equity[-1]:,.0f}", f"from {walk.spec.cash:,.0f}", ""),
        (
            "A year (CAGR)",
            signed_percent(found["cagr"]),
            f"volatility {percent(found['volatility'])}",
            gain_or_loss(found["cagr"]),
        ),
        ("Sharpe", number(found["sharpe"]), "out of sample", ""),
        ("Max drawdown", percent(-found["max_drawdown"]), "out of sample", ""),
        ("Efficiency", percent(walk.efficiency, 0), "annual return kept", ""),
        ("Windows", count(len(walk.windows)), "from the first session on" if walk.anchored else "rolling", ""),
    ]
