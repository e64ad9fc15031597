"""Executions of the local Alpaca arrive at a real API once each, whatever fails between the two."""

from dataclasses import replace
from decimal import Decimal

import pytest
from alpaca_rest import endpoints_of
from alpaca_streams import until

from brokers.local_alpaca import EventFault
from core.errors import BadSpec
from journal.account_log import LiveExecution
from services.stream.pace import Pace
from services.stream.queue_file import QueueFile
from services.stream.service import StreamService


def in_parts(world, name, *parts, **more):
    order = world.order(name, qty=sum(parts), **more)
    for part in parts:
        world.alpaca.fill(order.id, part, 100.25)


def test_what_is_heard_and_what_happened_before_is_delivered_once(world):
    in_parts(world, "before", 3, 4)
    with world.api(), world.service():
        world.listening()
        world.delivered()
        in_parts(world, "heard", 1, 2, 7)
        world.traded("sold", side="sell", price=101.5)
        world.delivered()
    assert not world.warned
    with QueueFile(world.queue) as queue:
        assert queue.count() == 0


def test_a_cut_socket_hides_nothing(world):
    with world.api(), world.service():
        world.listening()
        in_parts(world, "before", 5)
        world.alpaca.mute("trade")
        in_parts(world, "unheard", 1, 2)
        world.alpaca.drop("trade")
        in_parts(world, "cut", 3, symbol="BBB")
        world.alpaca.unmute("trade")
        world.listening(2)
        in_parts(world, "after", 4)
        world.delivered()
    assert [text for text in world.warned if "lost" in text]


def test_what_nobody_tells_is_read_now_and_then(world):
    with world.api(), world.service(Pace(read_s=0.05)):
        world.listening()
        for fault in ("lose", "duplicate", "rename"):
            world.alpaca.faults.add(EventFault(event="fill", do=fault))
            world.traded(fault)
            world.delivered()


def test_an_event_alone_proves_nothing(world):
    with world.api(), world.service():
        world.listening()
        world.alpaca.faults.add(EventFault(event="fill", do="alien"))
        world.traded("real", price=77.0)
        until(lambda: world.warned)
        world.alpaca.drop("trade")
        world.listening(2)
        world.traded("next")
        world.delivered()
    assert "buy 10 AAA at 77" in world.warned[0] and "alpaca does not know the order" in world.warned[0]
    with QueueFile(world.queue) as queue:
        assert len(queue.refused()) == 1


def test_the_api_is_away_for_a_while(world):
    with world.service():
        world.listening()
        in_parts(world, "one", 2, 8)
        world.waiting(2)
        with world.api():
            world.delivered()
        in_parts(world, "two", 3, 3)
        world.waiting(2)
        with world.api():
            world.delivered()
            times = [each.time_ns for each in world.recorded()]
    assert times == sorted(times)
    assert len([text for text in world.warned if "does not answer" in text]) == 2
    told = [text for text in world.told if text.startswith("buy")]
    assert told == [f"buy {qty} AAA at 100.25" for qty in (2, 8, 3, 3)]


def test_executions_go_to_the_run_whose_order_it_was(world):
    exits = dict(order_class="bracket", take_profit={"limit_price": "120"}, stop_loss={"stop_price": "90"}, type="market", limit_price=None)
    with world.api(), world.service():
        world.listening()
        world.decide("mine", "single", "group")
        world.traded("single")
        world.traded("other")
        world.order("group", **exits)
        group = world.alpaca.order("group")
        if not group.filled_qty:
            world.alpaca.fill(group.id)
        profit = next(leg for leg in group.legs if leg.type == "limit")
        world.alpaca.fill(profit.id, price=120.0)
        world.delivered()
        assert {each.client_order_id: each.run for each in world.recorded()} == {
            "single": "mine", "other": "", "group": "mine", profit.client_order_id: "mine"}


def test_what_was_recorded_in_one_is_not_recorded_again_in_parts(world):
    in_parts(world, "order", 4, 6, 5)
    _, second, _ = world.alpaca.ledger.executions
    with world.api():
        lump = LiveExecution("order", second.order_id, Decimal(10), world.alpaca.account_id, "mine", "AAA", "buy", Decimal(10), second.price,
                             second.time)
        world.journal.account_log.execute([lump])
        with world.service():
            until(lambda: len(world.recorded()) > 1)
            assert [(each.filled, each.qty) for each in world.recorded()] == [(10, 10), (15, 5)]


def test_what_is_refused_for_good_is_set_aside(world):
    with world.api(), world.service():
        world.listening()
        world.decide("mine", "bad")
        world.traded("good")
        world.delivered()
        good = world.recorded()[0]
    with QueueFile(world.queue) as queue:
        queue.put([replace(good, client_order_id="bad", price=-good.price)])
    with world.api():
        for turn in (2, 3):
            with world.service():
                world.listening(turn)
                world.traded(f"next {turn}")
                world.delivered()
    assert len(world.warned) == 1 and "set aside" in world.warned[0] and "price" in world.warned[0]
    with QueueFile(world.queue) as queue:
        (refused, reason), = queue.refused()
        assert refused.client_order_id == "bad" and "price" in reason and queue.count() == 0


def test_another_kind_of_account_ends_it(world):
    with QueueFile(world.queue) as queue:
        service = StreamService(endpoints_of(world.alpaca, paper=False), world.journal, queue, world.told.append, world.warned.append)
        with pytest.raises(BadSpec, match="is a paper account, but live trading was asked for"):
            service.run()
