"""Round trips and share counts: hand-computed cases, and the books that must balance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_bars import bars, frame

from analyzers.trades import positions, round_trips, whole_shares
from core.errors import UnknownName
from core.result import Fill


def trips(account):
    return round_trips(account.bars, account.fills, account.events)


def test_one_round_trip_after_commission(play):
    market = bars(A=frame([10, 11, 12, 13]))
    account = play(market, [(0, "A", 100, 10.0, 5.0), (2, "A", -100, 12.0, 6.0)])
    (trade,) = trips(account)
    assert (trade.size, trade.entry_price, trade.exit_price) == (100, 10, 12)
    assert trade.pnl == 100 * 2 - 11
    assert (trade.commission, trade.bars, trade.open) == (11, 2, False)
    assert (trade.entry_time, trade.exit_time) == (market.index[0], market.index[2])
    assert (trade.entry_session, trade.exit_session) == (market.session[0], market.session[2])


def test_adding_and_reducing_is_one_trade_at_average_prices(play):
    account = play(bars(A=frame([10, 20, 30, 40])),
                   [(0, "A", 10, 10.0, 0), (1, "A", 10, 20.0, 0), (2, "A", -5, 30.0, 0), (3, "A", -15, 40.0, 0)])
    (trade,) = trips(account)
    assert trade.size == 20
    assert trade.entry_price == 15
    assert trade.exit_price == (5 * 30 + 15 * 40) / 20
    assert trade.pnl == 150 + 600 - 300


def test_a_fill_through_zero_closes_one_trade_and_opens_the_next(play):
    account = play(bars(A=frame([10, 12, 11])), [(0, "A", 10, 10.0, 1.0), (1, "A", -30, 12.0, 3.0),
                                                 (2, "A", 20, 11.0, 2.0)])
    long, short = trips(account)
    assert (long.size, long.pnl, long.commission) == (10, 20 - 2, 2)
    assert (short.size, short.pnl, short.commission) == (-20, 20 - 4, 4)
    assert long.exit_time == short.entry_time
    assert (short.entry_price, short.exit_price) == (12, 11)


def test_an_open_trade_is_valued_at_the_last_close_even_if_the_symbol_stopped_trading(play):
    account = play(bars(A=frame([10, 11]), B=frame([5, 5, 5, 5])), [(0, "A", 10, 10.0, 1.0)])
    (trade,) = trips(account)
    assert trade.open and trade.exit_price == 11
    assert trade.pnl == 10 - 1
    assert trade.exit_time == account.bars.index[-1]
    assert trade.bars == 1


def test_a_split_restates_the_entry_in_new_shares(play):
    account = play(bars(A=frame([100, 104, 53, 55], split=[1, 1, 2, 1])),
                   [(0, "A", 10, 100.0, 0), (3, "A", -20, 55.0, 0)])
    (trade,) = trips(account)
    assert (trade.size, trade.entry_price, trade.exit_price) == (20, 50, 55)
    assert trade.pnl == 20 * 5
    assert positions(account.bars, account.fills)[:, 0].tolist() == [10, 10, 20, 0]


def test_cash_in_lieu_of_a_fraction_belongs_to_the_trade(play):
    account = play(bars(A=frame([30, 30, 20, 22], split=[1, 1, 1.5, 1])),
                   [(0, "A", 5, 30.0, 0), (3, "A", -7, 22.0, 0)])
    (trade,) = trips(account)
    assert account.events[0].amount == pytest.approx(0.5 * 20)
    assert trade.size == 7
    assert trade.pnl == pytest.approx(7 * 22 + 10 - 150)
    assert not trade.open


def test_without_cash_in_lieu_fractions_stay(play):
    account = play(bars(A=frame([30, 20, 22], split=[1, 1.5, 1])), [(0, "A", 5, 30.0, 0)], whole=False)
    (trade,) = trips(account)
    assert trade.size == 7.5
    assert positions(account.bars, account.fills, whole=False)[:, 0].tolist() == [5, 7.5, 7.5]


def test_a_reverse_split_can_end_a_trade(play):
    account = play(bars(A=frame([1, 1, 20], split=[1, 1, 0.05])), [(0, "A", 7, 1.0, 0)])
    (trade,) = trips(account)
    assert not trade.open
    assert trade.exit_time == account.bars.index[2]
    assert trade.pnl == pytest.approx(0.35 * 20 - 7)


def test_a_dividend_belongs_to_the_trade_open_before_it_or_the_last_one_closed(play):
    market = bars(A=frame([10, 10, 10, 10, 10], dividend=[0, 0, 0.5, 0, 0]))
    account = play(market, [(0, "A", 10, 10.0, 0), (2, "A", -10, 10.0, 0), (2, "A", -5, 10.0, 0), (3, "A", 5, 10.0, 0)])
    first, second = trips(account)
    assert (first.dividends, second.dividends) == (5, 0)
    late = [event._replace(time=int(market.index[4])) for event in account.events]
    first, second = round_trips(market, account.fills, late)
    assert (first.dividends, second.dividends) == (0, 5)


def test_a_short_pays_the_dividend(play):
    account = play(bars(A=frame([10, 10], dividend=[0, 0.5])), [(0, "A", -10, 10.0, 0)])
    (trade,) = trips(account)
    assert (trade.size, trade.dividends, trade.pnl) == (-10, -5, 0)


def test_rounding_does_not_leave_a_trade_open(play):
    account = play(bars(A=frame([10, 10, 10])), [(0, "A", 0.1, 10.0, 0), (0, "A", 0.2, 10.0, 0), (1, "A", -0.3, 10.0, 0),
                                                 (2, "A", 1.0, 10.0, 0)], whole=False)
    first, second = trips(account)
    assert not first.open and second.open
    assert second.entry_time == account.bars.index[2]


def test_trades_come_in_order_of_entry(play):
    account = play(bars(A=frame([10, 10, 10]), B=frame([10, 10, 10])),
                   [(0, "B", 1, 10.0, 0), (1, "A", 1, 10.0, 0), (1, "B", -1, 10.0, 0), (2, "B", 1, 10.0, 0)])
    assert [trade.symbol for trade in trips(account)] == ["B", "A", "B"]


def test_no_fills_no_trades():
    market = bars(A=frame([10, 10]))
    assert round_trips(market, []) == []
    assert not positions(market, []).any()


def test_an_unknown_symbol_is_named(play):
    account = play(bars(AAPL=frame([10, 10])), [(0, "AAPL", 1, 10.0, 0)])
    wrong = [account.fills[0]._replace(symbol="APPL")]
    for function in (round_trips, positions):
        with pytest.raises(UnknownName, match="'APPL': did you mean 'AAPL'"):
            function(account.bars, wrong)


def test_whole_shares():
    assert [whole_shares(shares) for shares in (7.5, -7.5, 49 * (1 / 49), 0.0)] == [7, -7, 1, 0]


deal = st.tuples(st.integers(0, 11), st.sampled_from("AB"), st.integers(-40, 40).filter(bool),
                 st.floats(5, 50), st.floats(0, 3))
splits = st.lists(st.sampled_from([1, 1, 1, 2, 0.1, 1.5, 7]), min_size=12, max_size=12)
dividends = st.lists(st.sampled_from([0, 0, 0, 0.25, 1]), min_size=12, max_size=12)


@given(st.lists(deal, max_size=12), splits, dividends, st.booleans(), st.integers(0, 9))
def test_profits_add_up_to_what_the_account_gained(play, deals, ratios, payments, whole, seed):
    closes = np.random.default_rng(seed).uniform(10, 40, 12)
    market = bars(A=frame(closes, split=ratios, dividend=payments), B=frame(closes[::-1]))
    account = play(market, sorted(deals, key=lambda each: each[0]), whole=whole)
    trades = trips(account)
    assert sum(trade.pnl + trade.dividends for trade in trades) == pytest.approx(account.profit, abs=1e-6)
    assert sum(trade.commission for trade in trades) == pytest.approx(sum(fill.commission for fill in account.fills))
    np.testing.assert_allclose(positions(market, account.fills, whole=whole), account.shares, atol=1e-9)
    for symbol in "AB":
        still_open = [trade.open for trade in trades if trade.symbol == symbol]
        assert not any(still_open[:-1])
        assert any(still_open) == (abs(account.held[symbol]) > 1e-9)


def test_rounding_leaves_no_shares_of_a_closed_position():
    sizes = (0.1, 0.2, -0.3, 0.7, -0.7)
    market = bars(A=frame([10.0] * 5, split=[1, 1, 1, 1.5, 1]))
    fills = [Fill(int(market.index[row]), market.session[row], "A", size, 10.0, 0.0, row + 1, "")
             for row, size in enumerate(sizes)]
    assert positions(market, fills, whole=False)[:, 0].tolist() == pytest.approx([0.1, 0.3, 0, 0.7, 0], abs=0, rel=1e-12)
