"""Copies of Backtrader orders, as notifications carry them, without the detours of the copy module."""

from typing import Any

from backtrader import Order

_READ_OFTEN = ("data", "exectype", "oco", "owner", "parent", "simulated", "size", "tradeid", "transmit", "valid")


def unheard(order: Order) -> bool:
    """Whether its strategy says that nobody listens to orders before they fill; plain strategies keep what they hear."""
    return getattr(order.owner, "unheard", False)


def with_own_params(order: Order) -> None:
    """Put the parameters that are read often on the order itself; Backtrader digs them out on each access."""
    for name in _READ_OFTEN:
        order.__dict__.setdefault(name, getattr(order.p, name))


def snapshot(order: Order) -> Order:
    """The order as it stands, with the executions since the last snapshot pending: what `Order.clone` gives."""
    order.executed.markpending()
    copied = _copied(order)
    copied.executed = _copied(order.executed)
    return copied


def _copied(original: Any) -> Any:
    made = object.__new__(type(original))
    made.__dict__.update(original.__dict__)
    return made
