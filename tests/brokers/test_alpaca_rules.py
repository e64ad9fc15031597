"""The rule set refuses what the local venue refuses, and nothing else; reasons by hand, agreement by random orders."""

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from brokers.alpaca.answers import Account, Asset, Order, Position
from brokers.alpaca.request import OrderRequest
from brokers.alpaca.rules import check, order_value, round_price, round_qty
from brokers.local_alpaca import AccountRules, Refusal, Venue
from brokers.local_alpaca.account_answers import account_json, position_json
from brokers.local_alpaca.made_minutes import minutes
from brokers.local_alpaca.moments import new_york
from brokers.local_alpaca.shapes import asset_json, order_json

NOW = "2024-03-01T09:31-05:00"
BARS = minutes(AAA=[100] * 30, BBB=[20] * 30, CHEAP=["0.5"] * 30)
PRICES = {"AAA": 100, "BBB": 20, "CHEAP": 0.5}


def venue(now=NOW, cash=10_000.0, positions=None, **rules):
    return Venue(BARS, now=now, cash=cash, positions=positions, account=AccountRules(spread=Decimal(0), **rules))


def reasons(market, request):
    """What our rules say, told of the venue by its own answers."""
    symbol, rules = request.symbol, market.account.rules
    account = Account.read(account_json(market))
    held = Position.read(position_json(market, symbol)) if symbol in market.account.positions else None
    asset = Asset.read(asset_json(symbol, active=symbol not in rules.inactive,
                                  shortable=symbol not in rules.not_shortable,
                                  fractionable=symbol not in rules.not_fractionable))
    orders = [Order.read(order_json(order, nested=True)) for order in market.book.open() if order.parent is None]
    return check(request, asset, account, held.qty if held else Decimal(0), held.qty_available if held else Decimal(0),
                 orders, market.now, market.hours.scheduled(new_york(market.now).date()), market.price_of(symbol))


def submit(market, request):
    """The venue's refusal, or None where it took the order."""
    try:
        market.desk.submit(request.to_alpaca())
    except Refusal as refusal:
        return refusal
    market.settle()
    return None


def order(symbol="AAA", side="buy", qty=10, **more):
    return OrderRequest(symbol, side, qty=qty, **more)


def limit(price, **more):
    return order(type="limit", limit_price=price, **more)


BRACKET = dict(order_class="bracket", take_profit=110, stop_loss=95)
OCO = dict(side="sell", type="limit", order_class="oco", take_profit=110, stop_loss=95)


