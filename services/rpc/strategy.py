"""StrategyService: signals, and the parameters they are made by. Imports what `services.rpc` imports."""

import math
from typing import Any

import numpy as np

import engine
from core.calendars import get_calendar
from core.errors import BadSpec
from core.panels import carried_forward
from core.settings import Settings
from core.spec import RunSpec
from engine import resolve
from engine.build import sizer_of
from engine.live.phases import params_of
from engine.today import Signal, Signals
from indicators import on
from journal import Journal
from services import catalogue, market, own_files
from services.rpc.asked import asked_dates, asked_source, asked_symbols
from services.rpc.calls import Answer, Call, finite
from services.rpc.generated import strategyservice_pb2 as pb
from sizers import AtrRisk, solved
from strategies.base import TargetStrategy

SERVICE = pb.DESCRIPTOR.services_by_name["StrategyService"]
RANGE = 20  # bars of the average true range, where the sizer names none
SLACK = 10  # sessions
MOST_PARAMETERS, MOST_TEXT = 100, 1_000


class StrategyService:
    """Answers with signals and parameters.

    Args:
        spec: what the server was started with: strategy, symbols and source of requests that name none.
    """

    def __init__(self, settings: Settings, spec: RunSpec, journal: Journal) -> None:
        self._settings, self._spec, self._journal = settings, spec, journal

    def answers(self) -> dict[str, Answer]:
        """Method -> what answers it."""
        return {"GenerateSignals": self.signals, "ConfigureStrategy": self.configure, "GetStrategyParameters": self.parameters}

    def signals(self, request: pb.SignalsRequest, call: Call) -> pb.Signals:
        """What a strategy says on the last bar of a range; it decides from start_date on, and sees what it needs from before.

        Raises:
            CerebrolabError: no such strategy, symbol or source, a value that is not possible, no bars, or the source does not answer.
        """
        spec = self._asked(request)
        get_calendar(spec.calendar)
        solved.configure(self._settings.solved)
        found = engine.today(spec, store=market.store(self._settings), progress=call.alive)
        call.alive()
        return pb.Signals(strategy_name=resolve.strategy_class(spec.strategy).__name__, date=str(found.session), warnings=found.warnings,
                          signals=[_signal(found, row, unit) for row, unit in zip(found.rows, _risk_units(found), strict=True)])

    def configure(self, request: pb.ConfigureRequest, _: Call) -> pb.Configured:
        """Record other parameters; runs take them at their next decision.

        Raises:
            CerebrolabError: no such strategy or parameter, a value that is not possible, or it cannot be recorded; nothing is recorded.
        """
        given, name = _texts(request.parameters), _named(request.strategy_name)
        asked = catalogue.configure(self._journal, name, given, request.requested_by[:MOST_TEXT] or "gRPC")
        values = given if own_files.is_code(name) else _values(catalogue.strategy(asked.strategy, self._journal))
        return pb.Configured(strategy_name=asked.strategy, request_id=asked.id, parameters=values)

    def parameters(self, request: pb.ParametersRequest, _: Call) -> pb.Parameters:
        """The parameters of a strategy, as they were configured.

        Raises:
            UnknownName, UsageError: no such strategy.
        """
        found = catalogue.strategy(_named(request.strategy_name), self._journal)
        details = [pb.Parameter(name=each.name, kind=each.kind, value=str(each.configured), default_value=str(each.default), meaning=each.meaning,
                                aliases=each.aliases) for each in found.parameters]
        return pb.Parameters(strategy_name=found.name, parameters=_values(found), details=details)

    def _asked(self, request: pb.SignalsRequest) -> RunSpec:
        start, end = asked_dates(request.start_date, request.end_date)
        own = self._spec
        strategy = catalogue.canonical(request.strategy_name) if request.strategy_name else own.strategy
        kind = resolve.strategy_class(strategy)
        is_own = kind is resolve.strategy_class(own.strategy)
        symbols = asked_symbols("symbols", request.symbols) if request.symbols else own.symbols
        index = asked_symbols("market_index", [request.market_index]) if request.market_index else _kept(own, is_own, request)
        spec = (own if is_own else RunSpec(strategy=strategy, calendar=own.calendar, seed=own.seed)).replace(
            symbols=symbols, source=asked_source(request.source, own.source), interval=request.interval or own.interval,
            reference=tuple(each for each in index if each not in symbols))
        if request.parameters:
            spec = resolve.without_aliases(spec, kind).with_assignments(catalogue.checked(kind.__name__, _texts(request.parameters)))
        spec = catalogue.with_configured(spec, self._journal)
        return _ranged(spec, start, end) if start or end else spec


