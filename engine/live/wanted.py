"""From the last bar and what an account holds to the orders that are wanted: pure, nothing is sent. Imports engine and below."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import numpy as np

from brokers.alpaca.increments import round_qty
from core.bars import Bars
from core.errors import BadSpec
from core.options import Exits, Guard, read_group
from core.panels import carried_forward
from core.spec import RunSpec
from engine import resolve
from engine.build import lone_sizer, sizer_of
from engine.live.phases import Phase, decisions
from engine.loading import check_past
from sizers.base import PortfolioSizer
from strategies.base import TargetStrategy
from strategies.desk import in_order


@dataclass(frozen=True)
class Wanted:
    """One order that is wanted: shares (above 0) to "buy" or "sell", to "enter", "resize" or "exit" a position."""

    symbol: str
    side: str
    qty: Decimal
    intent: str


@dataclass(frozen=True)
class Decided:
    """What a strategy decided on the last bar.

    Attributes:
        targets: symbol -> shares to hold, of the symbols decided on. orders: sales first, then buys, the strongest first.
        notes: what sizer and limits have to say. said: symbol -> conviction, of all that the strategy decided on.
    """

    targets: Mapping[str, float]
    orders: tuple[Wanted, ...]
    notes: tuple[str, ...]
    said: Mapping[str, float] = field(default_factory=dict)


def check_daily(spec: RunSpec) -> type[TargetStrategy]:
    """The strategy of a spec that a daily run can trade.

    Raises:
        BadSpec: it cannot, and why. Otherwise as `engine.build`.
    """
    check_past(spec)
    strategy = resolve.strategy_class(spec.strategy)
    if not issubclass(strategy, TargetStrategy):
        raise BadSpec(f"{spec.strategy} is a plain Backtrader strategy: a daily run trades target strategies; --loop runs it bar by bar")
    if spec.interval != "1d":
        raise BadSpec(f"interval is {spec.interval}: a daily run decides on daily bars; use interval 1d, or --loop to run bar by bar")
    if any(read_group(Exits, spec.exits)):
        raise BadSpec("exits are protective orders that stand all day, and a daily run places none: drop them, or use --loop to run bar by bar")
    own = resolve.checked_params(strategy, resolve.without_aliases(spec, strategy).params)
    strategy.check_bars(spec.interval, SimpleNamespace(**{**resolve.defaults(strategy), **own}))
    if read_group(Guard, spec.guard).active or spec.execution is not None:
        raise BadSpec("guard and execution: a daily run sends its orders without them; drop them, or use --loop to run bar by bar")
    if strategy.path_dependent and (spec.signal_start is None or spec.period is not None):
        raise BadSpec(f"{strategy.__name__} depends on its own earlier decisions: name the date of the first one with signal_start, "
                      "and start instead of period, and never move them")
    sizer, _ = sizer_of(spec, strategy)
    if sizer is None or not issubclass(sizer, PortfolioSizer):
        raise BadSpec(f"{spec.strategy} needs a portfolio sizer in a daily run: name one with --sizer")
    return strategy


def wanted(spec: RunSpec, bars: Bars, held: Mapping[str, Decimal], value: float, cash: float, barred: Collection[str] = (),
           phases: Sequence[Phase] = (), whole: bool = False) -> Decided:
    """What the last bar asks for.

    Args:
        spec: as for `check_daily`. bars: raw daily bars up to the decision.
        held: symbol -> signed shares. value, cash: of the account, or of the part of it that this run has.
        barred: symbols to leave as they are.
        phases: what was decided by, the first since ever, `spec` the last of them; () = by `spec` all along.
        whole: what stands is decided again, whatever the schedule says.

    Raises:
        CerebrolabError: the strategy, its sizer or their parameters.
    """
    check_daily(spec)
    signals = decisions(phases or [Phase(0, spec)], bars)
    standing = carried_forward(signals)[-1]
    said = {symbol: float(each) for symbol, each in zip(bars.symbols, signals[-1], strict=True) if np.isfinite(each)}
    return replace(sized(spec, bars, np.nan_to_num(standing), standing if whole else signals[-1], held, value, cash, barred), said=said)


def sized(spec: RunSpec, bars: Bars, conviction: np.ndarray, signal: np.ndarray, held: Mapping[str, Decimal], value: float, cash: float,
          barred: Collection[str] = ()) -> Decided:
    """What the sizer of a target strategy makes of convictions on the last bar; the orders from what is held to there.

    Args:
        conviction: (N,) the latest of every symbol. signal: (N,) NaN where nothing is decided. The others: as in `wanted`.

    Raises:
        BadSpec: the spec has no portfolio sizer. CerebrolabError: its sizer, or its parameters.
    """
    strategy: Any = resolve.strategy_class(spec.strategy)
    kind, params = sizer_of(resolve.without_aliases(spec, strategy), strategy)
    if kind is None or not issubclass(kind, PortfolioSizer):
        raise BadSpec(f"{spec.strategy} needs a portfolio sizer: name one with --sizer")
    sizer = lone_sizer(kind, params, strategy)
    decided = ~np.isnan(signal) & ~np.isin(bars.symbols, list(barred))
    position = np.array([float(held.get(symbol, 0)) for symbol in bars.symbols])
    shares = sizer.target_shares(conviction=conviction, decided=decided, history=bars.upto(len(bars) - 1), held=position,
                                 value=value, cash=cash)
    change = np.where(decided, shares - position, 0.0)
    orders = [order for at in in_order(change, conviction)
              for order in _orders(bars.symbols[at], Decimal(repr(float(position[at]))), Decimal(repr(float(shares[at]))), spec.fractional)]
    return Decided({bars.symbols[at]: float(shares[at]) for at in np.flatnonzero(decided).tolist()}, tuple(orders),
                   tuple(note.text for note in sizer.notes))


def _orders(symbol: str, held: Decimal, target: Decimal, fractional: bool) -> list[Wanted]:
    """The way from `held` to `target` shares; a reversal is two orders, since no single one may cross zero at Alpaca."""
    if held * target < 0:
        return [*_orders(symbol, held, Decimal(0), fractional), *_orders(symbol, Decimal(0), target, fractional)]
    change = target - held
    qty = abs(change) if not target else round_qty(abs(change), fractional)
    if not qty:
        return []
    return [Wanted(symbol, "buy" if change > 0 else "sell", qty, "exit" if not target else "resize" if held else "enter")]


def run_key(spec: RunSpec, params: Mapping[str, Any]) -> str:
    """Names a run on an account: equal for the same strategy, universe and parameters (`engine.deciding.deciding`).

    Raises:
        BadSpec: a parameter is no number, text, true, false or list of them: its name would not be the same tomorrow.
    """
    told = {"strategy": resolve.strategy_class(spec.strategy).__name__, "universe": sorted(spec.symbols), "params": dict(params)}
    try:
        text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise BadSpec(f"{spec.strategy} has a parameter that cannot be written down ({error}): use numbers and texts") from None
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
