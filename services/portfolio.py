"""The desired portfolio of a specification, the orders that lead there from the actual one, and calls to rebalance.

Sizing and orders are the engine's own (`engine.live.wanted`). May import what lies below services, and services.actual and catalogue.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from core.bars import Bars
from core.calendars import get_calendar
from core.errors import BadSpec
from core.panels import carried_forward
from core.settings import Settings
from core.spec import RunSpec
from engine import resolve
from engine.deciding import deciding
from engine.live.phases import Phase, decisions
from engine.live.sending import Run
from engine.live.wanted import Decided, run_key, sized
from engine.loading import load
from journal.steering import REBALANCE, SCHEDULE, SteeringRequest
from services import catalogue, market
from services.actual import Actual, actual
from services.told_signals import ToldSignal, panel_of
from sizers import solved
from strategies.base import TargetStrategy
from strategies.schedules import check_schedule, schedule_params

if TYPE_CHECKING:
    from journal.journal import Journal

REASONS = {"enter": "to be held", "resize": "its target has changed", "exit": "not to be held"}
# Stocks of the packaged sample that are there from 1990 to 2022.
SAMPLE = ("AAPL.ADJ", "MSFT.ADJ", "AMD", "BAC", "BBY", "CVX", "GE", "HD", "JNJ", "JPM", "KO", "LLY", "MRK", "PEP", "PFE", "PG", "RRC", "UNH", "WMT",
          "XOM")
DEFAULT = RunSpec(strategy="Momentum", symbols=SAMPLE, reference=("^GSPC",), source="sample", start="2018-01-02", signal_start="2019-01-02")
Alive = Callable[..., Any]


@dataclass(frozen=True)
class PlannedOrder:
    """An order that leads from the actual to the desired portfolio; nobody has sent it.

    Attributes:
        quantity: shares, above 0. intent: "enter", "resize" or "exit". target: shares then. client_order_id: as the daily run's own.
    """

    symbol: str
    side: str
    quantity: Decimal
    intent: str
    target: float
    price: float
    client_order_id: str

    @property
    def reason(self) -> str:
        """In words."""
        return REASONS[self.intent]


@dataclass(frozen=True)
class Plan:
    """The desired portfolio on the last bar of `bars`, and the way there.

    Attributes:
        convictions: symbol -> what stands, 0 = out. targets: symbol -> shares to hold, of the symbols decided on.
        value: of the actual portfolio at the latest prices, account currency. prices: symbol -> latest.
    """

    spec: RunSpec
    bars: Bars
    actual: Actual
    value: float
    prices: Mapping[str, float]
    convictions: Mapping[str, float]
    targets: Mapping[str, float]
    orders: tuple[PlannedOrder, ...]
    notes: tuple[str, ...]

    @property
    def session(self) -> str:
        """Exchange date of the last bar."""
        return str(self.bars.session[-1])

    def desired(self) -> dict[str, float]:
        """Symbol -> shares to hold, of all that is held or to be held."""
        return {symbol: shares for symbol, shares in {**{name: float(qty) for name, qty in self.actual.held.items()}, **self.targets}.items() if shares}

    @property
    def cash(self) -> float:
        """What is left once the orders have filled at the latest prices, without costs."""
        spent = sum((1 if order.side == "buy" else -1) * float(order.quantity) * order.price for order in self.orders)
        return float(self.actual.portfolio.cash) - spent


def desired(settings: Settings, spec: RunSpec, journal: "Journal", account: str = "", run: str = "", alive: Alive | None = None) -> Plan:
    """What a specification wants to hold at its latest bar: every decision that stands, sized for the account, and within its limits.

    Args:
        spec: of a target strategy; parameters that were configured hold below its own. account, run: whose portfolio, see `actual`.
        alive: called while bars are loaded; may raise to give up.

    Raises:
        BadSpec: a plain strategy, or no portfolio sizer. CerebrolabError: bars, strategy, sizer, account.
    """
    name, spec = _name(spec), with_configured(spec, journal)
    held = actual(journal, spec, account, run)
    get_calendar(spec.calendar)
    solved.configure(settings.solved)
    bars = load(spec, market.store(settings), alive)
    standing = carried_forward(decisions([Phase(0, spec)], bars))[-1]
    return _plan(name, spec, bars, np.nan_to_num(standing), standing, held, ~bars.traded[-1])


def orders_for(settings: Settings, spec: RunSpec, journal: "Journal", signals: Sequence[ToldSignal], account: str = "", run: str = "",
               alive: Alive | None = None) -> Plan:
    """As `desired`, of signals that somebody gives; a symbol that is not among them keeps its shares.

    Raises:
        BadSpec: a signal that is not understood; otherwise as `desired`.
    """
    name, spec = _name(spec), with_configured(spec, journal)
    held = actual(journal, spec, account, run)
    solved.configure(settings.solved)
    bars = panel_of(signals, spec, lambda symbols: load(spec.replace(symbols=symbols, reference=()), market.store(settings), alive))
    signal = np.array([each.conviction for each in signals])
    return _plan(name, spec, bars, np.nan_to_num(signal), signal, held, np.zeros(len(signal), bool))


def with_configured(spec: RunSpec, journal: "Journal") -> RunSpec:
    """A spec with what was configured for its strategy below its own parameters.

    Raises:
        BadSpec: it is of a plain strategy, which says nothing of a portfolio.
    """
    strategy = resolve.strategy_class(spec.strategy)
    if not issubclass(strategy, TargetStrategy):
        raise BadSpec(f"strategy {spec.strategy} is a plain Backtrader strategy, which has no desired portfolio: name a target strategy")
    return catalogue.with_configured(spec, journal)


def _plan(name: str, spec: RunSpec, bars: Bars, conviction: np.ndarray, signal: np.ndarray, held: Actual, absent: np.ndarray) -> Plan:
    closes = {symbol: float(price) for symbol, price in zip(bars.symbols, bars.last_close[-1], strict=True) if price > 0}
    prices = {**{symbol: float(price) for symbol, price in held.prices.items()}, **closes}
    worth = {symbol: qty * Decimal(repr(prices[symbol])) for symbol, qty in held.held.items()}
    own = float(sum(abs(each) for symbol, each in worth.items() if symbol in bars.symbols))
    cash, value = float(held.portfolio.cash), float(held.portfolio.cash + sum(worth.values()))
    usable = value if spec.capital is None else min(value, spec.capital)
    barred = [symbol for symbol, flag in zip(bars.symbols, absent, strict=True) if flag]
    made = sized(spec, bars, conviction, signal, held.held, usable, cash if spec.capital is None else min(cash, usable - own), barred)
    notes = [*bars.origin.warnings, *([f"{', '.join(barred)} has no bar on {bars.session[-1]}: left as it is"] if barred else []), *made.notes]
    if value <= 0:
        notes.append(f"the account is worth {value:,.2f}: nothing can be bought")
    return Plan(spec, bars, held, value, prices, dict(zip(bars.symbols, conviction.tolist(), strict=True)), made.targets,
                _orders(name, bars, held, made, closes), tuple(notes))


def _name(spec: RunSpec) -> str:
    """The daily run's own, by which it names its orders."""
    return f"{resolve.strategy_class(spec.strategy).__name__}-{run_key(spec, deciding(spec))}"


