"""Brackets and pairs of exits in two symbols at once: one exit is taken, the other ends, and no share is sold twice."""

import backtrader as bt
import pandas as pd
import pytest
from alpaca_cerebro import buy_each, each, played

from brokers.local_alpaca import OrderFault
from brokers.local_alpaca.made_minutes import minute_frame, minutes
from core.bars import Bars

Order = bt.Order
CALM, RISE, FALL, WILD = (100, 101, 99, 100), (100, 111, 100, 111), (100, 100, 94, 96), (100, 111, 94, 100)
EVENTS = pytest.mark.parametrize("events", [True, False], ids=["events", "polling"])
OPEN, DONE, GONE = ["Submitted", "Accepted"], ["Submitted", "Accepted", "Completed"], ["Submitted", "Accepted",
                                                                                       "Canceled"]


def market(aaa, bbb, at=4, rows=8):
    """Calm minutes, but for one in each symbol."""
    return minutes(AAA=[CALM] * at + [aaa] + [CALM] * (rows - at - 1), BBB=[CALM] * at + [bbb] + [CALM]
                   * (rows - at - 1))


def kept(s, data, *orders):
    for kind, order in zip(("entry", "stop", "profit")[-len(orders):], orders, strict=True):
        s.keep(f"{kind} {data._name}", order)


BRACKETS = each(lambda s, data: kept(s, data, *s.buy_bracket(data, size=10, exectype=Order.Market, stopprice=95,
                                                             limitprice=110)))


@each
def pairs(s, data):
    stop = s.sell(data, size=10, exectype=Order.Stop, price=95)
    kept(s, data, stop, s.sell(data, size=10, exectype=Order.Limit, price=110, oco=stop))


GROUPS = pytest.mark.parametrize("plan", [{1: BRACKETS}, {1: buy_each(), 2: pairs}], ids=["brackets", "pairs"])


def ends(outcome, symbol):
    return outcome.told(f"stop {symbol}"), outcome.told(f"profit {symbol}")


@EVENTS
@GROUPS
@pytest.mark.parametrize("silent", [False, True], ids=["told", "silent"])
def test_each_group_ends_with_one_of_its_exits(plan, silent, events):
    """The sibling's cancellation may come without an event; the held stop is no open order until it is touched."""
    faults = [OrderFault(do="silent_sibling", symbol="AAA")] if silent else []
    outcome = played(market(RISE, FALL), plan, *faults, events=events)
    assert ends(outcome, "AAA") == (GONE, DONE) and ends(outcome, "BBB") == (DONE, GONE)
    assert (outcome.traded("AAA"), outcome.traded("BBB")) == ([(10, 100), (-10, 110)], [(10, 100), (-10, 95)])


@EVENTS
@GROUPS
def test_while_one_group_ends_the_other_stands(plan, events):
    outcome = played(market(FALL, CALM), plan, events=events)
    assert ends(outcome, "AAA") == (DONE, GONE) and ends(outcome, "BBB") == (OPEN, OPEN)
    assert outcome.traded("BBB") == [(10, 100)]


@EVENTS
@GROUPS
def test_a_bar_that_reaches_both_exits_takes_one(plan, events):
    outcome = played(market(WILD, CALM), plan, events=events)
    assert sorted(ends(outcome, "AAA")) == [GONE, DONE] and ends(outcome, "BBB") == (OPEN, OPEN)
    assert sum(shares for shares, _ in outcome.traded("AAA")) == 0 and len(outcome.traded("AAA")) == 2


@EVENTS
@GROUPS
def test_a_stop_that_is_gapped_through_sells_at_the_open(plan, events):
    outcome = played(market((80, 82, 79, 81), CALM), plan, events=events)
    assert ends(outcome, "AAA") == (DONE, GONE) and outcome.traded("AAA") == [(10, 100), (-10, 80)]
    assert ends(outcome, "BBB") == (OPEN, OPEN)