@pytest.mark.parametrize(("request_", "words"), [
    (order(qty=None), "either qty or notional"), (order(notional=5), "either qty or notional"),
    (order(qty=0), "qty 0 is not above 0"), (order(qty=-1), "qty -1 is not above 0"),
    (order(type="iceberg"), "type 'iceberg' is none of market, limit"), (order(side="hold"), "side 'hold'"),
    (order(tif="gtd"), "tif 'gtd' is none of day, gtc, opg"), (order(order_class="mleg"), "order_class 'mleg'"),
    (order(symbol=""), "needs a symbol"), (order(client_order_id="x" * 129), "129 characters"),
    (order(type="limit"), "a limit order needs limit_price"),
    (order(limit_price=90), "a market order has no limit_price"),
    (order(type="stop_limit", stop_price=110), "a stop limit order needs limit_price"),
    (limit("90.001"), "limit_price 90.001 is finer than a cent"),
    (limit("0.12345"), "limit_price 0.12345 is finer than a hundredth of a cent"),
    (order(type="trailing_stop"), "one of trail_price and trail_percent"),
    (order(type="trailing_stop", trail_price=1, trail_percent=1), "one of trail_price and trail_percent"),
    (order(trail_price=1), "no other order has them"),
    (order(type="stop", stop_price=110, tif="ioc"), "a stop order is day or gtc"),
    (order(**BRACKET, tif="opg"), "bracket orders are day or gtc"),
    (order(extended_hours=True), "only simple day limit orders"),
    (limit(90, tif="gtc", extended_hours=True), "only simple"),
    (order(qty="1.5", tif="gtc"), "fractions of shares trade as day orders only, not gtc"),
    (order(qty="1.5", type="trailing_stop", trail_price=1), "without a trailing stop"),
    (order(qty="1.5", **BRACKET), "trade as simple orders"), (order(qty="1.0000000001"), "more than nine decimals"),
    (order(qty=None, notional="10.001"), "finer than a cent"),
    (order(take_profit=110), "simple orders have neither"), (order(order_class="oto"), "oto orders have one"),
    (order(order_class="bracket", take_profit=110), "bracket orders have both"),
    (order(type="stop", stop_price=110, **BRACKET), "entered with a market or limit order"),
    (order(**{**OCO, "type": "market"}), "of type limit"),
    (order(**OCO), "an oco order only closes a position"),
    (order(**{**BRACKET, "stop_loss": 100}), "stop_loss 100 is not at least a cent below 100"),
    (limit(98, **{**BRACKET, "stop_loss": 98}), "a cent below 98"),
    (order(**{**BRACKET, "take_profit": "100.005"}), "finer than a cent"),
    (order(**{**BRACKET, "take_profit": 100}), "take_profit 100 is not at least a cent above 100"),
    (order(symbol="BBB"), "BBB is inactive at Alpaca"),
    (order(side="sell"), "AAA cannot be sold short"), (order(side="sell", qty="1.5"), "cannot be sold short"),
    (order(qty=None, notional="0.99"), "worth at least 1 USD, not 0.9900"),
    (order(qty=1_000), "102500.00 USD of buying power and 20000.00 are left"),
    (order(tif="opg"), "19:00 to 09:28"),
])
def test_a_reason_for_everything_the_venue_refuses(request_, words):
    market = venue(inactive=frozenset({"BBB"}), not_shortable=frozenset({"AAA"}))
    said = reasons(market, request_)
    assert any(words in reason for reason in said), said
    assert submit(market, request_) is not None


def test_numbers_that_the_venue_would_ignore_are_said_too():
    market = venue(positions={"AAA": (10, 90)})
    assert reasons(market, order(**OCO, limit_price=110)) == [
        "the prices of an oco order are its take_profit and stop_loss"]
    ignored = order(order_class="oto", take_profit=110, stop_loss_limit=90)
    assert reasons(market, ignored) == ["stop_loss_limit needs stop_loss"]


@pytest.mark.parametrize("request_", [
    order(), order(tif="gtc"), order(tif="cls"), order(tif="ioc"), order(tif="fok"), limit(90),
    limit(90, extended_hours=True),
    order(type="stop", stop_price=110), order(type="stop_limit", stop_price=110, limit_price=111), order(qty="0.5"),
    order(qty=None, notional=1), order(type="trailing_stop", trail_percent=5, tif="gtc"), order(**BRACKET),
    limit(98, order_class="bracket", take_profit=110, stop_loss=95, stop_loss_limit=94),
    order("CHEAP", qty=3, type="limit", limit_price="0.4999"),
    order(order_class="oto", stop_loss=95), order(side="sell", qty=5),
])
def test_what_the_venue_takes_has_no_reason_against_it(request_):
    market = venue()
    assert reasons(market, request_) == [] and submit(market, request_) is None


@pytest.mark.parametrize(("now", "tif", "words"), [
    ("2024-03-01T18:59-05:00", "opg", "opg orders"), ("2024-03-01T19:00-05:00", "opg", None),
    ("2024-03-01T09:27-05:00", "opg", None), ("2024-03-01T15:50-05:00", "cls", "cls orders"),
    ("2024-03-01T08:00-05:00", "cls", None), ("2024-03-01T08:00-05:00", "ioc", "while the market is open"),
    ("2024-03-02T10:00-05:00", "fok", "while the market is open"), ("2024-03-02T10:00-05:00", "day", None),
])
def test_order_windows(now, tif, words):
    market, request = venue(now), order(tif=tif)
    said = reasons(market, request)
    assert (words in said[0]) if words else not said
    assert (submit(market, request) is None) is not bool(words)


