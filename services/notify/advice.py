"""`advise`: what every followed strategy says of every symbol it is followed on, written down for those who follow it.

A strategy is asked about each symbol alone, with its own parameters: what a subscriber hears of a symbol does not depend on what others
follow. Imports engine, journal, core and what is beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, cached_property
from typing import Any

import numpy as np

import engine
from core.clock import Clock
from core.errors import BadSpec, CerebrolabError, StoreFailed
from core.spec import RunSpec
from engine.resolve import strategy_class, strategy_names
from engine.today import Signals
from feeds.load import load_bars, source_named
from feeds.store import BarStore
from journal import Journal
from journal.subscriptions import Advice, Backtested
from services.notify import backtests, scores
from services.notify.letters import reasons_of

SAID = ("BUY", "SELL")  # what subscribers are told of
SHOWN = 120  # closes in a picture


@cache
def followable() -> tuple[str, ...]:
    """The strategies that can be followed: those that decide on daily bars."""
    return tuple(name for name in strategy_names() if _decides_daily(strategy_class(name)))


def _decides_daily(strategy: Any) -> bool:
    try:
        strategy.check_bars("1d", strategy.params())
    except BadSpec:
        return False
    return True


@dataclass
class Advised:
    """What came of asking.

    Attributes:
        asked: (strategy, symbol) pairs. new: pieces of advice that were not written down before. problems: why some could not be asked.
    """

    asked: int = 0
    new: int = 0
    problems: list[str] = field(default_factory=list)


def advise(journal: Journal, store: BarStore, source: str, clock: Clock, progress: Callable[[int, int, str], Any] | None = None,
           period: str = "5y") -> Advised:
    """Ask, and write down; doing so again on the same day changes nothing.

    Args:
        source: of the bars, as in `RunSpec`. period: of bars before the last one.

    Raises:
        StoreFailed: the journal or the store fails.
    """
    made, market, played = Advised(), _Market(store, source, clock, period), journal.subscriptions.backtests(source)
    pairs = [(strategy, symbol) for strategy, symbols in journal.subscriptions.followed().items() for symbol in symbols]
    for strategy, symbol in pairs:
        made.asked += 1
        try:
            found = engine.today(RunSpec(strategy=strategy, symbols=(symbol,), source=source, period=period), store=store, clock=clock)
            if found.late:
                made.problems.append(f"{strategy} on {symbol}: {found.late}")
            else:
                made.new += journal.subscriptions.advise(_advices(strategy, found, journal, market, played.get((strategy, symbol))))
        except StoreFailed:
            raise
        except CerebrolabError as error:
            made.problems.append(f"{strategy} on {symbol}: {error}")
        if progress is not None:
            progress(made.asked, len(pairs), symbol)
    return made


class _Market:
    """The closes that past advice is compared with, asked for when there is some: those of the source's index, else cash."""

    def __init__(self, *ways: Any) -> None:
        self._store, self._source, self._clock, self._period = ways

    @cached_property
    def found(self) -> tuple[str, dict[np.datetime64, float]]:
        """(name, session -> close)."""
        index = source_named(self._source, RunSpec().calendar, self._clock).market_index
        if not index:
            return "cash", {}
        try:
            bars = load_bars(source=self._source, symbols=(index,), period=self._period, store=self._store, clock=self._clock)
        except CerebrolabError:
            return "cash", {}
        return index, dict(zip(bars.session, bars.close[:, 0].tolist(), strict=True))


def _advices(strategy: str, found: Signals, journal: Journal, market: _Market, played: Backtested | None) -> list[Advice]:
    advices = []
    for row in found.rows:
        if row.signal not in SAID:
            continue
        closes = found.bars.close[:, found.bars.column(row.symbol)]
        past = journal.subscriptions.advices(strategy, row.symbol)
        against, benchmark = market.found if past else ("", {})
        worth = scores.told(scores.score(past, found.bars.session, closes, benchmark), against)
        numbers = {**row.numbers, **worth, **backtests.told(played)}
        advices.append(Advice(strategy, row.symbol, str(found.session), row.signal, Decimal(str(row.close)), reasons_of(numbers, _known(closes[-SHOWN:]))))
    return advices


def _known(closes: np.ndarray) -> list[float]:
    return [round(float(close), 6) for close in closes[~np.isnan(closes)]]
