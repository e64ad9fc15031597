"""From the strings of a spec to classes and checked parameters."""

import hashlib
import importlib
import importlib.util
import inspect
import math
import sys
import traceback
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import backtrader as bt
import numpy as np

import sizers
import strategies
from core.bars import Bars
from core.errors import BadSpec, UnknownName, UsageError
from core.spec import RunSpec
from core.spec_texts import parse_value
from engine.stores import StoreClass
from sizers.base import PortfolioSizer
from strategies.base import ENGINE_PARAMS, TargetStrategy

USER = "user_"  # begins the names of modules read from a user's files
SIZER_ENGINE_PARAMS = ("limits", "fractional", "sleeves", "lending")
MOST_WHOLE = 2**53  # whole numbers beyond it are not exact as floats


def strategy_names() -> list[str]:
    """Names of the shipped strategies."""
    return [name for name in strategies.__all__ if name != "TargetStrategy"]


def sizer_names() -> list[str]:
    """Names of the shipped sizers."""
    return [name for name in sizers.__all__ if name != "PortfolioSizer"]


def strategy_class(name: str) -> type[bt.Strategy]:
    """The strategy called `name`: "GoldenCross", "golden_cross", "file.py:Class", "file.py", "module:Class".

    Raises:
        UnknownName: no such strategy. UsageError: the file does not import, or holds no strategy.
    """
    return _resolve("strategy", name, strategies, strategy_names(), bt.Strategy, (bt.Strategy, TargetStrategy))


def run_name(spec: RunSpec) -> str:
    """What a run is called on its account, in the journal and in the ids of its orders."""
    return spec.name or strategy_class(spec.strategy).__name__


def sizer_class(name: str) -> type[bt.Sizer]:
    """The sizer called `name`: "EqualWeight", "file.py:Class", "module:Class".

    Raises:
        UnknownName: no such sizer. UsageError: the file does not import, or holds no sizer.
    """
    return _resolve("sizer", name, sizers, sizer_names(), bt.Sizer, (bt.Sizer, PortfolioSizer))


def store_class(name: str) -> type:
    """The Backtrader store called "module:Class" or "file.py:Class": any class with getbroker and getdata.

    Raises:
        UnknownName: no such class. UsageError: the module does not import, or holds no store.
    """
    if ":" not in name and not name.endswith(".py"):
        raise UsageError(f"store {name!r} is no import path: write module:Class or file.py:Class")
    return _resolve("store", name, strategies, [], StoreClass, (StoreClass,))


def _resolve(kind: str, name: str, package: ModuleType, names: list[str], base: type, roots: tuple[type, ...]) -> type:
    place, colon, class_name = name.rpartition(":")
    if not colon and name.endswith(".py"):
        place, class_name = name, ""
    if not place:
        known = {_folded(each): each for each in names}
        if _folded(name) in known:
            return getattr(package, known[_folded(name)])
        raise UnknownName.of(kind, name, names, "(or name a file: path/to/file.py:Class)")
    module = _file_module(Path(place)) if place.endswith(".py") else _named_module(place)
    own = {each.__name__: each for each in vars(module).values()
           if inspect.isclass(each) and issubclass(each, base) and each not in roots}
    if place.endswith(".py"):
        own = {each: found for each, found in own.items() if found.__module__ == module.__name__}
    if class_name:
        if class_name not in own:
            raise UnknownName.of(f"{kind} in {place}:", class_name, own)
        return own[class_name]
    if len(own) != 1:
        raise UsageError(f"{place} holds {len(own)} {kind} classes ({', '.join(own) or 'none'}): "
                         f"name one as {place}:Class")
    return next(iter(own.values()))


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _named_module(place: str) -> ModuleType:
    try:
        return importlib.import_module(place)
    except ImportError as error:
        raise UsageError(f"cannot import {place}: {error}; check the name before the colon") from None


def _file_module(path: Path) -> ModuleType:
    if not path.is_file():
        raise UsageError(f"there is no file {path}: check the path before the colon")
    name = f"{USER}{path.stem}_{hashlib.blake2b(str(path.resolve()).encode(), digest_size=4).hexdigest()}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)  # type: ignore[union-attr]
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        where = _line_of(error, path.resolve())
        raise UsageError(f"{path} does not import: {type(error).__name__}: {error}{where}") from error
    return module


