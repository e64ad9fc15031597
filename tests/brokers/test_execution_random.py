"""Sliced orders at random: nothing is lost, nothing is too much, and one slice is a plain order."""

import math

import numpy as np
from broker_contract import Witness
from hypothesis import given, settings
from hypothesis import strategies as st
from sliced_runs import DAYS, panel, session_bars, sliced

from brokers.execution.schedule import largest_remainder

ROWS = 24
SIZES, MINUTES = st.integers(1, 300), st.integers(1, 30)
ALGOS = st.one_of(
    st.builds(lambda minutes: {"algo": "twap", "minutes": minutes}, MINUTES),
    st.builds(lambda minutes: {"algo": "vwap", "minutes": minutes}, MINUTES),
    st.builds(lambda rate, minutes, complete: {"algo": "participation", "rate": rate, "minutes": minutes, "complete": complete},
              st.sampled_from([0.01, 0.1, 0.5]), MINUTES, st.booleans()),
)


def end_of_day(volumes, kept, seed=0):
    """The last minutes of a session, and the first of the next: random walks of two symbols, the second never silent."""
    there = np.r_[np.zeros(390 - ROWS // 2, bool), np.ones(ROWS, bool), np.zeros(390 - ROWS // 2, bool)]
    rows = np.flatnonzero(there)
    random = np.random.default_rng(seed)
    series = []
    for symbol in ("AAA", "BBB"):
        price, volume = np.full(780, 100.0), np.full(780, 1_000.0)
        price[rows] = 100 + np.round(0.05 * random.integers(-3, 4, ROWS).cumsum(), 2)
        mask = there.copy()
        if symbol == "AAA":
            volume[rows], mask[rows[1:]] = volumes, kept[1:]
        series.append(session_bars(DAYS[-2:], price=price, volume=volume, symbol=symbol, kept=mask))
    return panel(*series)


class Teller(Witness):
    """Also notes all that it is told of orders and trades."""

    def __init__(self):
        super().__init__()
        self.heard = []

    def notify_order(self, order):
        super().notify_order(order)
        done, bits = order.executed, [(bit.dt, bit.size, bit.price, bit.comm, bit.pnl) for bit in order.executed.iterpending()]
        self.heard.append((len(self), order.data._name, order.getstatusname(), done.size, done.price, done.remsize, done.value, done.comm,
                           done.pnl, done.dt, order.alive(), order.info.get("reason"), bits))

    def notify_trade(self, trade):
        super().notify_trade(trade)
        self.heard.append((len(self), "trade", trade.size, trade.price, trade.pnl, trade.pnlcomm, trade.isclosed))


@st.composite
def scripts(draw):
    """Purchases, sales and cancellations at random bars of two symbols."""
    plan = {}
    for bar in draw(st.lists(st.integers(1, ROWS - 1), min_size=1, max_size=6, unique=True)):
        side, feed = draw(st.sampled_from(["buy", "sell", "cancel"])), draw(st.sampled_from([0, 1]))
        size, which = draw(st.integers(1, 60)), draw(st.integers(0, 3))

        def act(strategy, side=side, feed=feed, size=size, which=which, bar=bar):
            if side == "cancel":
                for order in list(strategy.placed.values())[which:which + 1]:
                    strategy.cancel(order)
            else:
                strategy.keep(bar, getattr(strategy, side)(strategy.datas[feed], size=size))
        plan[bar] = act
    return plan


@settings(max_examples=30, deadline=None)
@given(scripts(), st.sampled_from([1e6, 3_000.0]), st.integers(0, 9))
def test_one_slice_is_a_plain_order(plan, cash, seed):
    """All that a strategy hears of its orders and trades, and the account on every bar; no cap, as what is left at a close expires."""
    bars = end_of_day(np.full(ROWS, 1e3), np.ones(ROWS, bool), seed)
    plain, sliced_ = (sliced(bars, plan, execution, Teller, cash=cash)[0] for execution in (None, "twap:1"))
    assert sliced_.heard == plain.heard
    assert sliced_.accounts == plain.accounts


@st.composite
def markets(draw):
    """Volumes of the minutes, and whether there was trading."""
    volumes = draw(st.lists(st.integers(0, 3_000), min_size=ROWS, max_size=ROWS))
    kept = draw(st.lists(st.sampled_from([True, True, True, False]), min_size=ROWS, max_size=ROWS))
    return np.array(volumes, dtype=float), np.array(kept)


@settings(max_examples=30, deadline=None)
@given(markets(), ALGOS, SIZES, st.integers(1, ROWS), st.none() | st.integers(1, ROWS), st.sampled_from([None, 0.05]))
def test_slices_are_what_their_rule_says(market, terms, size, when, cancelled, cap):
    """A slow restatement judges every slice by what had been traded, and by the volumes known, when it was sent."""
    bars = end_of_day(*market)
    plan = {when: lambda s: s.keep("order", s.buy(size=size, **terms))}
    if cancelled is not None and cancelled > when:
        plan[cancelled] = lambda s: s.cancel(s.placed["order"])
    strategy, face = sliced(bars, plan, max_volume=cap)
    order, children = strategy.placed["order"], face.parents[0].children
    assert sum(child.executed.size for child in children) == order.executed.size == strategy.getposition().size
    assert order.executed.size + order.executed.remsize == size
    assert (order.getstatusname() == "Completed") == (order.executed.size == size)
    assert not any(child.alive() for child in children[:-1])
    assert order.alive() or not any(child.alive() for child in children)
    judge = Judge(bars, face, size, terms, when - 1)
    for child in children:
        judge.check(child)


class Judge:
    """Restates the rules by minutes, volumes and fills."""

    def __init__(self, bars, face, size, terms, row):
        self.bars, self.face, self.size, self.terms = bars, face, size, terms
        self.days = [bars.index[bars.session == day] for day in np.unique(bars.session)]
        self.start = bars.index[row]
        closes = bars.minutes_left[row] == 0
        self.close = int(self.days[1][-1] if closes or row >= len(self.days[0]) else self.days[0][-1])
        self.begins = self.start if not closes else int(self.days[1][0]) - 60 * 10**9
        self.whole_close = self.close if self.close == int(self.days[0][-1]) else None

    def moment(self, number):
        """The bar's moment that a day number is."""
        return int(self.bars.index[np.argmin(np.abs(self.numbers() - number))])

    def numbers(self):
        days = self.bars.index / (86_400 * 10**9) + 719_163
        return np.asarray(days, dtype=float)

    def check(self, child):
        sent = self.moment(self.face.reached[child.ref])
        traded = sum(bit.size for each in self.face.parents[0].children for bit in each.executed.exbits if self.moment(bit.dt) <= sent)
        assert child.created.size <= self.size - traded
        minute = max((sent - self.begins) // (60 * 10**9), 0)
        if self.whole_close is not None:
            assert sent < self.whole_close
        if self.terms["algo"] == "participation":
            self.check_participation(child, sent, minute, traded)
        else:
            left = 390 if self.whole_close is None else (self.whole_close - self.begins) // (60 * 10**9)
            schedule = np.cumsum(largest_remainder(self.size, [1] * min(self.terms["minutes"], left)))
            assert child.created.size == schedule[min(minute, len(schedule) - 1)] - traded

    def check_participation(self, child, sent, minute, traded):
        volumes = self.bars.raw_volume[:, 0][(self.bars.index <= sent) & self.bars.traded[:, 0]]
        most = min(math.floor(round(self.terms["rate"] * volumes[-1], 9)), self.size - traded)
        last = self.whole_close is not None and sent >= self.whole_close - 60 * 10**9
        if self.terms["complete"] and (minute >= self.terms["minutes"] or last):
            assert child.created.size == self.size - traded
        else:
            assert minute < self.terms["minutes"] and child.created.size == most
