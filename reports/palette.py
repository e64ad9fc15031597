"""The colours of a report: one name, a light and a dark value. Figures and page share them."""

LIGHT = {
    "page": "#f5f6f8", "card": "#ffffff", "ink": "#1b1f27", "muted": "#687182", "rule": "#e3e6eb",
    "strategy": "#2456e6", "benchmark": "#98a2b3", "gain": "#0b8a58", "loss": "#d13c3c", "warn": "#9a5b00",
    "warn-back": "#fff4dc",
}
DARK = {
    "page": "#0e1116", "card": "#161a21", "ink": "#e7eaf0", "muted": "#98a1b2", "rule": "#2a303b",
    "strategy": "#74a3ff", "benchmark": "#7b8698", "gain": "#3fd096", "loss": "#ff7d75", "warn": "#ffc966",
    "warn-back": "#33270f",
}


def css(colours: dict[str, str]) -> str:
    """Custom properties for a style sheet."""
    return " ".join(f"--{name}: {value};" for name, value in colours.items())


def themed(svg: str) -> str:
    """The SVG with every colour of the light palette replaced by its custom property."""
    for name, value in LIGHT.items():
        svg = svg.replace(value, f"var(--{name})")
    return svg
