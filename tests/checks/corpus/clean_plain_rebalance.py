"""Keeps every feed at the same weight, renewed when a month begins."""

import backtrader as bt


class PlainRebalance(bt.Strategy):
    def next(self):
        if len(self) > 1 and self.data.datetime.date(0).month != self.data.datetime.date(-1).month:
            for data in self.datas:
                self.order_target_percent(data, target=0.9 / len(self.datas))
