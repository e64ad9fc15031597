"""A run specification as the body of a request: the fields of `core.spec.RunSpec`, by their names. Imports core and FastAPI's pydantic."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from core.errors import BadSpec
from core.spec import RunSpec
from services import own_files

MOST_NUMBER = 1e15
_EXAMPLE: dict[str, Any] = {"strategy": "GoldenCross", "symbols": ["AAPL", "IBM"], "start": "2010-01-04", "end": "2012-12-31", "params": {"fast": 20, "slow": 100}}


def _meanings() -> dict[str, str]:
    """Field -> what `RunSpec` says of it; a line may describe several, and go on below."""
    found, names = {}, ""
    for line in (RunSpec.__doc__ or "").partition("Attributes:\n")[2].splitlines():
        entry = re.match(r" {8}([a-z_, ]+): (.*)", line)
        if entry:
            names = entry[1]
            found[names] = entry[2]
        elif line.strip() and names:
            found[names] += " " + line.strip()
    return {name: text for names, text in found.items() for name in names.split(", ")}


def _model() -> type[BaseModel]:
    hints, meanings = get_type_hints(RunSpec), _meanings()
    plain: dict[Any, Any] = {tuple[str, ...]: list[str], Mapping[str, Any]: dict[str, Any], Mapping[str, float]: dict[str, float]}
    fields: dict[str, Any] = {}
    for each in dataclasses.fields(RunSpec):
        kind = plain.get(hints[each.name], hints[each.name])
        fields[each.name] = (kind | None, Field(default=None, description=meanings.get(each.name)))
    made = create_model("RunSpec", __config__=ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]}), **fields)
    made.__doc__ = "A run, in the names of the options and of the TOML files; what is not named is as it is by default."
    return made


SpecBody: Any = _model()


def spec_of(body: BaseModel, files: bool) -> RunSpec:
    """The specification in a body.

    Args:
        files: code and files of this machine may be named.

    Raises:
        UnknownName, BadSpec: as `RunSpec.from_dict`. UsageError: a file, where none may be named.
    """
    values = {name: value for name, value in body.model_dump().items() if value is not None}
    check_numbers("spec", values)
    spec = RunSpec.from_dict(values)
    if not files:
        own_files.refuse(spec)
    return spec


def check_numbers(name: str, value: Any) -> None:
    """Raise `BadSpec` if a value, or one of those in it, is a number no run can be about: NaN, infinite, or too large."""
    if isinstance(value, Mapping):
        for part, each in value.items():
            check_numbers(part, each)
    elif isinstance(value, list | tuple):
        for each in value:
            check_numbers(name, each)
    elif isinstance(value, int | float) and not abs(value) < MOST_NUMBER:
        raise BadSpec(f"{name} is {value!r:.40}: it must be a number, below {MOST_NUMBER:g}")
