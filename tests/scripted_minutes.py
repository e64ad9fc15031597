"""Minutes that follow a script: flat prices, decisions written down by the minute, and what stands at the venue in the end."""

import numpy as np
from streamed_runs import SPEC, SYMBOLS

from brokers.local_alpaca.made_minutes import minutes
from strategies import TargetStrategy

DAY = "2024-02-21"


class Script(TargetStrategy):
    """Decides as written down: "6:1,10:0" is conviction 1 at minute 6 of each session, and out at minute 10."""

    params = dict(a="", b="")

    @classmethod
    def signals(cls, bars, p):
        signals = np.full(bars.shape, np.nan)
        for column, text in ((0, p.a), (1, p.b)):
            for each in filter(None, text.split(",")):
                minute, conviction = each.split(":")
                signals[bars.minute == int(minute), column] = float(conviction)
        return signals


SCRIPT = SPEC.replace(strategy="scripted_minutes:Script", params={"a": "6:1", "b": "6:1"}, exits={"stop": 0.05}, start=DAY)


def at(time, date=DAY):
    return f"{date}T{time}-05:00"


def flat(rows=60, **other):
    """Two flat symbols; `other` are closes of one of them."""
    closes = {symbol: other.get(symbol, [100.0] * rows) for symbol in SYMBOLS}
    return minutes(start=f"{DAY} 09:30", **{symbol: [(now,) * 4 for now in each] for symbol, each in closes.items()})
