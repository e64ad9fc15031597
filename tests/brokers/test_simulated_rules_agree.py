"""The same order stories through a local Alpaca, spoken to by the real client, and through the simulated broker with its rules."""

from dataclasses import dataclass

import backtrader as bt
import pandas as pd
from alpaca_cerebro import play_live
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import Script

from brokers import SimulatedBroker
from brokers.local_alpaca import AccountRules, LocalAlpaca
from brokers.local_alpaca.made_minutes import minute_frame
from core.bars import Bars
from feeds.cerebro_feed import BarsData

Order = bt.Order
ROWS, EVERY = 24, 3  # bars, and between two steps: a reversal is one order here and two there, one bar after another
MORNING, LATE, NEXT_DAY = "2024-03-01 09:30", "2024-03-01 15:36", "2024-03-04 09:30"
PRICES = {"AAA": 100, "BBB": 50, "CCC": 20}
VENUE = AccountRules(not_shortable=frozenset({"BBB"}), not_fractionable=frozenset({"BBB"}), inactive=frozenset({"CCC"}))
ASSETS = {"BBB": {"shortable": False, "fractionable": False}, "CCC": {"status": "inactive"}}
EXECUTION = {"limit": Order.Limit, "stop": Order.Stop, "trail": Order.StopTrail, "close": Order.Close, "market": Order.Market}


@dataclass(frozen=True)
class Step:
    """What is done on one bar: a kind of order, or group, or a cancellation, in one symbol."""

    kind: str
    symbol: int
    buys: bool
    size: float
    away: float  # from the close, as a part of it; below 0 = on the side where a limit does not fill
    terms: tuple[tuple[str, object], ...] = ()

    def __call__(self, s):
        data = s.datas[self.symbol]
        for order in self._place(s, data, s.buy if self.buys else s.sell) or ():
            if order is not None:
                s.placed[len(s.placed)] = order

    def _place(self, s, data, act):
        close, sign = data.close[0], 1 if self.buys else -1
        if self.kind == "cancel":
            return s.cancel(s.placed[int(self.size) % len(s.placed)]) and () if s.placed else ()
        if self.kind == "leave":
            return [s.close(data, **dict(self.terms))]
        if self.kind == "bracket":
            group = s.buy_bracket if self.buys else s.sell_bracket
            return group(data, size=self.size, exectype=Order.Market, stopprice=close * (1 - sign * 0.0512),
                         limitprice=close * (1 + sign * 0.1))
        if self.kind == "oco":
            stop = act(data, size=self.size, exectype=Order.Stop, price=close * (1 + sign * 0.05))
            return [stop, act(data, size=self.size, exectype=Order.Limit, price=close * (1 - sign * 0.0301), oco=stop)]
        price = close * (1 + sign * self.away * (1 if self.kind == "limit" else -1))
        terms = {"trailpercent": 0.1} if self.kind == "trail" else {} if self.kind in ("market", "close") else {"price": price}
        return [act(data, size=self.size, exectype=EXECUTION[self.kind], **terms, **dict(self.terms))]


TERMS = st.sampled_from([()] * 8 + [(("tif", "ioc"),), (("tif", "fok"),), (("tif", "day"),), (("tif", "gtc"),), (("auction", "open"),), (("extended_hours", True),),
                                    (("notional", 0.5),), (("notional", 333.33),)])
STEPS = st.builds(Step, st.sampled_from(["market"] * 4 + ["limit"] * 3 + ["stop", "trail", "close", "leave", "bracket", "oco", "cancel"]),
                  st.sampled_from([0, 0, 0, 1, 1, 2]), st.booleans(), st.sampled_from([1, 5, 5, 10, 10, 2.5, 0.004, 5000]),
                  st.sampled_from([-0.1, -0.05, -0.00003, 0.02]), TERMS)


def bars_of(start):
    """Three symbols whose price never moves: nothing depends on the way a bar takes. After the last minutes of a day, the next day's first."""
    starts = [start, NEXT_DAY] if start == LATE else [start]
    frames = {symbol: pd.concat([minute_frame([price] * ROWS, each) for each in starts]) for symbol, price in PRICES.items()}
    return Bars.from_frames(frames, interval="1m")


def plan_of(steps):
    """A step, some bars to fill in, the next step; the last one on the last bar but two."""
    return {1 + EVERY * at: step for at, step in enumerate(steps)}


def simulated(bars, plan):
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.setbroker(SimulatedBroker(cash=100_000.0, fractional=True, rules="alpaca", assets=ASSETS))
    for symbol in bars.symbols:
        cerebro.adddata(BarsData(dataname=bars, symbol=symbol))
    cerebro.addstrategy(Script, plan=plan)
    return cerebro.run()[0]


def outcome(strategy):
    """Of each order: what, whether it was refused, whether it is over, and what was executed of it before an auction that the bars end with."""
    return [(order.data._name, order.getordername(), order.isbuy(), order.status == Order.Rejected,
             *((None, None) if order.exectype == Order.Close else (order.alive(), round(float(order.executed.size), 9))))
            for order in sorted(strategy.broker.orders, key=lambda order: order.ref)]


@settings(max_examples=25)
@given(st.lists(STEPS, min_size=1, max_size=8), st.sampled_from([MORNING, MORNING, LATE]))
def test_what_alpaca_refuses_the_simulation_refuses(steps, start):
    bars, plan = bars_of(start), plan_of(steps)
    with LocalAlpaca(bars, cash=100_000.0, now="2024-03-01T09:29-05:00", account=VENUE) as alpaca:
        live = play_live(alpaca, bars, plan)
    backtest = simulated(bars, plan)
    assert outcome(backtest) == outcome(live), [(o.info.get("reason"), p.info.get("reason")) for o, p in zip(
        backtest.broker.orders, live.broker.orders, strict=False)]
