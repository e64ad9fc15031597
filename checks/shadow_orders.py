"""Orders of a live day and of its simulation, side by side. Imports the modules beside it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from checks.shadow_bars import Prices
from checks.shadow_live import LiveDay, LiveSide
from checks.shadow_parts import ZERO, Lot, Parts, split
from checks.shadow_replay import Shadow, ShadowFill
from checks.shadow_slippage import Filled

RESTING = ("stop", "trail", "profit")  # intents of orders that wait at the venue for their price


@dataclass(frozen=True)
class Compared:
    """One order live and in the simulation.

    Attributes:
        symbol; side: "buy" or "sell". intent, status, reason: of the live order, or of the simulated one.
        bar_ns, sent_ns: the decision's bar and when it was sent, UTC ns; None where it was never sent.
        decided, close: price at the decision and at the end of the day. live, shadow: fills.
    """

    symbol: str
    side: str
    intent: str
    status: str
    reason: str
    bar_ns: int
    sent_ns: int | None
    decided: Fraction
    close: Fraction
    live: tuple[Lot, ...]
    shadow: tuple[Lot, ...]

    @property
    def parts(self) -> Parts:
        """Where its shortfall comes from."""
        return split(self.live, self.shadow, self.close)

    @property
    def value(self) -> Fraction:
        """What it was about: the larger of both quantities at the price of the decision, account currency."""
        return max(_shares(self.live), _shares(self.shadow)) * self.decided

    @property
    def filled(self) -> list[Filled]:
        """Its live fills beside the price when it was sent; none where that price is not known."""
        sign = 1 if self.side == "buy" else -1
        return [Filled(self.symbol, self.side, float(abs(lot.qty) * lot.arrival), float(sign * (lot.price - lot.arrival) / lot.arrival))
                for lot in self.live if lot.arrival]

    def summary(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "symbol": self.symbol, "side": self.side, "intent": self.intent, "bar": self.bar_ns, "sent": self.sent_ns,
            "status": self.status, "reason": self.reason, "live_qty": float(_shares(self.live)), "shadow_qty": float(_shares(self.shadow)),
            "decided": float(self.decided), "arrival": _mean(self.live, "arrival"), "live_price": _mean(self.live, "price"),
            "shadow_price": _mean(self.shadow, "price"), "close": float(self.close), **amounts(self.parts, self.value),
        }


def compared(live: LiveDay, played: Shadow, prices: Prices) -> list[Compared]:
    """Orders of the same symbol, side and bar belong together; of the rest, the first of a side with its first."""
    ours: dict[Any, list[LiveSide]] = {}
    for side in live.orders:
        ours.setdefault((side.symbol, side.side, side.bar_ns), []).append(side)
    theirs: dict[Any, list[ShadowFill]] = {}
    for fill in played.fills:
        theirs.setdefault((fill.symbol, "buy" if fill.qty > 0 else "sell", fill.bar_ns), []).append(fill)
    pairs = [(sides, theirs.pop(key, [])) for key, sides in ours.items()]
    for at, (sides, fills) in enumerate(pairs):
        if not fills and any(side.fills for side in sides):
            later = [key for key in theirs if key[:2] == (sides[0].symbol, sides[0].side)]
            pairs[at] = sides, theirs.pop(min(later, key=lambda key: key[2])) if later else []
    pairs += [([], fills) for fills in theirs.values()]
    made = [_pair(sides, fills, prices) for sides, fills in pairs if fills or any(side.fills for side in sides)]
    return sorted(made, key=lambda order: (order.bar_ns, order.symbol, order.side))


def _pair(sides: Sequence[LiveSide], fills: Sequence[ShadowFill], prices: Prices) -> Compared:
    waits = any(side.intent in RESTING for side in sides) or any(fill.arrival is None for fill in fills)
    symbol = sides[0].symbol if sides else fills[0].symbol
    bar_ns = min([side.bar_ns for side in sides] or [fill.bar_ns for fill in fills])
    lots = tuple(lot for side in sides for lot in _lots(side, prices, waits))
    last = sides[-1] if sides else None
    return Compared(
        symbol, last.side if last else "buy" if fills[0].qty > 0 else "sell", (last.intent if last else "") or (fills[0].intent if fills else ""),
        last.status if last else "", _why(sides, lots, fills), bar_ns, min((side.sent_ns for side in sides), default=None),
        prices.decided(symbol, bar_ns), prices.close(symbol), lots,
        tuple(Lot(fill.qty, fill.price, fill.time, None if waits else fill.arrival, ZERO, fill.fee) for fill in fills))


def _lots(side: LiveSide, prices: Prices, waits: bool) -> Iterable[Lot]:
    arrival = None if waits or not side.fills else prices.sent(side.symbol, side.sent_ns, side.tif)
    spread = ZERO if waits else prices.half_spread(side.symbol, side.sent_ns) or ZERO
    return [Lot(fill.qty, fill.price, fill.time, arrival, spread, fill.fee) for fill in side.fills]


def _why(sides: Sequence[LiveSide], live: Sequence[Lot], fills: Sequence[ShadowFill]) -> str:
    """Why the quantities differ, as far as it is known."""
    reasons = [side.reason for side in sides if side.reason]
    if reasons:
        return "; ".join(dict.fromkeys(reasons))
    if not sides:
        return "never sent live"
    return "the simulation had nothing to trade" if live and not fills else ""


# -- numbers ----------------------------------------------------------------------------------------------


def _shares(lots: Sequence[Lot]) -> Fraction:
    return sum((abs(lot.qty) for lot in lots), ZERO)


def _mean(lots: Sequence[Lot], name: str) -> float | None:
    if not lots or any(getattr(lot, name) is None for lot in lots):
        return None
    return float(sum((abs(lot.qty) * getattr(lot, name) for lot in lots), ZERO) / _shares(lots))


def amounts(parts: Parts, value: Fraction) -> dict[str, Any]:
    """The shortfall and its parts in account currency, and in basis points of `value`."""
    money = {"shortfall": float(parts.total), **{name: float(part) for name, part in parts._asdict().items()}}
    bp = {f"{name}_bp": float(part / value * 10_000) if value else None
          for name, part in (("shortfall", parts.total), *parts._asdict().items())}
    return {"value": float(value), **money, **bp}
