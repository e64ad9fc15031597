"""Fees for borrowed shares, margin interest, interest on cash: by hand, and in Cerebro and the twin alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_bars import bars, frame
from twins import COSTS, LIMITS, RANDOM, agree, eventful

import engine
from core.errors import BadSpec, UsageError
from core.spec import RunSpec
from engine.loading import load
from engine.several import build_several

PLANNED = "planned_weights:PlannedWeights"
TEN = bars(A=frame([10.0] * 6, start="2020-01-02"))  # Thursday, Friday, then Monday to Thursday
RATES = st.fixed_dictionaries({}, optional=dict(
    borrow=st.sampled_from([0.003, 0.5]), margin=st.just(0.07), cash=st.just(0.04), days=st.sampled_from([360, 365])))


def planned(plan, panel=TEN, **spec):
    """What was booked as (session, symbol, kind, amount), and the run."""
    made = agree(RunSpec(strategy=PLANNED, params=dict(plan=plan), cash=10_000, limits=dict(cash_buffer=0, max_gross=2), **spec), panel)
    days = {moment: str(day) for moment, day in zip(panel.index, panel.session, strict=True)}
    return [(days[event.time], event.symbol, event.kind, event.amount) for event in made.cash_events], made


def test_a_short_pays_its_fee_for_every_night():
    told, made = planned("0:-0.5", carry=dict(borrow=0.36))  # 500 shares short at Friday's open: 5,000
    assert told == [("2020-01-06", "A", "borrow fee", -15.0), ("2020-01-07", "A", "borrow fee", -5.0),  # three nights, then one each
                    ("2020-01-08", "A", "borrow fee", -5.0), ("2020-01-09", "A", "borrow fee", -5.0)]
    assert made.equity[-1] == 10_000 - 30 and made.metrics["borrow_fees"] == 30.0
    [trade] = made.trades
    assert (trade.pnl, trade.borrow) == (0.0, 30.0)


def test_cash_earns_without_the_proceeds_of_shorts():
    told, made = planned("0:-0.5", carry=dict(cash=0.036, days=360))
    assert [amount for *_, amount in told[:2]] == [10_000 * 0.036 / 360, 10_001 * 0.036 * 3 / 360]  # 10,000 free beside 5,000 of proceeds
    assert {kind for *_, kind, _ in told} == {"cash interest"} and {symbol for _, symbol, *_ in told} == {""}
    assert made.metrics["cash_interest"] == pytest.approx(made.equity[-1] - 10_000)


def test_money_that_is_borrowed_pays_margin():
    assert planned("0:-0.5", carry=dict(margin=0.06))[0] == []  # the proceeds are there
    falls = bars(A=frame([10.0, 10.0, 30.0, 30.0, 30.0, 30.0]))
    told, _ = planned("0:-1", panel=falls, carry=dict(margin=0.06))  # 1,000 short at 10: 20,000 of cash, 30,000 to buy back
    assert told[0] == ("2020-01-07", "", "margin interest", -10_000 * 0.06 / 360)


def test_fees_follow_the_last_close_and_a_split():
    panel = bars(A=frame([10.0, 10.0, 20.0, 10.0, 10.0, 10.0], split=[1.0, 1.0, 1.0, 2.0, 1.0, 1.0]))
    told, _ = planned("0:-0.5", panel=panel, carry=dict(borrow=0.36))
    assert [amount for *_, amount in told] == [-15.0, -10.0, -10.0, -10.0]  # 500 at 10, then at 20, then 1,000 at 10


def test_terms_of_a_file_hold_from_their_dates_on(tmp_path):
    file = tmp_path / "shorts.csv"
    file.write_text("symbol,date,fee,available\nA,,18%,yes\nA,2020-01-07,72%,\nZ,,1,no\n")
    told, _ = planned("0:-0.5", carry=dict(borrow=0.36), shorts=str(file))
    assert [amount for *_, amount in told] == [-7.5, -2.5, -10.0, -10.0]  # what was known the evening before


def test_what_nobody_lends_is_not_sold_short(tmp_path):
    file = tmp_path / "shorts.csv"
    file.write_text("symbol,date,available\nA,2020-01-03,no\n")
    spec = dict(shorts=str(file), commission="none")
    assert planned("1:-0.5", **spec)[1].fills == []
    held = planned("0:-0.5 1:-0.9 2:-0.2", **spec)[1]  # held since before: kept, not increased, and may be reduced
    assert [fill.size for fill in held.fills] == [-500.0, 300.0]
    assert [fill.size for fill in planned("0:0.5 1:-0.5", **spec)[1].fills] == [500.0, -500.0]  # a reversal ends flat


def test_a_plain_strategy_is_told_why(tmp_path):
    file = tmp_path / "shorts.csv"
    file.write_text("symbol,available\nA,no\n")
    made = engine.run(RunSpec(strategy="plain_sellers:Seller", shorts=str(file), prices="raw"), bars=TEN)
    assert [(order.status, order.reason) for order in made.orders] == [("Rejected", "A cannot be borrowed: it is not sold short")] * len(made.orders)
    assert made.orders


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), symbols=st.integers(1, 5), limits=LIMITS, fractional=st.booleans(), carry=RATES,
       stops=st.sampled_from([{}, {"stop": 0.05}, {"trail": 0.03, "bars": 4}]), unavailable=st.booleans(), **COSTS)
def test_the_twin_agrees(tmp_path_factory, seed, symbols, limits, fractional, carry, stops, unavailable, commission, slippage):
    panel = eventful(60, symbols, seed)
    terms = dict(shorts=str(_shorts(tmp_path_factory, panel, seed))) if unavailable else {}
    made = agree(RunSpec(strategy=RANDOM, params=dict(seed=seed, shorts=0.5), cash=20_000, fractional=fractional, sizer="EqualWeight",
                         limits={**limits, "max_gross": 1.0}, carry=carry, exits=stops, commission=commission, slippage=slippage, **terms), panel)
    paid = sum(event.amount for event in made.cash_events if event.symbol == "")
    gained = sum(trade.pnl + trade.dividends - trade.borrow for trade in made.trades)
    assert made.equity[-1] - 20_000 == pytest.approx(gained + paid, abs=1e-6)


def _shorts(factory, panel, seed):
    file, random = factory.mktemp("shorts") / "shorts.csv", np.random.default_rng(seed)
    days = [str(panel.session[row]) for row in sorted(random.choice(len(panel), 3, replace=False))]
    rows = [f"{symbol},{day},{random.choice(['', '5%', '0.9'])},{random.choice(['yes', 'no'])}" for symbol in panel.symbols[:2] for day in days]
    file.write_text("\n".join(["symbol,date,fee,available", *rows]) + "\n")
    return file


def test_nothing_is_booked_within_a_session():
    panel = load(RunSpec(source="synthetic", symbols=("SYN001",), interval="30m", start="2020-01-02", end="2020-01-08"))
    made = agree(RunSpec(strategy=PLANNED, params=dict(plan="0:-0.5"), symbols=panel.symbols, interval="30m", carry=dict(borrow=0.5)), panel)
    assert len(made.cash_events) == len(np.unique(panel.session)) - 1


def test_runs_that_share_an_account_have_no_carry():
    specs = [RunSpec(strategy=PLANNED, name=name, symbols=("A",), capital=1_000.0, carry=dict(cash=0.01)) for name in "xy"]
    with pytest.raises(BadSpec, match="carry of the run x is of an account of its own"):
        build_several(specs, bars=[TEN, TEN])


@pytest.mark.parametrize("carry, said", [
    (dict(borrow=-1), "carry.borrow is -1: it must not be negative"),
    (dict(cash=4), "carry.cash is 4: it is a part, so below 1"),
    (dict(days=252), "carry.days is 252: it is 360 or 365"),
    (dict(fee=1), "unknown carry 'fee'"),
])
def test_rates_that_cannot_be(carry, said):
    with pytest.raises(Exception, match=said):
        RunSpec(carry=carry)


@pytest.mark.parametrize("text, said", [
    ("", "has the columns none: its first line must name symbol"),
    ("symbol,date\nA,2020-01-01\n", "its first line must name symbol, fee or available"),
    ("symbol,fee\nA,-1\n", "line 2: A: fee '-1' is not understood: write 0.25 or 25%"),
    ("symbol,available\nA,maybe\n", "available is 'maybe': write yes or no"),
    ("symbol,date,fee\nA,1/2/20,1\n", "'1/2/20' is not a date"),
    ("symbol,fee\nA,1\nA,2\n", "A has two lines without a date: keep one"),
])
def test_a_file_of_shorts_that_is_not_understood(tmp_path, text, said):
    file = tmp_path / "shorts.csv"
    file.write_text(text)
    with pytest.raises(UsageError, match=said):
        planned("0:-0.5", shorts=str(file))


def test_a_file_of_shorts_that_is_not_there():
    with pytest.raises(UsageError, match="cannot read the file of shorts nowhere.csv: No such file"):
        planned("0:-0.5", shorts="nowhere.csv")
