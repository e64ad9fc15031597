"""Whatever is traded, the ledger adds up: cash and positions from executions alone are the account's."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.local_alpaca import Refusal, Venue
from brokers.local_alpaca.made_minutes import minutes

NOW = "2024-03-01T09:31-05:00"
PRICES = st.integers(80, 120)
STEPS = st.one_of(
    st.tuples(st.just("order"), st.sampled_from(["buy", "sell"]), st.integers(1, 30), PRICES,
              st.sampled_from(["market", "limit", "stop", "trailing_stop", "bracket", "notional"])),
    st.tuples(st.just("trade"), PRICES),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
    st.tuples(st.just("replace"), st.integers(0, 9), st.integers(1, 40)),
    st.tuples(st.just("part"), st.integers(0, 9), st.integers(1, 5)),
    st.tuples(st.just("time"), st.integers(1, 120)),
)


def order_fields(side, qty, price, kind):
    body = {"symbol": "AAA", "side": side, "qty": str(qty), "type": kind, "time_in_force": "day"}
    up, down = (price + 5, price - 5) if side == "buy" else (price - 5, price + 5)
    extra = {"limit": {"limit_price": price}, "stop": {"stop_price": price}, "trailing_stop": {"trail_price": 3},
             "notional": {"type": "market", "qty": None, "notional": str(qty * 10)},
             "bracket": {"type": "limit", "limit_price": price, "order_class": "bracket",
                         "take_profit": {"limit_price": up}, "stop_loss": {"stop_price": down}}}
    return {**body, **extra.get(kind, {})}


def play(market, step):
    kind, *values = step
    known = list(market.book)
    try:
        if kind == "order":
            market.desk.submit(order_fields(*values))
        elif kind == "trade":
            market.quote("AAA", values[0])
        elif kind == "time":
            market.advance(seconds=values[0])
        elif known:
            order = known[values[0] % len(known)]
            if kind == "cancel":
                market.desk.cancel(order.id)
            elif kind == "replace":
                market.desk.replace(order.id, {"qty": values[1]})
            elif order.status in ("new", "partially_filled") and order.parent is None:
                market.fill(order.id, values[1])
        market.settle()
    except Refusal:
        pass


@settings(max_examples=30)
@given(st.lists(STEPS, max_size=25), st.integers(0, 3))
def test_cash_and_positions_come_from_executions_alone(steps, seed):
    market = Venue(minutes(AAA=[(100, 104, 96, 101), (101, 106, 99, 103)] * 15), now=NOW, cash=5_000.0, seed=seed,
                   positions={"AAA": (10, 100)})
    for step in steps:
        play(market, step)
        ledger, account = market.ledger, market.account
        assert ledger.cash == account.cash
        assert ledger.positions == {symbol: held.qty for symbol, held in account.positions.items()}
        assert 0 <= account.held_shares("AAA", market.book.open()) <= abs(account.position("AAA"))
        for order in market.book:
            done = [each for each in ledger.executions if each.order_id == order.id]
            assert order.filled_qty == sum((each.qty for each in done), Decimal(0))
            assert order.qty is None or order.filled_qty <= order.qty
            assert (order.status == "filled") == (order.qty is not None and order.filled_qty == order.qty) or (
                order.notional is not None)
            assert all(order.sign * (each.price - order.limit_price) <= 0 for each in done
                       if order.type == "limit" and order.limit_price is not None and only_the_market_filled(steps))


def only_the_market_filled(steps):
    """Whether nothing was filled by hand at a price of its own."""
    return all(step[0] != "part" for step in steps)


def events_retold(market):
    """Cash and positions as somebody knows them who has only read the trade updates."""
    cash, shares = Decimal(5_000), Decimal(10)
    for event in market.ledger.events:
        if "qty" in event:
            signed = Decimal(event["qty"]) * (1 if event["order"]["side"] == "buy" else -1)
            cash, shares = cash - signed * Decimal(event["price"]), shares + signed
            assert Decimal(event["position_qty"]) == shares
    return cash, shares


@settings(max_examples=30)
@given(st.lists(STEPS, max_size=25))
def test_trade_updates_tell_everything_once(steps):
    market = Venue(minutes(AAA=[(100, 104, 96, 101), (101, 106, 99, 103)] * 15), now=NOW, cash=5_000.0,
                   positions={"AAA": (10, 100)})
    for step in steps:
        play(market, step)
    assert events_retold(market) == (market.account.cash, market.account.position("AAA"))
    executed = [event["execution_id"] for event in market.ledger.events if "qty" in event]
    assert executed == [each.id for each in market.ledger.executions] and len(set(executed)) == len(executed)
    last = {event["order"]["id"]: event["order"] for event in market.ledger.events}
    assert all(last[order.id]["status"] == order.status for order in market.book
               if order.id in last and not order.status.startswith("pending"))


@given(st.integers(0, 5))
def test_the_same_seed_gives_the_same_story(seed):
    def story():
        market = Venue(minutes(AAA=[100] * 5), now=NOW, seed=seed)
        market.desk.submit(order_fields("buy", 5, 100, "bracket"))
        market.advance(seconds=120)
        return market.ledger.events
    assert story() == story()


def test_the_book_finds_what_was_sent_filled_and_cancelled():
    market = Venue(minutes(AAA=[100] * 5), now=NOW)
    first = market.desk.submit({**order_fields("buy", 5, 100, "market"), "client_order_id": "one"})
    second = market.desk.submit({**order_fields("buy", 5, 90, "bracket"), "client_order_id": "two"})
    market.advance(seconds=60)
    market.desk.cancel(second.id)
    market.settle()
    assert market.ledger.sent() == [first, second] and market.ledger.filled("one") == 5
    assert market.ledger.cancels[0] == (second.id, "canceled") and len(market.ledger.cancels) == 3
    assert market.ledger.cash == Decimal(100_000 - 500) == market.account.cash
