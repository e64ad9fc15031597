"""`advise`: what every followed strategy says of every symbol it is followed on, written down for those who follow it.

A strategy is asked about each symbol alone, with its own parameters: what a subscriber hears of a symbol does not depend on what others
follow. Imports engine, journal, core and what is beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np

import engine
from core.clock import Clock
from core.errors import BadSpec, CerebrolabError, StoreFailed
from core.spec import RunSpec
from engine.resolve import strategy_class, strategy_names
from engine.today import Signals
from feeds.store import BarStore
from journal import Journal
from journal.subscriptions import Advice
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
    made = Advised()
    pairs = [(strategy, symbol) for strategy, symbols in journal.subscriptions.followed().items() for symbol in symbols]
    for strategy, symbol in pairs:
        made.asked += 1
        try:
            found = engine.today(RunSpec(strategy=strategy, symbols=(symbol,), source=source, period=period), store=store, clock=clock)
            if found.late:
                made.problems.append(f"{strategy} on {symbol}: {found.late}")
            else:
                made.new += journal.subscriptions.advise(_advices(strategy, found))
        except StoreFailed:
            raise
        except CerebrolabError as error:
            made.problems.append(f"{strategy} on {symbol}: {error}")
        if progress is not None:
            progress(made.asked, len(pairs), symbol)
    return made


def _advices(strategy: str, found: Signals) -> list[Advice]:
    closes = found.bars.close[:, found.bars.tradable][-SHOWN:]
    return [Advice(strategy, row.symbol, str(found.session), row.signal, Decimal(str(row.close)), reasons_of(row.numbers, _known(closes[:, at])))
            for at, row in enumerate(found.rows) if row.signal in SAID]


def _known(closes: np.ndarray) -> list[float]:
    return [round(float(close), 6) for close in closes[~np.isnan(closes)]]