@EVENTS
def test_legs_may_come_in_any_order(events):
    seen = set()
    for seed in range(3):
        outcome = played(market(RISE, FALL), {1: BRACKETS}, events=events, venue=dict(seed=seed))
        assert ends(outcome, "AAA") == (GONE, DONE) and ends(outcome, "BBB") == (DONE, GONE)
        seen |= {tuple(leg.leg for leg in order.legs) for order in outcome.ledger.sent()}
    assert len(seen) == 2


@EVENTS
def test_a_bracket_cancelled_after_a_part_of_its_entry_keeps_the_part(events):
    outcome = played(market(CALM, CALM), {1: BRACKETS, 2: lambda s: s.cancel(s.placed["entry AAA"])}, events=events,
                     liquidity=dict(AAA=3))
    assert [outcome.told(f"{kind} AAA")[-1] for kind in ("entry", "stop", "profit")] == ["Canceled"] * 3
    assert outcome.told("entry AAA")[-2] == "Partial" and 0 < outcome.ledger.positions["AAA"] < 10
    assert outcome.told("entry BBB") == DONE and ends(outcome, "BBB") == (OPEN, OPEN)


@EVENTS
def test_an_exit_in_parts_ends_its_sibling_only_when_it_is_done(events):
    rows = [CALM] * 4 + [(95, 96, 94, 95)] * 5
    outcome = played(minutes(AAA=rows, BBB=[CALM] * 9), {1: BRACKETS}, events=events, liquidity=dict(AAA=5))
    assert outcome.told("stop AAA") == ["Submitted", "Accepted", "Partial", "Completed"]
    assert outcome.told("profit AAA") == GONE
    assert outcome.ledger.positions == {"BBB": 10} and ends(outcome, "BBB") == (OPEN, OPEN)


@EVENTS
@pytest.mark.parametrize("stop", [95, 40], ids=["touched", "far"])
def test_a_split_overnight_moves_shares_and_no_leg(stop, events):
    """AAA splits 2:1. A leg for ten shares at the old price sells ten of twenty; one far below stands."""
    @each
    def exits(s, data):
        first = s.sell(data, size=10, exectype=Order.Stop, price=stop)
        kept(s, data, first, s.sell(data, size=10, exectype=Order.Limit, price=110, oco=first))

    days = [("2024-02-29 09:30", 1.0, 100), ("2024-03-01 09:30", 2.0, 50)]
    frames = [minute_frame([(price, price + 1, price - 1, price)] * 4, start) for start, _, price in days]
    aaa = pd.concat([frames[0].assign(split=1.0), frames[1].assign(split=[2.0, 1.0, 1.0, 1.0])])
    bbb = pd.concat([minute_frame([CALM] * 4, start) for start, _, _ in days])
    bars = Bars.from_frames({"AAA": aaa, "BBB": bbb}, interval="1m")
    outcome = played(bars, {1: buy_each(), 2: exits}, events=events, reconcile_s=60.0,
                     venue=dict(now="2024-02-29T09:29:59-05:00"))
    assert outcome.ledger.positions == {"AAA": 10 if stop == 95 else 20, "BBB": 10}
    assert sum("AAA" in message and "booked as SPLIT and adopted" in message for message in outcome.messages) == 1
    assert ends(outcome, "AAA") == ((DONE, GONE) if stop == 95 else (OPEN, OPEN))
    assert ends(outcome, "BBB") == (OPEN, OPEN)


@EVENTS
def test_two_exits_hold_their_shares_once(events):
    """Of twenty shares, ten are promised to a pair of exits; the other ten can be sold."""
    plan = {1: buy_each(20), 2: pairs, 4: each(lambda s, data: s.keep(f"half {data._name}", s.sell(data, size=10)))}
    outcome = played(market(FALL, CALM, at=6), plan, events=events)
    assert outcome.told("half AAA") == outcome.told("half BBB") == DONE
    assert ends(outcome, "AAA") == (DONE, GONE) and ends(outcome, "BBB") == (OPEN, OPEN)
    assert outcome.ledger.positions == {"BBB": 10}
