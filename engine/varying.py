"""`read_space`: what is to vary, in the values and texts in which people and programs say it. Imports core and its neighbours."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.errors import UsageError
from core.space import Choice, Dimension, Space, read_dimension
from core.spec import RunSpec
from core.spec_texts import parse_value
from engine.build import default_of
from engine.resolve import strategy_class


def read_space(spec: RunSpec, vary: Mapping[str, Any], where: Sequence[str] = ()) -> tuple[RunSpec, Space]:
    """The run and the space that values and texts such as "5:100:5" amount to; the strategy's own space where none varies.

    Args:
        vary: parameter -> "low:high:step", "a,b,c", a list of values, or one value, which is fixed. where: rules beside the strategy's own.

    Raises:
        UnknownName: no such parameter. BadSpec: an empty range, a rule that is none. UsageError: nothing varies.
    """
    dimensions: dict[str, Dimension] = {}
    fixed = {}
    for name, value in vary.items():
        default = default_of(spec, name)
        several = isinstance(value, list | tuple)
        dimension = Choice(*value) if several else read_dimension(name, str(value), default)
        if dimension is None or (several and len(dimension) == 1):
            fixed[name] = value[0] if several else parse_value(value) if isinstance(value, str) else value
        else:
            dimensions[name] = dimension
    whole = getattr(strategy_class(spec.strategy), "space", Space())
    if not dimensions:
        dimensions = {name: each for name, each in whole.dimensions.items() if name not in fixed}
    if not dimensions:
        raise UsageError(f"nothing varies: name what to vary, such as {next(iter(fixed), 'fast')}=5:100:5")
    return spec.with_assignments(fixed), Space(dimensions, (*whole.where, *where))
