"""The parts of an account: they and the rest sum to it whatever happens, and in whatever order it is told."""

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import backtrader as bt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.alpaca.moments import at_new_york
from brokers.hooks import Executed, Hooks, Moved
from brokers.shared_account import CENT, NANO_SHARE, SharedAccount
from brokers.sub_account import SubAccount
from feeds.cerebro_feed import Action

FIRST, HOUR, CAPITAL = dt.date(2024, 2, 20), 3600 * 10**9, 10_000
RATIOS = [Decimal(text) for text in ("2", "0.5", "3", "0.1", "1.5")]


class Account(Hooks):
    """What an account at a venue has, and what it tells.

    Attributes:
        late: tell bookings after the executions of their day.
    """

    def __init__(self, late=False):
        self.cash, self.held, self.date, self.late, self.waiting = Decimal(100_000), {}, FIRST, late, []
        self.feeds = [SimpleFeed(symbol) for _ in range(3) for symbol in "XY"]
        self.shared = SharedAccount(self, [SubAccount(f"run{at}", self, CAPITAL, self.feeds[2 * at:2 * at + 2]) for at in range(3)])
        self.shared.begin(self.cash, self.held)

    def get_orders_open(self, safe=False):
        return []

    @property
    def at(self):
        return at_new_york(self.date, dt.time())

    def fill(self, who, symbol, size, price):
        """Shares change hands at ten; `who` is 3 for somebody else."""
        order = None if who == 3 else SimpleNamespace(data=self.feeds[2 * who + "XY".index(symbol)])
        self.cash -= size * price
        self._hold(symbol, self.held.get(symbol, 0) + size)
        self.executed(Executed(order, symbol, float(size), float(price), 0.0, self.at + 10 * HOUR))

    def act(self, symbol, split=Decimal(1), dividend=Decimal(0)):
        """A new day on which a share splits, or goes ex and pays: the venue books it for what it has, and it is announced to every feed."""
        self.next_day()
        before, reference = self.held.get(symbol, Decimal(0)), f"{self.date}"
        after, cash = (before * split).quantize(NANO_SHARE), (before * dividend).quantize(CENT)
        self.cash += cash
        self._hold(symbol, after)
        if after != before:
            self._tell(Moved(symbol, before=before, after=after, is_split=True, reference=f"{reference} split", time_ns=self.at))
        if cash:
            self._tell(Moved(symbol, cash=cash, reference=f"{reference} dividend", time_ns=self.at))
        number = bt.date2num(dt.datetime.combine(self.date, dt.time(14, 30)))
        for feed in self.feeds:
            if feed._name == symbol:
                feed.actions.append(Action(number, float(split), float(dividend), number))
        self.sent(None)

    def next_day(self):
        self.catch_up()
        self.date += dt.timedelta(days=1)

    def catch_up(self):
        for moved in self.waiting:
            self.moved(moved)
        self.waiting = []

    def _tell(self, moved):
        self.waiting.append(moved)
        if not self.late:
            self.catch_up()

    def _hold(self, symbol, qty):
        self.held = {**{name: held for name, held in self.held.items() if name != symbol}, **({symbol: qty} if qty else {})}

    @property
    def parts(self):
        """(shares, cash) of each run."""
        return [({symbol: qty for symbol, qty in part.held.items() if qty}, part.cash) for part in self.shared.parts.values()]


class SimpleFeed:
    """A name, and what is announced for it."""

    def __init__(self, name):
        self._name, self.actions = name, []

    def __len__(self):
        return 0


FILLS = st.tuples(st.just("fill"), st.integers(0, 3), st.sampled_from("XY"), st.integers(-30, 30).filter(bool).map(Decimal),
                  st.decimals("1", "200", places=2))
SPLITS = st.tuples(st.just("act"), st.sampled_from("XY"), st.sampled_from(RATIOS))
DIVIDENDS = st.tuples(st.just("act"), st.sampled_from("XY"), st.just(Decimal(1)), st.decimals("0.01", "2", places=2))
AGAINST = st.tuples(st.just("against"), st.sampled_from("XY"), st.sampled_from(RATIOS))
STORIES = st.lists(st.one_of(FILLS, FILLS, SPLITS, DIVIDENDS, AGAINST), max_size=14)


def play(account, story):
    """Carry out what happens; "against" makes the account flat in a symbol before it splits."""
    for what, *rest in story:
        if what == "against":
            symbol, ratio = rest
            left = account.held.get(symbol, Decimal(0))
            if left:
                account.fill(0, symbol, -left, Decimal(100))
            account.catch_up()
            before = [part.held.get(symbol, Decimal(0)) for part in account.shared.parts.values()]
            account.act(symbol, ratio)
            after = [part.held.get(symbol, Decimal(0)) for part in account.shared.parts.values()]
            assert all(abs(qty - was * ratio) <= 3 * NANO_SHARE for was, qty in zip(before, after, strict=True))
        else:
            getattr(account, what)(*rest)
        yield account


@settings(max_examples=30, deadline=None)
@given(STORIES)
def test_the_parts_and_the_rest_are_the_account_always(story):
    for account in play(Account(), story):
        assert account.shared.cash == account.cash and account.shared.held == account.held


@settings(max_examples=30, deadline=None)
@given(STORIES)
def test_what_is_told_late_ends_as_if_it_had_been_told_in_time(story):
    in_time, late = Account(), Account(late=True)
    for _ in zip(play(in_time, story), play(late, story), strict=True):
        pass
    late.catch_up()
    assert late.parts == in_time.parts and late.shared.rest == in_time.shared.rest and late.shared.rest_cash == in_time.shared.rest_cash
    assert late.shared.held == late.held and late.shared.cash == late.cash


@pytest.mark.parametrize("cash", [6, 0])
def test_what_is_known_already_is_not_given_again(cash):
    account = Account()
    account.fill(0, "X", Decimal(10), Decimal(100))
    account.fill(1, "X", Decimal(-4 if cash else -10), Decimal(100))
    account.act("X", dividend=Decimal(1))
    again = Moved("X", cash=Decimal(cash), reference=f"{account.date} dividend", time_ns=account.at)
    before = account.parts
    account.moved(again)
    account.shared.look()
    assert account.parts == before and before[0][1] == CAPITAL - 1000 + 10
