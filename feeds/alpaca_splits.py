"""Splits that Alpaca has announced for a day, for orders that are decided before it. Imports the modules beside it."""

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.clock import Clock
from feeds.alpaca_actions import read_actions
from feeds.alpaca_data import ACTIONS, AlpacaData

if TYPE_CHECKING:
    from core.settings import Settings

AROUND = dt.timedelta(days=10)  # actions are asked for by the day they are processed, which is near the ex-date
PAGE = 1_000


def splits_on(symbols: Sequence[str], date: str, settings: "Settings", clock: Clock) -> dict[str, float]:
    """Symbol -> new shares per old one, of the symbols that split on a date (ISO).

    Raises:
        CerebrolabError: Alpaca does not say.
    """
    day, data = dt.date.fromisoformat(date), AlpacaData(settings, clock)
    query = {"symbols": ",".join(symbols), "start": str(day - AROUND), "end": str(day + AROUND)}
    try:
        found = read_actions(data.pages(ACTIONS, query, PAGE), date, date)
    finally:
        data.close()
    return {symbol: action.split for symbol, actions in found.items() for action in actions if action.split != 1.0}
