"""Turns: several strategies in one Cerebro, each with feeds and a broker of its own. Imports Backtrader only."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple


class Seat(NamedTuple):
    """What one strategy of several sees: its feeds, and what stands in the broker's place."""

    feeds: list[Any]
    broker: Any


class Turn:
    """A strategy that has its turn only when one of its own feeds has a new bar; otherwise it hears its notifications."""

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self._seen = [0 for _ in strategy.datas]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._strategy, name)

    def __len__(self) -> int:
        return len(self._strategy)

    def _next(self) -> None:
        if self._is_due():
            self._strategy._next()

    def _oncepost(self, moment: float) -> None:
        if self._is_due():
            self._strategy._oncepost(moment)

    def _is_due(self) -> bool:
        lengths = [len(data) for data in self._strategy.datas]
        due, self._seen = lengths != self._seen, lengths
        if not due:
            self._strategy._notify()
            self._strategy.clear()
        return due


def seated(cerebro: Any, seats: Sequence[Seat], strategies: Iterator[Any]) -> Iterator[Any]:
    """Hand out what is needed to make each strategy, while `cerebro` shows it its own feeds and broker."""
    feeds = cerebro.datas
    for seat, made in zip(seats, strategies, strict=True):
        cerebro.datas, cerebro.at_hand = seat.feeds, seat.broker
        yield made
    cerebro.datas, cerebro.at_hand = feeds, None
