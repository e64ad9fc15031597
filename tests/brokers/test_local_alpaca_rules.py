"""What the local venue refuses, and with which answer; no server."""

from decimal import Decimal

import pytest
from made_bars import frame

from brokers.local_alpaca import AccountRules, Refusal, Venue
from brokers.local_alpaca.made_minutes import minutes
from core.bars import Bars

NOW = "2024-03-01T09:31-05:00"


def venue(now=NOW, cash=10_000.0, positions=None, **rules):
    return Venue(minutes(AAA=[100] * 30, BBB=[20] * 30), now=now, cash=cash, positions=positions,
                 account=AccountRules(**rules))


def submit(market, **body):
    order = market.desk.submit({"symbol": "AAA", "qty": "10", "side": "buy", "type": "market", "time_in_force": "day",
                                **body})
    market.settle()
    return order


def refusal(market, **body):
    with pytest.raises(Refusal) as caught:
        submit(market, **body)
    return caught.value


@pytest.mark.parametrize(("body", "status", "words"), [
    (dict(symbol="ZZZ"), 422, 'asset "ZZZ" not found'),
    (dict(symbol="BBB", side="buy"), 422, "not active"),
    (dict(qty=None), 422, "qty or notional is required"),
    (dict(notional="100"), 422, "only one of qty or notional"),
    (dict(qty="-1"), 422, "qty must be > 0"),
    (dict(qty="ten"), 400, "invalid qty: ten"),
    (dict(side="hold"), 400, "invalid side: hold"),
    (dict(type="limit"), 422, "limit orders require limit_price"),
    (dict(limit_price="90"), 422, "market orders must not have limit_price"),
    (dict(type="limit", limit_price="90.001"), 422, "sub-penny increment"),
    (dict(type="limit", limit_price="0.12345"), 422, "sub-penny increment"),
    (dict(type="trailing_stop"), 422, "one of trail_price or trail_percent"),
    (dict(type="trailing_stop", trail_price="1", trail_percent="1"), 422, "one of trail_price or trail_percent"),
    (dict(type="stop", stop_price="90", time_in_force="ioc"), 422, "day or gtc"),
    (dict(extended_hours=True), 422, "extended hours order"),
    (dict(qty="1.5", time_in_force="gtc"), 422, "fractional orders must be DAY"),
    (dict(qty="1.5", side="sell"), 422, "cannot be sold short"),
    (dict(qty=None, notional="0.50"), 403, "minimal amount of order 1"),
    (dict(client_order_id="x" * 129), 422, "128 characters"),
    (dict(order_class="bracket"), 422, "require take_profit.limit_price"),
    (dict(order_class="bracket", take_profit={"limit_price": "110"}, stop_loss={"stop_price": "100"}), 422,
     "stop_loss.stop_price must be <= base_price - 0.01"),
    (dict(order_class="bracket", take_profit={"limit_price": "99"}, stop_loss={"stop_price": "95"}), 422,
     "take_profit.limit_price must be >= base_price + 0.01"),
    (dict(order_class="oto", take_profit={"limit_price": "110"}, stop_loss={"stop_price": "95"}), 422, "either"),
    (dict(order_class="bracket", qty="1.5"), 422, "simple orders"),
    (dict(order_class="oco", type="limit", side="sell", take_profit={"limit_price": "110"},
          stop_loss={"stop_price": "95"}), 422, "must be exit orders"),
    (dict(side="sell"), 422, "cannot be sold short"),
])
def test_refused_orders_leave_no_trace(body, status, words):
    market = venue(inactive=frozenset({"BBB"}), not_shortable=frozenset({"AAA"}))
    answer = refusal(market, **body)
    assert answer.status == status and words in answer.body["message"] and answer.body["code"] // 100_000 == (
        {400: 400, 403: 403, 422: 422}[status])
    assert not list(market.book) and not market.ledger.orders


def test_reference_symbols_are_no_assets():
    market = Venue(Bars.from_frames({"AAA": frame([100, 101]), "^GSPC": frame([4000, 4001])}, reference=["^GSPC"]))
    assert market.market.bars.symbols == ("AAA",)
    assert refusal(market, symbol="^GSPC").body["message"] == 'asset "^GSPC" not found'


def test_sub_penny_prices_are_allowed_below_a_dollar():
    assert submit(venue(), type="limit", limit_price="0.1234", qty="100").status == "new"


def test_not_fractionable_assets_take_whole_shares_only():
    market = venue(not_fractionable=frozenset({"AAA"}))
    assert "not fractionable" in refusal(market, qty="1.5").body["message"]
    assert submit(market).status == "new"


def test_a_market_buy_is_valued_above_the_quote_and_held():
    market = venue(multiplier=1, cash=1_026.0)
    assert refusal(market, qty="10.01").body["buying_power"] == "1026.00"
    submit(market, qty="10")
    assert market.account.buying_power(market.book.open()) == Decimal(1026) - 10 * Decimal("100.01") * Decimal("1.025")


def test_open_buys_hold_buying_power_until_they_end():
    market = venue(multiplier=1, cash=1_000.0)
    resting = submit(market, type="limit", limit_price="90")
    assert refusal(market, type="limit", limit_price="20", symbol="BBB").status == 403
    market.desk.cancel(resting.id)
    market.settle()
    assert submit(market, type="limit", limit_price="20", symbol="BBB").status == "new"


def test_sells_do_not_replenish_buying_power_before_they_are_executed():
    market = venue(multiplier=1, cash=10.0, positions={"AAA": (10, 100)})
    submit(market, side="sell")
    assert "insufficient buying power" in refusal(market, symbol="BBB").body["message"]
    market.advance(seconds=1)
    assert submit(market, symbol="BBB").status == "new"


