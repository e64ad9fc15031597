"""What Backtrader's orders become at Alpaca, and what is refused before it is sent."""

import datetime as dt
from decimal import Decimal

import backtrader as bt
import pytest
from alpaca_cerebro import Arriving, broker_of, play_live
from broker_contract import Witness, buy, sell
from fake_alpaca import AccountRules, FakeAlpaca
from fake_alpaca.made_minutes import minute_frame, minutes

from core.bars import Bars
from core.errors import StoreFailed, UsageError

Order = bt.Order
CALM = (100, 101, 99, 100)


def played(plan, rows=None, now=None, account=None, cash=100_000, positions=None, **params):
    """Play a plan on AAA; returns the strategy, and the orders and ledger of the venue."""
    bars = minutes(AAA=rows or [CALM] * 4)
    with FakeAlpaca(bars, cash=cash, now=now, account=account, positions=positions) as alpaca:
        strategy = play_live(alpaca, bars, plan, Witness, **params)
        return strategy, alpaca.ledger


def sent(plan, **terms):
    """The one order that a plan makes at the venue."""
    _, ledger = played(plan, **terms)
    (order,) = ledger.sent()
    return order


@pytest.mark.parametrize(("terms", "asked"), [
    (dict(), ("market", "day", None, None)),
    (dict(exectype=Order.Limit, price=98.129), ("limit", "gtc", "98.12", None)),
    (dict(exectype=Order.Limit, price=98, valid=Order.DAY), ("limit", "day", "98", None)),
    (dict(exectype=Order.Limit, price=98, valid=0), ("limit", "day", "98", None)),
    (dict(exectype=Order.Limit, price=98, valid=dt.timedelta(days=3)), ("limit", "gtc", "98", None)),
    (dict(exectype=Order.Limit, price=98, valid=dt.timedelta(hours=2)), ("limit", "day", "98", None)),
    (dict(exectype=Order.Limit, price=98, valid=Order.DAY, extended_hours=True), ("limit", "day", "98", None)),
    (dict(exectype=Order.Limit, price=90, tif="fok"), ("limit", "fok", "90", None)),
    (dict(exectype=Order.Stop, price=105), ("stop", "gtc", None, "105")),
    (dict(exectype=Order.StopLimit, price=105, plimit=106), ("stop_limit", "gtc", "106", "105")),
    (dict(exectype=Order.Close), ("market", "cls", None, None)),
    (dict(tif="cls"), ("market", "cls", None, None)),
    (dict(size=1.5, exectype=Order.Limit, price=98), ("limit", "day", "98", None)),
], ids=str)
def test_terms_of_a_buy(terms, asked):
    order = sent({1: buy(**terms)})
    assert order.extended_hours is bool(terms.get("extended_hours")) and order.qty == Decimal(str(terms.get("size", 10)))
    prices = [None if price is None else Decimal(price) for price in asked[2:]]
    assert (order.type, order.time_in_force, order.limit_price, order.stop_price) == (*asked[:2], *prices)


@pytest.mark.parametrize(("terms", "trail"), [(dict(trailamount=2.5), (Decimal("2.5"), None)),
                                              (dict(trailpercent=0.05), (None, Decimal(5)))])
def test_terms_of_a_trailing_stop(terms, trail):
    order = sent({1: sell(exectype=Order.StopTrail, **terms)}, positions={"AAA": (10, 90)})
    assert (order.trail_price, order.trail_percent, order.time_in_force) == (*trail, "gtc")


def test_a_sale_is_never_limited_below_what_was_asked():
    assert sent({1: sell(exectype=Order.Limit, price=104.001)}).limit_price == Decimal("104.01")
    assert sent({1: sell(exectype=Order.Limit, price=0.1 + 104)}).limit_price == Decimal("104.1")


def test_an_opening_auction_is_joined_in_its_window():
    rows = [CALM] * 3
    bars = minutes(AAA=rows, start="2024-03-01 09:30")
    with FakeAlpaca(bars, now="2024-03-01T08:00-05:00") as alpaca:
        strategy = play_live(alpaca, bars, {1: buy(auction="open")}, Witness)
        assert "opg" in strategy.placed["order"].info["reason"] and not alpaca.ledger.sent()


