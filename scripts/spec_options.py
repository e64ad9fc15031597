"""From the options of the command line, and a TOML file below them, to a `RunSpec`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import UsageError
from core.spec import RunSpec
from core.spec_texts import parse_assignment


def build_spec(file: Path | None, params: Sequence[str], options: dict[str, Any]) -> RunSpec:
    """The file's spec (or the defaults) with what the options say; an option that is None says nothing.

    Args:
        file: TOML file. params: texts "name=value". options: `RunSpec` fields, and `years`.

    Raises:
        UnknownName, BadSpec: as `RunSpec`. UsageError: two options exclude each other.
    """
    stated = {name: value for name, value in options.items() if value is not None}
    if "years" in stated:
        years = stated.pop("years")
        if "period" in stated:
            raise UsageError(f"--years {years} and --period {stated['period']} are both given: name one of them")
        stated["period"] = f"{years}y"
    for name in ("symbols", "reference"):
        if name in stated:
            stated[name] = split_names(stated[name])
    if "sleeves" in stated:
        stated["sleeves"] = dict(parse_assignment(text) for text in stated["sleeves"])
    if stated.get("symbols") and all(name.lower().endswith(".csv") for name in stated["symbols"]):
        stated.setdefault("source", "csv")
    if "start" in stated:
        stated.setdefault("period", None)  # what the command line says replaces the file's other way to say it
    elif "period" in stated:
        stated["start"] = None
    spec = RunSpec.from_toml(file) if file else RunSpec()
    return spec.replace(**stated).with_assignments(dict(parse_assignment(text) for text in params))


def split_names(texts: Sequence[str]) -> tuple[str, ...]:
    """The names in "A,B" and repeated options; a comma separates, a space does not."""
    names = [name.strip() for text in texts for name in text.split(",")]
    return tuple(name for name in names if name)
