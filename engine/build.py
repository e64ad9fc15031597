"""`build`: the one Cerebro set-up; only broker and feeds differ between research and live."""

import math
from typing import Any

import backtrader as bt
import numpy as np

from brokers import SimulatedBroker
from brokers.barriers import Barrier, NotLent, NotMember
from brokers.carrying import CarryingCosts
from brokers.execution import Sliced
from core.bars import Bars
from core.calendars import get_calendar
from core.costs import parse_commission, parse_slippage
from core.errors import BadSpec, UnknownName
from core.execution import AT_ONCE, Execution
from core.options import Carry, Exits, Guard, Limits, read_group
from core.sleeves import Sleeves
from core.spec import RunSpec
from engine import resolve
from engine.carrying import carry_of, lending_of, nights_of
from engine.cerebro import Cerebro
from engine.guarding import guarded
from engine.loading import check_past, load
from engine.stores import alpaca_store, check_feeds, check_fill, connect, is_alpaca, is_store
from engine.turns import Seat
from feeds.cerebro_feed import BarsData
from feeds.intervals import is_intraday
from sizers.base import PortfolioSizer
from sizers.fixed_quantity import FixedQuantity
from strategies.base import TargetStrategy

_GROUPS = {"limits": Limits, "exits": Exits, "guard": Guard, "carry": Carry}


def build(spec: RunSpec, broker: Any = "simulated", bars: Bars | None = None) -> bt.Cerebro:
    """A Cerebro ready to run; only broker and feeds differ between research and live.

    Args:
        spec: what to run.
        broker: "simulated"; "alpaca", the paper account of the settings; a store, such as `brokers.alpaca.AlpacaStore` or
            anybody's, which provides broker and live feeds; or a Backtrader broker of your own.
        bars: what it runs on, instead of what the spec's source delivers; with a store, the history before its bars.

    Raises:
        UnknownName, BadSpec: a name or a value of the spec is not possible. Otherwise as `load`.
    """
    strategy = resolve.strategy_class(spec.strategy)
    spec = resolve.without_aliases(spec, strategy)
    store = alpaca_store() if broker == "alpaca" else broker
    cerebro = Cerebro(stdstats=False, quicknotify=is_store(store))  # what happens live is told at once, not with the next bar
    if is_store(store):
        check_live(spec, is_alpaca(store))
        connect(cerebro, store, spec, bars, name=resolve.run_name(spec))
    else:
        bars = played_bars(spec, bars)
        cerebro.setbroker(simulated_broker(spec, bars) if broker == "simulated" else _own(broker))
        for symbol, feed in feeds_of(bars).items():
            cerebro.adddata(feed, name=symbol)
    cerebro.addstrategy(strategy, **strategy_params(spec, strategy))
    sizer, params = sizer_of(spec, strategy)
    if sizer is not None:
        cerebro.addsizer(sizer, **params)
    face = broker_for(spec, cerebro.broker)
    if face is not cerebro.broker:
        cerebro.seats = [Seat(list(cerebro.datas), face)]
    guarded(cerebro, [spec], store if is_alpaca(store) else None)
    return cerebro


def check_live(spec: RunSpec, at_alpaca: bool = True) -> None:
    """Whether a spec can be traded bar by bar through Alpaca or another store, as far as it says so itself; nobody is asked.

    Raises:
        UnknownName, BadSpec, UsageError: it cannot, and why.
    """
    strategy = resolve.strategy_class(spec.strategy)
    spec = resolve.without_aliases(spec, strategy)
    check_past(spec)
    if not spec.symbols:
        raise BadSpec("no symbols were given: name some, such as symbols = [\"SPY\"]")
    strategy_params(spec, strategy)
    _, sizing = sizer_of(spec, strategy)
    if spec.sleeves:
        sizing["sleeves"].assign((*spec.symbols, *spec.reference))
    limits = read_group(Limits, spec.limits)
    if limits.max_sector < math.inf and limits.sectors_required:
        raise BadSpec(f"limits.max_sector is {limits.max_sector:g}: no sectors are known bar by bar, live; drop it, or set limits.sectors_required = 0 "
                      "to trade without")
    execution_of(spec)
    check_fill(spec, strategy)
    check_feeds(spec, at_alpaca)
    last = get_calendar(spec.calendar).sessions[-1]
    if spec.signal_start is not None and np.datetime64(spec.signal_start) > last:
        raise BadSpec(f"signal_start {spec.signal_start} is after the last session of the calendar {spec.calendar}, {last}: "
                      "the run would never decide")


def execution_of(spec: RunSpec) -> Execution | None:
    """How the market orders of a spec are carried out; None = at once.

    Raises:
        UnknownName, BadSpec: see `core.execution.Execution`.
    """
    execution = Execution.read(spec.execution) if spec.execution not in (None, AT_ONCE) else None
    if execution is not None:
        execution.check_bars(not is_intraday(spec.interval))
    return execution


def broker_for(spec: RunSpec, broker: Any) -> Any:
    """What the strategy of a spec sees as its broker: the one behind, or its face that carries out market orders in slices.

    Raises:
        UnknownName, BadSpec: see `core.execution.Execution`.
    """
    if spec.execution is None and issubclass(resolve.strategy_class(spec.strategy), TargetStrategy):
        return broker  # a plain one may name an algorithm with any of its orders
    return Sliced(broker, execution_of(spec))


def played_bars(spec: RunSpec, bars: Bars | None) -> Bars:
    """The bars a spec is played on, at the prices it trades at; None = what its source delivers."""
    bars = load(spec) if bars is None else bars
    return bars.adjusted if trades_adjusted(spec, resolve.strategy_class(spec.strategy)) else bars