def test_money_in_place_of_shares():
    strategy, ledger = played({1: buy(size=10, notional=250)})
    (order,) = ledger.sent()
    assert (order.notional, order.qty, order.time_in_force) == (250, None, "day")
    placed = strategy.placed["order"]
    assert strategy.statuses(placed)[-1] == "Completed" and placed.executed.size == 2.5 and placed.executed.remsize == 0
    assert strategy.accounts[-1][2] == {"AAA": 2.5}


def test_fractions_stay_exact():
    plan = {1: buy(size=0.1, name="a"), 2: buy(size=0.2, name="b"), 3: sell(size=0.3)}
    strategy, ledger = played(plan, rows=[CALM] * 6)
    assert strategy.accounts[-1][2] == {"AAA": 0} and ledger.positions == {}


def test_a_symbol_without_fractions_is_bought_in_whole_shares():
    strategy, ledger = played({1: buy(size=10.7)}, account=AccountRules(not_fractionable=frozenset({"AAA"})))
    assert ledger.sent()[0].qty == 10 and strategy.statuses(strategy.placed["order"])[-1] == "Completed"


@pytest.mark.parametrize(("terms", "reason"), [
    (dict(exectype=Order.StopTrailLimit, price=100, plimit=99, trailamount=2), "StopTrailLimit"),
    (dict(exectype=Order.StopTrail), "trail_price"),
    (dict(size=0.4), "whole shares|less than can be traded"),
    (dict(size=1.5, tif="gtc"), "day orders only"),
    (dict(exectype=Order.Limit, price=-3), "not above 0"),
    (dict(exectype=Order.Stop, price=105, tif="opg"), "day or gtc"),
    (dict(tif="soon"), "'soon' is none of"),
    (dict(tif="opg"), "19:00 to 09:28"),
    (dict(extended_hours=True), "extended hours"),
    (dict(size=100_000), "buying power"),
    (dict(size=1_000_000, exectype=Order.Limit, price=90), "buying power"),
], ids=str)
def test_what_is_refused_before_it_is_sent(terms, reason):
    account = AccountRules(not_fractionable=frozenset({"AAA"} if terms.get("size") == 0.4 else ()))
    strategy, ledger = played({1: buy(**terms)}, account=account)
    order = strategy.placed["order"]
    assert strategy.statuses(order) == ["Submitted", "Rejected"]
    assert any(each in order.info["reason"] for each in reason.split("|")), order.info["reason"]
    assert not ledger.sent() and not ledger.asked("POST")


def test_a_blocked_account_is_asked_for_nothing():
    bars = minutes(AAA=[CALM] * 4)
    with FakeAlpaca(bars) as alpaca:
        alpaca.block_trading()
        strategy = play_live(alpaca, bars, {1: buy()}, Witness)
        assert "blocked" in strategy.placed["order"].info["reason"] and not alpaca.ledger.asked("POST")


def test_an_unknown_symbol_is_refused_in_one_line():
    bars = minutes(AAA=[CALM] * 4, ZZZ=[CALM] * 4)
    with FakeAlpaca(bars.select(["AAA"])) as alpaca:
        strategy = play_live(alpaca, bars, {1: lambda s: s.keep("order", s.buy(s.getdatabyname("ZZZ"), size=1))}, Witness)
        assert strategy.placed["order"].info["reason"] == "alpaca has no symbol 'ZZZ': check the spelling"


def test_the_venues_own_refusal_is_the_reason():
    """The quote is too old to judge by, so the order is sent; the venue has not the buying power."""
    rows = [CALM] * 40
    bars = minutes(AAA=rows)
    with FakeAlpaca(bars) as alpaca:
        def late(s):
            alpaca.advance(seconds=20 * 60)
            s.keep("order", s.buy(size=100_000))

        strategy = play_live(alpaca, bars, {2: late}, Witness)
        order = strategy.placed["order"]
        assert order.info["reason"] == "insufficient buying power" and strategy.statuses(order) == ["Submitted", "Rejected"]


