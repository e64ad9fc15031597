"""Each place where the simulated broker differs from Backtrader's on purpose: the fault, and ours beside it."""

import math

import backtrader as bt
import pytest
from made_bars import bars, frame
from scripted import play

from brokers import SimulatedBroker
from core.costs import Commission, Slippage
from feeds.cerebro_feed import BarsData


def theirs(**params):
    return bt.brokers.BackBroker(cash=1_000.0, **params)


def size_of(broker, strategy, name):
    return broker.getposition(strategy.getdatabyname(name)).size


BROKERS = [pytest.param(theirs, id="Backtrader"), pytest.param(lambda: SimulatedBroker(cash=1_000.0), id="ours")]
OHLC = frame([[100, 105, 95, 100]] * 4)
SPARSE = frame([[100, 105, 95, 100]] * 4).iloc[[0, 3]]


@pytest.mark.parametrize("make", BROKERS)
def test_a_limit_order_does_not_fill_on_yesterdays_bar(make):
    """S has bars 1 and 4 only; a limit of 96 placed on bar 2 would fill on S's bar of bar 1."""
    plan = {2: lambda s: s.buy(s.getdatabyname("S"), size=1, exectype=bt.Order.Limit, price=96)}
    strategy, broker = play({"A": OHLC, "S": SPARSE}, plan, make())
    filled = [bar for bar, status, _, _ in strategy.seen if status == "Completed"]
    assert filled == ([4] if isinstance(broker, SimulatedBroker) else [3])


@pytest.mark.parametrize("make", BROKERS)
def test_sales_pay_for_buys_of_the_same_open(make):
    """900 of 1,000 are in A; selling A and buying B for 900 at once works only if the sale goes first."""
    plan = {1: lambda s: s.buy(s.getdatabyname("A"), size=9),
            2: lambda s: (s.buy(s.getdatabyname("B"), size=9), s.sell(s.getdatabyname("A"), size=9))}
    strategy, broker = play({"A": OHLC, "B": OHLC}, plan, make())
    assert size_of(broker, strategy, "A") == 0
    assert size_of(broker, strategy, "B") == (9 if isinstance(broker, SimulatedBroker) else 0)


@pytest.mark.parametrize("make", BROKERS)
def test_a_refused_order_does_not_use_up_the_cash_of_the_next(make):
    plan = {1: lambda s: (s.buy(s.getdatabyname("A"), size=20), s.buy(s.getdatabyname("B"), size=5))}
    strategy, broker = play({"A": OHLC, "B": OHLC}, plan, make())
    assert size_of(broker, strategy, "B") == (5 if isinstance(broker, SimulatedBroker) else 0)


@pytest.mark.parametrize("make", BROKERS)
def test_a_bracket_stop_works_on_the_entry_bar(make):
    """Entry at the open of 100, the same bar falls to 90: the stop at 95 is hit, not the next bar's open."""
    prices = frame([[100, 100, 100, 100], [100, 101, 90, 92], [92, 93, 91, 92], [92, 92, 92, 92]])
    plan = {1: lambda s: s.buy_bracket(s.data, size=5, exectype=bt.Order.Market, stopprice=95, limitprice=150)}
    _strategy, broker = play({"A": prices}, plan, make())
    ours = isinstance(broker, SimulatedBroker)
    assert broker.getvalue() == pytest.approx(1_000 - 5 * (5 if ours else 8))


def test_a_bracket_profit_waits_when_the_entry_was_inside_the_bar():
    """Limit entry at 96 on a bar that also saw 110: whether 110 came after the entry is unknown."""
    prices = frame([[100, 100, 100, 100], [100, 110, 95, 100], [100, 111, 100, 110], [110, 110, 110, 110]])
    plan = {1: lambda s: s.buy_bracket(s.data, size=5, price=96, stopprice=50, limitprice=108)}
    strategy, _ = play({"A": prices}, plan)
    sold = [bar for bar, status, _, size in strategy.seen if status == "Completed" and size < 0]
    assert sold == [3]


@pytest.mark.parametrize("make", BROKERS)
def test_protective_orders_are_not_cash(make):
    """A stop on the nine shares held must not pay for nine more of B."""

    def act(s):
        stop = s.sell(s.getdatabyname("A"), size=9, exectype=bt.Order.Stop, price=94, protective=True)
        s.placed["B"] = s.buy(s.getdatabyname("B"), size=9)
        return stop

    plan = {1: lambda s: s.buy(s.getdatabyname("A"), size=9), 2: act}
    strategy, broker = play({"A": OHLC, "B": OHLC}, plan, make())
    accepted = (3, "Accepted", "B", 0) in strategy.seen
    assert accepted == (not isinstance(broker, SimulatedBroker))  # theirs accepts, then finds no cash at the open
    assert size_of(broker, strategy, "B") == 0


@pytest.mark.parametrize("make", BROKERS)
def test_slippage_costs_on_a_flat_bar(make):
    broker = make()
    broker.set_slippage_perc(0.01)
    plan = {1: lambda s: s.buy(size=1)}
    _, broker = play({"A": frame([100.0] * 3)}, plan, broker)
    assert broker.getvalue() == pytest.approx(999.0 if isinstance(broker, SimulatedBroker) else 1_000.0)


@pytest.mark.parametrize("kind, terms", [(bt.Order.Limit, dict(price=100.5)),
                                         (bt.Order.StopLimit, dict(price=99.0, plimit=100.5))])
