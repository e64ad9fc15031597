"""What decides the orders of a run, whatever the account and its costs: the key under which the gate's verdict is found."""

from typing import Any

from core.spec import RunSpec
from engine import resolve
from engine.build import sizer_of

OWN = ("limits", "exits", "sleeves", "fill", "interval", "fractional", "prices", "shorts")


def deciding(spec: RunSpec) -> dict[str, Any]:
    """Every parameter of the strategy and of its sizer, defaults included, and what else shapes the orders.

    Raises:
        UnknownName, BadSpec: a name or a value is not possible.
    """
    strategy = resolve.strategy_class(spec.strategy)
    spec = resolve.without_aliases(spec, strategy)
    sizer, params = sizer_of(spec, strategy)
    found: dict[str, Any] = {**resolve.defaults(strategy), **resolve.checked_params(strategy, spec.params)}
    if sizer is not None:
        found["sizer"] = sizer.__name__
        for name, value in resolve.defaults(sizer).items():
            found[f"sizer.{name}"] = params.get(name, value)
    for name in OWN:
        value = getattr(spec, name)
        if value:
            found[f"run.{name}"] = dict(value) if hasattr(value, "items") else value
    return found
