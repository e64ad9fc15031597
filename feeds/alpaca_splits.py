"""Corporate actions that Alpaca has announced for a day or some days, asked for before. Imports the modules beside it."""

import datetime as dt
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from core.clock import Clock
from feeds.alpaca import ACTIONS_A_PAGE, AFTER_EX, BEFORE_EX
from feeds.alpaca_actions import Action, read_actions
from feeds.alpaca_pages import ACTIONS, AlpacaPages

if TYPE_CHECKING:
    from core.settings import Settings


def actions_on(symbols: Sequence[str], date: str, pages: AlpacaPages, until: str | None = None) -> dict[str, list[Action]]:
    """Symbol -> what happens to its shares on a date, or from it `until` another (ISO); symbols without an action are left out.

    Alpaca selects by the day an action is processed, which may be a dividend's pay date.

    Raises:
        CerebrolabError: Alpaca does not say.
    """
    until = until or date
    first, last = dt.date.fromisoformat(date) - BEFORE_EX, dt.date.fromisoformat(until) + AFTER_EX
    query = {"symbols": ",".join(symbols), "start": str(first), "end": str(last)}
    return read_actions(pages.pages(ACTIONS, query, ACTIONS_A_PAGE), date, until)


def splits_on(symbols: Sequence[str], date: str, settings: "Settings", clock: Clock) -> dict[str, float]:
    """Symbol -> new shares per old one, of the symbols that split on a date (ISO).

    Raises:
        CerebrolabError: Alpaca does not say.
    """
    with closing(AlpacaPages.of(settings, clock)) as pages:
        found = actions_on(symbols, date, pages)
    return {symbol: action.split for symbol, actions in found.items() for action in actions if action.split != 1.0}