def test_slippage_never_goes_beyond_a_limit(kind, terms):
    plan = {1: lambda s: s.buy(size=1, exectype=kind, **terms)}
    _, broker = play({"A": frame([[100, 102, 99, 100]] * 4)}, plan, slippage=Slippage(rate=0.02))
    assert [bit.price for _, bit in broker.fills] == [100.5]


def test_a_gap_stop_fills_before_market_buys_and_pays_for_them():
    """A gaps through its stop; the cash buys B at the same open."""
    falling = frame([[100, 100, 100, 100], [100, 100, 100, 100], [80, 80, 80, 80], [80, 80, 80, 80]])

    def act(s):
        s.buy(s.getdatabyname("B"), size=6)
        s.sell(s.getdatabyname("A"), size=9, exectype=bt.Order.Stop, price=95, protective=True)

    plan = {1: lambda s: s.buy(s.getdatabyname("A"), size=9), 2: act}
    cheap = frame([[100, 100, 100, 100], [10, 10, 10, 10], [100, 100, 100, 100], [100, 100, 100, 100]])
    strategy, broker = play({"A": falling, "B": cheap}, plan)
    assert size_of(broker, strategy, "B") == 6


@pytest.mark.parametrize("make", BROKERS)
def test_a_series_without_opens_fills_at_its_close(make):
    closes = frame([100.0, 101.0, 102.0])
    closes[["open", "high", "low"]] = float("nan")
    _, broker = play({"A": closes}, {1: lambda s: s.buy(size=2)}, make())
    value = broker.getvalue()
    if isinstance(broker, SimulatedBroker):
        assert value == pytest.approx(1_002.0)
    else:
        assert math.isnan(value)  # Backtrader buys at "not a number", and the account is gone


def test_an_order_for_the_closing_auction_obeys_the_cut_off():
    """Minute bars: decided at 15:49 it fills at today's close, decided at 15:50 it is refused."""
    import pandas as pd

    days = [pd.date_range(f"{day} 09:31", f"{day} 16:00", freq="min", tz="America/New_York")
            for day in ("2024-01-02", "2024-01-03")]
    index = days[0].append(days[1]).tz_convert("UTC")
    minutes = pd.DataFrame({"close": 100.0, "open": 100.0, "high": 100.0, "low": 100.0, "volume": 1e3}, index=index)
    minutes.loc[index[389], ["close", "high"]] = 101.0
    minutes.loc[index[779], ["close", "high"]] = 103.0
    from core.bars import Bars

    panel = Bars.from_frames({"A": minutes}, interval="1m")
    assert panel.minute[388] == 389 and panel.minutes_left[388] == 1
    for bar, prices in ((379, [101.0]), (380, []), (381, []), (391, [103.0])):
        plan = {bar: lambda s: s.buy(size=1, exectype=bt.Order.Close)}
        _, broker = play({"A": BarsData(dataname=panel)}, plan)
        assert [bit.price for _, bit in broker.fills] == prices, bar
        assert [order.info.get("reason", "")[:35] for order in broker.orders] == ["" if prices else "too late for the closing auction: i"]


def test_a_reference_symbol_is_never_traded():
    panel = bars(A=frame([100.0] * 3))
    data = BarsData(dataname=panel)
    data.tradable = False
    strategy, _broker = play({"A": data}, {1: lambda s: s.placed.update(order=s.buy(size=1))})
    order = strategy.placed["order"]
    assert order.getstatusname() == "Rejected" and "reference" in order.info["reason"]


def test_every_refusal_has_a_reason_with_numbers():
    gap = frame([[100, 100, 100, 100], [120, 120, 120, 120]] + [[120, 120, 120, 120]] * 2)
    plan = {1: lambda s: s.placed.update(late=s.buy(size=9), early=s.buy(size=11))}
    strategy, _ = play({"A": gap}, plan)
    assert strategy.placed["early"].info["reason"] == "needs 1,100.00 at the last close, 100.00 is at hand"
    assert strategy.placed["late"].info["reason"] == "needs 1,080.00 at 120, 1,000.00 is at hand"


def test_volume_cap_fills_in_parts_over_several_bars():
    thin = frame([[100, 100, 100, 100]] * 6, volume=30.0)
    strategy, broker = play({"A": thin}, {1: lambda s: s.buy(size=8)}, max_volume=0.1)
    assert [bit.size for _, bit in broker.fills] == [3, 3, 2]
    assert [status for _, status, _, _ in strategy.seen] == ["Submitted", "Accepted", "Partial", "Partial", "Completed"]


def test_commission_with_a_minimum_and_fractional_shares():
    plan = {1: lambda s: s.buy(size=2.5), 2: lambda s: s.sell(size=2.5)}
    costs = Commission(per_share=0.01, minimum=1.0)
    _, broker = play({"A": frame([100.0] * 4)}, plan, costs=costs, fractional=True)
    assert broker.getvalue() == pytest.approx(998.0)
    assert broker.getcommissioninfo(broker.fills[0][0].data).getsize(3.0, 100.0) == 33.333333


def test_cancelling_before_the_submission_check_works():
    plan = {1: lambda s: s.cancel(s.buy(size=1))}
    strategy, broker = play({"A": OHLC}, plan)
    assert not broker.fills and strategy.seen[-1][1] == "Canceled"