def feeds_of(bars: Bars) -> dict[str, BarsData]:
    """Symbol -> feed."""
    return {symbol: BarsData(dataname=bars, symbol=symbol) for symbol in bars.symbols}


def trades_adjusted(spec: RunSpec, strategy: type[bt.Strategy]) -> bool:
    """Whether the run trades at adjusted prices, with dividends and splits inside them.

    A plain strategy computes its indicators on the prices it trades at, so it gets adjusted ones unless the
    spec says otherwise; a target strategy has signal prices beside the raw ones.
    """
    return spec.prices == "adjusted" or (spec.prices == "auto" and not issubclass(strategy, TargetStrategy))


def simulated_broker(spec: RunSpec, bars: Bars | None = None) -> SimulatedBroker:
    """The simulated account of a spec; with its bars, carry is booked, and nothing is opened that is not lent or not in the universe."""
    carrying: CarryingCosts | None = None
    barriers: list[Barrier] = []
    if bars is not None:
        nights, panel = nights_of(spec, bars), (bars.symbols, bars.index)
        carrying = CarryingCosts.of(carry_of(spec), nights, *panel)
        if len(nights.lent):
            barriers.append(NotLent(nights.lent[nights.session], *panel))
        if bars.member is not None:
            barriers.append(NotMember(bars.member, *panel))
    return SimulatedBroker(cash=float(spec.cash), costs=parse_commission(spec.commission),
                           slippage=parse_slippage(spec.slippage), fractional=spec.fractional,
                           max_volume=spec.max_volume, rules=spec.rules, carrying=carrying, barriers=barriers)


def _own(broker: Any) -> bt.BrokerBase:
    if isinstance(broker, bt.BrokerBase):
        return broker
    raise UnknownName.of("broker", str(broker), ["simulated", "alpaca"])


def strategy_params(spec: RunSpec, strategy: type[bt.Strategy]) -> dict[str, Any]:
    """What a spec says to its strategy, checked."""
    params = resolve.checked_params(strategy, spec.params)
    if issubclass(strategy, TargetStrategy):
        exits = read_group(Exits, spec.exits)
        return {**params, "exits": exits, "signal_start": spec.signal_start, "fill": spec.fill}
    for name in ("exits", "signal_start", "fill"):
        if getattr(spec, name):
            raise BadSpec(f"{name} needs a target strategy: {strategy.__name__} is plain and places its own orders")
    return params


def sizer_of(spec: RunSpec, strategy: type[bt.Strategy]) -> tuple[type[bt.Sizer] | None, dict[str, Any]]:
    """The sizer class of a run and what the spec says to it; None where nobody names one."""
    own = getattr(strategy, "default_sizer", None)
    if spec.quantity is not None:
        sizer, params = _of_quantity(spec.quantity, strategy)
    elif spec.sizer is None and own is None:
        if spec.limits or spec.sizer_params or spec.sleeves:
            raise BadSpec(f"limits, sleeves and sizer parameters need a sizer: name one with sizer = "
                          f"{' or '.join(map(repr, resolve.sizer_names()))}")
        return None, {}
    else:
        sizer = own if spec.sizer is None and isinstance(own, type) else resolve.sizer_class(str(spec.sizer or own))
        habits = getattr(strategy, "sizer_params", {}) if spec.sizer is None else {}
        params = resolve.checked_params(sizer, {**habits, **spec.sizer_params}, what="sizer parameter")
    if issubclass(sizer, PortfolioSizer):
        params |= {"limits": read_group(Limits, spec.limits), "fractional": spec.fractional, "lending": lending_of(spec)}
        if spec.sleeves:
            params["sleeves"] = Sleeves.read(spec.sleeves)
    elif spec.limits or spec.sleeves:
        raise BadSpec(f"limits and sleeves need a portfolio sizer: {sizer.__name__} is a plain Backtrader one")
    return sizer, params


def _of_quantity(quantity: float, strategy: type[bt.Strategy]) -> tuple[type[bt.Sizer], dict[str, Any]]:
    """The sizer that gives every position the same number of shares: Backtrader's own for a plain strategy."""
    if issubclass(strategy, TargetStrategy):
        return FixedQuantity, {"quantity": float(quantity)}
    return bt.sizers.FixedSize, {"stake": int(quantity) if quantity == int(quantity) else quantity}


def default_of(spec: RunSpec, name: str) -> Any:
    """What a parameter named as in `-p` is when nobody says anything: "fast", "sizer.risk", "limits.x", "exits.x".

    Raises:
        UnknownName: there is no such parameter.
    """
    strategy = resolve.strategy_class(spec.strategy)
    meant = (getattr(strategy, "aliases", None) or {}).get(name, name)
    group, dot, rest = meant.rpartition(".")
    if group == "sizer":
        sizer, params = sizer_of(spec, strategy)
        if sizer is None:
            raise BadSpec(f"{name} needs a sizer: name one with sizer = {' or '.join(map(repr, resolve.sizer_names()))}")
        resolve.known_param(sizer, rest, "sizer parameter")
        return params.get(rest, getattr(sizer.params, rest))
    kind: Any = _GROUPS.get(group)
    if kind is not None:
        if rest not in kind._fields:
            raise UnknownName.of(group.rstrip("s"), rest, kind._fields)
        return getattr(kind(), rest)
    if dot:
        raise UnknownName.of("group of parameters", group, ("sizer", *_GROUPS))
    resolve.known_param(strategy, meant, "parameter")
    return getattr(strategy.params, meant)


def lone_sizer(kind: Any, params: dict[str, Any], strategy: type[TargetStrategy]) -> PortfolioSizer:
    """A portfolio sizer as `sizer_of` names it, outside any Cerebro, with the sleeves its strategy has by habit."""
    return kind(**{"sleeves": Sleeves.read(strategy.sleeves, flexible=True), **params})
