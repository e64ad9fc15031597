"""Orders in two symbols around sessions' edges: closed markets, half days, closures, auctions, halts, clock changes."""

import backtrader as bt
import pandas as pd
import pytest
from alpaca_cerebro import buy_each, each, played, sell_each, store_of
from broker_contract import buy, sell

from brokers.local_alpaca.made_minutes import minute_frame
from brokers.local_alpaca.moments import moment, new_york_text
from core.bars import Bars

Order = bt.Order
CALM, HALF = (100, 101, 99, 100), (50, 51, 49, 50)
EVENTS = pytest.mark.parametrize("events", [True, False], ids=["events", "polling"])
OPEN, DONE, EXPIRED = ["Submitted", "Accepted"], ["Submitted", "Accepted", "Completed"], ["Submitted", "Accepted",
                                                                                          "Expired"]
FRIDAY, MONDAY = "2024-03-01", "2024-03-04"


def days(*starts, rows=3, aaa=None, bbb=None):
    """Minutes from each start on; `aaa` and `bbb` are the rows of every day, calm ones by default."""
    def frame(per_day, calm):
        return pd.concat([minute_frame(day, start) for start, day in zip(starts, per_day or [[calm] * rows]
                                                                         * len(starts), strict=True)])

    return Bars.from_frames({"AAA": frame(aaa, CALM), "BBB": frame(bbb, HALF)}, interval="1m")


def before(start):
    """The venue's time just before a session's first bar."""
    return dict(now=moment(pd.Timestamp(start, tz="America/New_York").isoformat()) - 10**9)


def filled_at(outcome, symbol):
    """New York times of the executions, to the minute."""
    return [new_york_text(done.time)[:16] for done in outcome.ledger.executions if done.symbol == symbol]


# -- closed markets and clock changes --------------------------------------------------------------------


@EVENTS
@pytest.mark.parametrize(("last", "following"), [
    ("2024-02-28", "2024-02-29"), (FRIDAY, MONDAY), ("2024-03-08", "2024-03-11"), ("2024-11-01", "2024-11-04"),
    ("2024-07-03", "2024-07-05"),
], ids=["overnight", "weekend", "spring", "autumn", "holiday"])
def test_what_is_ordered_while_closed_waits_for_the_open(last, following, events):
    """A market order in AAA and a limit in BBB, sent at one session's close, are filled at the next one's open."""
    ends = "12:58" if last == "2024-07-03" else "15:58"

    def place(s):
        s.keep("AAA", s.buy(s.datas[0], size=10))
        s.keep("BBB", s.buy(s.datas[1], size=10, exectype=Order.Limit, price=51))

    bars = days(f"{last} {ends}", f"{following} 09:30", aaa=[[CALM] * 2, [(104, 105, 103, 104)] * 3],
                bbb=[[HALF] * 2, [(49, 50, 48, 49)] * 3])
    outcome = played(bars, {2: place, 4: sell_each(10, "out")}, events=events, venue=before(f"{last} {ends}"))
    assert outcome.told("AAA") == outcome.told("BBB") == DONE
    assert (outcome.traded("AAA"), outcome.traded("BBB")) == ([(10, 104), (-10, 104)], [(10, 49), (-10, 49)])
    assert filled_at(outcome, "AAA") == filled_at(outcome, "BBB") == [f"{following}T09:30", f"{following}T09:32"]
    assert outcome.told("outAAA") == outcome.told("outBBB") == DONE


@EVENTS
@pytest.mark.parametrize(("last", "following"), [(FRIDAY, MONDAY), ("2024-03-08", "2024-03-11"),
                                                 ("2024-11-01", "2024-11-04")],
                         ids=["weekend", "spring", "autumn"])
def test_a_gap_over_the_weekend_goes_through_a_stop(last, following, events):
    """Both are protected by a stop of 5%; AAA opens 20% lower and is sold there, BBB keeps its shares and its stop."""
    bars = days(f"{last} 15:55", f"{following} 09:30", aaa=[[CALM] * 5, [(80, 82, 79, 81)] * 3],
                bbb=[[HALF] * 5, [HALF] * 3])
    plan = {1: buy_each(),
            3: each(lambda s, data: s.keep("stop" + data._name,
                                           s.sell(data, size=10, exectype=Order.Stop, price=data.close[0] * 0.95)))}
    outcome = played(bars, plan, events=events, venue=before(f"{last} 15:55"))
    assert outcome.told("stopAAA") == DONE and outcome.told("stopBBB") == OPEN
    assert outcome.traded("AAA") == [(10, 100), (-10, 80)] and filled_at(outcome, "AAA")[1] == f"{following}T09:30"
    assert outcome.ledger.positions == {"BBB": 10}


