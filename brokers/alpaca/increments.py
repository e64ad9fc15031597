"""Increments: the smallest steps of prices and shares. Standard library only."""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

CENT, SUB_CENT = Decimal("0.01"), Decimal("0.0001")
SHARE, NANO_SHARE = Decimal(1), Decimal("1E-9")
ROUNDINGS = {"nearest": ROUND_HALF_EVEN, "down": ROUND_FLOOR, "up": ROUND_CEILING}


def round_price(price: Decimal, towards: str = "nearest") -> Decimal:
    """A price on its increment: a cent from 1 USD on, a hundredth of a cent below (SEC rule 612).

    Args:
        towards: "nearest", "down" (a buy that must not pay more) or "up" (a sale that must not bring less).
    """
    return price.quantize(CENT if price >= 1 else SUB_CENT, ROUNDINGS[towards])


def round_qty(qty: Decimal, fractionable: bool) -> Decimal:
    """Shares rounded towards zero: to nine decimals where fractions are traded, else to whole ones."""
    step = NANO_SHARE if fractionable else SHARE
    return int(qty / step) * step
