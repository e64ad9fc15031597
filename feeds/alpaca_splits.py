"""Corporate actions that Alpaca has announced for a day, asked for before it. Imports the modules beside it."""

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.clock import Clock
from feeds.alpaca_actions import Action, read_actions
from feeds.alpaca_pages import ACTIONS, AlpacaPages

if TYPE_CHECKING:
    from core.settings import Settings

AROUND = dt.timedelta(days=10)  # actions are asked for by the day they are processed, which is near the ex-date
PAGE = 1_000


def actions_on(symbols: Sequence[str], date: str, pages: AlpacaPages) -> dict[str, list[Action]]:
    """Symbol -> what happens to its shares on a date (ISO); symbols without an action are left out.

    Raises:
        CerebrolabError: Alpaca does not say.
    """
    day = dt.date.fromisoformat(date)
    query = {"symbols": ",".join(symbols), "start": str(day - AROUND), "end": str(day + AROUND)}
    try:
        return read_actions(pages.pages(ACTIONS, query, PAGE), date, date)
    finally:
        pages.close()


def splits_on(symbols: Sequence[str], date: str, settings: "Settings", clock: Clock) -> dict[str, float]:
    """Symbol -> new shares per old one, of the symbols that split on a date (ISO).

    Raises:
        CerebrolabError: Alpaca does not say.
    """
    found = actions_on(symbols, date, AlpacaPages.of(settings, clock))
    return {symbol: action.split for symbol, actions in found.items() for action in actions if action.split != 1.0}
