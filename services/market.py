"""Market data as every service gives it: bars of a source, and indicators by name. May import what lies below services."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from core.bars import Bars
from core.calendars import get_calendar
from core.errors import BadSpec, NoBars, UnknownName, UsageError
from core.series import SymbolBars
from core.settings import Settings
from core.spec import RunSpec
from core.spec_texts import parse_value
from feeds import BarStore, stores
from feeds.averages import Averages
from feeds.load import load_bars, source_named
from indicators import AVERAGES, Indicators, on

LEFT_OUT = ("rows",)  # an indicator's parameter that only code can give
PARTS = {"macd": ("macd", "signal", "histogram"), "bollinger": ("middle", "upper", "lower")}
MOST_PERIOD = 100_000  # bars
MOST_NUMBER = 1e15


@dataclass(frozen=True)
class IndicatorParameter:
    """One parameter of an indicator: kind "int", "float", "text" or "list"; a default of None has to be given."""

    name: str
    kind: str
    default: Any


@dataclass(frozen=True)
class IndicatorKind:
    """An indicator as it is asked for: its name, what it is, its parameters, and the names of the panels it gives."""

    name: str
    meaning: str
    parameters: tuple[IndicatorParameter, ...]
    parts: tuple[str, ...]


def store(settings: Settings) -> BarStore:
    """The store of fetched bars; one for each place, so that services share what it remembers."""
    return _store(settings.store)


def bars(settings: Settings, symbols: Sequence[str], start: str | None = None, end: str | None = None, interval: str = "1d",
         source: str = "sample", reference: Sequence[str] = (), calendar: str = "XNYS") -> Bars:
    """The bars of symbols, as every command gets them: from the source, or from the store where it has them.

    Args:
        start, end: ISO dates, both included; None = all there is. The others as in `core.spec.RunSpec`.

    Raises:
        UnknownName: a symbol, source or calendar. BadSpec: dates or interval. NoBars: nothing in the range. UsageError: no symbols.
        SourceUnavailable: the network failed and nothing is stored.
    """
    asked = RunSpec(symbols=tuple(symbols), reference=tuple(reference), start=start, end=end, interval=interval, source=source,
                    calendar=calendar)
    if not asked.symbols:
        raise UsageError("symbols: none were given; name some, such as symbols=AAPL,MSFT")
    get_calendar(calendar)
    return load_bars(source=asked.source, symbols=asked.symbols, reference=asked.reference, start=asked.start, end=asked.end,
                     interval=asked.interval, calendar=calendar, store=store(settings))


def averages(settings: Settings, symbols: Sequence[str], start: str | None = None, end: str | None = None, interval: str = "1d",
             source: str = "yahoo") -> list[tuple[Averages, np.ndarray]]:
    """The stored averages of symbols, each with the stored closes (T,) of the same bars; nothing is fetched or computed.

    Args:
        As in `bars`.

    Raises:
        UnknownName: a source, or a symbol of which no bar is stored. NoBars: its averages are not stored, or not in the range.
        BadSpec: dates or interval. UsageError: no symbols, or a source that is not kept in the store.
    """
    asked = RunSpec(symbols=tuple(symbols), start=start, end=end, interval=interval, source=source)
    found = source_named(asked.source)
    if not found.stored:
        raise UsageError(f"source {source!r} is not kept in the store, so it has no averages there: name yahoo or alpaca")
    if not asked.symbols:
        raise UsageError("symbols: none were given; name some, such as symbols=AAPL,MSFT")
    names, kept = tuple(dict.fromkeys(found.canonical(asked.symbols))), store(settings)
    stored = {each.symbol: each for each in kept.averages(names, start, end, interval, source=found.name)}
    for name in names:
        if name not in stored:
            raise _not_averaged(kept, name, interval, found.name)
    closes = {each.symbol: each for each in kept.read(names, start, end, interval, source=found.name)}
    return [(stored[name], _closes_at(closes.get(name), stored[name].index)) for name in names]


def _closes_at(bars: SymbolBars | None, index: np.ndarray) -> np.ndarray:
    """(len(index),) closes of the bars at these times; NaN where there is none."""
    if bars is None:
        return np.full(len(index), np.nan)
    places = np.searchsorted(bars.index, index).clip(max=len(bars) - 1)
    return np.where(bars.index[places] == index, bars.close[places], np.nan)


def _not_averaged(kept: BarStore, symbol: str, interval: str, source: str) -> UsageError:
    """Why there are none of a symbol, and what to do."""
    held = [each.symbol for each in kept.list() if (each.source, each.interval) == (source, interval) and each.bars]
    if symbol not in held:
        return UnknownName.of("symbol", symbol, held, f"(of the stored {interval} bars of {source})")
    if kept.averages([symbol], interval=interval, source=source):
        return NoBars(f"no averages of {symbol} are stored in this range: choose other dates")
    return NoBars(f"no averages of {symbol} are stored: run cerebrolab data averages --symbols {symbol} --source {source} --interval {interval}")


# -- indicators ---------------------------------------------------------------------------------------


@cache
def indicators() -> tuple[IndicatorKind, ...]:
    """Every indicator, by name."""
    methods = inspect.getmembers(Indicators, inspect.isfunction)
    return tuple(_kind(name, method) for name, method in methods if not name.startswith("_"))


def indicator_kind(name: str) -> IndicatorKind:
    """The indicator called `name`.

    Raises:
        UnknownName: there is none.
    """
    found = {each.name: each for each in indicators()}
    if name not in found:
        raise UnknownName.of("indicator", name, found)
    return found[name]


def indicator_params(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of an indicator as it takes them, from values or texts ("20", "7,21,50").

    Raises:
        UnknownName: no such indicator, or no such parameter of it. BadSpec: one is missing, or of the wrong kind.
    """
    known = {each.name: each for each in indicator_kind(name).parameters}
    for each in given:
        if each not in known:
            raise UnknownName.of(f"parameter of {name}", each, known)
    for one in known.values():
        if one.default is None and one.name not in given:
            raise BadSpec(f"{one.name} of {name} is missing: give it, such as {one.name}={'20' if one.kind == 'int' else 'SPY'}")
    return {each: _read(known[each], value) for each, value in given.items()}


