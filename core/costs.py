"""What trading costs: commission and slippage, written as short strings and computed by pure functions."""

from typing import NamedTuple

from core.errors import BadSpec


class Commission(NamedTuple):
    """Commission of one fill: `max(value * rate + shares * per_share, minimum)`, in account currency."""

    rate: float = 0.0
    per_share: float = 0.0
    minimum: float = 0.0

    def of(self, shares: float, price: float) -> float:
        """Commission of a fill of `shares` (either sign) at `price`."""
        if not shares:
            return 0.0
        return max(abs(shares) * self.rate * price + abs(shares) * self.per_share, self.minimum)


class Slippage(NamedTuple):
    """How much worse than the quoted price a market or stop order fills: `rate` of it plus `fixed`."""

    rate: float = 0.0
    fixed: float = 0.0


def parse_commission(text: str | float) -> Commission:
    """Read "0.001" or "0.1%" or "10bp" (of the value), "0.005/share", "0.005/share min 1", "none".

    Raises:
        BadSpec: the text is none of these, or negative.
    """
    words = str(text).strip().lower()
    if words in ("none", "0", ""):
        return Commission()
    whole, _, least = words.partition("min")
    minimum = _amount(least, text, "commission") if least else 0.0
    whole = whole.strip().rstrip(",").strip()
    if whole.endswith("/share"):
        return Commission(per_share=_amount(whole.removesuffix("/share"), text, "commission"), minimum=minimum)
    return Commission(rate=_fraction(whole, text, "commission"), minimum=minimum)


def parse_slippage(text: str | float) -> Slippage:
    """Read "0.0005" or "0.05%" or "5bp" (of the price), "0.01/share", "none".

    Raises:
        BadSpec: the text is none of these, or negative.
    """
    words = str(text).strip().lower()
    if words in ("none", "0", ""):
        return Slippage()
    if words.endswith("/share"):
        return Slippage(fixed=_amount(words.removesuffix("/share"), text, "slippage"))
    return Slippage(rate=_fraction(words, text, "slippage"))


def slippage_text(rate: float) -> str:
    """A part of the price as `parse_slippage` reads it, in basis points to the hundredth; "none" for less than that, or below 0."""
    points = round(rate * 10_000, 2)
    return f"{points:g}bp" if points > 0 else "none"


def _fraction(words: str, text: str | float, what: str) -> float:
    for unit, scale in (("%", 100), ("bp", 10_000)):
        if words.endswith(unit):
            words, divisor = words.removesuffix(unit), scale
            break
    else:
        divisor = 1
    share = _amount(words, text, what) / divisor
    if share >= 1:
        raise BadSpec(f"{what} {str(text)!r} is the whole price or more: 0.1% is written 0.001, 0.1% or 10bp")
    return share


def _amount(words: str, text: str | float, what: str) -> float:
    try:
        number = float(words)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise BadSpec(f"{what} {str(text)!r} is not understood: write 0.001, 0.1%, 10bp, 0.005/share or none")
    return number
