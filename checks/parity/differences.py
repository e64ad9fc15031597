"""A difference between two sides, and the verdict on all of them. Imports the modules beside it."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

KINDS = ("data", "timing", "fill", "sizing", "rejection")


class Difference(NamedTuple):
    """One difference.

    Attributes:
        kind: one of `KINDS`: "data" (bars seen differ), "timing" (decided, sent or filled at another bar), "fill" (quantity or price),
            "sizing" (another quantity was asked for), "rejection" (one side refused).
        bar_ns: the bar it was decided on, or the bar itself, UTC ns. symbol: "" for the account.
        simulated, alpaca: what each side did. explanation: why, with numbers; "" = nobody knows.
        cost: USD that the side of Alpaca lost by it (below 0: won). basis_points: the same of the value traded.
    """

    kind: str
    bar_ns: int
    symbol: str
    simulated: str
    alpaca: str
    explanation: str = ""
    cost: float = 0.0
    basis_points: float = 0.0


class Verdict(NamedTuple):
    """What came of a comparison.

    Attributes:
        orders: asked for, on the side that asked for more. same: orders alike in everything. differences: in time order.
    """

    orders: int
    fills: int
    same: int
    differences: Sequence[Difference]

    @property
    def unexplained(self) -> list[Difference]:
        """What no rule explains."""
        return [each for each in self.differences if not each.explanation]

    @property
    def counts(self) -> dict[str, int]:
        """Differences by class."""
        found = Counter(each.kind for each in self.differences)
        return {kind: found[kind] for kind in KINDS}

    @property
    def name(self) -> str:
        """"pass", "fail", or "nothing traded", which is no pass."""
        if self.unexplained:
            return "fail"
        return "pass" if self.fills else "nothing traded"
