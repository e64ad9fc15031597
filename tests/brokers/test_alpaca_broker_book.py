"""The order book: whatever order its news come in, an order comes to the same shares, cash and end."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.alpaca.answers import Activity, Order
from brokers.alpaca.order_tracked import Stage, TrackedOrder, execution_of
from brokers.alpaca.trade_stream import TradeUpdate
from brokers.local_alpaca import Venue
from brokers.local_alpaca.made_minutes import minutes
from brokers.local_alpaca.shapes import fill_json, order_json

FINAL = {"filled": Stage.COMPLETED, "canceled": Stage.CANCELED, "expired": Stage.EXPIRED, "rejected": Stage.REJECTED}


def story(*steps, qty=10):
    """Events, snapshots and executions of one buy order; steps are (shares, price), "cancel" or "reject"."""
    venue = Venue(minutes(AAA=[100] * 5), now="2024-03-01T09:30:30-05:00")
    updates, snapshots = [], []
    venue.updates.listeners.append(updates.append)
    order = venue.desk.submit({"symbol": "AAA", "side": "buy", "type": "limit", "limit_price": "50", "qty": qty,
                               "time_in_force": "day", "client_order_id": "one"})
    venue.settle()
    for step in steps:
        snapshots.append(order_json(order))
        if step == "cancel":
            venue.desk.cancel(order.id)
            venue.settle()
        elif step == "reject":
            venue.reject(order.id)
        else:
            venue.fill(order.id, *step)
    snapshots.append(order_json(order))
    activities = [Activity.read(fill_json(each, "account")) for each in venue.ledger.executions]
    return [TradeUpdate.read(each) for each in updates], [Order.read(each) for each in snapshots], activities


def tracked(qty=10):
    return TrackedOrder("AAA", "buy", "one", Decimal(qty))


def tell(order, news):
    """Hand an event or a snapshot to an order."""
    if isinstance(news, TradeUpdate):
        return order.update(news.event, news.order, execution_of(news))
    return order.snapshot(news)


def effect(changes):
    """Shares, cash and the stages told."""
    done = [change.execution for change in changes if change.execution]
    return sum(each.qty for each in done), sum(each.qty * each.price for each in done), [c.stage for c in changes]


STORIES = st.one_of(
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from([48, 49.5, 50])), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(1, 2), st.sampled_from([49, 50])), max_size=4).map(lambda fills: [*fills, "cancel"]),
    st.just(["reject"]))


@settings(max_examples=30)
@given(STORIES, st.data())
def test_any_order_of_news_comes_to_the_same(steps, data):
    updates, snapshots, _ = story(*steps)
    plain = tracked()
    expected = effect([change for each in updates for change in tell(plain, each)])
    extra = data.draw(st.lists(st.sampled_from([*updates, *snapshots]), max_size=6))
    shuffled = data.draw(st.permutations([*updates, *extra]))
    order = tracked()
    shares, cash, stages = effect([change for each in shuffled for change in tell(order, each)])
    assert (shares, cash) == expected[:2] and order.stage == plain.stage and order.filled == shares
    assert order.gap == 0
    assert_legal(stages)


@settings(max_examples=30)
@given(STORIES, st.data())
def test_what_is_never_told_is_found_among_the_activities(steps, data):
    updates, snapshots, activities = story(*steps)
    kept = [each for each in updates if data.draw(st.booleans())]
    order = tracked()
    changes = [change for each in [*kept, snapshots[-1]] for change in tell(order, each)]
    changes += order.explain(activities)
    shares, cash, stages = effect(changes)
    assert shares == sum((each.qty for each in activities), Decimal(0))
    assert cash == sum((each.qty * each.price for each in activities), Decimal(0))
    assert order.stage == FINAL.get(snapshots[-1].status, order.stage) and order.gap == 0
    assert_legal(stages)
    late = [change for each in updates for change in tell(order, each)]
    assert effect(late)[0] == 0  # what comes late after all is nothing new


@settings(max_examples=30)
@given(STORIES, st.data())
def test_activities_whose_ids_are_others_are_matched_by_size_and_price(steps, data):
    updates, snapshots, activities = story(*steps)
    renamed = [Activity(**{**vars(each), "id": f"{each.time_ns}::other-{at}"}) for at, each in enumerate(activities)]
    kept = [each for each in updates if data.draw(st.booleans())]
    order = tracked()
    changes = [change for each in [*kept, snapshots[-1]] for change in tell(order, each)]
    changes += order.explain(renamed)
    assert effect(changes)[0] == sum((each.qty for each in activities), Decimal(0)) and order.gap == 0
    assert effect([change for each in updates for change in tell(order, each)])[0] == 0


def assert_legal(stages):
    """Forward only, every stage once but partial fills, and nothing after an end."""
    assert stages == sorted(stages)
    once = [stage for stage in stages if stage != Stage.PARTIAL]
    assert len(once) == len(set(once)) and sum(stage >= Stage.COMPLETED for stage in stages) <= 1


def test_what_no_activity_explains_is_taken_at_its_average_price():
    updates, snapshots, _ = story((4, 50), (6, 48))
    order = tracked()
    first = next(each for each in updates if each.qty == 4)
    tell(order, first)
    tell(order, snapshots[-1])
    assert (order.gap, order.stage) == (6, Stage.PARTIAL)
    (change,) = order.infer(now_ns=7)
    assert change.stage == Stage.COMPLETED and (change.execution.qty, change.execution.price) == (6, 48)
    assert not tell(order, updates[-1]) and order.filled == 10  # the execution itself, late


def test_a_late_execution_counts_beyond_what_was_inferred():
    """Three of ten are known from an average only; the next event brings the other seven."""
    updates, snapshots, _ = story((3, 49), (7, 50))
    order = tracked()
    tell(order, snapshots[1])
    (inferred,) = order.infer(now_ns=7)
    assert (inferred.execution.qty, inferred.execution.price) == (3, 49)
    changes = [change for each in updates for change in tell(order, each)]
    assert effect(changes)[:2] == (7, 350) and order.stage == Stage.COMPLETED


def test_unknown_words_change_nothing():
    updates, _, _ = story((4, 50))
    fill = next(each for each in updates if each.event == "partial_fill")
    strange = Order.read({**fill.order.raw, "status": "under_the_weather", "filled_qty": "0"})
    order = tracked()
    assert order.update("restated_by_nobody", strange) == [] and order.stage == Stage.SUBMITTED
    renamed = order.update("restated_by_nobody", fill.order)
    assert [change.stage for change in renamed] == [Stage.ACCEPTED] and order.gap == 4


def test_pending_is_not_accepted():
    _, snapshots, _ = story((4, 50))
    order = tracked()
    assert order.snapshot(Order.read({**snapshots[0].raw, "status": "pending_new"})) == []


def test_a_cancellation_that_loses_against_the_last_fill_ends_completed():
    updates, _, _ = story((4, 50), (6, 50))
    order = tracked()
    tell(order, updates[0])
    order.update("pending_cancel", Order.read({**updates[0].order.raw, "status": "pending_cancel"}))
    changes = [change for each in updates for change in tell(order, each)]
    assert [change.stage for change in changes] == [Stage.PARTIAL, Stage.COMPLETED]


def test_an_end_waits_for_the_executions_it_speaks_of():
    _, snapshots, activities = story((4, 50), "cancel")
    order = tracked()
    assert [change.stage for change in order.snapshot(snapshots[-1])] == []
    assert [change.stage for change in order.explain(activities)] == [Stage.ACCEPTED, Stage.PARTIAL, Stage.CANCELED]


@pytest.mark.parametrize("missing", [{"qty": None}, {"price": None}, {"execution_id": None}, {"event": "new"}])
def test_an_event_without_an_execution_is_none(missing):
    updates, _, _ = story((4, 50))
    fill = next(each for each in updates if each.event == "partial_fill")
    assert execution_of(fill) and execution_of(TradeUpdate(**{**vars(fill), **missing})) is None
