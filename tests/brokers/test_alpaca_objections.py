"""What becomes of an order while another run's is in its way: it waits or is refused, by what the other is and by the hour."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from brokers.alpaca.order_book import OrderBook
from brokers.alpaca.order_holdings import Holdings
from brokers.alpaca.order_objections import Asked, AwaitsOther, AwaitsWindow, Objections
from brokers.alpaca.order_tracked import TrackedOrder
from brokers.alpaca.request import OrderRequest
from brokers.hooks import Executed, Hooks
from brokers.local_alpaca.moments import moment
from brokers.shared_account import SharedAccount
from brokers.simulated_desk import ASSET, BarClock, answer_to
from brokers.sub_account import SubAccount
from core.errors import UsageError

TEN, PRICE = Decimal(10), Decimal(100)
LIMIT = dict(type="limit", limit_price=130)
RESTS = "0 are free (10 of 10 are held by open orders): the {} order of a rests there"


class Feed:
    """A name that orders are of."""

    _name = "AAA"


class Scene:
    """An account on which run a holds ten shares; run b holds none."""

    def __init__(self, at):
        self.feeds = {"a": Feed(), "b": Feed()}
        self.shared = SharedAccount(Hooks(), [SubAccount(name, None, 20_000.0, [feed]) for name, feed in self.feeds.items()])
        self.shared.executed(Executed(SimpleNamespace(data=self.feeds["a"]), "AAA", 10.0, 100.0, 0.0, 0))
        self.book, holdings, clock = OrderBook(), Holdings(), BarClock()
        holdings.trade("AAA", TEN, PRICE)
        clock.set(moment(f"2024-02-21T{at}-05:00"))
        self.objections = Objections(clock, self.book, holdings)
        self.objections.means.may_trade = self.objections.means.may_short = True
        self.objections.means.buying_power = Decimal(100_000)
        self.objections.sharing, self.objections.run_of = self.shared, lambda tracked: "a"

    def has_open(self, side="sell", answered=True, **terms):
        request = OrderRequest("AAA", side, qty=TEN, **terms)
        tracked = TrackedOrder("AAA", side, "cl-a", TEN)
        tracked.latest = answer_to(request) if answered else None
        self.book.add(tracked)
        return self

    def ask(self, side="sell", **terms):
        request = OrderRequest("AAA", side, qty=TEN, **terms)
        self.objections.check(Asked(request, ASSET, PRICE, SimpleNamespace(data=self.feeds["b"])))


@pytest.mark.parametrize("at, theirs, asked", [
    ("10:00", {}, {}), ("10:00", dict(side="buy"), {}), ("10:00", dict(answered=False), {}), ("08:00", {}, {}), ("10:00", {}, LIMIT),
    ("15:45", dict(side="buy"), dict(tif="cls")),
    ("16:00", dict(tif="cls"), {}),  # its execution is still to be told
    ("09:29", dict(tif="opg"), {}), ("09:31", dict(tif="opg"), {}),
], ids=str)
def test_an_order_waits_for_what_ends_soon(at, theirs, asked):
    with pytest.raises(AwaitsOther):
        Scene(at).has_open(**theirs).ask(**asked)


@pytest.mark.parametrize("at, theirs, asked, said", [
    ("10:00", LIMIT, {}, RESTS.format("limit")),
    ("10:00", dict(type="stop", stop_price=90), dict(side="buy"), "could trade with it: the stop order of a rests there"),
    ("15:45", dict(tif="cls"), {}, RESTS.format("closing auction")),
    ("20:00", dict(tif="cls"), {}, RESTS.format("closing auction")),
    ("08:00", dict(tif="opg"), {}, RESTS.format("opening auction")),
    ("20:00", dict(side="buy"), dict(tif="opg"), "an open market order to buy AAA could trade with it"),
], ids=str)
def test_an_order_does_not_wait_for_what_rests(at, theirs, asked, said):
    with pytest.raises(UsageError) as refused:
        Scene(at).has_open(**theirs).ask(**asked)
    assert type(refused.value) is UsageError and str(refused.value).endswith(said)


def test_what_waits_for_the_evening_is_asked_again_then_whatever_is_in_its_way_now():
    with pytest.raises(AwaitsWindow) as awaits:
        Scene("16:00").has_open(tif="cls", side="buy").ask(tif="opg")
    assert awaits.value.opens_ns == moment("2024-02-21T19:00-05:00")


def test_an_order_that_would_be_refused_without_the_other_too_is_refused_at_once():
    with pytest.raises(UsageError, match="opg orders are taken from 19:00 to 09:28") as refused:
        Scene("09:29").has_open().ask(tif="opg", side="sell")
    assert type(refused.value) is UsageError


def test_a_run_that_is_alone_is_refused_as_before():
    scene = Scene("10:00").has_open()
    scene.objections.sharing = None
    with pytest.raises(UsageError, match=r"\(10 of 10 are held by open orders\)$") as refused:
        scene.ask()
    assert type(refused.value) is UsageError


def test_shares_of_another_run_are_nothing_to_sell():
    scene = Scene("10:00")
    scene.ask()  # short, where that may be
    scene.objections.means.may_short = False
    with pytest.raises(UsageError, match=r"^the account may not sell short \(b holds 0 AAA\)$"):
        scene.ask()