class Live(Arriving):
    """A feed that is live from its third bar on."""

    def islive(self):
        return True

    def _load(self):
        loaded = super()._load()
        if self._next_row == 3:
            self.put_notification(self.LIVE)
        return loaded


def test_bars_from_before_the_start_trade_nothing():
    bars = minutes(AAA=[CALM] * 6)
    with FakeAlpaca(bars) as alpaca:
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.setbroker(broker_of(alpaca))
        cerebro.adddata(Live(dataname=bars, venue=alpaca))
        cerebro.addstrategy(Witness, plan={1: buy(name="early"), 4: buy(name="live")})
        strategy = cerebro.run()[0]
        assert strategy.placed["early"].info["reason"].startswith("backfill")
        assert strategy.statuses(strategy.placed["live"])[-1] == "Completed" and len(alpaca.ledger.sent()) == 1


def test_a_reference_symbol_is_never_traded():
    frames = {"AAA": minute_frame([CALM] * 4), "^GSPC": minute_frame([CALM] * 4)}
    bars = Bars.from_frames(frames, interval="1m", reference=["^GSPC"])
    with FakeAlpaca(bars) as alpaca:
        plan = {1: lambda s: s.keep("order", s.buy(s.getdatabyname("^GSPC"), size=1))}
        strategy = play_live(alpaca, bars, plan, Witness)
        assert strategy.placed["order"].info["reason"] == "^GSPC is a reference symbol: it is never traded"


# -- groups ---------------------------------------------------------------------------------------------


def test_a_bracket_is_one_request():
    plan = {1: lambda s: s.buy_bracket(size=10, price=98, stopprice=90, limitprice=110)}
    _, ledger = played(plan)
    (order,) = ledger.sent()
    assert (order.order_class, order.time_in_force, order.limit_price) == ("bracket", "gtc", 98)
    assert {leg.leg: (leg.limit_price, leg.stop_price) for leg in order.legs} == {
        "take_profit": (110, None), "stop_loss": (None, 90)}


def test_an_entry_with_one_exit_is_an_oto():
    plan = {1: lambda s: s.buy_bracket(size=10, exectype=Order.Market, stopprice=90, limitexec=None)}
    strategy, ledger = played(plan)
    (order,) = ledger.sent()
    assert order.order_class == "oto" and len(order.legs) == 1
    assert strategy.accounts[-1][2] == {"AAA": 10}


@pytest.mark.parametrize("stop", [dict(exectype=Order.StopTrail, trailamount=2, size=10),
                                  dict(exectype=Order.Stop, price=90, size=3)], ids=["trailing", "smaller"])
def test_a_group_alpaca_does_not_have_is_refused_whole(stop):
    def group(s):
        s.keep("entry", s.buy(size=10, exectype=Order.Limit, price=98, transmit=False))
        s.keep("stop", s.sell(parent=s.placed["entry"], transmit=False, **stop))
        s.keep("profit", s.sell(size=10, exectype=Order.Limit, price=110, parent=s.placed["entry"]))

    strategy, ledger = played({1: group})
    orders = strategy.placed.values()
    assert [strategy.statuses(order) for order in orders] == [["Submitted", "Rejected"]] * 3
    assert all(order.info["reason"] for order in orders) and not ledger.asked("POST")


def test_exits_that_come_too_late_or_are_too_many_are_refused():
    def three(s):
        s.placed["stop"] = s.sell(size=10, exectype=Order.Stop, price=95)
        s.placed["profit"] = s.sell(size=10, exectype=Order.Limit, price=110, oco=s.placed["stop"])
        s.placed["third"] = s.sell(size=10, exectype=Order.Limit, price=120, oco=s.placed["stop"])

    late = {3: lambda s: s.placed.update(late=s.sell(size=10, exectype=Order.Limit, price=130, oco=s.placed["stop"]))}
    strategy, ledger = played({1: three, **late}, positions={"AAA": (10, 90)})
    assert [order.order_class for order in ledger.sent()] == ["oco"]
    assert {name: strategy.statuses(strategy.placed[name])[-1] for name in ("stop", "profit", "third", "late")} == {
        "stop": "Accepted", "profit": "Accepted", "third": "Rejected", "late": "Rejected"}


