"""Numbers as a reader wants them: a dash where there is none, a true minus sign, units attached."""

import math
import re
from collections.abc import Callable
from typing import Any

NOTHING = "–"


def _or_nothing(write: Callable[..., str]) -> Callable[..., str]:
    def written(value: Any, *args: Any) -> str:
        if value is None or math.isnan(value):
            return NOTHING
        if math.isinf(value):
            return "∞" if value > 0 else "−∞"
        text = write(float(value), *args)
        return text.replace("-", "−") if re.search("[1-9]", text) else text.lstrip("-+")

    return written


@_or_nothing
def percent(value: float, digits: int = 1) -> str:
    """0.123 as "12.3%"; no decimals from 1,000% on."""
    return f"{value * 100:,.{digits if abs(value) < 10 else 0}f}%"


@_or_nothing
def signed_percent(value: float, digits: int = 1) -> str:
    """0.123 as "+12.3%"."""
    return f"{value * 100:+,.{digits if abs(value) < 10 else 0}f}%"


@_or_nothing
def money(value: float) -> str:
    """Account currency: cents up to a million, none above."""
    return f"{value:,.{2 if abs(value) < 1e6 else 0}f}"


@_or_nothing
def price(value: float) -> str:
    """A price per share, with four decimals below 10."""
    return f"{value:,.{4 if abs(value) < 10 else 2}f}"


@_or_nothing
def number(value: float, digits: int = 2) -> str:
    """A plain number with thousands separators."""
    return f"{value:,.{digits}f}"


@_or_nothing
def count(value: float) -> str:
    """A whole number, or a fraction of shares with up to six digits."""
    return f"{value:,.0f}" if value == round(value) else f"{value:,.6g}"


@_or_nothing
def short(value: float) -> str:
    """1250000 as "1.25M", for axes."""
    for unit, scale in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= scale:
            return f"{value / scale:.4g}{unit}"
    return f"{value:.4g}"


def gain_or_loss(value: float) -> str:
    """The kind of a figure with a sign: "gain", "loss" or ""."""
    return "gain" if value > 0 else "loss" if value < 0 else ""
