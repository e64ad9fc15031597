"""Figures in plotly, in colours that are legible on light and on dark pages. Imports plotly and pandas when one is drawn."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

STRATEGY, BENCHMARK, GAIN, LOSS = "#4c82f7", "#8d97a8", "#1fa971", "#e25555"
COLOURS = (STRATEGY, "#e08a2b", GAIN, "#a568e8", LOSS, "#1aa5b8", "#c95a9b", BENCHMARK)
CONFIG = {"displaylogo": False, "displayModeBar": False, "responsive": True}
PERCENT = ".1%"


def equity(sessions: Sequence[str], values: Sequence[float], drawdown: Sequence[float], benchmark: Sequence[float | None] | None = None) -> "Figure":
    """Equity, and a benchmark where there is one, with the drawdown beneath; one point a session."""
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=2, shared_xaxes=True, row_heights=[0.72, 0.28], vertical_spacing=0.06)
    beside = benchmark is not None and any(each is not None for each in benchmark)
    if beside:
        figure.add_scatter(x=sessions, y=benchmark, name="benchmark", row=1, col=1, line=dict(color=BENCHMARK, width=1.4), hovertemplate="%{y:,.0f}")
    figure.add_scatter(x=sessions, y=values, name="equity", row=1, col=1, line=dict(color=STRATEGY, width=1.8), hovertemplate="%{y:,.0f}")
    figure.add_scatter(x=sessions, y=drawdown, name="drawdown", row=2, col=1, line=dict(color=LOSS, width=1), fill="tozeroy",
                       fillcolor="rgba(226,85,85,.22)", hovertemplate="%{y:.1%}")
    figure.update_yaxes(tickformat="~s", row=1, col=1)
    figure.update_yaxes(tickformat=".0%", row=2, col=1, nticks=4)
    figure.update_traces(showlegend=False, row=2, col=1)
    return _finished(figure, 380, hovermode="x unified", hoversubplots="axis", showlegend=beside)


def compared(curves: Mapping[str, tuple[Sequence[str], Sequence[float]]]) -> "Figure":
    """Equity curves of several runs, each beginning at 100."""
    from plotly.graph_objects import Figure

    figure = Figure()
    for at, (name, (sessions, values)) in enumerate(curves.items()):
        first = next((each for each in values if each), 1.0)
        figure.add_scatter(x=sessions, y=[100 * each / first for each in values], name=_plain(name), hovertemplate="%{y:.1f}",
                           line=dict(color=COLOURS[at % len(COLOURS)], width=1.6))
    return _finished(figure, 360, hovermode="x unified", showlegend=True)


def heat_map(name: str, x: tuple[str, Sequence[Any]], y: tuple[str, Sequence[Any]], values: Sequence[Sequence[float | None]], form: str,
             lower: bool = False) -> "Figure":
    """A measure over two parameters, less of it better where `lower`; values are rows of y by columns of x."""
    from plotly.graph_objects import Figure

    figure = Figure()
    figure.add_heatmap(x=[str(each) for each in x[1]], y=[str(each) for each in y[1]], z=values, colorscale="Viridis", reversescale=lower, xgap=1, ygap=1,
                       colorbar=dict(tickformat=form, thickness=12, outlinewidth=0),
                       hovertemplate=f"{_plain(x[0])} %{{x}}<br>{_plain(y[0])} %{{y}}<br>{_plain(name)} %{{z:{form}}}<extra></extra>")
    figure.update_xaxes(title=_plain(x[0]), type="category")
    figure.update_yaxes(title=_plain(y[0]), type="category")
    return _finished(figure, 420)


def line(name: str, x: tuple[str, Sequence[Any]], values: Sequence[float | None], form: str) -> "Figure":
    """A measure over one parameter."""
    from plotly.graph_objects import Figure

    figure = Figure()
    figure.add_scatter(x=list(x[1]), y=values, mode="lines+markers", line=dict(color=STRATEGY), hovertemplate=f"%{{x}}: %{{y:{form}}}<extra></extra>")
    figure.update_xaxes(title=_plain(x[0]))
    figure.update_yaxes(title=_plain(name), tickformat=form)
    return _finished(figure, 320)


def walk_forward(windows: Sequence[str], trained: Sequence[float | None], played: Sequence[float | None], name: str, form: str) -> "Figure":
    """A measure in each training window beside that of the test window that follows."""
    from plotly.graph_objects import Figure

    figure = Figure()
    figure.add_bar(x=windows, y=trained, name="in training", marker_color=BENCHMARK, hovertemplate=f"%{{y:{form}}}")
    figure.add_bar(x=windows, y=played, name="out of sample", marker_color=STRATEGY, hovertemplate=f"%{{y:{form}}}")
    figure.update_yaxes(title=_plain(name), tickformat=form)
    figure.update_xaxes(type="category")
    return _finished(figure, 320, barmode="group", hovermode="x unified", showlegend=True)


def coverage(series: Sequence[tuple[str, str, str, Sequence[tuple[str, str]]]]) -> "Figure":
    """Bars in time: (name, first, last, holes as (start, end)) of each series; holes in red."""
    import pandas as pd
    from plotly.graph_objects import Figure

    def days(start: str, end: str) -> float:
        return (pd.Timestamp(end) - pd.Timestamp(start) + pd.Timedelta(days=1)).total_seconds() * 1000

    figure = Figure()
    figure.add_bar(y=[_plain(each[0]) for each in series], x=[days(first, last) for _, first, last, _ in series], base=[each[1] for each in series],
                   orientation="h", marker_color=STRATEGY, name="stored", customdata=[each[1:3] for each in series], hovertemplate="%{y}: %{customdata[0]} to %{customdata[1]}<extra></extra>")
    holes = [(_plain(name), start, end) for name, _, _, found in series for start, end in found]
    figure.add_bar(y=[each[0] for each in holes], x=[days(*each[1:]) for each in holes], base=[each[1] for each in holes], orientation="h",
                   marker_color=LOSS, name="missing", customdata=[each[1:] for each in holes],
                   hovertemplate="%{y}: missing %{customdata[0]} to %{customdata[1]}<extra></extra>")
    figure.update_xaxes(type="date")
    figure.update_yaxes(autorange="reversed", type="category")
    return _finished(figure, 110 + 26 * len(series), barmode="overlay", bargap=0.35, showlegend=bool(holes))


def _plain(text: str) -> str:
    """A name for a label: plotly reads some HTML and what is between dollar signs."""
    return text.replace("<", "‹").replace(">", "›").replace("$", "＄").replace("%{", "% {").replace("_", " ")


def _finished(figure: "Figure", height: int, **layout: Any) -> "Figure":
    layout = {"showlegend": False, "legend": dict(orientation="h", yanchor="bottom", y=1.02, x=0)} | layout
    figure.update_layout(height=height, margin=dict(l=8, r=8, t=28 if layout["showlegend"] else 10, b=8), dragmode=False, uirevision="kept",
                         paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", **layout)
    figure.update_xaxes(automargin=True, gridcolor="rgba(128,138,155,.18)", zeroline=False)
    figure.update_yaxes(automargin=True, gridcolor="rgba(128,138,155,.18)", zeroline=False)
    return figure