def test_a_blocked_or_suspended_account_takes_nothing():
    market = venue()
    market.block_trading()
    assert reasons(market, order()) == ["the account is blocked from trading"]
    market.block_trading(False)
    market.account.suspended_by_user = True
    assert reasons(market, order()) and submit(market, order())


def test_shares_that_open_orders_hold_are_not_free():
    market = venue(positions={"AAA": (10, 90)})
    assert submit(market, order(side="sell", type="stop", stop_price=95, qty=6, tif="gtc")) is None
    assert reasons(market, order(side="sell")) == [
        "10 shares of AAA are asked for and 4 are free (6 of 10 are held by open orders)"]
    assert reasons(market, order(side="sell", qty=4)) == []
    assert reasons(market, order(side="sell", qty=None, notional=500)) and not reasons(
        market, order(side="sell", qty=None, notional=400))


def test_the_last_fraction_may_be_sold_below_the_least_value():
    market = venue(positions={"AAA": (0.005, 90), "BBB": (0.5, 20)})
    assert reasons(market, order(side="sell", qty="0.005")) == []
    assert "at least 1 USD" in reasons(market, order(side="sell", qty="0.004"))[0]


def test_adding_as_much_as_is_held_is_not_closing():
    market = venue(positions={"AAA": (0.004, 100)})
    assert "at least 1 USD" in reasons(market, order(qty="0.004"))[0] and submit(market, order(qty="0.004"))


@pytest.mark.parametrize(("request_", "reason"), [
    (order(**{**BRACKET, "stop_loss": "99.99"}), None), (order(**{**BRACKET, "take_profit": "100.01"}), None),
    (limit(102, **{**BRACKET, "stop_loss": 101}), "stop_loss 101 is not at least a cent below 100"),
    (limit(98, **{**BRACKET, "take_profit": 99}), None), (limit(98, **{**BRACKET, "stop_loss": "97.99"}), None),
    (order(side="sell", order_class="bracket", take_profit=95, stop_loss=110), None),
    (limit(98, side="sell", order_class="bracket", take_profit=95, stop_loss=99),
     "stop_loss 99 is not at least a cent above 100"),
    (limit(98, side="sell", order_class="bracket", take_profit=99, stop_loss=110),
     "take_profit 99 is not at least a cent below 98"),
])
def test_exits_stand_on_their_side_of_market_and_entry(request_, reason):
    market = venue()
    assert reasons(market, request_) == ([reason] if reason else [])
    assert (submit(market, request_) is None) is (reason is None)


@pytest.mark.parametrize(("request_", "cash"), [
    (order(), "1025"), (limit(99, side="sell"), "1030"), (limit(110, side="sell"), "1100"), (limit(99), "990"),
])
def test_buying_power_to_the_cent(request_, cash):
    for power, enough in ((Decimal(cash), True), (Decimal(cash) - Decimal("0.01"), False)):
        market = venue(cash=power / 2)
        assert (not reasons(market, request_)) is enough is (submit(market, request_) is None)


EXIT = dict(side="sell", tif="gtc", qty=5)


@pytest.mark.parametrize(("resting", "new", "clash"), [
    (limit(110, **EXIT), order(), True), (limit(110, **EXIT), limit(111), True), (limit(110, **EXIT), limit(110), True),
    (limit(110, **EXIT), limit(109), False), (order(type="stop", stop_price=90, **EXIT), limit(80), True),
    (order(type="stop_limit", stop_price=90, limit_price=89, **EXIT), limit(88), False),
    (order(type="trailing_stop", trail_price=5, **EXIT), order(), False), (order(**{**OCO, "qty": 5}), order(), False),
    (limit(110, **EXIT), order(**BRACKET), False),
    (limit(110, **EXIT), order(type="trailing_stop", trail_price=5), False),
    (limit(110, **EXIT), order("BBB"), False), (limit(110, **EXIT), order(side="sell", qty=5), False),
])
def test_a_plain_order_must_not_meet_one_of_the_other_side(resting, new, clash):
    market = venue(positions={"AAA": (10, 90)})
    assert submit(market, resting) is None
    assert [("could trade with it" in reason) for reason in reasons(market, new)] == [True] * clash
    assert (submit(market, new) is not None) is clash


