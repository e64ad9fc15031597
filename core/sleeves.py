"""Sleeves: the parts an account is divided into, such as half ETFs and half stocks.

A sleeve is written "0.5: SPY,QQQ" (its share of the equity, and its symbols) or "0.5" (all symbols that no
other sleeve names). What symbols a sleeve holds, and how much of each, stays the strategy's and sizer's affair.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from core.errors import BadSpec

if TYPE_CHECKING:
    import numpy as np


class Sleeve(NamedTuple):
    """One part of an account: its share of the equity and its symbols; no symbols = the rest."""

    name: str
    share: float
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sleeves:
    """All parts of an account.

    Attributes:
        parts: the sleeves; none = the account is not divided.
        flexible: a sleeve without a symbol in the universe is dropped and the others share its part in
            proportion (a strategy's own habit); otherwise it is an error (a user's wish).
    """

    parts: tuple[Sleeve, ...] = ()
    flexible: bool = False

    @classmethod
    def read(cls, values: Mapping[str, Any], flexible: bool = False) -> "Sleeves":
        """From names and texts "SHARE: SYMBOLS" (or tables with `share` and `symbols`).

        Raises:
            BadSpec: a share that is no part of 1, shares above 1 in sum, a symbol in two sleeves, two rests.
        """
        parts = tuple(_sleeve(str(name), value) for name, value in values.items())
        total = sum(part.share for part in parts)
        if total > 1 + 1e-9:
            raise BadSpec(f"the shares of the sleeves sum to {total:g}: they are parts of the equity, at most 1 together")
        rests = [part.name for part in parts if not part.symbols]
        if len(rests) > 1:
            raise BadSpec(f"sleeves {', '.join(rests)} name no symbols: only one of them can take the rest")
        named = [symbol for part in parts for symbol in part.symbols]
        for symbol in named:
            if named.count(symbol) > 1:
                raise BadSpec(f"symbol {symbol} is named twice in the sleeves: name it in one of them")
        return cls(parts, flexible)

    def __bool__(self) -> bool:
        return bool(self.parts)

    def assign(self, symbols: tuple[str, ...]) -> "tuple[tuple[str, ...], np.ndarray, np.ndarray]":
        """Which symbol belongs where.

        Returns:
            names (K), codes (N,) int64 (-1 = in no sleeve), shares (K,) of the equity.

        Raises:
            BadSpec: a sleeve has none of the symbols (unless `flexible`).
        """
        return _assigned(self, tuple(symbols))


def _sleeve(name: str, value: Any) -> Sleeve:
    if isinstance(value, Mapping):
        unknown = set(value) - {"share", "symbols"}
        if unknown or "share" not in value:
            raise BadSpec(f"sleeve {name} is {dict(value)!r}: it has a share, and may have symbols")
        listed = value.get("symbols", ())
        if not isinstance(listed, Iterable):
            raise BadSpec(f"sleeve {name} has the symbols {listed!r}: write a list of names")
        symbols = tuple(listed.split(",") if isinstance(listed, str) else map(str, listed))
        number = value["share"]
    else:
        number, _, text = str(value).partition(":")
        symbols = tuple(text.split(","))
    try:
        share = float(number)
    except (TypeError, ValueError):
        share = -1.0
    if not 0 < share <= 1:
        raise BadSpec(f"sleeve {name} is {value!r}: write its share of the equity and its symbols, such as 0.5:SPY,QQQ")
    return Sleeve(name, share, tuple(symbol.strip() for symbol in symbols if symbol.strip()))


@lru_cache(maxsize=64)
def _assigned(sleeves: Sleeves, symbols: tuple[str, ...]) -> "tuple[tuple[str, ...], np.ndarray, np.ndarray]":
    import numpy as np

    named = {symbol: at for at, part in enumerate(sleeves.parts) for symbol in part.symbols}
    rest = next((at for at, part in enumerate(sleeves.parts) if not part.symbols), -1)
    codes = np.array([named.get(symbol, rest) for symbol in symbols], dtype=np.int64)
    shares = np.array([part.share for part in sleeves.parts])
    for at, part in enumerate(sleeves.parts):
        if not (codes == at).any():
            if not sleeves.flexible:
                wanted = f"none of {', '.join(part.symbols)} is" if part.symbols else "nothing is left of"
                raise BadSpec(f"sleeve {part.name} is empty: {wanted} in the universe; add symbols or drop the sleeve")
            shares[at] = 0.0
    if sleeves.flexible and shares.sum() > 0:
        shares *= sum(part.share for part in sleeves.parts) / shares.sum()
    codes.flags.writeable = shares.flags.writeable = False
    return tuple(part.name for part in sleeves.parts), codes, shares
