"""The gateway's answers when nothing goes wrong: every method against the local venue."""

import datetime as dt
from decimal import Decimal

import pytest
from alpaca_rest import buy, rest_of

from brokers.alpaca import rest as rest_module
from brokers.alpaca.errors import Refused
from brokers.alpaca.request import OrderRequest
from brokers.local_alpaca import AccountRules, AnswerFault, LocalAlpaca, OrderFault
from brokers.local_alpaca.made_minutes import minutes
from brokers.local_alpaca.moments import moment
from core.errors import UnknownName, UsageError

NOW = "2024-03-01T09:31-05:00"


@pytest.fixture
def alpaca():
    with LocalAlpaca(minutes(AAA=[100] * 30, BBB=[50] * 30), now=NOW, positions={"BBB": (-4, 60)}) as server:
        yield server


def limit(name, price=90, **more):
    return buy(name, type="limit", limit_price=price, **more)


def test_account_and_positions_are_exact_and_signed(rest):
    account = rest.account()
    assert (account.number, account.cash, account.equity) == ("PA3FAKE0001", Decimal(100_000), Decimal(99_800))
    assert account.may_trade and account.may_short and account.multiplier == 2
    held, = rest.positions()
    assert (held.symbol, held.qty, held.avg_entry_price, held.qty_available) == ("BBB", -4, 60, -4)


def test_an_order_from_submission_to_its_fill(alpaca, rest):
    sent = rest.submit(buy("one"))
    assert sent.status == "pending_new" and sent.open and sent.remaining == 10
    alpaca.advance(seconds=60)
    order = rest.order_by_client_id("one")
    assert order == rest.order(sent.id) and order.done
    assert (order.filled_qty, order.filled_avg_price, order.signed) == (10, 100, 10)
    fill, = rest.activities(["FILL"])
    assert (fill.order_id, fill.qty, fill.price, fill.side) == (order.id, 10, 100, "buy")
    assert [each.qty for each in rest.positions()] == [10, -4]


def test_every_kind_of_order_arrives_as_it_was_meant(alpaca, rest):
    rest.submit(buy("bracket", order_class="bracket", take_profit=110, stop_loss=95, stop_loss_limit="94.5", tif="gtc"))
    rest.submit(buy("trail", "BBB", 4, type="trailing_stop", trail_percent=5))
    rest.submit(limit("late", extended_hours=True))
    rest.submit(OrderRequest("AAA", "buy", notional="250.50", client_order_id="dollars"))
    bracket, trail, late, dollars = (order for order in alpaca.ledger.sent())
    assert {leg.type: (leg.limit_price, leg.stop_price) for leg in bracket.legs} == {
        "limit": (110, None), "stop_limit": (Decimal("94.5"), 95)}
    assert (bracket.order_class, bracket.time_in_force) == ("bracket", "gtc")
    assert trail.trail_percent == 5 and late.extended_hours and dollars.notional == Decimal("250.50")


def test_open_orders_show_held_legs_under_their_group(alpaca, rest):
    entry = rest.submit(buy("entry", order_class="bracket", take_profit=110, stop_loss=95))
    alpaca.advance(seconds=1)
    nested, = rest.orders()
    assert nested == rest.order(entry.id)
    assert {leg.type: leg.status for leg in nested.legs} == {"limit": "new", "stop": "held"}
    assert [order.type for order in rest.orders(nested=False)] == ["limit"]


def test_orders_by_status_symbol_and_time(alpaca, rest):
    first = rest.submit(limit("a"))
    alpaca.advance(seconds=1)
    rest.submit(limit("b", 40, symbol="BBB", qty=1))
    done = rest.submit(buy("c"))
    alpaca.advance(seconds=60)
    assert [order.client_order_id for order in rest.orders()] == ["a", "b"]
    assert [order.id for order in rest.orders("closed")] == [done.id]
    assert [order.client_order_id for order in rest.orders("all", after=first.submitted_ns)] == ["b", "c"]
    assert [order.client_order_id for order in rest.orders(symbols=["BBB"])] == ["b"]


def test_all_pages_are_read_even_where_stamps_are_equal(alpaca, rest, monkeypatch):
    names = [f"n{at}" for at in range(12)]
    for name in names:
        rest.submit(limit(name, qty=1))
    monkeypatch.setattr(rest_module, "ORDERS_PAGE", 5)
    assert [order.client_order_id for order in rest.orders()] == names
    for order in alpaca.ledger.orders[3:7]:
        order.created_at = alpaca.ledger.orders[3].created_at
    assert sorted(order.client_order_id for order in rest.orders()) == sorted(names)


def test_activities_are_read_to_the_last_page(alpaca, rest, monkeypatch):
    for qty in range(1, 6):
        rest.submit(buy(str(qty), qty=qty))
        alpaca.advance(seconds=60)
    alpaca.transfer(250)
    monkeypatch.setattr(rest_module, "ACTIVITIES_PAGE", 2)
    everything = rest.activities()
    assert [each.qty for each in everything if each.kind == "FILL"] == [1, 2, 3, 4, 5]
    assert (everything[-1].kind, everything[-1].net_amount) == ("CSD", 250)
    assert everything[-1].time_ns == moment("2024-03-01T00:00-05:00")
    assert [each.qty for each in rest.activities(["FILL"], after=everything[2].time_ns)] == [4, 5]