def test_without_a_position_openings_must_not_face_each_other():
    market = venue()
    submit(market, limit(110, side="sell"))
    assert reasons(market, limit(90)) == ["an open order to sell AAA would open the opposite position"]
    assert submit(market, limit(90)) is not None


def test_orders_that_are_done_or_held_are_in_nobodys_way():
    market = venue(positions={"AAA": (10, 90)})
    submit(market, limit(110, **EXIT))
    told = order_json(market.book.open()[0])
    account = Account.read(account_json(market))
    asset = Asset.read(asset_json("AAA", active=True, shortable=True, fractionable=True))
    clashes = [status for status in ("new", "canceled", "filled", "held", "pending_cancel", "never_heard_of")
               if check(order(), asset, account, Decimal(10), Decimal(5), [Order.read({**told, "status": status})],
                        market.now)]
    assert clashes == ["new", "pending_cancel", "never_heard_of"]


def test_without_a_quote_what_needs_one_is_left_to_the_venue():
    market = venue()
    account, asset = Account.read(account_json(market)), Asset.read(
        asset_json("AAA", active=True, shortable=True, fractionable=True))
    told = (Decimal(0), Decimal(0), [], market.now)
    assert check(order(qty=10**6), asset, account, *told) == []
    assert check(limit(100, qty=10**6), asset, account, *told)


@pytest.mark.parametrize(("request_", "quote", "value"), [
    (order(), 100, "1025"), (order(), 20, "208"), (order(), 50, "512.5"), (order(), "49.99", "519.896"),
    (order(type="stop", stop_price=60), 49, "615"), (limit(90), 100, "900"),
    (order(side="sell"), 100, "1030"), (limit(110, side="sell"), 100, "1100"),
    (order(qty=None, notional="55.5"), 9, "55.5"),
    (order(type="trailing_stop", trail_percent=10), 100, "1127.5"),
    (order(type="trailing_stop", trail_price=1), 20, "218.4"),
])
def test_what_an_order_takes_of_the_buying_power(request_, quote, value):
    assert order_value(request_, Decimal(quote)) == Decimal(value)


@pytest.mark.parametrize(("price", "nearest", "down", "up"), [
    ("100.005", "100.00", "100.00", "100.01"), ("0.99995", "1.0000", "0.9999", "1.0000"),
    ("1.009", "1.01", "1.00", "1.01"),
    ("0.12345", "0.1234", "0.1234", "0.1235"), ("50", "50", "50", "50"),
])
def test_prices_are_rounded_to_their_increment(price, nearest, down, up):
    rounded = [round_price(Decimal(price), way) for way in ("nearest", "down", "up")]
    assert rounded == [Decimal(nearest), Decimal(down), Decimal(up)]


@given(st.decimals(0, 10**6, places=12), st.booleans())
def test_quantities_are_cut_and_never_grow(qty, fractionable):
    cut = round_qty(qty, fractionable)
    assert 0 <= qty - cut < (Decimal("1E-9") if fractionable else 1) and round_qty(-qty, fractionable) == -cut


@given(st.decimals("0.0001", 10**5, places=7))
def test_a_rounded_price_is_on_its_increment_and_stays(price):
    for towards in ("nearest", "down", "up"):
        rounded = round_price(price, towards)
        assert round_price(rounded, towards) == rounded
        assert abs(rounded - price) < Decimal("0.01")