# -- half days and closures ------------------------------------------------------------------------------


@EVENTS
def test_a_half_day_has_its_own_close_and_cut_off(events):
    """13:00 instead of 16:00: closing auctions take orders until 12:50, and day orders end with the session."""
    plan = {3: lambda s: (buy(exectype=Order.Close, name="in time")(s),
                          s.keep("day", s.buy(s.datas[1], size=1, exectype=Order.Limit, price=40,
                                                                                              valid=Order.DAY))),
            5: lambda s: (buy(exectype=Order.Close, name="late")(s),
                          s.keep("rests", s.buy(s.datas[1], size=1, exectype=Order.Limit, price=40)))}
    bars = days("2024-07-03 12:45", "2024-07-05 09:30", aaa=[[CALM] * 14 + [(103, 103, 103, 103)], [CALM] * 2],
                bbb=[[HALF] * 15, [HALF] * 2])
    outcome = played(bars, plan, events=events, venue=before("2024-07-03 12:45"))
    assert outcome.told("in time") == DONE and outcome.traded("AAA") == [(10, 103)]
    assert filled_at(outcome, "AAA") == ["2024-07-03T13:00"]
    assert "cls orders are taken" in outcome.reason("late") and len(outcome.ledger.asked("POST")) == 3
    assert outcome.told("day") == EXPIRED and outcome.told("rests") == OPEN


@EVENTS
def test_a_closure_nobody_announced_ends_day_orders_and_nothing_else(events):
    def plan(alpaca):
        def rest(s):
            s.keep("day", s.buy(s.datas[0], size=1, exectype=Order.Limit, price=90, valid=Order.DAY))
            s.keep("gtc", s.buy(s.datas[1], size=1, exectype=Order.Limit, price=40))

        def closed(s):
            alpaca.close_unscheduled()
            s.keep("waits", s.buy(s.datas[0], size=2))
            s.keep("ioc", s.buy(s.datas[1], size=1, exectype=Order.Limit, price=51, tif="ioc"))

        return {1: rest, 3: closed}

    outcome = played(days(f"{FRIDAY} 09:30", f"{MONDAY} 09:30"), plan, events=events, venue=before(f"{FRIDAY} 09:30"))
    assert outcome.told("day") == EXPIRED and outcome.told("gtc") == OPEN
    assert outcome.told("waits") == DONE and filled_at(outcome, "AAA") == [f"{MONDAY}T09:30"]
    assert outcome.told("ioc") == ["Submitted", "Rejected"] and "while the market is open" in outcome.reason("ioc")
    assert outcome.ledger.positions == {"AAA": 2}


# -- auctions --------------------------------------------------------------------------------------------

AUCTIONS = days(f"{FRIDAY} 09:30", f"{FRIDAY} 15:58", f"{MONDAY} 09:30", f"{MONDAY} 15:58", rows=2)


@pytest.mark.parametrize(("auction", "time", "taken"), [
    ("open", "2024-03-01T18:59:59-05:00", ""), ("open", "2024-03-01T19:00:00-05:00", f"{MONDAY}T09:30"),
    ("open", "2024-03-03T12:00:00-05:00", ""), ("open", "2024-03-03T19:00:00-05:00", f"{MONDAY}T09:30"),
    ("open", "2024-03-04T09:27:59-05:00", f"{MONDAY}T09:30"), ("open", "2024-03-04T09:28:00-05:00", ""),
    ("close", "2024-03-01T18:59:59-05:00", ""), ("close", "2024-03-01T19:00:00-05:00", f"{MONDAY}T16:00"),
    ("close", "2024-03-04T09:29:00-05:00", f"{MONDAY}T16:00"),
])
def test_auctions_take_orders_in_their_windows_only(auction, time, taken):
    """Outside, the reason is said before anything is sent; a market order in BBB goes its own way."""
    def plan(alpaca):
        def act(s):
            alpaca.advance(to=time)
            s.keep("AAA",
                   s.buy(s.datas[0], size=10,
                         **(dict(auction="open") if auction == "open" else dict(exectype=Order.Close))))
            s.keep("BBB", s.buy(s.datas[1], size=10))
        return {4: act}

    outcome = played(AUCTIONS, plan, venue=before(f"{FRIDAY} 09:30"))
    assert outcome.told("BBB") == DONE and filled_at(outcome, "BBB") == [f"{MONDAY}T09:30"]
    assert outcome.told("AAA") == (DONE if taken else ["Submitted", "Rejected"])
    assert filled_at(outcome, "AAA") == [taken] * bool(taken)
    assert len(outcome.ledger.asked("POST")) == 1 + bool(taken)


