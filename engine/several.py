"""`build_several`: runs that share one account, each with feeds and a sub-account of its own, in one Cerebro.

Imports engine.build and below.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import backtrader as bt

from brokers.alpaca.order_terms import exact_number
from brokers.shared_account import SharedAccount
from brokers.sub_account import SubAccount
from core.bars import Bars
from core.errors import BadSpec
from core.options import Exits, read_group
from core.spec import RunSpec
from engine import resolve
from engine.build import broker_for, build, feeds_of, played_bars, simulated_broker, sizer_of, strategy_params
from engine.cerebro import Cerebro
from engine.guarding import guarded
from engine.stores import alpaca_store, check_fill, is_alpaca, is_store, live_feeds
from engine.turns import Seat

ELSEWHERE = "several runs share a simulated account or one at Alpaca: run them one by one on other stores"


class Runs:
    """The runs of one Cerebro.

    Attributes:
        cerebro: ready to run. specs: name -> spec. shared: who owns what; None where there is one run, which owns it all.
    """

    def __init__(self, cerebro: bt.Cerebro, specs: dict[str, RunSpec], shared: SharedAccount | None = None) -> None:
        self.cerebro, self.specs, self.shared = cerebro, specs, shared

    def of(self, order: bt.Order) -> str:
        """The name of the run whose order it is; "" where it is nobody's."""
        return self.shared.of(order) if self.shared is not None else next(iter(self.specs))


def named(specs: Sequence[RunSpec]) -> dict[str, RunSpec]:
    """Name -> spec, of runs that are to share an account.

    Raises:
        BadSpec: two of one name, no capital is named, or they would not end together.
    """
    runs: dict[str, RunSpec] = {}
    for spec in specs:
        name = resolve.run_name(spec)
        if name in runs:
            raise BadSpec(f"two runs on the account are called {name}: give one of them another name")
        if len(specs) > 1 and spec.capital is None:
            raise BadSpec(f"the run {name} names no capital: runs that share an account say how much of it is theirs")
        for field in ("trading_days", "calendar"):
            if getattr(spec, field) != getattr(specs[0], field):
                raise BadSpec(f"{field} is {getattr(spec, field)} for {name} and {getattr(specs[0], field)} for {resolve.run_name(specs[0])}: runs "
                              "that share an account end together")
        runs[name] = spec
    return runs


def build_runs(specs: Sequence[RunSpec], broker: Any = "simulated", bars: Sequence[Bars | None] | None = None, nets: bool = False) -> Runs:
    """As `build_several`; a single run has the account to itself."""
    if len(specs) > 1:
        return build_several(specs, broker, bars, nets)
    return Runs(build(specs[0], broker, bars[0] if bars else None), named(specs))


def build_several(specs: Sequence[RunSpec], broker: Any = "simulated", bars: Sequence[Bars | None] | None = None,
                  nets: bool = False) -> Runs:
    """A Cerebro in which several runs trade one account, ready to run.

    Args:
        specs: each with `capital`; cash, costs and rules of a simulated account are those of the first.
        broker: "simulated", "alpaca", or an AlpacaStore. bars: of each run, as for `engine.build.build`.
        nets: see `brokers.shared_account.SharedAccount`.

    Raises:
        BadSpec: they cannot share it, and why. Otherwise as `engine.build.build`.
    """
    runs, given = named(specs), list(bars or [None] * len(specs))
    store = alpaca_store() if broker == "alpaca" else broker
    if broker != "simulated" and not is_alpaca(store):
        raise BadSpec(ELSEWHERE)
    cerebro = Cerebro(stdstats=False, quicknotify=is_store(store))
    cerebro.setbroker(store.getbroker() if is_store(store) else simulated_broker(specs[0]))
    if not is_store(store):
        for name, spec in runs.items():
            if spec.carry:
                raise BadSpec(f"carry of the run {name} is of an account of its own: interest is not divided between runs, so leave it out")
        check_capital({name: float(spec.capital or 0.0) for name, spec in runs.items()}, cerebro.broker.getvalue())
    parts, seats = [], []
    for (name, spec), known in zip(runs.items(), given, strict=True):
        spec = resolve.without_aliases(spec, resolve.strategy_class(spec.strategy))
        feeds = _feeds(store, spec, known)
        for symbol, feed in feeds.items():
            feed.run = name
            cerebro.adddata(feed, name=symbol)
        parts.append(SubAccount(name, cerebro.broker, float(spec.capital or specs[0].cash), list(feeds.values())))
        seats.append(Seat(parts[-1].feeds, broker_for(spec, parts[-1])))
        _add_strategy(cerebro, spec, len(seats) - 1)
    cerebro.seats = seats
    guarded(cerebro, specs, store if is_alpaca(store) else None)
    shared = SharedAccount(cerebro.broker, parts, nets)
    if is_store(store):
        cerebro.broker.shared = shared  # which begins with what the account holds, once that is read
    else:
        shared.begin(exact_number(float(specs[0].cash)), {})
    return Runs(cerebro, runs, shared)


def _feeds(store: Any, spec: RunSpec, bars: Bars | None) -> dict[str, Any]:
    if not is_store(store):
        return feeds_of(played_bars(spec, bars))
    check_fill(spec, resolve.strategy_class(spec.strategy))
    return live_feeds(store, spec, bars)


def _add_strategy(cerebro: bt.Cerebro, spec: RunSpec, at: int) -> None:
    strategy = resolve.strategy_class(spec.strategy)
    cerebro.addstrategy(strategy, **strategy_params(spec, strategy))
    sizer, params = sizer_of(spec, strategy)
    if sizer is not None:
        cerebro.addsizer_byidx(at, sizer, **params)


def check_capital(wanted: Mapping[str, float], there: float) -> None:
    """Whether an account is worth what its runs may use.

    Raises:
        BadSpec: it is not.
    """
    if sum(wanted.values()) > there:
        raise BadSpec(f"the capital of the runs adds up to {sum(wanted.values()):,.2f}, and the account is worth {there:,.2f}: give them less")


def in_each_others_way(specs: Mapping[str, RunSpec]) -> list[str]:
    """A sentence on every pair of runs that share symbols and of which one has protective orders: what Alpaca refuses then.

    A lone stop or limit is taken for a wash trade with what comes from the other side, a trailing stop and a pair are not (page "User
    Protection"); each of them holds the shares of its position.
    """
    exits = {name: read_group(Exits, spec.exits) for name, spec in specs.items()}
    said = []
    for pair in combinations(specs, 2):
        symbols = sorted(set(specs[pair[0]].symbols) & set(specs[pair[1]].symbols))
        resting = [name for name in pair if exits[name].stop or exits[name].trail or exits[name].profit]
        if not symbols or not resting:
            continue
        other = "the other run" if len(resting) == 2 else next(name for name in pair if name not in resting)
        is_plain = any(not exits[name].trail and not (exits[name].stop and exits[name].profit) for name in resting)
        refused = f"every order of {other} but exits from a position on the same side" if is_plain else f"orders of {other} that open a position on the other side"
        said.append(f"the runs {' and '.join(pair)} both trade {', '.join(symbols)}: while a protective order of {' or '.join(resting)} rests there, Alpaca refuses "
                    f"{refused}; give them different symbols, or an account each")
    return said
