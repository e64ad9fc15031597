"""Answers and requests as records: tolerant where Alpaca may surprise, exact in money; identities that never change."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdk_clients import enums

from brokers.alpaca.answers import DONE, OPEN, Account, Activity, Asset, Order, Position, exact
from brokers.alpaca.identity import MAX_LENGTH, client_order_id
from brokers.alpaca.request import OrderRequest
from brokers.local_alpaca.moments import moment
from core.errors import UsageError

BAR = moment("2024-03-01T16:00-05:00")


def test_the_table_of_statuses_is_alpacas_whole_list_and_nothing_is_both():
    documented = {status.value for status in enums.OrderStatus}
    assert documented == OPEN | DONE and not OPEN & DONE


@pytest.mark.parametrize("status", sorted(OPEN | DONE | {"never_heard_of"}))
def test_an_order_is_done_or_open(status):
    order = Order.read({"id": "1", "status": status})
    assert order.done is not order.open and order.done is (status in DONE)
    assert order.is_known is (status != "never_heard_of")


def test_the_barest_answers_are_read():
    order = Order.read({"id": "1", "status": "new"})
    assert (order.qty, order.filled_qty, order.legs) == (None, 0, ())
    assert (order.order_class, order.submitted_ns) == ("simple", None)
    account = Account.read({"id": "1", "account_number": "PA1"})
    assert (account.cash, account.multiplier, account.may_short, account.may_trade) == (0, 1, False, True)
    margin = {"id": "1", "account_number": "PA1", "shorting_enabled": True}
    assert [Account.read({**margin, "multiplier": times}).may_short for times in ("1", "2")] == [False, True]
    assert Asset.read({"symbol": "A", "status": "active"}).tradable is False


@pytest.mark.parametrize(("raw", "qty", "free"), [
    (dict(qty="10", side="long", qty_available="4"), 10, 4),
    (dict(qty="-10", side="short", qty_available="-10"), -10, -10),
    (dict(qty="10", side="short", qty_available="10"), -10, -10), (dict(qty="1.5"), Decimal("1.5"), Decimal("1.5")),
])
def test_positions_are_signed_whichever_way_they_are_told(raw, qty, free):
    held = Position.read({"symbol": "A", **raw})
    assert (held.qty, held.qty_available) == (qty, free)


def test_activities_have_a_moment_or_a_day():
    fill = Activity.read({"id": "1", "activity_type": "FILL", "transaction_time": "2024-03-01T14:31:00.5Z", "qty": "3"})
    paid = Activity.read({"id": "2", "activity_type": "DIV", "date": "2024-03-01", "net_amount": "1.25"})
    assert fill.time_ns == moment("2024-03-01T14:31:00.5Z") and fill.qty == 3
    assert paid.time_ns == moment("2024-03-01T05:00Z") and paid.net_amount == Decimal("1.25")


@pytest.mark.parametrize("kind", [Account, Asset, Order, Position, Activity])
def test_what_is_no_such_answer_is_an_error(kind):
    with pytest.raises(KeyError):
        kind.read({"message": "hello"})


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9))
def test_numbers_stay_exact_in_any_form(number):
    assert exact(number) == exact(str(number)) == number
    assert exact("") is exact(None) is None


@pytest.mark.parametrize("value", ["ten", "nan", "Infinity", True, [1]])
def test_what_is_no_number_is_said(value):
    with pytest.raises(ValueError, match="not a number"):
        exact(value)
    with pytest.raises(UsageError, match=r"qty of an order for AAA is .*: it must be a number"):
        OrderRequest("AAA", "buy", qty=value)


def test_the_body_of_a_plain_and_of_a_full_order():
    assert OrderRequest("AAA", "buy", qty=10, client_order_id="x").to_alpaca() == {
        "symbol": "AAA", "side": "buy", "type": "market", "time_in_force": "day", "qty": "10", "client_order_id": "x"}
    full = OrderRequest("AAA", "sell", qty="1E+2", type="limit", tif="gtc", limit_price=101.1, order_class="bracket",
                        take_profit=90, stop_loss=Decimal("110.50"), stop_loss_limit=111, client_order_id="y")
    assert full.to_alpaca() == {
        "symbol": "AAA", "side": "sell", "type": "limit", "time_in_force": "gtc", "qty": "100", "limit_price": "101.1",
        "order_class": "bracket", "take_profit": {"limit_price": "90"},
        "stop_loss": {"stop_price": "110.50", "limit_price": "111"}, "client_order_id": "y"}
    cash = OrderRequest("AAA", "buy", notional="25.5", type="limit", limit_price=1, extended_hours=True)
    assert cash.to_alpaca()["notional"] == "25.5" and cash.to_alpaca()["extended_hours"] is True
    assert json.loads(json.dumps(full.to_alpaca())) == full.to_alpaca()


def test_an_identity_never_changes():
    """These texts stand in journals and at the venue: an order once sent must be found again."""
    named = ("3fa85f64", "GoldenCross", "BRK.B", BAR, "enter")
    assert client_order_id(*named) == "cl-BRK.B-20240301-enter-edux4562sbdu7uwy"
    assert client_order_id(*named, 1) == "cl-BRK.B-20240301-enter-wownbs4t2qjyq5pu"


WORDS = st.text(max_size=30)


@given(WORDS, WORDS, WORDS, st.integers(0, 2**61), WORDS, st.integers(0, 9))
def test_an_identity_is_short_and_harmless_in_an_address(account, strategy, symbol, bar_ns, intent, attempt):
    found = client_order_id(account, strategy, symbol, bar_ns, intent, attempt)
    assert len(found) <= MAX_LENGTH and found == client_order_id(account, strategy, symbol, bar_ns, intent, attempt)
    assert found.startswith("cl-") and not set(found) - set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")


KEYS = st.tuples(WORDS, WORDS, WORDS, st.integers(0, 3), WORDS, st.integers(0, 2))


@given(st.lists(KEYS, unique=True, max_size=10))
def test_different_orders_have_different_identities(keys):
    assert len({client_order_id(*key) for key in keys}) == len(keys)


def test_boundaries_between_the_parts_matter():
    assert client_order_id("a", "bc", "A", BAR, "x") != client_order_id("ab", "c", "A", BAR, "x")
    assert client_order_id("a", "b", "A", BAR, "x", 1) != client_order_id("a", "b", "A", BAR, "x1", 0)
