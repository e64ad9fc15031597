"""AlpacaCopy: the copy of a live feed that Backtrader resamples beside the feed itself. Imports Backtrader only."""

from typing import Any

import backtrader as bt


class AlpacaCopy(bt.feed.DataClone):
    """Shows the bars of an `AlpacaData`; `AlpacaData.clone()` makes it.

    Its longer bars are over when a bar says so, of its own feed or of another: bars are told after their end, so that
    Backtrader's own look at the machine's clock would end them without their last minute.
    """

    def _check(self, forcedata: Any = None) -> None:
        if forcedata is not None:
            super()._check(forcedata)

    @property
    def backfilling(self) -> bool:
        """As the feed's."""
        return bool(self.data.backfilling)
