"""A tiny account, written independently of `analyzers`, to hold the pure functions against."""

import math

import numpy as np
import pytest

from core.result import CashEvent, Fill


class Account:
    """Plays (row, symbol, size, price, commission) fills on bars as the simulated broker books them."""

    def __init__(self, bars, cash=10_000.0, whole=True):
        self.bars, self.start, self.cash, self.whole = bars, cash, cash, whole
        self.held = dict.fromkeys(bars.symbols, 0.0)
        self.fills, self.events, self.equity, self.positions = [], [], [], []

    def play(self, deals):
        for row in range(len(self.bars)):
            for column, symbol in enumerate(self.bars.symbols):
                self._actions(row, column, symbol)
            for at, symbol, size, price, commission in deals:
                if at == row:
                    self._trade(row, symbol, size, price, commission)
            self.equity.append(self.cash + sum(
                shares * self.bars.last_close[row, self.bars.column(symbol)]
                for symbol, shares in self.held.items() if shares))
            self.positions.append([self.held[symbol] for symbol in self.bars.symbols])
        return self

    def _actions(self, row, column, symbol):
        ratio, dividend = self.bars.split[row, column], self.bars.dividend[row, column]
        time, shares = int(self.bars.index[row]), self.held[symbol]
        if ratio != 1 and shares:
            exact = shares * ratio
            self.held[symbol] = math.trunc(round(exact, 9)) if self.whole else exact
            left = exact - self.held[symbol]
            if abs(left) > 1e-9:
                self._book(time, symbol, "cash in lieu", left * self.bars.last_close[row - 1, column] / ratio)
        if dividend and self.held[symbol]:
            self._book(time, symbol, "dividend", self.held[symbol] * dividend)

    def _book(self, time, symbol, kind, amount):
        self.cash += amount
        self.events.append(CashEvent(time, symbol, kind, float(amount)))

    def _trade(self, row, symbol, size, price, commission):
        self.cash -= size * price + commission
        self.held[symbol] += size
        self.fills.append(Fill(int(self.bars.index[row]), self.bars.session[row], symbol, float(size), float(price),
                               float(commission), len(self.fills)))

    @property
    def profit(self):
        return self.equity[-1] - self.start

    @property
    def shares(self):
        return np.array(self.positions)


@pytest.fixture(scope="session")
def play():
    """play(bars, deals, cash=…, whole=…) -> the Account afterwards."""
    return lambda bars, deals, **options: Account(bars, **options).play(deals)
