"""Numbers, dates and texts as the pages write them: a dash where there is none, a true minus sign. Imports the standard library."""

import datetime as dt
import math
from typing import Any

NOTHING = "–"
PERCENT = {"total_return", "cagr", "volatility", "max_drawdown", "win_rate", "exposure", "benchmark_return", "alpha", "return", "turnover", "overfitting", "deflated",
           "deflated_sharpe", "probabilistic_sharpe", "pbo"}
SHORT = {"cagr", "pbo"}
COUNTS = {"trades", "fills", "rejected", "trials", "max_drawdown_days", "max_drawdown_bars"}


def _float(value: Any) -> float | None:
    """A number, also of the exact texts of the journal; None where it is none."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _written(value: Any, form: str, unit: str = "", sign: bool = False) -> str:
    number = _float(value)
    if number is None:
        return NOTHING
    text = f"{abs(number):{form}}"
    nothing = not any(each in "123456789" for each in text)
    return ("" if nothing else "−" if number < 0 else "+" if sign else "") + text + unit


def money(value: Any, sign: bool = False) -> str:
    """Account currency: cents up to a million, none above."""
    number = _float(value)
    return _written(number, f",.{2 if number is None or abs(number) < 1e6 else 0}f", sign=sign)


def price(value: Any) -> str:
    """A price per share, with four decimals below 10."""
    number = _float(value)
    return _written(number, f",.{4 if number is not None and abs(number) < 10 else 2}f")


def short(value: Any) -> str:
    """An amount in thousands or millions: "120k", "1.25M"."""
    number = _float(value)
    size = 0.0 if number is None else abs(number)
    divisor, unit = (1e6, "M") if size >= 1e6 else (1e3, "k") if size >= 1e3 else (1.0, "")
    return _written(None if number is None else number / divisor, ",.4g", unit)


def percent(value: Any, sign: bool = False) -> str:
    """0.1234 as "12.3%"; no decimals from 1,000% on."""
    number = _float(value)
    return _written(None if number is None else number * 100, f",.{0 if number is not None and abs(number) >= 10 else 1}f", "%", sign)


def ratio(value: Any) -> str:
    """A plain number with two decimals."""
    return _written(value, ",.2f")


def shares(value: Any) -> str:
    """A whole number, or a fraction of shares with up to six digits."""
    number = _float(value)
    return _written(number, ",.0f" if number is not None and number == round(number) else ",.6g")


def measure(name: str, value: Any) -> str:
    """A measure of a run, as its name asks for."""
    if name in PERCENT:
        return percent(value)
    if name in COUNTS:
        return shares(value)
    return money(value) if name in ("final_value", "costs", "cash") else ratio(value)


def label(name: str) -> str:
    """A name of the API for people: "max_drawdown" is "max drawdown"."""
    return name.upper() if name in SHORT else name.replace("_", " ")


def headed(name: str) -> str:
    """The same with a capital letter."""
    text = label(name)
    return text[:1].upper() + text[1:]


def plain(value: Any) -> str:
    """A value of a parameter as it is written on the command line."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def moment(value: Any) -> str:
    """UTC nanoseconds, or an ISO time, to the second: "2026-11-20 20:31:07"."""
    if not value:
        return NOTHING
    if isinstance(value, int):
        return f"{dt.datetime.fromtimestamp(value / 1e9, dt.UTC):%Y-%m-%d %H:%M:%S}"
    try:
        return f"{dt.datetime.fromisoformat(str(value)).astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return str(value)


def params(values: Any) -> str:
    """Parameters in one line: "fast=20, slow=100"."""
    return ", ".join(f"{name}={plain(value)}" for name, value in values.items()) or "as shipped"


def many(names: Any, most: int = 4) -> str:
    """Names in one line, the first few by name: "AAPL, IBM and 12 more"."""
    names = list(names)
    rest = len(names) - most
    return ", ".join(map(str, names)) if rest <= 1 else f"{', '.join(map(str, names[:most]))} and {rest} more"