def indicator(panel: Bars, name: str, params: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The panels of an indicator on bars, by name: "sma" alone, or "macd", "signal" and "histogram"; "sma_50" of averages.

    Args:
        params: values or texts, see `indicator_params`.

    Returns:
        Name -> (T, N) float64, NaN until there are bars enough; in forward-adjusted currency where it is one.

    Raises:
        UnknownName, BadSpec: as `indicator_params`, or a value the indicator cannot do with.
    """
    made = getattr(on(panel), name)(**indicator_params(name, params))
    if isinstance(made, dict):
        return {f"sma_{period}": values for period, values in made.items()}
    values = made if isinstance(made, tuple) else (made,)
    return dict(zip(PARTS.get(name, (name,)), values, strict=True))


def indicator_reference(name: str, params: Mapping[str, Any], symbols: Sequence[str]) -> tuple[str, ...]:
    """The symbols that an indicator needs beside those it is asked for."""
    named = str(params.get("reference", ""))
    wanted = name == "correlation" and bool(named) and named not in symbols
    return (named,) if wanted else ()


def _kind(name: str, method: Any) -> IndicatorKind:
    parameters = [each for each in inspect.signature(method).parameters.values() if each.name not in ("self", *LEFT_OUT)]
    meaning = (method.__doc__ or "").partition(";")[0].partition("\n")[0].strip().rstrip(".")
    parts = tuple(f"sma_{period}" for period in AVERAGES) if name == "averages" else PARTS.get(name, (name,))
    return IndicatorKind(name, meaning, tuple(map(_parameter, parameters)), parts)


def _parameter(each: inspect.Parameter) -> IndicatorParameter:
    default = None if each.default is inspect.Parameter.empty else each.default
    kinds = {int: "int", float: "float", str: "text"}
    return IndicatorParameter(each.name, kinds.get(each.annotation, "list"), list(default) if isinstance(default, tuple) else default)


def _read(parameter: IndicatorParameter, value: Any) -> Any:
    name, kind = parameter.name, parameter.kind
    if kind == "text":
        return str(value)
    if kind == "list":
        values = value if isinstance(value, list | tuple) else str(value).split(",")
        return tuple(_number(name, each, "int") for each in values)
    return _number(name, value, kind)


def _number(name: str, value: Any, kind: str) -> Any:
    number = parse_value(value.strip()) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) < MOST_NUMBER:
        raise BadSpec(f"{name} is {value!r:.40}: it must be a number")
    if kind == "float":
        return float(number)
    if number != int(number) or abs(number) > MOST_PERIOD:
        raise BadSpec(f"{name} is {value!r:.40}: it must be a whole number, {MOST_PERIOD} at most")
    return int(number)


@lru_cache(maxsize=8)
def _store(place: str | Path) -> BarStore:
    return stores.opened(place)