def test_resting_exits_hold_the_shares():
    market = venue(positions={"AAA": (10, 90)})
    stop = submit(market, side="sell", type="stop", stop_price="95", qty="6", time_in_force="gtc")
    answer = refusal(market, side="sell")
    assert answer.status == 403 and answer.body == {
        "code": 40310000, "message": "insufficient qty available for order (requested: 10, available: 4)",
        "available": "4", "existing_qty": "10", "held_for_orders": "6", "symbol": "AAA", "related_orders": [stop.id]}
    assert submit(market, side="sell", qty="4").status == "new"


def test_a_group_of_exits_holds_its_shares_once():
    market = venue(positions={"AAA": (10, 90)})
    submit(market, side="sell", type="limit", order_class="oco", take_profit={"limit_price": "110"},
           stop_loss={"stop_price": "95"}, qty="6")
    assert market.account.available("AAA", market.book.open()) == 4


@pytest.mark.parametrize(("resting", "new", "words"), [
    (dict(side="sell", type="limit", limit_price="110"), dict(), "wash trade"),
    (dict(side="sell", type="limit", limit_price="110"), dict(type="limit", limit_price="111"), "wash trade"),
    (dict(side="sell", type="limit", limit_price="110"), dict(type="limit", limit_price="109"), None),
    (dict(side="sell", type="stop", stop_price="90"), dict(type="limit", limit_price="99"), "wash trade"),
    (dict(side="sell", type="stop_limit", stop_price="90", limit_price="89"), dict(type="limit", limit_price="88"), None),
    (dict(side="sell", type="stop_limit", stop_price="90", limit_price="89"), dict(type="limit", limit_price="99"),
     "wash trade"),
    (dict(side="sell", type="trailing_stop", trail_price="5"), dict(), None),
    (dict(side="sell", type="limit", order_class="oco", take_profit={"limit_price": "110"},
          stop_loss={"stop_price": "95"}), dict(), None),
    (dict(side="sell", type="limit", limit_price="110"),
     dict(order_class="oto", stop_loss={"stop_price": "95"}), None),
])
def test_own_orders_on_the_other_side(resting, new, words):
    market = venue(positions={"AAA": (10, 90)})
    first = submit(market, **resting)
    if words is None:
        assert submit(market, **new).status == "new"
        return
    answer = refusal(market, **new)
    assert words in answer.body["message"] and answer.body["existing_order_id"] == first.id and answer.status == 403


def test_without_a_position_openings_must_not_face_each_other():
    market = venue()
    submit(market, side="sell", type="limit", limit_price="110")
    assert refusal(market, type="limit", limit_price="90").body["message"] == (
        "cannot open a long buy while a short sell order is open")


def test_shorts_need_a_margin_account():
    assert "not allowed to short" in refusal(venue(multiplier=1), side="sell").body["message"]
    market = venue()
    submit(market, side="sell")
    market.advance(seconds=1)
    assert market.account.position("AAA") == -10 and market.account.cash == 11_000
    assert market.account.buying_power([]) == 20_000 - 1_000
    assert "insufficient qty" in refusal(market, qty="11").body["message"]


@pytest.mark.parametrize("switched_on", [False, True])
def test_the_fourth_day_trade_is_refused_only_where_the_old_rule_is_switched_on(switched_on):
    market = Venue(minutes(**{symbol: [20] * 30 for symbol in ("AAA", "BBB", "CCC", "DDD")}), now=NOW, cash=10_000,
                   account=AccountRules(pattern_day_trader=switched_on))
    for symbol in ("AAA", "BBB", "CCC"):
        submit(market, symbol=symbol)
        market.advance(seconds=60)
        submit(market, symbol=symbol, side="sell")
        market.advance(seconds=60)
    submit(market, symbol="DDD")
    market.advance(seconds=60)
    if switched_on:
        assert refusal(market, symbol="DDD", side="sell").body["code"] == 40310100
        market.advance(to="2024-03-04T09:00-05:00")
    assert submit(market, symbol="DDD", side="sell").is_open


def test_replacing_obeys_the_same_rules():
    market = venue(multiplier=1, cash=1_000.0)
    order = submit(market, type="limit", limit_price="90")
    for body, words in ((dict(limit_price="90.001"), "sub-penny"), (dict(qty="20"), "insufficient buying power"),
                        (dict(qty="1.5"), "fractional"), (dict(), "not changed")):
        with pytest.raises(Refusal, match=words):
            market.desk.replace(order.id, body)
    assert order.status == "new"
    new = market.desk.replace(order.id, {"limit_price": "99"})
    with pytest.raises(Refusal, match="pending_replace"):
        market.desk.replace(order.id, {"limit_price": "98"})
    market.settle()
    assert (order.status, new.status) == ("replaced", "new")
    assert market.account.buying_power(market.book.open()) == 10


def test_accepted_orders_and_notional_ones_cannot_be_replaced():
    market = venue(now="2024-03-01T08:00-05:00")
    waiting = submit(market, type="limit", limit_price="90")
    with pytest.raises(Refusal, match="cannot replace order in accepted status"):
        market.desk.replace(waiting.id, {"qty": "5"})
    market.advance(to=NOW)
    notional = submit(market, qty=None, notional="100", type="limit", limit_price="90")
    with pytest.raises(Refusal, match="notional orders cannot be replaced"):
        market.desk.replace(notional.id, {"limit_price": "91"})
