"""What the venue's history says of a store's feeds: their bars up to now, and what happens to their shares. Imports the modules beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from core.series import SymbolBars
from feeds.alpaca_recent import RecentBars

if TYPE_CHECKING:
    from feeds.alpaca_feed import AlpacaData


class Archive:
    """Answers for all feeds; each feed is told of the corporate actions that are found on the way.

    Args:
        feeds: by interval.
    """

    def __init__(self, recent: RecentBars, feeds: Mapping[str, Sequence[AlpacaData]]) -> None:
        self._recent, self._feeds = recent, feeds

    def fetch(self, group: str, symbols: Sequence[str], first: str, interval: str) -> list[SymbolBars]:
        """Complete bars from a session on, for the feeds of one interval.

        Raises:
            CerebrolabError: the venue does not say.
        """
        series = self._recent.fetch(symbols, first, interval)
        told = {bars.symbol: bars for bars in series}
        for feed in self._feeds[group]:
            if feed.symbol in told:
                feed.act_on(told[feed.symbol])
        return series

    def history(self, interval: str) -> list[SymbolBars]:
        """The bars that came with the feeds, continued up to now, and those that are fetched.

        Raises:
            CerebrolabError: the venue does not say.
        """
        feeds = self._feeds[interval]
        given = {feed.symbol: bars for feed in feeds if (bars := feed.history) is not None}
        wanted = {feed.symbol: feed.first for feed in feeds if feed.first is not None and feed.symbol not in given}
        series = list(given.values())
        if given:
            since = str(min(bars.session[-1] for bars in given.values()))
            for bars in self.fetch(interval, list(given), since, interval):
                series.append(bars.rows(bars.index > given[bars.symbol].index[-1]))
        if wanted:
            series += self.fetch(interval, list(wanted), min(wanted.values()), interval)
        return series

    def announce(self, first: str, last: str) -> None:
        """Ask for the corporate actions from one date to another (ISO).

        Raises:
            CerebrolabError: the venue does not say.
        """
        feeds = [feed for each in self._feeds.values() for feed in each]
        found = self._recent.actions([feed.symbol for feed in feeds], first, last)
        for feed in feeds:
            feed.act(found[feed.symbol])