SIDES = st.sampled_from(["buy", "sell"])
QTYS = st.one_of(st.integers(1, 12), st.sampled_from(["0.004", "0.5", "2.5", "1.0000000001", "400"]))
SYMBOLS = st.sampled_from(["AAA", "BBB", "CHEAP"])


def near(symbol):
    """A price around a symbol's, now and then off its increment."""
    steps = st.sampled_from(["0.9", "0.95", "0.99", "1", "1.01", "1.05", "1.1", "1.00003"])
    return steps.map(lambda step: Decimal(str(PRICES[symbol])) * Decimal(step))


@st.composite
def requests(draw, symbol=None):
    symbol = symbol or draw(SYMBOLS)
    kind = draw(st.sampled_from(["market", "limit", "stop", "stop_limit", "trailing_stop"]))
    group = draw(st.sampled_from(["simple"] * 6 + ["bracket", "oto", "oco"]))
    prices = {"limit_price": kind in ("limit", "stop_limit") and group != "oco",
              "stop_price": kind in ("stop", "stop_limit"),
              "take_profit": group in ("bracket", "oco"), "stop_loss": group in ("bracket", "oco", "oto")}
    made = OrderRequest(symbol, draw(SIDES), qty=draw(QTYS), type=kind, order_class=group,
                        tif=draw(st.sampled_from(["day"] * 5 + ["gtc", "opg", "cls", "ioc", "fok"])),
                        extended_hours=draw(st.sampled_from([False] * 5 + [True])),
                        trail_percent=draw(st.integers(1, 9)) if kind == "trailing_stop" else None,
                        **{name: draw(near(symbol)) for name, there in prices.items() if there})
    if draw(st.integers(0, 7)) == 0:
        made = replace(made, qty=None, notional=draw(st.sampled_from(["0.5", "1", "333.33", "333.333", "50000"])))
    return made


@dataclass
class Story:
    """A market with positions, its account, and orders sent one after another."""

    market: Venue
    orders: list[OrderRequest]


@st.composite
def stories(draw):
    positions = draw(st.dictionaries(SYMBOLS, st.sampled_from([10, -10, 2.5, 0.004]), max_size=3))
    market = venue(
        draw(st.sampled_from([NOW, NOW, "2024-03-01T08:00-05:00", "2024-03-01T15:55-05:00", "2024-03-02T20:00-05:00"])),
        cash=draw(st.sampled_from([500.0, 5_000.0])), positions={s: (qty, PRICES[s]) for s, qty in positions.items()},
        multiplier=draw(st.sampled_from([1, 2])), shorting=draw(st.booleans()),
        not_shortable=draw(st.frozensets(SYMBOLS, max_size=1)),
        not_fractionable=draw(st.frozensets(SYMBOLS, max_size=1)), inactive=draw(st.frozensets(SYMBOLS, max_size=1)))
    return Story(market, draw(st.lists(requests(), min_size=1, max_size=6)))


@given(stories())
def test_the_rules_and_the_venue_agree_on_every_order(story):
    assume(story.market.account.equity > 0)
    for request in story.orders:
        said, refused = reasons(story.market, request), submit(story.market, request)
        assert bool(said) is (refused is not None), (request, said, refused and refused.body)


PLAIN = st.builds(
    lambda side, kind, qty, step: OrderRequest(
        "AAA", side, qty=qty, type=kind, tif="gtc",
        limit_price=100 + step if "limit" in kind else None, stop_price=100 + step if "stop" in kind else None),
    SIDES, st.sampled_from(["market", "limit", "limit", "stop", "stop_limit"]), st.integers(1, 6), st.integers(-3, 3))


@given(st.sampled_from([10, 0, -10]), st.lists(PLAIN, min_size=2, max_size=8))
def test_the_rules_and_the_venue_agree_on_orders_that_meet_others(held, orders):
    market = venue("2024-03-01T08:00-05:00", positions={"AAA": (held, 100)} if held else None)
    for request in orders:
        said, refused = reasons(market, request), submit(market, request)
        assert bool(said) is (refused is not None), (request, said, refused and refused.body)
