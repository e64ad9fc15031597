"""Buys weakness with a bracket of stop and target."""

import backtrader as bt


class PlainBracket(bt.Strategy):
    def __init__(self):
        self.rsi = bt.ind.RSI(period=14, safediv=True)
        self.orders = []

    def next(self):
        self.orders = [order for order in self.orders if order.alive()]
        if not self.position and not self.orders and self.rsi < 40:
            price = self.data.close[0]
            self.orders = self.buy_bracket(size=10, exectype=bt.Order.Market, price=price, stopprice=price * 0.95,
                                           limitprice=price * 1.08)