def test_an_order_not_sent_yet_is_withdrawn_without_a_request():
    def think_again(s):
        s.keep("order", s.buy(size=10))
        s.cancel(s.placed["order"])

    strategy, ledger = played({1: think_again})
    assert strategy.statuses(strategy.placed["order"]) == ["Submitted", "Canceled"] and not ledger.asked("POST")


def test_a_valid_that_passes_ends_expired():
    plan = {1: buy(exectype=Order.Limit, price=90, valid=dt.timedelta(minutes=1, seconds=30))}
    strategy, ledger = played(plan, rows=[CALM] * 6)
    assert strategy.statuses(strategy.placed["order"])[-1] == "Expired" and len(ledger.cancels) == 1


def test_a_day_order_ends_expired_with_the_day():
    bars = minutes(AAA=[CALM] * 5)
    with FakeAlpaca(bars) as alpaca:
        plan = {1: buy(exectype=Order.Limit, price=90, valid=Order.DAY),
                2: lambda s: alpaca.advance(to="2024-03-01T16:01-05:00")}
        strategy = play_live(alpaca, bars, plan, Witness)
        order = strategy.placed["order"]
        assert strategy.statuses(order) == ["Submitted", "Accepted", "Expired"] and order.info["reason"] == "alpaca: expired"


# -- names ----------------------------------------------------------------------------------------------


def test_every_order_is_recorded_under_its_name_before_it_is_sent():
    bars = minutes(AAA=[CALM] * 5)
    with FakeAlpaca(bars) as alpaca:
        recorded = []

        def persist(name, request):
            assert name not in {order.client_order_id for order in alpaca.ledger.orders}
            recorded.append((name, request.side, request.qty, request.client_order_id))

        plan = {1: lambda s: (s.buy(size=1, intent="enter"), s.buy(size=1, intent="enter"), s.buy(size=1))}
        play_live(alpaca, bars, plan, Witness, persist=persist)
        assert [name for name, *_ in recorded] == [order.client_order_id for order in alpaca.ledger.sent()]
        assert len({name for name, *_ in recorded}) == 3 and recorded[0][0].startswith("cl-AAA-20240301-enter-")
        assert all(name == named for name, _, _, named in recorded)


def test_the_same_decision_has_the_same_name():
    names = [sent({2: buy(intent="enter")}).client_order_id for _ in range(2)]
    assert names[0] == names[1] != sent({3: buy(intent="enter")}).client_order_id


def test_an_order_that_cannot_be_recorded_is_not_sent():
    def persist(name, request):
        raise StoreFailed("the disk is full: free some space")

    strategy, ledger = played({1: buy()}, persist=persist)
    assert strategy.placed["order"].info["reason"] == "the disk is full: free some space" and not ledger.asked("POST")


def test_no_value_asked_for_costs_a_request():
    bars = minutes(AAA=[CALM] * 4)
    with FakeAlpaca(bars) as alpaca:
        def look(s):
            before = len(alpaca.ledger.requests)
            for _ in range(50):
                s.broker.getvalue(), s.broker.getcash(), s.broker.getposition(s.data), s.broker.get_orders_open()
            assert len(alpaca.ledger.requests) == before

        play_live(alpaca, bars, {1: buy(), 3: look}, Witness)


@pytest.mark.parametrize("name", ["add_order_history", "set_fund_history"])
def test_a_made_up_history_is_refused(name):
    told = f"has its own history: leave out cerebro.{name}"
    with FakeAlpaca(minutes(AAA=[CALM])) as alpaca, pytest.raises(UsageError, match=told):
        getattr(broker_of(alpaca), name)([])
