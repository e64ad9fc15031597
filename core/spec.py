"""RunSpec: everything that decides a run, in strings and numbers, the same for backtest, sweep and live.

The keys of a TOML file, the options of the command line and the fields here have the same names.
"""

import dataclasses
import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.costs import parse_commission, parse_slippage
from core.errors import BadSpec, UnknownName
from core.execution import AT_ONCE, Execution
from core.options import Carry, Exits, Guard, Limits, read_group
from core.sleeves import Sleeves
from core.spec_numbers import check_numbers, read_numbers
from core.spec_texts import period_start, read_toml, utc_ns, utc_time

FILLS = ("next_open", "session_open", "session_close")
PRICES = ("auto", "raw", "adjusted")
RULES = ("alpaca",)
ON_STOP = ("flatten", "keep", "flatten_at_open")
_SECRET = re.compile(r"(secret|password|token|api_?key|key_id)", re.IGNORECASE)
_TEXTS = ("strategy", "universe", "events", "source", "period", "interval", "calendar", "fill", "prices", "rules", "sizer", "sectors", "shorts", "benchmark",
          "name", "on_stop", "execution")
_GROUPS = {"sizer": "sizer_params", "limits": "limits", "exits": "exits", "guard": "guard", "carry": "carry"}


@dataclass(frozen=True)
class RunSpec:
    """One run, repeatable from its strings and numbers.

    Attributes:
        strategy: name of a shipped strategy, or "file.py:Class", or "module:Class".
        params: parameters of the strategy.
        symbols: tradable universe, in the order that breaks ties.
        universe: CSV file of who belonged to it when (`feeds.universe_file`); `symbols`, where given, are a part of it.
        events: CSV file of delistings, mergers for cash and new symbols (`feeds.events_file`).
        delisting: part of its last close that a symbol loses whose bars end without an event; None = it is held on at that close.
        reference: symbols in the bars that are never traded (a market index).
        source: "sample", "csv", "csv:DIR", "yahoo", "alpaca", "alpaca:sip", "synthetic".
        start, end: ISO dates, both included; None = all there is.
        period: length back from `end` ("3y", "18mo", "90d"), instead of `start`.
        as_of: ISO date or UTC time: the bars as they were stored then, before the source changed any; nothing is fetched.
        signal_start: first date on which the strategy may decide; None = the first bar.
        interval: bar length ("1d", "1m", …). calendar: exchange calendar.
        cash: starting cash, account currency.
        commission, slippage: as read by `core.costs`.
        fractional: fractions of shares may be traded.
        max_volume: largest part of a bar's volume one order may fill; None = no cap.
        fill: "next_open", "session_open", "session_close"; None = as the strategy says.
        prices: what the simulated exchange trades at: "raw" with dividends and splits booked, or
            "adjusted" with both inside the price; "auto" = raw for target strategies, adjusted for plain ones.
        rules: whose order rules the simulated broker applies, "alpaca"; None = those of cash only.
        sizer: name of a sizer, or "file.py:Class"; None = the strategy's own. sizer_params: its parameters.
        quantity: shares of every position, instead of a sizer; fractions only with `fractional`.
        limits, exits, guard: fields of `core.options.Limits`, `Exits` and `Guard`.
        carry: fields of `core.options.Carry`, what a simulated account pays and earns for holding; a live one's broker does it.
        shorts: CSV file of which shares can be borrowed when, and at which fee (`feeds.shorts_file`); None = all, at `carry.borrow`.
        sleeves: name -> "SHARE: SYMBOLS", parts of the account (see `core.sleeves`); empty = the strategy's own.
        sectors: CSV file with the columns symbol and sector; None = what the source knows.
        benchmark: a symbol, or "universe" for its equal-weight buy-and-hold.
        risk_free: annual rate used in Sharpe, Sortino and alpha.
        capital: largest part of a live account, in its currency, that the run may use; None = all of it.
        trading_days: sessions on which a live run decides, from its first; None = until it is stopped.
        name: of the run on its account, in the journal and in the ids of its orders; None = the strategy's.
        on_stop: what a live run does with its positions when it ends: "flatten", "keep", or "flatten_at_open" (in the next
            session where the market is closed); None = flatten with bars within the day, keep with longer ones.
        stop_within: seconds the end of a live run may take.
        execution: how market orders are carried out (`core.execution`): "twap:30", "vwap:30:20" (sessions of its profile),
            "participation:0.1:60:complete"; "now" = at once, with the shortfall measured; None = at once.
        seed: of everything random.
    """

    strategy: str = "GoldenCross"
    params: Mapping[str, Any] = field(default_factory=dict)
    symbols: tuple[str, ...] = ()
    universe: str | None = None
    events: str | None = None
    delisting: float | None = None
    reference: tuple[str, ...] = ()
    source: str = "sample"
    start: str | None = None
    end: str | None = None
    period: str | None = None
    as_of: str | None = None
    signal_start: str | None = None
    interval: str = "1d"
    calendar: str = "XNYS"
    cash: float = 100_000.0
    commission: str = "none"
    slippage: str = "none"
    fractional: bool = False
    max_volume: float | None = None
    fill: str | None = None
    prices: str = "auto"
    rules: str | None = None
    sizer: str | None = None
    sizer_params: Mapping[str, Any] = field(default_factory=dict)
    quantity: float | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)
    exits: Mapping[str, float] = field(default_factory=dict)
    guard: Mapping[str, float] = field(default_factory=dict)
    carry: Mapping[str, float] = field(default_factory=dict)
    shorts: str | None = None
    sleeves: Mapping[str, Any] = field(default_factory=dict)
    sectors: str | None = None
    benchmark: str = "universe"
    risk_free: float = 0.0
    capital: float | None = None
    trading_days: int | None = None
    name: str | None = None
    on_stop: str | None = None
    stop_within: float = 60.0
    execution: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("symbols", "reference"):
            value = getattr(self, name)
            if not isinstance(value, Iterable):
                raise BadSpec(f"{name} is {value!r}: it must be a list of names")
            parts = re.split(r"[,\s]+", value) if isinstance(value, str) else value
            object.__setattr__(self, name, tuple(str(part) for part in parts if str(part)))
        for name in ("start", "end", "signal_start"):
            object.__setattr__(self, name, _date(name, getattr(self, name)))
        object.__setattr__(self, "as_of", utc_time("as_of", str(self.as_of)) if self.as_of else None)
        for name in ("commission", "slippage"):
            object.__setattr__(self, name, str(getattr(self, name)))
        self._check_kinds()
        self._check()

    def _check_kinds(self) -> None:
        for name in _TEXTS:
            value = getattr(self, name)
            if not isinstance(value, str | None):
                raise BadSpec(f"{name} is {value!r}: it must be text")
        if not isinstance(self.fractional, bool):
            raise BadSpec(f"fractional is {self.fractional!r}: it is true or false")

    def _check(self) -> None:
        check_numbers(self)
        if self.start and self.end and self.start > self.end:
            raise BadSpec(f"start {self.start} is after end {self.end}: swap them")
        if self.start and self.period:
            raise BadSpec(f"start {self.start} and period {self.period} are both given: name one of them")
        if self.period:
            period_start(self.period, dt.date(2000, 1, 1))
        for name, known in (("fill", FILLS), ("prices", PRICES), ("rules", RULES), ("on_stop", ON_STOP)):
            if getattr(self, name) not in (None, *known):
                raise UnknownName.of(name, str(getattr(self, name)), known)
        traded, reference = Counter(self.symbols), set(self.reference)
        for symbol in traded:
            if traded[symbol] > 1:
                raise BadSpec(f"symbol {symbol} is named twice: name it once")
            if symbol in reference:
                raise BadSpec(f"symbol {symbol} is both traded and reference: name it in one of the lists")
        if not re.fullmatch(r"[1-9]\d*(m|h|d|w|M)", self.interval):
            raise BadSpec(f"interval {self.interval!r} is not understood: write 1d, 1w, 1h, 5m or 1m")
        if self.execution not in (None, AT_ONCE):
            Execution.read(str(self.execution))
        parse_commission(self.commission)
        parse_slippage(self.slippage)
        read_group(Limits, self.limits)
        read_group(Exits, self.exits)
        read_group(Guard, self.guard)
        read_group(Carry, self.carry)
        Sleeves.read(self.sleeves)

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.masked().items())
        return f"RunSpec({shown})"

    @property
    def known_at(self) -> int | None:
        """`as_of` in UTC ns: the end of its day where it is a date; None = now."""
        return utc_ns(self.as_of) if self.as_of else None

    def masked(self) -> dict[str, Any]:
        """What differs from the defaults, with the values of secret-looking names replaced by "***"."""
        return {name: _mask(name, value) for name, value in self.to_dict().items()}

    def to_dict(self) -> dict[str, Any]:
        """The fields that differ from their defaults, plus strategy and symbols; plain lists and dicts."""
        default = {each.name: _default(each) for each in dataclasses.fields(self)}
        chosen = {"strategy": self.strategy, "symbols": list(self.symbols)}
        for name, standard in default.items():
            value = getattr(self, name)
            if value != standard and name not in chosen:
                chosen[name] = _plain(value)
        return chosen

    def replace(self, **changes: Any) -> "RunSpec":
        """A copy with some fields changed, checked again."""
        return dataclasses.replace(self, **changes)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "RunSpec":
        """Build from names and values, as read from TOML; `[sizer]`-like tables may hold `name` and parameters.

        Raises:
            UnknownName: a key that is no option. BadSpec: a value out of range.
        """
        values = dict(values)
        if isinstance(values.get("sizer"), Mapping):
            table = dict(values["sizer"])
            values["sizer"] = table.pop("name", None)
            values["sizer_params"] = {**table, **values.get("sizer_params", {})}
        names = [each.name for each in dataclasses.fields(cls)]
        for name in values:
            if name not in names:
                raise UnknownName.of("option", name, names)
        for name in ("params", "sleeves", *_GROUPS.values()):
            if not isinstance(values.get(name, {}), Mapping):
                raise BadSpec(f"{name} is {values[name]!r}: it must be a table of names and values")
        read_numbers(values)
        return cls(**values)

    @classmethod
    def from_toml(cls, path: str | Path) -> "RunSpec":
        """Read a TOML file whose keys are the option names.

        Raises:
            BadSpec: the file is missing or is not TOML. Otherwise as `from_dict`.
        """
        try:
            return cls.from_dict(read_toml(path))
        except UnknownName as error:
            raise type(error)(f"{path}: {error}") from None

    def with_assignments(self, assignments: Mapping[str, Any]) -> "RunSpec":
        """Apply `-p` assignments: "fast" is a parameter, "sizer.x", "limits.x" and "exits.x" go to their groups."""
        groups: dict[str, dict[str, Any]] = {name: dict(getattr(self, name)) for name in ("params", *_GROUPS.values())}
        for name, value in assignments.items():
            head, dot, rest = name.partition(".")
            if not dot:
                groups["params"][name] = value
            elif head in _GROUPS:
                groups[_GROUPS[head]][rest] = value
            else:
                raise UnknownName.of("group of parameters", head, _GROUPS)
        return self.replace(**groups)


def _date(name: str, value: Any) -> str | None:
    if value is None or value == "":
        return None
    try:
        return dt.date.fromisoformat(str(value)[:10] if isinstance(value, dt.datetime) else str(value)).isoformat()
    except ValueError:
        raise BadSpec(f"{name} {str(value)!r} is not a date: write it as 2015-01-31") from None


def _default(each: dataclasses.Field) -> Any:
    return each.default_factory() if callable(each.default_factory) else each.default


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _mask(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _mask(key, each) for key, each in value.items()}
    return "***" if _SECRET.search(name) else value
