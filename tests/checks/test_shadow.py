"""A live day beside its simulation: what the venue did to it comes out in the right part, to the cent and to the last share."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_bars import frame
from shadowed_days import ACCOUNT, DAY, MINUTE, RUN, SPEC, Venue, day_of, journal_of, lived, stored, write
from streamed_runs import two_days

from checks.shadow import shadow
from checks.shadow_bars import Quotes
from checks.shadow_live import Day, trading_day
from checks.shadow_slippage import recalibrated
from core.bars import Bars
from core.calendars import get_calendar
from core.errors import NoBars, UnknownName
from core.spec import RunSpec
from journal import LiveOrder
from journal.account_log import LiveExecution

BARS = two_days()
SPARSE = SPEC.replace(params={"seed": 2, "density": 0.08})


def shadowed(tmp_path, venue=None, spec=SPARSE, bars=BARS, quotes=None, **options):
    """(day beside its simulation, result of the run that was written down, live fills)."""
    journal, store, result, fills = day_of(tmp_path, venue, spec, bars, **options)
    return shadow(journal, store, ACCOUNT, RUN, DAY, quotes), result, fills


def live_gain(fills, bars=BARS):
    """Restated: every fill against the last close, less its fee."""
    closes = {symbol: Fraction(repr(float(bars.raw_close[-1, at]))) for at, symbol in enumerate(bars.symbols)}
    return sum((Fraction(qty) * (closes[symbol] - Fraction(price)) - Fraction(fee) for symbol, qty, price, fee in fills), Fraction(0))


def adds_up(day, result, fills, bars=BARS):
    """What must hold whatever the venue did."""
    assert day.parts.total == day.shadow_gain - day.live_gain
    assert day.live_gain == live_gain(fills, bars)
    assert float(day.shadow_gain) == pytest.approx(day.simulated, abs=1e-6)
    assert day.simulated == pytest.approx(result.final_value - result.spec.cash, abs=1e-6)


def test_a_venue_like_the_simulation_leaves_nothing(tmp_path):
    day, result, fills = shadowed(tmp_path)
    adds_up(day, result, fills)
    assert set(day.parts) == {0} and len(day.orders) == len(result.fills) > 15
    assert day.warnings == ("no quotes are known: what half the spread costs is in the slippage; give them with --quotes",)


def test_slippage_is_slippage(tmp_path):
    day, result, fills = shadowed(tmp_path, Venue(slip=lambda at: 0.0005))
    adds_up(day, result, fills)
    assert day.parts.slippage == day.parts.total
    assert float(day.parts.slippage / day.value) * 1e4 == pytest.approx(5.0, abs=0.01)


def test_slippage_the_spec_simulates_is_taken_off(tmp_path):
    day, result, fills = shadowed(tmp_path, Venue(slip=lambda at: 0.0003), spec=SPARSE.replace(slippage="5bp"))
    adds_up(day, result, fills)
    assert float(day.parts.slippage / day.value) * 1e4 == pytest.approx(3.0, abs=0.01)
    assert day.parts.delay == pytest.approx(0, abs=1e-3)
    assert recalibrated(day.filled)["bp"] == pytest.approx(8.0, abs=0.01)


def test_an_order_sent_late_has_a_delay(tmp_path):
    day, result, fills = shadowed(tmp_path, Venue(late=lambda at: 3))
    adds_up(day, result, fills)
    assert day.parts.delay == day.parts.total != 0
    order = next(order for order in day.orders if order.side == "buy")
    row = int(np.searchsorted(BARS.index, order.bar_ns))
    opens = BARS.raw_open[:, BARS.column(order.symbol)]
    assert float(order.parts.delay) == pytest.approx(float(order.live[0].qty) * (opens[row + 4] - opens[row + 1]))


def test_shares_that_were_not_had_are_missed(tmp_path):
    day, result, fills = shadowed(tmp_path, Venue(share=lambda at: (0.0, 0.5, 1.0)[at % 3]))
    adds_up(day, result, fills)
    assert day.parts.missed == day.parts.total != 0
    reasons = {order.reason for order in day.orders if not order.live}
    assert reasons == {"the venue had 0 shares"}


def test_fees_beyond_those_of_the_simulation(tmp_path):
    day, result, fills = shadowed(tmp_path, Venue(fee=lambda at: 1.25), spec=SPARSE.replace(commission="0.01/share"))
    adds_up(day, result, fills)
    assert day.parts.fees == day.parts.total
    assert float(day.parts.fees) == pytest.approx(1.25 * len(fills) - sum(abs(fill.size) * 0.01 for fill in result.fills))


def test_half_the_spread_where_quotes_are_known(tmp_path):
    quotes = {"AAA": Quotes([0], [Fraction("0.01")])}
    day, result, fills = shadowed(tmp_path, Venue(slip=lambda at: 0.0005), quotes=quotes)
    adds_up(day, result, fills)
    assert float(day.parts.spread) == pytest.approx(0.01 * sum(float(abs(qty)) for symbol, qty, *_ in fills if symbol == "AAA"))
    assert len(day.warnings) == 1  # BBB has none
    known, _, _ = shadowed(tmp_path / "both", quotes={**quotes, "BBB": Quotes([0], [Fraction(0)])})
    assert known.warnings == ()


def numbers(choices):
    return st.lists(st.sampled_from(choices), min_size=7, max_size=7).map(lambda row: lambda at: row[at % 7])


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(slip=numbers([0.0, 0.0007, -0.0004]), late=numbers([0, 0, 1, 5]), share=numbers([1.0, 1.0, 0.4, 0.0]), fee=numbers([0.0, 1.0]),
       shorts=st.sampled_from([0.0, 0.4]), slippage=st.sampled_from(["none", "3bp", "0.01/share"]))
def test_it_adds_up_whatever_the_venue_does(tmp_path_factory, slip, late, share, fee, shorts, slippage):
    spec = SPEC.replace(params={"seed": 5, "density": 0.05, "shorts": shorts}, slippage=slippage, commission="1bp")
    day, result, fills = shadowed(tmp_path_factory.mktemp("day"), Venue(slip, late, share, fee), spec)
    adds_up(day, result, fills)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in (1, 2, 3))])
def test_planted_points_are_recovered_from_a_day_of_orders(tmp_path, seed):
    random = np.random.default_rng(seed)
    noise = random.standard_t(4, 5000) / np.sqrt(2) * 5e-4
    spec = SPEC.replace(params={"seed": seed, "density": 0.6}, sizer="ByConfidence")
    day, _, _ = shadowed(tmp_path, Venue(slip=lambda at: 5e-4 + noise[at]), spec)
    found = recalibrated(day.filled)
    assert found["orders"] > 200 and abs(found["bp"] - 5.0) < 1.0


# -- what the day begins with -----------------------------------------------------------------------------


def test_the_day_begins_with_what_live_held(tmp_path):
    spec = SPARSE.replace(signal_start=None)
    journal, store, result, _ = day_of(tmp_path, spec=spec)
    day = shadow(journal, store, ACCOUNT, RUN, DAY)
    row = int(np.searchsorted(BARS.session, np.datetime64(DAY))) - 1
    held = {symbol: result.positions[row, at] for at, symbol in enumerate(BARS.symbols)}
    assert any(held.values()) and day.parts.total == 0 and len(day.orders) > 15
    assert float(day.live_gain) == pytest.approx(result.equity[-1] - result.equity[row])
    assert day.simulated == pytest.approx(result.equity[-1] - result.equity[row])
    assert float(day.carried) == pytest.approx(sum(held[symbol] * (BARS.raw_close[-1, at] - BARS.raw_close[row, at])
                                                   for at, symbol in enumerate(BARS.symbols)))


def test_positions_the_journal_does_not_know_are_named(tmp_path):
    journal = journal_of(tmp_path / "journal.db")
    lived(journal, BARS, SPARSE)
    [first, *_] = journal.blotter.decisions(ACCOUNT, RUN)
    assert first.equity == first.cash
    other = journal_of(tmp_path / "other.db")
    write(other, [LiveOrder("x", 0, "AAA", "buy", Decimal(1), "enter")], SPEC.replace(cash=50_000.0), RUN, ACCOUNT, first.bar_ns)
    with_more = journal_of(tmp_path / "more.db")
    with_more.blotter.decide([LiveOrder("x", 0, "AAA", "buy", Decimal(1), "enter")], account=ACCOUNT, run_key=RUN, bar_ns=first.bar_ns,
                             session=DAY, strategy="S", strategy_source="", spec=SPEC.masked(), fingerprint="", equity=Decimal(100_000),
                             cash=Decimal(60_000), targets={}, notes=[])
    store = stored(BARS, tmp_path / "bars")
    assert any("40,000.00 more in positions" in each for each in shadow(with_more, store, ACCOUNT, RUN, DAY).warnings)
    assert not any("more in positions" in each for each in shadow(other, store, ACCOUNT, RUN, DAY).warnings)


def test_capital_bounds_what_a_daily_run_has_of_the_account(tmp_path):
    spec = RunSpec(strategy="BuyAndHold", symbols=("AAA", "BBB"), source="alpaca", start="2024-02-20")
    qty = []
    for capital in (None, 50_000.0):
        journal, store, result, _ = day_of(tmp_path / str(capital), None, spec.replace(capital=capital), daily_bars(), executions=False)
        qty.append(shadow(journal, store, ACCOUNT, RUN, str(result.fills[0].session)).orders[0].shadow[0].qty)
    assert qty[1] == pytest.approx(float(qty[0]) / 2, abs=1)


def test_a_streaming_run_writes_down_its_own_part_of_the_account(tmp_path):
    whole, _, _ = shadowed(tmp_path / "whole")
    grown, _, _ = shadowed(tmp_path / "grown", spec=SPARSE.replace(capital=50_000.0))
    assert grown.orders[0].shadow[0].qty == whole.orders[0].shadow[0].qty


# -- which orders belong to it ----------------------------------------------------------------------------


def test_an_execution_whose_order_is_unknown_is_the_reverse_of_a_missed_fill(tmp_path):
    journal, store, _, _ = day_of(tmp_path, spec=SPARSE)
    at = int(BARS.index[-20])
    journal.account_log.execute([LiveExecution("by-hand", "b", Decimal(7), ACCOUNT, RUN, "AAA", "buy", Decimal(7), Decimal(90), at)])
    day = shadow(journal, store, ACCOUNT, RUN, DAY)
    close = Fraction(repr(float(BARS.raw_close[-1, 0])))
    assert day.parts.missed == day.parts.total == -7 * (close - 90)
    assert [order.reason for order in day.orders if not order.shadow] == ["its order is not in the journal"]


def test_an_order_of_another_bar_is_a_delay_of_the_one_it_stands_for(tmp_path):
    """Live decided ten minutes after the simulation: the same shares, later."""
    journal, store = journal_of(tmp_path / "journal.db"), stored(BARS, tmp_path / "bars")
    result, _ = lived(journal_of(tmp_path / "other.db"), BARS, SPEC.replace(params={"seed": 2, "density": 0.003}))
    spec, fill = result.spec.replace(source="alpaca"), result.fills[0]
    bar = int(result.orders[0].time) + 10 * MINUTE
    journal.clock.to(bar)
    price = Decimal(repr(float(BARS.raw_open[int(np.searchsorted(BARS.index, bar)) + 1, BARS.column(fill.symbol)])))
    early = LiveOrder("early", 0, "AAA", "buy", Decimal(1), "enter", state="done", status="rejected", reason="no")
    write(journal, [early], spec, RUN, ACCOUNT, int(result.orders[0].time) - MINUTE, result)
    write(journal, [LiveOrder("x", 0, fill.symbol, "buy", Decimal(int(fill.size)), "enter", state="done", status="filled",
                              filled=Decimal(int(fill.size)), price=price)], spec, RUN, ACCOUNT, bar, result)
    day = shadow(journal, store, ACCOUNT, RUN, DAY)
    order = next(order for order in day.orders if order.live)
    assert order.parts.delay == order.parts.total == order.live[0].qty * (Fraction(price) - order.shadow[0].price)


def test_executions_after_the_close_belong_to_the_day_and_those_of_the_next_morning_do_not():
    calendar = get_calendar("XNYS")
    day = Day.of(np.datetime64("2024-02-23"), calendar)  # a Friday
    closes = int(calendar.close_of(np.array([day.session]))[0])
    assert day.decided[1] == closes and day.executed[0] < closes + 60 * MINUTE < day.executed[1]
    assert trading_day(closes, calendar) == np.datetime64("2024-02-26") and trading_day(closes - 1, calendar) == day.session


def test_the_price_when_sent_is_that_of_its_auction(tmp_path):
    journal, store = journal_of(tmp_path / "journal.db"), stored(BARS, tmp_path / "bars")
    day = np.flatnonzero(BARS.session == np.datetime64(DAY))
    bar = int(BARS.index[day[5]])
    journal.clock.to(bar)
    spec = SPEC.replace(params={"seed": 2, "density": 0.0})
    for place, (name, tif) in enumerate((("day", "day"), ("opening", "opg"), ("closing", "cls"))):
        write(journal, [LiveOrder(name, place, "AAA", "buy", Decimal(1), "enter", state="done", tif=tif, status="filled", filled=Decimal(1),
                                  price=Decimal(100))], spec, RUN, ACCOUNT, bar)
    [order] = shadow(journal, store, ACCOUNT, RUN, DAY).orders
    column = [float(each) for each in (BARS.raw_open[day[6], 0], BARS.raw_open[day[0], 0], BARS.raw_close[-1, 0])]
    assert [float(lot.arrival) for lot in order.live] == column


# -- daily runs, plain strategies -------------------------------------------------------------------------


def daily_bars(split=1.0):
    closes = np.array([100, 101, 103, 102, 104, 106.0])
    made = frame(np.column_stack([closes - 0.5, closes + 1, closes - 1, closes]), start="2024-02-20")
    ratio = np.ones(len(made))
    if split != 1.0:
        made.iloc[-1, :4] /= split
        ratio[-1] = split
    return Bars.from_frames({"AAA": made.assign(split=ratio), "BBB": frame(closes / 2, start="2024-02-20")})


def test_a_daily_run_knows_only_the_sum_of_its_fills(tmp_path):
    bars = daily_bars()
    spec = RunSpec(strategy="steady_decisions:SteadyDecisions", params={"seed": 5, "density": 1.0}, symbols=("AAA", "BBB"), source="alpaca",
                   sizer="EqualWeight", start="2024-02-20")
    journal, store, result, _ = day_of(tmp_path, Venue(slip=lambda at: 0.001), spec, bars, executions=False)
    date = str(result.fills[-1].session)
    day = shadow(journal, store, ACCOUNT, RUN, date)
    traded = [fill for fill in result.fills if str(fill.session) == date]
    assert len(day.orders) == len(traded) > 0
    assert float(day.parts.slippage) == pytest.approx(sum(abs(fill.size) * fill.price for fill in traded) * 0.001, rel=1e-3)
    assert float(day.parts.total) == pytest.approx(float(day.parts.slippage), abs=1e-9)


def test_a_split_on_the_day_changes_what_is_carried(tmp_path):
    bars = daily_bars(split=2.0)
    spec = RunSpec(strategy="BuyAndHold", symbols=("AAA", "BBB"), source="alpaca", start="2024-02-20")
    journal, store, result, _ = day_of(tmp_path, None, spec, bars, executions=False)
    day = shadow(journal, store, ACCOUNT, RUN, str(bars.session[-1]))
    assert float(day.carried) == pytest.approx(result.equity[-1] - result.equity[-2])
    assert day.simulated == pytest.approx(float(day.carried), abs=1e-6) and result.positions[-1, 0] == 2 * result.positions[-2, 0]


PLAIN = '''
import backtrader as bt

class Turns(bt.Strategy):
    """Buys and sells in turn, every seventh bar, with a limit and a stop on the way."""

    def next(self):
        if len(self) % 14 == 0:
            self.buy(size=10)
        elif len(self) % 14 == 7 and self.position.size > 0:
            self.close()
        elif len(self) % 14 == 3:
            self.buy(size=1, exectype=bt.Order.Limit, price=self.data.close[0] - 0.02)
'''


def test_a_plain_strategy_with_limits(tmp_path):
    (tmp_path / "plain.py").write_text(PLAIN)
    bars = BARS.between(DAY, DAY)
    spec = RunSpec(strategy=f"{tmp_path / 'plain.py'}:Turns", symbols=("AAA", "BBB"), interval="1m", source="alpaca", start=DAY)
    journal, store, result, fills = day_of(tmp_path, Venue(slip=lambda at: 0.0002), spec, bars)
    day = shadow(journal, store, ACCOUNT, RUN, DAY)
    adds_up(day, result, fills, bars)
    waited = [order for order in day.orders if order.live and order.live[0].arrival is None]
    assert waited and all(order.parts.delay == 0 and not order.filled for order in waited)


def test_protective_orders_have_no_price_when_sent(tmp_path):
    spec = SPARSE.replace(exits={"stop": 0.001, "profit": 0.002})
    day, result, fills = shadowed(tmp_path, Venue(slip=lambda at: 0.0002), spec)
    adds_up(day, result, fills)
    waited = [order for order in day.orders if order.intent in ("stop", "profit")]
    assert len(waited) > 2 and all(order.live[0].arrival is None and order.parts.delay == 0 and not order.filled for order in waited)
    assert len(day.filled) == len(fills) - sum(len(order.live) for order in waited)
    assert float(day.parts.slippage / day.value) * 1e4 == pytest.approx(2.0, abs=0.05)


def test_stops_from_before_the_day_stand_in_the_shadow(tmp_path):
    """Bought on the first day, stopped on the second, at the same price on both sides."""
    entry, lows = BARS.raw_open[1], [np.nanmin(BARS.raw_low[BARS.session == np.datetime64(date)][2:], axis=0) for date in ("2024-02-20", DAY)]
    falls = [1 - low / entry for low in lows]
    at = int(np.argmax(falls[1] - falls[0]))
    assert falls[1][at] > falls[0][at]
    spec = RunSpec(strategy="BuyAndHold", symbols=(BARS.symbols[at],), interval="1m", source="alpaca", start="2024-02-20",
                   exits={"stop": float(falls[0][at] + falls[1][at]) / 2})
    bars = BARS.select([BARS.symbols[at]])
    journal, store, result, _ = day_of(tmp_path, spec=spec, bars=bars)
    day = shadow(journal, store, ACCOUNT, RUN, DAY)
    assert [fill.intent for fill in result.fills if str(fill.session) == DAY] == ["stop"]
    [order] = day.orders
    assert order.intent == "stop" and order.live[0].qty == order.shadow[0].qty and abs(day.parts.total) < 0.01
    assert any("trailing stops and time exits" in each for each in day.warnings)


def test_bars_that_are_not_stored(tmp_path):
    journal, store, _, _ = day_of(tmp_path, spec=SPARSE)
    lacking = stored(BARS.between("2024-02-20", "2024-02-20"), tmp_path / "lacking")
    with pytest.raises(NoBars, match="stored on 2024-02-21; they end on 2024-02-20: fetch them with cerebrolab data fetch --symbols AAA,BBB"):
        shadow(journal, lacking, ACCOUNT, RUN, DAY)
    with pytest.raises(NoBars, match="no 1m bars of BBB are stored"):
        shadow(journal, stored(BARS.select(["AAA"]), tmp_path / "half"), ACCOUNT, RUN, DAY)
    with pytest.raises(UnknownName, match="nobody has decided nothing"):
        shadow(journal, store, ACCOUNT, "nobody", DAY)
