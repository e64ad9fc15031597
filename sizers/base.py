"""PortfolioSizer: answers Backtrader's question "how many shares?" for a whole portfolio at once."""

from typing import Any

import backtrader as bt
import numpy as np

from core.bars import Bars
from core.feed_bars import FeedBars
from core.options import Limits
from sizers.limits import limit_weights, shares_of


class PortfolioSizer(bt.Sizer):
    """Base of portfolio sizers; a subclass states `params` and one pure method, `weights`.

    Params:
        limits: `core.options.Limits`.
        fractional: sizes may be millionths of a share.

    Works with target strategies, which ask for the shares of a whole decision, and with plain ones, whose
    `buy()` is taken as a conviction of 1 in its symbol and in every symbol already held, and whose `sell()`
    as leaving (or, from flat, as going short).
    """

    params = (("limits", Limits()), ("fractional", False))

    def weights(self, conviction: np.ndarray, history: Bars) -> np.ndarray:
        """Wished weights, a pure function of the convictions and of the bars.

        Args:
            conviction: (N,) last conviction of every symbol; 0 = out, negative = short.
            history: bars up to and including the decision bar.

        Returns:
            (N,) parts of equity.
        """
        raise TypeError(f"{type(self).__name__} has no weights method: a sizer states one")

    def target_shares(self, *, conviction: np.ndarray, decided: np.ndarray, history: Bars, held: np.ndarray,
                      value: float, cash: float) -> np.ndarray:
        """Shares to hold after this decision; see `sizers.limits` for the arguments.

        Returns:
            (N,) shares; `held` where nothing was decided.
        """
        prices = history.last_close[-1]
        wished = np.asarray(self.weights(conviction, history), dtype=np.float64)
        wished = np.where(conviction == 0, 0.0, wished)
        current = np.where(held == 0, 0.0, held * prices) / value if value > 0 else np.zeros(len(held))
        allowed = limit_weights(wished, current, conviction, decided, value, cash, self.p.limits)
        return shares_of(allowed, held, decided, value, prices, bool(self.p.fractional))

    def _getsizing(self, comminfo: Any, cash: float, data: Any, isbuy: bool) -> float:
        held = self.broker.getposition(data).size
        decision = getattr(self.strategy, "decision", None)
        if decision is not None:
            target = decision.target(data)
        elif held and (held > 0) != isbuy:
            target = 0.0
        else:
            target = self._plain_target(data, isbuy, cash)
        return max(target - held if isbuy else held - target, 0)

    def _plain_target(self, data: Any, isbuy: bool, cash: float) -> float:
        datas = self.strategy.datas
        panel = self._panel = getattr(self, "_panel", None) or FeedBars(datas)
        row = panel.update(self.strategy.datetime[0])
        held = np.array([self.broker.getposition(each).size for each in datas], dtype=np.float64)
        decided = np.array([each is data for each in datas])
        conviction = np.where(decided, 1.0 if isbuy else -1.0, np.sign(held))
        targets = self.target_shares(conviction=conviction, decided=decided, history=panel.bars.upto(row),
                                     held=held, value=self.broker.getvalue(), cash=cash)
        return float(targets[decided][0])