def _orders(name: str, bars: Bars, held: Actual, made: Decided, closes: Mapping[str, float]) -> tuple[PlannedOrder, ...]:
    identity = Run(held.portfolio.account, name, 0, int(bars.index[-1]), ("", ""), (0, 0), {}).identity
    return tuple(PlannedOrder(order.symbol, order.side, order.qty, order.intent, made.targets[order.symbol], closes[order.symbol],
                              identity(order.symbol, order.intent, 1)) for order in made.orders)


# -- what runs are asked --------------------------------------------------------------------------------


def trigger(journal: "Journal", strategy: str = "", run: str = "", by: str = "") -> SteeringRequest:
    """Call on runs to trade to their targets at their next decision.

    Args:
        strategy: of which; "" = every one. run: which; "" = every one.

    Raises:
        UnknownName: no such strategy.
    """
    return journal.steering.ask(REBALANCE, catalogue.canonical(strategy) if strategy else "", run, {}, by)


def reschedule(journal: "Journal", word: str, strategy: str = "", run: str = "", by: str = "") -> SteeringRequest:
    """Ask runs to decide on other days, one of `strategies.schedules.SCHEDULES`.

    Raises:
        UnknownName: no such word, or strategy. BadSpec: the strategy that is named decides on other days.
    """
    check_schedule(word)
    if strategy:
        strategy = catalogue.canonical(strategy)
        schedule_params(strategy, resolve.strategy_class(strategy).timing, word)
    return journal.steering.ask(SCHEDULE, strategy, run, {"schedule": word}, by)


def scheduled(journal: "Journal", strategy: str) -> str:
    """The latest word asked for of a strategy, of every run of it; "" where nobody asked."""
    words = [str(each.facts.get("schedule", "")) for each in journal.steering.requests(SCHEDULE) if not each.run and each.strategy in ("", strategy)]
    return words[-1] if words else ""
