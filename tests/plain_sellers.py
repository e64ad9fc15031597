"""A plain strategy that sells short whatever it is shown."""

import backtrader as bt


class Seller(bt.Strategy):
    """Sells ten shares on every bar."""

    def next(self):
        self.sell(size=10)
