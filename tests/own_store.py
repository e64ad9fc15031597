"""A Backtrader store as somebody else might write it: its own broker, and feeds that go live after some history."""

import datetime as dt
import threading

import backtrader as bt
import numpy as np

MINUTE = 1 / 1440


class OwnData(bt.feed.DataBase):
    """`bars` minutes of a random walk; the first half is history."""

    params = (("bars", 40), ("seed", 1), ("tick", 0.01))

    def islive(self):
        return True

    def start(self):
        super().start()
        random = np.random.default_rng([self.p.seed, *map(ord, self.p.dataname)])
        self._closes = 100 + self.p.tick * random.integers(-20, 21, self.p.bars).cumsum()
        self._at = 0

    def _load(self):
        if self._at == self.p.bars:
            return False
        self.put_notification(self.LIVE if self._at >= self.p.bars // 2 else self.DELAYED)
        close = self._closes[self._at]
        self.lines.datetime[0] = bt.date2num(dt.datetime(2024, 3, 1, 14, 31)) + self._at * MINUTE
        for name in ("open", "high", "low", "close"):
            getattr(self.lines, name)[0] = close
        self.lines.volume[0] = 1000
        self._at += 1
        return True


class OwnStore:
    """Takes what alpaca-backtrader-api's store takes, and `bars`."""

    made = []

    def __init__(self, key_id="", secret_key="", paper=False, bars=40):
        self.key_id, self.secret_key, self.paper, self.bars = key_id, secret_key, paper, bars
        OwnStore.made.append(self)

    def getbroker(self, *args, **kwargs):
        self.broker = bt.brokers.BackBroker(cash=10_000)
        return self.broker

    def getdata(self, *args, **kwargs):
        kwargs.pop("fromdate", None)
        return OwnData(*args, bars=self.bars, **kwargs)


class Failing(OwnStore):
    """Fails, and says the secret; a thread of its has died before."""

    def getbroker(self, *args, **kwargs):
        thread = threading.Thread(target=self._fail)
        thread.start()
        thread.join()
        self._fail()

    def _fail(self):
        raise OSError(f"the key {self.secret_key} is wrong")


class Unmakeable(OwnStore):
    """Needs what nobody gives."""

    def __init__(self, host):
        super().__init__()
