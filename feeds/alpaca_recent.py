"""What Alpaca's history knows by now, for the feeds of a running Cerebro: asked once, and at once. Imports the modules beside it."""

from collections.abc import Callable, Sequence
from typing import Any

from core.clock import Clock
from core.errors import BadBars
from core.series import SymbolBars
from feeds.alpaca import PROXIES, AlpacaSource
from feeds.alpaca_actions import Action
from feeds.alpaca_pages import AlpacaPages
from feeds.alpaca_splits import actions_on


class RecentSource(AlpacaSource):
    """The source of an account's plan; a symbol that has never traded is one without bars.

    Args:
        endpoints: keys and hosts. options: those of AlpacaSource.
    """

    def __init__(self, endpoints: Any, clock: Clock, **options: Any) -> None:
        feed = "sip" if endpoints.data_stream.rstrip("/").endswith("sip") else "iex"
        super().__init__(feed, endpoints=endpoints, clock=clock, attempts=1, **options)

    def _never_traded(self, tickers: list[str]) -> list[str]:
        return []


class RecentBars:
    """Complete bars and announced actions; minutes count as complete when they are over, days when they are published.

    Its connections stay open between questions; `close` it.

    Args:
        endpoints: keys and hosts. report: told of bars that break a rule; their symbol is left out then.
    """

    def __init__(self, endpoints: Any, clock: Clock, report: Callable[[str], None]) -> None:
        self._report, self._pages = report, AlpacaPages(endpoints, clock, attempts=1)
        self._minutes = RecentSource(endpoints, clock, settle_ns=0, pages=self._pages)
        self._days = RecentSource(endpoints, clock, pages=self._pages)

    @property
    def name(self) -> str:
        """Under which bars of this plan are stored."""
        return self._minutes.name

    def fetch(self, symbols: Sequence[str], first: str, interval: str) -> list[SymbolBars]:
        """The complete bars of sessions from `first` (ISO date) up to now.

        Raises:
            CerebrolabError: the venue does not say.
        """
        asked, source = list(dict.fromkeys(symbols)), self._days if interval == "1d" else self._minutes
        while asked:
            try:
                return source.fetch(asked, first, None, interval)
            except BadBars as error:
                left = [symbol for symbol in asked if PROXIES.get(symbol, symbol) != error.symbol]
                if len(left) == len(asked):
                    raise
                self._report(str(error))
                asked = left
        return []

    def actions(self, symbols: Sequence[str], first: str, last: str) -> dict[str, list[Action]]:
        """Symbol -> what happens to its shares from `first` to `last` (ISO dates).

        Raises:
            CerebrolabError: the venue does not say.
        """
        tickers = {symbol: PROXIES.get(symbol, symbol) for symbol in symbols}
        found = actions_on(sorted(set(tickers.values())), first, self._pages, last)
        return {symbol: found.get(ticker, []) for symbol, ticker in tickers.items()}

    def close(self) -> None:
        """End the connections."""
        self._pages.close()
