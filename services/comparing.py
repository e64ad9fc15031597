"""Which strategies are compared for a symbol, and how; see `optimize.recommend`. May import what lies below services, and services.notify."""

from core.errors import UsageError
from core.spec import RunSpec
from services.notify.advice import followable

HELD = "BuyAndHold"  # what the others are measured against


def compared() -> tuple[str, ...]:
    """All that decide on daily bars."""
    return tuple(name for name in followable() if name != HELD)


def compared_on(symbol: str, source: str, period: str, commission: str, seed: int) -> RunSpec:
    """The run that every strategy is compared by: the one symbol, in fractions of shares.

    Raises:
        UsageError: it is not one symbol. UnknownName, BadSpec: as `RunSpec`.
    """
    spec = RunSpec(symbols=(symbol,), source=source, period=period, commission=commission, seed=seed, fractional=True)
    if "," in symbol:
        raise UsageError(f"symbol {symbol!r:.60} is more than one symbol: a recommendation is for one")
    return spec
