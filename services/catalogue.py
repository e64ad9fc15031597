"""The strategies by name, their parameters (as shipped and as configured), and what they say on the last bar.

A configured parameter is the latest one asked for in the steering log. May import what lies below services, and services.market.
"""

import inspect
import re
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import engine
from core.calendars import get_calendar
from core.errors import BadSpec, UsageError
from core.settings import Settings
from core.space import Space
from core.spec import RunSpec
from core.spec_texts import parse_value
from engine import resolve
from engine.build import lone_sizer, sizer_of, strategy_params
from engine.today import Signals
from journal.steering import CONFIGURE
from services import market, own_files, own_runs
from sizers import PortfolioSizer, solved

if TYPE_CHECKING:
    from journal.journal import Journal
    from journal.steering import SteeringRequest

PARAMETERS = "parameters"  # in the facts of a request to configure: names as in `-p`, plain values
MOST_NUMBER = 1e15


@dataclass(frozen=True)
class Parameter:
    """One parameter of a strategy, or of the sizer it has by habit.

    Attributes:
        name: as in `-p`: "fast", "sizer.risk". kind: "int", "float", "bool" or "text".
        default: as shipped. meaning: what it is, "" where nobody says. tried: what a sweep tries by itself, "" for none.
        configured: what holds now: the latest one asked for, else the default. aliases: other names of it.
    """

    name: str
    kind: str
    default: Any
    meaning: str
    tried: str
    configured: Any
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class Strategy:
    """One shipped strategy.

    Attributes:
        name: canonical. meaning: its first sentence. rule: the text of its module.
        parameters: its own, then its sizer's. sizer: its default one. fill: when its orders fill. needs_index: it compares with one.
    """

    name: str
    meaning: str
    rule: str
    parameters: tuple[Parameter, ...]
    sizer: str
    fill: str
    needs_index: bool


def canonical(name: str, files: bool = False) -> str:
    """The name of a strategy as it is known: "golden_cross" is "GoldenCross".

    Args:
        files: names of code of one's own ("file.py:Class", "module:Class") are taken, and the code is run.

    Raises:
        UnknownName: there is no such strategy.
    """
    if files and own_files.is_code(name):
        resolve.strategy_class(name)
        return name
    own_files.refuse(RunSpec(strategy=name))
    return resolve.strategy_class(name).__name__


def strategies(journal: "Journal | None" = None) -> list[Strategy]:
    """Every shipped strategy, by name."""
    return [strategy(name, journal) for name in sorted(resolve.strategy_names())]


def strategy(name: str, journal: "Journal | None" = None) -> Strategy:
    """One strategy with its parameters; None for a journal = as shipped.

    Raises:
        UnknownName: there is no such strategy.
    """
    name = canonical(name)
    kind: Any = resolve.strategy_class(name)
    sizer: Any
    sizer, habits = sizer_of(RunSpec(strategy=name), kind)
    names: dict[str, list[str]] = {}
    for alias, meant in kind.aliases.items():
        names.setdefault(meant, []).append(alias)
    defaults = _defaults(kind, sizer, habits)
    values = {**defaults, **configured(journal, name)}
    told = {**_meanings(kind), **{f"sizer.{each}": text for each, text in (_meanings(sizer) if sizer else {}).items()}}
    tried = getattr(kind, "space", Space()).to_dict()
    module = inspect.getmodule(kind)
    parameters = tuple(Parameter(each, _kind(default), default, told.get(each, ""), str(tried.get(each, "")), values.get(each, default),
                                 tuple(names.get(each, ()))) for each, default in defaults.items())
    return Strategy(name, _first_sentence(kind.__doc__), inspect.cleandoc((module and module.__doc__) or ""), parameters,
                    sizer.__name__ if sizer else "", kind.fill, bool(kind.needs_index))


def configured(journal: "Journal | None", name: str) -> dict[str, Any]:
    """What was asked for of a strategy, by parameter: the latest of each; {} where nobody asked."""
    if journal is None:
        return {}
    values: dict[str, Any] = {}
    for request in journal.steering.requests(CONFIGURE, name, ""):
        values.update(request.facts.get(PARAMETERS, {}))
    return values