def _kept(own: RunSpec, is_own: bool, request: pb.SignalsRequest) -> tuple[str, ...]:
    """The reference symbols of requests that name none: the server's own, where strategy and source are too."""
    return own.reference if is_own and request.source in ("", own.source) else ()


def _ranged(spec: RunSpec, start: str | None, end: str | None) -> RunSpec:
    """Decisions from a date on, with the sessions before it that they depend on."""
    kind: Any = resolve.strategy_class(spec.strategy)
    spec = spec.replace(start=start, end=end, period=None, signal_start=None)
    if start is None or not issubclass(kind, TargetStrategy) or spec.interval != "1d":
        return spec
    needed = kind.warmup(params_of(spec)) or 0
    sessions = get_calendar(spec.calendar).sessions
    first = max(int(np.searchsorted(sessions, np.datetime64(start))) - needed - SLACK, 0)
    return spec.replace(start=min(str(sessions[first]), start), signal_start=start)


def _risk_units(found: Signals) -> list[float]:
    """The average true range over the close, of each row."""
    kind, params = sizer_of(found.spec, resolve.strategy_class(found.spec.strategy))
    period = int(params["period"]) if kind is not None and issubclass(kind, AtrRisk) and "period" in params else RANGE
    ranges = carried_forward(on(found.bars).atr(period))[-1]
    units = ranges / (found.bars.last_close[-1] * found.bars.factor[-1])
    return [float(units[found.bars.column(row.symbol)]) for row in found.rows]


def _signal(found: Signals, row: Signal, risk_unit: float) -> pb.Signal:
    known = row.decided is not None
    out = row.signal in ("OUT", "SELL") and known
    word = "SHORT" if row.conviction < 0 else "SELL" if out else row.signal if row.signal == "BUY" else "HOLD"
    return pb.Signal(symbol=row.symbol, signal=word, risk_unit=finite(risk_unit), momentum_score=finite(row.conviction) if known else None,
                     current_price=row.close if math.isfinite(row.close) else 0.0, date=str(found.session), decided=str(row.decided) if known else "",
                     weight=row.weight if math.isfinite(row.weight) else 0.0,
                     numbers={name: value for name, value in row.numbers.items() if math.isfinite(value)})


def _named(name: str) -> str:
    if not name.strip():
        raise BadSpec("strategy_name is empty: name a strategy, such as momentum")
    return name if own_files.is_code(name) else catalogue.canonical(name)  # code of one's own is not read for whoever names it


def _texts(parameters: Any) -> dict[str, str]:
    """Parameters, as they were sent.

    Raises:
        BadSpec: too many, or too long.
    """
    if len(parameters) > MOST_PARAMETERS:
        raise BadSpec(f"parameters: {len(parameters)} were given: {MOST_PARAMETERS} at most")
    for name, value in parameters.items():
        if len(name) > MOST_TEXT or len(value) > MOST_TEXT:
            raise BadSpec(f"parameters: {name!r:.40} is longer than {MOST_TEXT} characters")
    return dict(parameters)


def _values(found: catalogue.Strategy) -> dict[str, str]:
    """Every parameter as text, also under its aliases."""
    return {name: str(each.configured) for each in found.parameters for name in (each.name, *each.aliases)}