def test_cancelling_says_whether_there_was_something_left_to_cancel(alpaca, rest):
    order = rest.submit(limit("one"))
    assert rest.cancel(order.id) is True
    assert rest.order(order.id).status == "canceled" and rest.cancel(order.id) is False
    with pytest.raises(Refused, match="order not found"):
        rest.cancel(alpaca.new_id())


def test_a_cancellation_under_way_is_taken_and_one_that_cannot_be_is_refused(alpaca, rest):
    alpaca.faults.add(OrderFault(do="cancel_stuck", times=1))
    stuck, busy = rest.submit(limit("one")), rest.submit(limit("two"))
    assert rest.cancel(stuck.id) and rest.cancel(stuck.id)
    alpaca.order("two").status = "pending_replace"
    with pytest.raises(Refused, match="pending_replace"):
        rest.cancel(busy.id)


def test_replacing_gives_a_new_order_with_its_own_identity(alpaca, rest):
    old = rest.submit(limit("old"))
    alpaca.fill(old.id, 4, 90)
    new = rest.replace(old.id, "new", qty=12, limit_price=Decimal("91.50"))
    assert (new.client_order_id, new.replaces) == ("new", old.id)
    live, gone = rest.order(new.id), rest.order(old.id)
    assert (live.status, live.qty, live.limit_price) == ("new", 8, Decimal("91.50"))
    assert (gone.status, gone.replaced_by, gone.filled_qty, gone.done) == ("replaced", new.id, 4, True)


def test_clock_and_calendar_are_read_as_utc_with_half_days(rest):
    told = rest.clock()
    assert told.is_open and told.now_ns == moment(NOW) and told.next_close_ns == moment("2024-03-01T16:00-05:00")
    days = rest.calendar(dt.date(2024, 7, 2), dt.date(2024, 7, 5))
    closes = {2: "16:00", 3: "13:00", 5: "16:00"}
    assert [(day.date.day, day.close_ns) for day in days] == [
        (number, moment(f"2024-07-0{number}T{close}-04:00")) for number, close in closes.items()]


def test_assets_and_symbols_nobody_knows(alpaca, rest):
    asset = rest.asset("AAA")
    assert asset.tradable and asset.fractionable and (asset.asset_class, asset.exchange) == ("us_equity", "NASDAQ")
    for symbol in ("ZZZ", "^GSPC", "A/B"):
        with pytest.raises(UnknownName, match="alpaca has no symbol"):
            rest.asset(symbol)
    assert [request.path for request in alpaca.ledger.requests[-2:]] == ["/v2/assets/%5EGSPC", "/v2/assets/A%2FB"]


def test_numbers_that_are_no_text_stay_exact(alpaca, rest):
    alpaca.faults.add(AnswerFault(path="/v2/account", status=200,
                                  body='{"id": "1", "account_number": "PA1", "cash": 12345678901.123456789}'))
    assert rest.account().cash == Decimal("12345678901.123456789")


def test_an_order_without_identity_is_not_sent(alpaca, rest):
    with pytest.raises(UsageError, match="no client_order_id"):
        rest.submit(OrderRequest("AAA", "buy", qty=1))
    assert not alpaca.ledger.asked("POST")


def test_an_identity_spent_on_something_else_is_no_success(rest):
    rest.submit(buy("one"))
    with pytest.raises(UsageError, match="one is spent: it belongs to an order to buy AAA"):
        rest.submit(buy("one", "BBB"))


def test_refusals_carry_alpacas_code_words_and_details(rest, alpaca):
    rest.submit(buy("one"))
    alpaca.advance(seconds=1)
    rest.submit(OrderRequest("AAA", "sell", qty=6, type="limit", limit_price=120, client_order_id="two"))
    with pytest.raises(Refused, match="insufficient qty available") as caught:
        rest.submit(OrderRequest("AAA", "sell", qty=6, client_order_id="three"))
    refused = caught.value
    assert (refused.status, refused.code, refused.details["available"]) == (403, 40310000, "4")
    with pytest.raises(Refused, match=r"sub-penny.*HTTP 422"):
        rest.submit(limit("four", "90.001"))


@pytest.mark.parametrize("rules", [dict(), dict(live=True)])
def test_an_account_of_the_other_kind_is_noticed(rules):
    with LocalAlpaca(minutes(AAA=[100]), now=NOW, account=AccountRules(**rules)) as alpaca:
        right, wrong = (rest_of(alpaca), rest_of(alpaca))
        object.__setattr__(right.endpoints, "paper", not rules)
        object.__setattr__(wrong.endpoints, "paper", bool(rules))
        assert right.account().number
        with pytest.raises(UsageError, match=r"is a (live|paper) account, but (paper|live) trading was asked for"):
            wrong.account()
        right.close()
        wrong.close()
