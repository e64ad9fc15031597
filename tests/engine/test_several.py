"""Several runs on one simulated account: each sees its own, and the parts sum to the account to the cent."""

from decimal import Decimal

import backtrader as bt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_bars import bars, ragged

from brokers.shared_account import divided
from core.bars import Bars
from core.errors import BadSpec
from core.spec import RunSpec
from engine.build import build
from engine.several import build_several

CENT = Decimal("0.01")


def exact(number):
    return Decimal(repr(float(number)))


def market(seed=1, rows=60, symbols=3, actions=True) -> Bars:
    """Walks with dividends and a split."""
    frames = ragged(rows, symbols, seed)
    random = np.random.default_rng(seed)
    for symbol, frame in frames.items():
        if actions:
            frame["dividend"] = np.where(random.random(len(frame)) < 0.05, 0.37, 0.0)
            frame["split"] = np.where(np.arange(len(frame)) == len(frame) // 2, 2.0 if symbol == "S0" else 1.0, 1.0)
    return bars(**frames)


def spec(seed, capital=20_000.0, **options):
    return RunSpec(**{"strategy": "random_decisions:RandomDecisions", "params": {"seed": seed, "density": 0.4, "shorts": 0.2},
                      "symbols": ("S0", "S1", "S2"), "name": f"run{seed}", "capital": capital, "cash": 100_000.0, "commission": "0.1%",
                      "slippage": "5bp", "benchmark": "universe", **options})


def sums(runs):
    """What must be equal: (cash, shares by symbol) of the parts and of the account."""
    broker = runs.cerebro.broker
    held = {}
    for data, position in broker.positions.items():
        if position.size:
            held[data._name] = held.get(data._name, Decimal(0)) + exact(float(position.size))
    return (runs.shared.cash, runs.shared.held), (exact(broker.cash), {symbol: size for symbol, size in sorted(held.items()) if size})


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.sampled_from([5_000.0, 20_000.0, 33_333.33]), min_size=2, max_size=3), st.booleans())
def test_the_parts_sum_to_the_account_to_the_cent(seed, capitals, fractional):
    played = market(seed)
    runs = build_several([spec(seed + at, capital, fractional=fractional) for at, capital in enumerate(capitals)],
                         bars=[played] * len(capitals))
    strategies = runs.cerebro.run()
    (cash, held), (theirs, shares) = sums(runs)
    assert abs(cash - theirs) < CENT
    assert all(abs(held.get(name, 0) - shares.get(name, 0)) < Decimal("1e-6") for name in {*held, *shares})
    for part, strategy in zip(runs.shared.parts.values(), strategies, strict=True):
        assert strategy.broker is part and set(strategy.datas) == set(part.feeds)
        fills = [(order, bit) for order, bit in runs.cerebro.broker.fills if order.owner is strategy]
        flow = sum(exact(bit.size) * exact(float(bit.price)) + exact(bit.closedcomm + bit.openedcomm)
                   for _, bit in fills)
        booked = sum((exact(each.amount) for each in runs.cerebro.broker.corporate.booked if each.data in set(part.feeds)), Decimal(0))
        assert abs(part.cash - (part.capital - flow + booked)) < Decimal("1e-4")
        assert all(strategy.getposition(data).size == pytest.approx(runs.cerebro.broker.getposition(data).size) for data in strategy.datas)
    worth = sum(part.getvalue() for part in runs.shared.parts.values()) + float(runs.shared.rest_cash)
    assert worth == pytest.approx(runs.cerebro.broker.getvalue(), abs=0.01)


def test_a_run_among_others_trades_as_it_does_alone():
    played = market(actions=False)
    alone = build(spec(7).replace(cash=20_000.0), bars=played)
    runs = build_several([spec(3), spec(7), spec(9)], bars=[played] * 3)
    single, strategies = alone.run()[0], runs.cerebro.run()
    own = [(order.data._name, bit.dt, bit.size, bit.price) for order, bit in runs.cerebro.broker.fills if order.owner is strategies[1]]
    assert len(own) > 20 and own == [(order.data._name, bit.dt, bit.size, bit.price) for order, bit in alone.broker.fills]
    assert runs.shared.parts["run7"].getvalue() == pytest.approx(single.broker.getvalue(), abs=0.01)


class Weekly(bt.Strategy):
    """Notes when it has its turn; buys once."""

    def __init__(self):
        self.turns, self.told = [], []

    def prenext(self):
        self.next()

    def next(self):
        self.turns.append(bt.num2date(self.datas[0].datetime[0]).date())
        if len(self.turns) == 2:
            self.buy(size=10_000)
            self.buy(size=3)

    def notify_order(self, order):
        self.told.append((order.getstatusname(), order.info.get("reason")))


def test_bars_of_others_are_not_a_turn_and_orders_beyond_the_capital_are_refused():
    played = market(actions=False)
    few = Bars.from_frames({"S0": ragged(60, 3, 1)["S0"].iloc[::5]})
    plain = RunSpec(strategy=f"{__name__}:Weekly", symbols=("S0",), name="weekly", capital=1_000.0, cash=100_000.0)
    runs = build_several([spec(3), plain], bars=[played, few])
    weekly = runs.cerebro.run()[1]
    assert weekly.turns == few.session.astype(object).tolist()
    refused = [reason for status, reason in weekly.told if status == "Rejected"]
    assert len(refused) == 1 and refused[0].endswith("and 1,000.00 of the capital of weekly is free")
    assert [status for status, _ in weekly.told if status == "Completed"] == ["Completed"]


def test_what_cannot_share_an_account_is_told():
    played = market()
    for specs, said in (([spec(1), spec(1)], "two runs on the account are called run1: give one of them another name"),
                        ([spec(1), spec(2).replace(capital=None)], "the run run2 names no capital: runs that share an account say how much of it is theirs"),
                        ([spec(1, 60_000.0), spec(2, 60_000.0)],
                         "the capital of the runs adds up to 120,000.00, and the account is worth 100,000.00: give them less")):
        with pytest.raises(BadSpec, match=f"^{said}$"):
            build_several(specs, bars=[played] * 2)


@given(st.decimals("-1000", "1000", places=2), st.lists(st.integers(-50, 50).filter(bool).map(Decimal), min_size=1, max_size=6))
def test_an_amount_is_divided_without_a_rest_and_each_part_is_a_step_from_its_due(amount, shares):
    parts = divided(amount, shares, CENT)
    assert sum(parts) == amount and len(parts) == len(shares)
    total = sum(shares)
    if total:
        assert all(abs(part - amount * share / total) <= len(shares) * CENT for part, share in zip(parts, shares, strict=True))
