"""Space: what a sweep may try: ranges and choices by parameter name, and the rules between them.

    Space({"fast": Range(5, 100, 5), "slow": Range(50, 300, 10)}, where=("fast < slow",))

Imports core.errors only.
"""

import ast
import itertools
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from core.errors import BadSpec

DIGITS = 12  # decimals of a value in a range: 0.1 + 2 x 0.1 is 0.3
_ARITHMETIC = (ast.Expression, ast.Compare, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.USub, ast.Not, ast.BinOp,
               ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Mod, ast.Name, ast.Load, ast.Constant, ast.Lt, ast.LtE,
               ast.Gt, ast.GtE, ast.Eq, ast.NotEq)


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included, every `step`; a step of None is a continuous range of floats.

    With `log`, samples are spread evenly over the logarithm.

    Raises:
        BadSpec: no number lies in it, or the step is 0 or negative.
    """

    low: float
    high: float
    step: float | None = None
    log: bool = False

    def __post_init__(self) -> None:
        for name in ("low", "high", "step"):
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
            if not number and not (name == "step" and value is None):
                raise BadSpec(f"{name} of the range {self} is {value!r}: it must be a number")
        if self.step is None and self.whole:
            object.__setattr__(self, "step", 1)
        if self.high < self.low:
            raise BadSpec(f"the range {self} is empty: {self.low:g} is above {self.high:g}, swap them")
        if self.step is not None and self.step <= 0:
            raise BadSpec(f"the range {self} has a step of {self.step:g}: it must be above 0")
        if self.log and self.low <= 0:
            raise BadSpec(f"the range {self} is logarithmic: it must begin above 0")

    def __str__(self) -> str:
        return f"{self.low:g}:{self.high:g}" + ("" if self.step is None else f":{self.step:g}")

    @property
    def whole(self) -> bool:
        """Whether its values are whole numbers."""
        return isinstance(self.low, int) and isinstance(self.high, int) and isinstance(self.step, int | None)

    def __len__(self) -> int:
        if self.step is None:
            raise BadSpec(f"the range {self} is continuous: a grid needs a step, such as {self}:{self._tenth():g}")
        return math.floor((self.high - self.low) / self.step + 1e-9) + 1

    def _tenth(self) -> float:
        return float(f"{(self.high - self.low) / 10 or 1:.1g}")

    def __getitem__(self, at: int) -> float:
        """Value number `at`, from 0."""
        if not 0 <= at < len(self):
            raise IndexError(at)
        assert self.step is not None
        return self.low + at * self.step if self.whole else round(float(self.low) + at * self.step, DIGITS)

    def sample(self, source: random.Random) -> float:
        """One value at random."""
        if self.step is not None and not self.log:
            return self[source.randrange(len(self))]
        value = math.exp(source.uniform(math.log(self.low), math.log(self.high))) if self.log else source.uniform(self.low, self.high)
        if self.step is None:
            return value
        return self[min(round((value - self.low) / self.step), len(self) - 1)]


@dataclass(frozen=True)
class Choice:
    """One of some values, numbers or texts.

    Raises:
        BadSpec: there is none, or one comes twice.
    """

    values: tuple[Any, ...]

    def __init__(self, *values: Any) -> None:
        object.__setattr__(self, "values", values)
        if not values:
            raise BadSpec("a choice of no values: name one or more")
        if len(set(map(repr, values))) < len(values):
            raise BadSpec(f"the choice {self} names a value twice: name each once")

    def __str__(self) -> str:
        return ",".join(map(str, self.values))

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, at: int) -> Any:
        return self.values[at]

    def sample(self, source: random.Random) -> Any:
        """One value at random."""
        return source.choice(self.values)


Dimension = Range | Choice


@dataclass(frozen=True)
class Space:
    """The sets of parameters a sweep may try.

    Attributes:
        dimensions: parameter name, as in `-p` ("fast", "sizer.risk", "exits.stop") -> its values.
        where: comparisons that every set must meet, such as "fast < slow" or "3 * fast <= slow".

    Raises:
        BadSpec: a rule is not a comparison of parameters and numbers.
    """

    dimensions: Mapping[str, Dimension] = field(default_factory=dict)
    where: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "where", (self.where,) if isinstance(self.where, str) else tuple(self.where))
        for rule in self.where:
            _compiled(rule)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the dimensions."""
        return tuple(self.dimensions)

    @property
    def ruled(self) -> tuple[str, ...]:
        """Names in the rules."""
        return tuple(sorted({name for _, names, _ in self._rules for name in names}))

    @cached_property
    def size(self) -> int:
        """Points of the grid, before the rules.

        Raises:
            BadSpec: a range is continuous.
        """
        return math.prod(len(each) for each in self.dimensions.values())

    def point(self, number: int) -> dict[str, Any]:
        """The grid's point `number`; the last dimension changes fastest. It may break the rules."""
        values = []
        for each in reversed(list(self.dimensions.values())):
            number, at = divmod(number, len(each))
            values.append(each[at])
        return dict(zip(self.dimensions, reversed(values), strict=True))

    def grid(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """(number, parameters) of every point that meets the rules."""
        names = self.names
        whole = [[each[at] for at in range(len(each))] for each in self.dimensions.values()]
        for number, values in enumerate(itertools.product(*whole)):
            point = dict(zip(names, values, strict=True))
            if self.allows(point):
                yield number, point

    def sample(self, source: random.Random) -> dict[str, Any]:
        """One set of parameters at random; it may break the rules."""
        return {name: each.sample(source) for name, each in self.dimensions.items()}

    def allows(self, params: Mapping[str, Any]) -> bool:
        """Whether a set of parameters meets the rules; rules about parameters that are not in it are ignored.

        Raises:
            BadSpec: a rule cannot be computed with these values.
        """
        for rule, names, meets in self._rules:
            try:
                values = [params[name] for name in names]
            except KeyError:
                continue
            try:
                met = meets(*values)
            except (ArithmeticError, TypeError) as error:
                raise BadSpec(f"the rule {rule!r} cannot be computed with {dict(params)}: {error}") from None
            if not met:
                return False
        return True

    @cached_property
    def _rules(self) -> list[tuple[str, tuple[str, ...], Callable[..., bool]]]:
        return [(rule, *_compiled(rule)) for rule in self.where]

    def to_dict(self) -> dict[str, Any]:
        """Names and texts, as the command line takes them, and the rules."""
        return {**{name: str(each) for name, each in self.dimensions.items()}, **({"where": list(self.where)} if self.where else {})}


def read_dimension(name: str, text: str, default: Any) -> Dimension | None:
    """The dimension written as "5:100:5" or "0.1:0.5" (a range) or "1,2,3" (a choice); None for a single value.

    Args:
        default: the parameter's default value: a range is one only where that is a number, "10:30" may be a time.

    Raises:
        BadSpec: the range is empty, has no number, or a step that is 0 or negative.
    """
    from core.spec_texts import parse_value

    number = isinstance(default, int | float) and not isinstance(default, bool)
    if ":" in text and number:
        parts = [parse_value(part.strip()) for part in text.split(":")]
        if len(parts) > 3 or not all(isinstance(part, int | float) and not isinstance(part, bool) for part in parts):
            raise BadSpec(f"{name}={text} is not a range: write low:high:step, such as {name}=10:100:10")
        if isinstance(default, int) and not all(float(part).is_integer() for part in parts):
            raise BadSpec(f"{name}={text} has fractions: {name} is a whole number, its default is {default}")
        numbers = [int(part) for part in parts] if isinstance(default, int) else [float(part) for part in parts]
        try:
            return Range(*numbers)
        except BadSpec as error:
            raise BadSpec(f"{name}: {error}") from None
    values = [part.strip() for part in text.split(",")]
    if len(values) > 1 and "" not in values:
        return Choice(*(parse_value(value) for value in values))
    return None


def _compiled(rule: str) -> tuple[tuple[str, ...], Callable[..., bool]]:
    """The parameters in a rule, and a function of their values: whether they meet it."""
    dotted = _Dotted()
    try:
        tree = dotted.visit(ast.parse(rule, mode="eval"))
    except (SyntaxError, ValueError):
        raise BadSpec(f"the rule {rule!r} is not understood: write a comparison, such as fast < slow") from None
    words = sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)})
    known = all(isinstance(node, _ARITHMETIC) for node in ast.walk(tree))
    if not known or not words or not isinstance(tree.body, ast.Compare | ast.BoolOp):
        raise BadSpec(f"the rule {rule!r} is not understood: write a comparison of parameters, such as fast < slow")
    arguments = ast.arguments(posonlyargs=[], args=[ast.arg(word) for word in words], kwonlyargs=[], kw_defaults=[], defaults=[])
    function = ast.fix_missing_locations(ast.Expression(ast.Lambda(arguments, tree.body)))
    meets = eval(compile(function, "<rule>", "eval"), {"__builtins__": {}})  # nothing but arithmetic is in it
    return tuple(dotted.names.get(word, word) for word in words), meets


class _Dotted(ast.NodeTransformer):
    """Turns `sizer.risk` into one word."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if not isinstance(node.value, ast.Name):
            return node
        word = f"{node.value.id}__{node.attr}"
        self.names[word] = f"{node.value.id}.{node.attr}"
        return ast.copy_location(ast.Name(word, ast.Load()), node)


def as_dimensions(values: Mapping[str, Any]) -> dict[str, Dimension]:
    """`values` with sequences as choices; ranges and choices as they are."""
    made: dict[str, Dimension] = {}
    for name, value in values.items():
        if isinstance(value, Range | Choice):
            made[name] = value
        elif isinstance(value, Sequence) and not isinstance(value, str):
            made[name] = Choice(*value)
        else:
            made[name] = Choice(value)
    return made