@pytest.mark.parametrize(("time", "taken"), [("2024-03-01T15:49:59-05:00", True), ("2024-03-01T15:50:00-05:00", False)])
def test_the_closing_auction_takes_orders_until_ten_minutes_before(time, taken):
    def plan(alpaca):
        return {2: lambda s: (alpaca.advance(to=time), s.keep("AAA", s.buy(size=10, exectype=Order.Close)),
                              s.keep("BBB", s.buy(s.datas[1], size=10)))}

    outcome = played(AUCTIONS, plan, venue=before(f"{FRIDAY} 09:30"))
    assert outcome.told("AAA") == (DONE if taken else ["Submitted", "Rejected"]) and outcome.told("BBB") == DONE
    assert filled_at(outcome, "AAA") == [f"{FRIDAY}T16:00"] * taken and len(outcome.ledger.asked("POST")) == 1 + taken


def test_a_window_that_closes_on_the_way_is_the_venues_refusal():
    """Its clock is told two seconds late: what is sent at 09:27:59 arrives at 09:28:01."""
    def plan(alpaca):
        return {4: lambda s: (alpaca.advance(to="2024-03-04T09:28:01-05:00"),
                              s.keep("AAA", s.buy(size=10, auction="open")),
                              s.keep("BBB", s.buy(s.datas[1], size=10)))}

    def late(alpaca):
        alpaca.clock_error_s = -2.0
        return store_of(alpaca)

    outcome = played(AUCTIONS, plan, venue=before(f"{FRIDAY} 09:30"), store_of=late)
    assert outcome.told("AAA") == ["Submitted", "Rejected"] and "7:00pm and before 9:28am" in outcome.reason("AAA")
    assert outcome.told("BBB") == DONE


def test_an_auction_that_does_not_fill_ends_the_order():
    """AAA is halted over Monday's open."""
    def plan(alpaca):
        def act(s):
            alpaca.advance(to=f"{FRIDAY}T19:00:00-05:00")
            each(lambda s, data: s.keep(data._name, s.buy(data, size=10, auction="open")))(s)
            alpaca.halt("AAA")
        return {2: act}

    outcome = played(days(f"{FRIDAY} 15:58", f"{MONDAY} 09:30", rows=5, aaa=[[CALM] * 2, [CALM] * 5],
                          bbb=[[HALF] * 2, [HALF] * 5]), plan,
                     venue=before(f"{FRIDAY} 15:58"))
    assert outcome.told("AAA") == EXPIRED and outcome.told("BBB") == DONE and outcome.ledger.positions == {"BBB": 10}


# -- halts -----------------------------------------------------------------------------------------------


@EVENTS
def test_a_halted_symbol_waits_and_the_other_trades(events):
    """AAA is halted for three minutes, whatever its feed shows; its order is filled when trading resumes."""
    bars = days(f"{FRIDAY} 09:30", aaa=[[CALM] * 5 + [(90, 91, 89, 90)] * 4], bbb=[[HALF] * 9])

    def plan(alpaca):
        return {2: lambda s: (alpaca.halt("AAA"), buy_each()(s)),
                3: lambda s: s.keep("out", s.sell(s.datas[1], size=4)),
                5: lambda s: alpaca.resume("AAA"), 8: sell(size=3, name="later")}

    outcome = played(bars, plan, events=events, venue=before(f"{FRIDAY} 09:30"))
    assert outcome.told("AAA") == outcome.told("BBB") == outcome.told("out") == outcome.told("later") == DONE
    assert filled_at(outcome, "AAA")[0] == f"{FRIDAY}T09:35" and filled_at(outcome, "BBB")[0] == f"{FRIDAY}T09:32"
    assert outcome.traded("AAA") == [(10, 90), (-3, 90)] and outcome.ledger.positions == {"AAA": 7, "BBB": 6}


@EVENTS
def test_a_halt_to_the_close_ends_a_day_order(events):
    bars = days(f"{FRIDAY} 15:55", f"{MONDAY} 09:30", aaa=[[CALM] * 5, [CALM] * 3], bbb=[[HALF] * 5, [HALF] * 3])

    def plan(alpaca):
        return {1: lambda s: (alpaca.halt("AAA"), buy_each()(s)), 5: lambda s: alpaca.resume("AAA"),
                6: buy(size=1, name="again")}

    outcome = played(bars, plan, events=events, venue=before(f"{FRIDAY} 15:55"))
    assert outcome.told("AAA") == EXPIRED and outcome.told("BBB") == outcome.told("again") == DONE
    assert outcome.ledger.positions == {"AAA": 1, "BBB": 10}