def checked(name: str, given: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Parameters of a strategy as `-p` takes them, under their own names and of their own kinds.

    Args:
        given: values or texts, also under aliases ("riskFactor") and of groups ("sizer.risk", "limits.max_weight").
        before: what holds beside them, which they must not contradict.

    Raises:
        UnknownName: no such strategy, parameter or group. BadSpec: a value of the wrong kind, or a contradiction.
    """
    name = canonical(name)
    kind: Any = resolve.strategy_class(name)
    named = resolve.without_aliases(RunSpec(strategy=name).with_assignments(plain(given)), kind)
    resolve.typed_params(kind, named.params)
    asked = assignments(named)
    whole = RunSpec(strategy=name).with_assignments({**(before or {}), **asked})
    sizer, sizing = sizer_of(whole, kind)
    if sizer is not None and issubclass(sizer, PortfolioSizer):
        lone_sizer(sizer, sizing, kind)  # it checks its parameters itself
    own = {**strategy_params(whole, kind), **{f"sizer.{each}": value for each, value in sizing.items()}}
    return {each: own.get(each, value) for each, value in asked.items()}


def configure(journal: "Journal", name: str, given: Mapping[str, Any], by: str) -> "SteeringRequest":
    """Ask for other parameters of a strategy, of every run of it, from its next decision on; the request recorded.

    Code of one's own ("file.py:Class") is known by its name in the specs of runs, and never read here: each of them is asked, and checks
    the parameters itself.

    Args:
        given: as in `checked`. by: who asks.

    Returns:
        The request; of those to several runs of one's own code, the last.

    Raises:
        UnknownName, BadSpec: as `checked`; or no run decides by it; nothing is recorded. UsageError: nothing is given.
    """
    own = own_runs.runs_of(journal, name) if own_files.is_code(name) else []
    name = name if own else canonical(name)
    if not given:
        known = () if own else resolve.defaults(resolve.strategy_class(name))
        raise UsageError(f"parameters: none were given for {name}; name some, such as {next(iter(known), 'fast')}")
    if not own:
        return journal.steering.ask(CONFIGURE, name, "", {PARAMETERS: checked(name, given, configured(journal, name))}, by)
    return [journal.steering.ask(CONFIGURE, strategy, run, {PARAMETERS: plain(given)}, by) for strategy, run in own][-1]


def signals(settings: Settings, spec: RunSpec, journal: "Journal | None" = None) -> Signals:
    """What a strategy says on the last bar of a spec, as `cerebrolab signals` does, with its parameters as they are configured.

    Args:
        spec: parameters named in it win. journal: where the configured ones are; None = as shipped.

    Raises:
        CerebrolabError: see `engine.today`.
    """
    get_calendar(spec.calendar)
    solved.configure(settings.solved)
    return engine.today(with_configured(spec, journal), store=market.store(settings))


def with_configured(spec: RunSpec, journal: "Journal | None") -> RunSpec:
    """A spec with the configured parameters of its strategy below its own; those of a sizer, unless it names another one."""
    kind = resolve.strategy_class(spec.strategy)
    named = resolve.without_aliases(spec, kind)
    own_sizer = spec.sizer is not None or spec.quantity is not None
    before = {name: value for name, value in configured(journal, kind.__name__).items() if not (own_sizer and name.startswith("sizer."))}
    return named.with_assignments({**before, **assignments(named)})


def _defaults(kind: Any, sizer: Any, habits: Mapping[str, Any]) -> dict[str, Any]:
    defaults = dict(resolve.defaults(kind))
    if sizer is not None:
        defaults.update({f"sizer.{each}": habits.get(each, value) for each, value in resolve.defaults(sizer).items()})
    return defaults


def assignments(spec: RunSpec) -> dict[str, Any]:
    """What a spec says of its strategy, as `-p` writes it."""
    groups = {"sizer": spec.sizer_params, "limits": spec.limits, "exits": spec.exits, "guard": spec.guard}
    return {**spec.params, **{f"{group}.{name}": value for group, values in groups.items() for name, value in values.items()}}


def plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """Values as `-p` reads them, from values or texts.

    Raises:
        BadSpec: one is none that a parameter can have.
    """
    return {name: _plain(name, value) for name, value in given.items()}


def _plain(name: str, value: Any) -> Any:
    value = parse_value(value.strip()) if isinstance(value, str) else value
    if not isinstance(value, bool | int | float | str) or (isinstance(value, int | float) and not abs(value) < MOST_NUMBER):
        raise BadSpec(f"{name} is {value!r:.40}: it must be a number, a text, true or false")
    return value


def _kind(default: Any) -> str:
    return {bool: "bool", int: "int", float: "float"}.get(type(default), "text")


def _first_sentence(text: str | None) -> str:
    return inspect.cleandoc(text or "").partition("\n\n")[0].replace("\n", " ")


@cache
def _meanings(kind: Any) -> Mapping[str, str]:
    """Parameter -> what the class says of it under "Params:"; a line may name several, and go on below."""
    found: dict[str, str] = {}
    for each in reversed(getattr(kind, "__mro__", ())):
        section = re.search(r"^Params.*?:\n((?: {4}.*\n?|\n)*)", inspect.cleandoc(each.__doc__ or ""), re.MULTILINE)
        entries = re.split(r"\n(?=\S)|(?<=[.;]) (?=[a-z_]+: )", textwrap.dedent(section[1])) if section else []
        found.update(_entries(entries))
    return found


def _entries(texts: Iterable[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        names, colon, meaning = " ".join(text.split()).partition(": ")
        if colon and re.fullmatch(r"[a-z_]+(, [a-z_]+)*", names):
            found.update(dict.fromkeys(names.split(", "), meaning.rstrip(".")))
    return found