def raised_in_file(error: BaseException) -> str:
    """One line about an exception that came out of a user's file; "" for any other."""
    places = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)
              if str(frame.f_globals.get("__name__", "")).startswith(USER)]
    if not places:
        return ""
    file, line = places[-1]
    return f"{Path(file).name} raised {type(error).__name__}: {' '.join(str(error).split())} (line {line})"


def _line_of(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError):
        return ""  # its message names the line
    trace, line = error.__traceback__, None
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename).resolve() == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f" (line {line})" if line else ""


def of_bars(spec: RunSpec, bars: Bars) -> RunSpec:
    """The spec with the symbols that have bars, as these name them."""
    names = np.array(bars.symbols)
    return spec.replace(symbols=tuple(names[bars.tradable].tolist()), reference=tuple(names[~bars.tradable].tolist()))


def without_aliases(spec: RunSpec, strategy: type) -> RunSpec:
    """The spec with each parameter under its own name, those of the sizer among the sizer's."""
    aliases = getattr(strategy, "aliases", None) or {}
    given = {aliases[name]: parse_value(str(value)) for name, value in spec.params.items() if name in aliases}
    if not given:
        return spec
    kept = {name: value for name, value in spec.params.items() if name not in aliases}
    named = {*kept, *(f"sizer.{name}" for name in spec.sizer_params)}
    for alias, name in aliases.items():
        if alias in spec.params and name in named:
            raise BadSpec(f"{alias} and {name} are both given and mean the same: name one of them")
    return spec.replace(params=kept).with_assignments(given)


def checked_params(kind: Any, given: Mapping[str, Any], what: str = "parameter") -> dict[str, Any]:
    """The given parameters of a strategy or sizer class, checked against its defaults.

    Raises:
        UnknownName: it has no such parameter. BadSpec: a value of the wrong kind, or a contradiction.
    """
    values = typed_params(kind, given, what)
    if issubclass(kind, TargetStrategy):
        kind.check(SimpleNamespace(**{**defaults(kind), **values}))
    return values


def typed_params(kind: Any, given: Mapping[str, Any], what: str = "parameter") -> dict[str, Any]:
    """As `checked_params`, but they may still contradict each other."""
    known = defaults(kind)
    for name in given:
        known_param(kind, name, what)
    return {name: like(name, value, known[name]) for name, value in given.items()}


def known_param(kind: Any, name: str, what: str = "parameter") -> None:
    """Raise `UnknownName` if a strategy or sizer class has no parameter of that name for users."""
    known = defaults(kind)
    if name not in known:
        raise UnknownName.of(f"{what} of {kind.__name__}", name, [*known, *getattr(kind, "aliases", ())])


def defaults(kind: Any) -> dict[str, Any]:
    """The parameters of a strategy or sizer class that users may set, with their defaults."""
    left_out = ENGINE_PARAMS if issubclass(kind, TargetStrategy) else SIZER_ENGINE_PARAMS
    return {name: value for name, value in kind.params._getitems() if name not in left_out}


def like(name: str, value: Any, default: Any) -> Any:
    """`value` as the type of `default`, where that loses nothing."""
    if isinstance(default, bool) or default is None or isinstance(default, str):
        if isinstance(default, bool) and not isinstance(value, bool):
            raise BadSpec(f"{name}={value} is not understood: it is true or false")
        return str(value) if isinstance(default, str) else value
    if isinstance(default, int | float):
        if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
            raise BadSpec(f"{name}={value} is not a number: its default is {default}")
        if isinstance(default, int) and not (abs(value) < MOST_WHOLE and value == int(value)):
            raise BadSpec(f"{name}={value} is not a whole number: its default is {default}")
        return type(default)(value)
    return value


@cache
def source_digest(kind: Any) -> str:
    """Digest of the source text of a class and of the classes it derives from, Backtrader's own left out."""
    digest = hashlib.blake2b(digest_size=16)
    for each in kind.__mro__:
        if each.__module__.split(".")[0] not in ("backtrader", "builtins"):
            try:
                digest.update(inspect.getsource(each).encode())
            except (OSError, TypeError):  # defined interactively
                digest.update(each.__qualname__.encode())
    return digest.hexdigest()
