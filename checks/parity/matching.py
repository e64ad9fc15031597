"""Which order of one side is which of the other. Imports the story only."""

from collections.abc import Callable, Hashable, Sequence

from checks.parity.story import Asked

NEAR = 3  # bars by which the same order may be decided apart

Pair = tuple[Asked | None, Asked | None]


def matched(simulated: Sequence[Asked], live: Sequence[Asked], rows: dict[int, int]) -> list[Pair]:
    """Pairs (simulated, live), in time order; None where the other side has no such order.

    Orders of the same bar, symbol, side and purpose belong together; of the rest, those a few bars apart; then those of the
    same bar, symbol and side, whatever for.

    Args:
        rows: number of the bar of each moment.
    """
    left, right, pairs = list(simulated), list(live), list[Pair]()
    _take(left, right, pairs, lambda order: (order.bar_ns, *_what(order)))
    for apart in range(1, NEAR + 1):
        for order in list(left):
            near = next((other for other in right if _what(other) == _what(order)
                         and abs(rows.get(other.bar_ns, -NEAR) - rows.get(order.bar_ns, 0)) == apart), None)
            if near is not None:
                pairs.append((order, near))
                left.remove(order)
                right.remove(near)
    _take(left, right, pairs, lambda order: (order.bar_ns, order.symbol, order.size > 0))
    pairs += [(order, None) for order in left] + [(None, order) for order in right]
    return sorted(pairs, key=lambda pair: min(order.bar_ns for order in pair if order is not None))


def _what(order: Asked) -> tuple[Hashable, ...]:
    return order.symbol, order.size > 0, order.kind, order.intent


def _take(left: list[Asked], right: list[Asked], pairs: list[Pair], key: Callable[[Asked], Hashable]) -> None:
    """Move the orders of equal keys to the pairs, in their order."""
    waiting: dict[Hashable, list[Asked]] = {}
    for order in right:
        waiting.setdefault(key(order), []).append(order)
    for order in list(left):
        if waiting.get(key(order)):
            other = waiting[key(order)].pop(0)
            pairs.append((order, other))
            left.remove(order)
            right.remove(other)
