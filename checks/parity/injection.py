"""Gaps planted on purpose, so that a certificate shows that it finds them: `--inject slippage=5bp`. Imports core and the local Alpaca."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from brokers.local_alpaca import AnswerFault, BarFault, EventFault, LocalAlpaca, OrderFault
from core.costs import parse_slippage
from core.errors import BadSpec, UnknownName

EARLY = 5  # the fault strikes the fifth bar of the first symbol


@dataclass(frozen=True)
class Injection:
    """One planted gap: its name and its amount, as text."""

    name: str
    amount: str

    @classmethod
    def read(cls, text: str) -> "Injection":
        """Read "slippage=5bp", "rejection", "late_bar=40" (seconds), "partial=10" (shares), "lost_event" or "lost_answer".

        Raises:
            UnknownName: no such gap. BadSpec: an amount that is none.
        """
        name, given, amount = text.partition("=")
        if name not in _PLANT:
            raise UnknownName.of("gap to inject", name, _PLANT)
        if given and not amount:
            raise BadSpec(f"{text!r} names no amount: write {name}={_USUAL[name]}" if name in _USUAL else f"{text!r}: write {name}")
        if given and name not in _USUAL:
            raise BadSpec(f"{name} takes no amount, and {amount!r} was given: write {name}")
        made = cls(name, amount or _USUAL.get(name, ""))
        made.seconds_or_shares() if name in ("late_bar", "partial") else made.rate() if name == "slippage" else None
        return made

    def __str__(self) -> str:
        return f"{self.name}={self.amount}" if self.amount else self.name

    def plant(self, venue: LocalAlpaca) -> None:
        """Put it into a venue before the run begins."""
        _PLANT[self.name](self, venue)

    def rate(self) -> Decimal:
        """A part of the price."""
        slippage = parse_slippage(self.amount)
        if slippage.fixed or not slippage.rate:
            raise BadSpec(f"slippage {self.amount!r} cannot be injected: write a part of the price, such as 5bp")
        return Decimal(str(slippage.rate))

    def seconds_or_shares(self) -> float:
        """A number above 0."""
        try:
            number = float(self.amount)
        except ValueError:
            number = 0.0
        if not 0 < number < float("inf"):
            raise BadSpec(f"{self.name} {self.amount!r} cannot be injected: write a number above 0, such as {_USUAL[self.name]}")
        return number


def _slip(gap: Injection, venue: LocalAlpaca) -> None:
    venue.slippage = gap.rate()


def _reject(gap: Injection, venue: LocalAlpaca) -> None:
    venue.faults.add(OrderFault(do="reject"))


def _late(gap: Injection, venue: LocalAlpaca) -> None:
    first = venue.market.bars.symbols[0]
    venue.faults.add(BarFault(symbol=first, do="late", seconds=gap.seconds_or_shares(), nth=EARLY))


def _part(gap: Injection, venue: LocalAlpaca) -> None:
    venue.liquidity.update(dict.fromkeys(venue.market.bars.symbols, Decimal(str(gap.seconds_or_shares()))))


def _lose_event(gap: Injection, venue: LocalAlpaca) -> None:
    venue.faults.add(EventFault(event="fill", do="lose"))


def _lose_answer(gap: Injection, venue: LocalAlpaca) -> None:
    venue.faults.add(AnswerFault(method="POST", path="/v2/orders", lost=True))


_USUAL = {"slippage": "5bp", "late_bar": "40", "partial": "10"}
_PLANT: Mapping[str, Callable[[Injection, LocalAlpaca], None]] = {
    "slippage": _slip, "rejection": _reject, "late_bar": _late, "partial": _part, "lost_event": _lose_event, "lost_answer": _lose_answer}
