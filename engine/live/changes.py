"""`changed`: the spec of a live run as somebody asks for it, checked before anything depends on it. Imports engine.build and below."""

from collections.abc import Mapping
from typing import Any

from core.bars import Bars
from core.errors import BadSpec
from core.spec import RunSpec
from core.spec_texts import parse_value
from engine import resolve
from engine.assemble import need_history
from engine.build import lone_sizer, sizer_of
from engine.deciding import deciding
from engine.live.phases import params_of
from journal.steering import CONFIGURE, SteeringRequest
from sizers.base import PortfolioSizer
from strategies.schedules import schedule_params

STEERED = ("sizer", "limits")  # groups of a spec that change what is decided, and nothing that stands at the broker


def changed(spec: RunSpec, request: SteeringRequest) -> tuple[RunSpec, str]:
    """A spec, its parameters under their own names, as a request wants it; and what changes, in words.

    Raises:
        UnknownName, BadSpec: it cannot be, and why.
    """
    strategy: Any = resolve.strategy_class(spec.strategy)
    if request.kind == CONFIGURE:
        asked = _assigned(strategy, request.facts.get("parameters"))
    else:
        asked = schedule_params(strategy.__name__, strategy.timing, str(request.facts.get("schedule")))
    made = spec.with_assignments(asked)
    _check(made, strategy, asked)
    before, after = deciding(spec), deciding(made)
    changes = [f"{name.removeprefix('run.')}: {_shown(before.get(name))} -> {_shown(value)}" for name, value in after.items() if before.get(name) != value]
    return made, ", ".join(changes) or "it decides by that already, and nothing changes"


def _assigned(strategy: Any, given: Any) -> dict[str, Any]:
    """Parameters under their own names, with values as `-p` reads them.

    Raises:
        BadSpec: there are none, one is named twice, or one stands in orders at the broker.
    """
    if not isinstance(given, Mapping) or not given:
        raise BadSpec("no parameters are named: name some, such as lookback=90")
    asked: dict[str, Any] = {}
    for name, value in given.items():
        own = strategy.aliases.get(name, name)
        group, dot, _ = own.partition(".")
        if dot and group not in STEERED:
            raise BadSpec(f"{name} cannot change while a run goes on: parameters, sizer and limits can; start the run again")
        if own in asked:
            raise BadSpec(f"{name} and another name of {own} are both given: name one of them")
        asked[own] = parse_value(value.strip()) if isinstance(value, str) else value
    return asked


def _check(spec: RunSpec, strategy: Any, asked: Mapping[str, Any]) -> None:
    """Whether a run can be decided so, and sized so.

    Raises:
        UnknownName, BadSpec: it cannot.
    """
    strategy.check_bars(spec.interval, params_of(spec))
    if spec.quantity is not None and any(name.startswith("sizer.") for name in asked):
        raise BadSpec(f"the run trades {spec.quantity:g} shares of every position, and has no sizer to change")
    kind, params = sizer_of(spec, strategy)
    if kind is not None and issubclass(kind, PortfolioSizer):
        lone_sizer(kind, params, strategy)


def check_history(before: RunSpec, after: RunSpec, bars: Bars) -> None:
    """Raise `NoBars` if parameters need more bars than others did, and there are not as many."""
    strategy: Any = resolve.strategy_class(after.strategy)
    old, new = (params_of(spec) for spec in (before, after))
    if (strategy.warmup(new) or 0) > (strategy.warmup(old) or 0):
        need_history(strategy, new, bars)


def _shown(value: Any) -> str:
    return ", ".join(f"{name} {each}" for name, each in value.items()) if isinstance(value, Mapping) else str(value)
