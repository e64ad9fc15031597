"""Cash and positions between two looks at the account, against Backtrader's own arithmetic."""

from decimal import Decimal

import backtrader as bt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.alpaca.answers import Position
from brokers.alpaca.order_holdings import Holdings

TRADES = st.lists(st.tuples(st.integers(-20, 20).filter(bool), st.integers(100, 20_000)), min_size=1, max_size=12)


@given(TRADES)
def test_positions_move_as_backtraders_do(trades):
    holdings, oracle, cash = Holdings(), bt.Position(), Decimal(0)
    for size, cents in trades:
        price = Decimal(cents) / 100
        traded = holdings.trade("AAA", Decimal(size), price)
        expected = oracle.update(size, float(price))
        cash -= size * price
        position = holdings["AAA"].position
        assert (position.size, traded.opened, traded.closed) == (expected[0], expected[2], expected[3])
        assert position.price == pytest.approx(expected[1]) and holdings.cash == cash


def position(symbol, qty, price=10):
    return Position(symbol, Decimal(qty), Decimal(price), Decimal(qty) * 12, Decimal(qty), {})


def test_fractions_leave_no_dust():
    holdings = Holdings()
    for size in ("0.1", "0.2", "-0.3"):
        holdings.trade("AAA", Decimal(size), Decimal(10))
    assert holdings["AAA"].position.size == 0 and list(holdings) == [] and holdings.cash == 0


def test_what_the_venue_says_replaces_what_was_believed():
    holdings = Holdings()
    holdings.trade("AAA", Decimal(5), Decimal(10))
    holdings.trade("BBB", Decimal(5), Decimal(10))
    kept, theirs = holdings["AAA"].position, [position("AAA", 5), position("CCC", "-2.5")]
    assert holdings.differences(theirs) == {"BBB": (5, 0), "CCC": (0, Decimal("-2.5"))}
    holdings.take(theirs)
    assert holdings.differences(theirs) == {} and holdings["AAA"].position is kept
    assert holdings["CCC"].position.size == -2.5 and holdings["CCC"].mark == 12 and not holdings["BBB"].position.size
