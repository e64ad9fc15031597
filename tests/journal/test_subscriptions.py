"""Subscriptions: opted in by a link, advised once, told once, and nothing more after leaving; on every database."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.clock import ManualClock
from core.errors import UnknownName, UsageError
from journal import opened
from journal.subscriptions import AGAIN_NS, MOST_FOLLOWED, NEVER, Advice

BUY = Advice("GoldenCross", "SPY", "2024-03-01", "BUY", Decimal("512.85"), {"fast": 510.1, "slow": 500.0})
GOLD = ("GoldenCross", "SPY")


@pytest.fixture(name="clock")
def _clock():
    return ManualClock(1_000_000_000)


@pytest.fixture(name="subscriptions")
def _subscriptions(place, clock):
    with opened(place, clock) as journal:
        yield journal.subscriptions


def member(subscriptions, address="ann@example.org", follows=(GOLD,)):
    """Somebody who has opted in and been asked."""
    one = subscriptions.confirm(subscriptions.ask(address, follows).token)
    for due in subscriptions.due():
        if due.asks:
            subscriptions.sent(due)
    return one


def test_an_address_takes_part_once_it_has_opted_in(subscriptions):
    asked = subscriptions.ask(" Ann@Example.ORG ", [GOLD, GOLD, ("Momentum", "QQQ")])
    assert (asked.address, asked.confirmed, asked.follows) == ("Ann@example.org", False, (GOLD, ("Momentum", "QQQ")))
    assert subscriptions.followed() == {} and subscriptions.advise([BUY]) == 1
    [due] = subscriptions.due()
    assert due.asks and due.advices == () and due.subscriber == asked
    subscriptions.sent(due)
    assert subscriptions.due() == [] and subscriptions.waiting() == 0
    assert subscriptions.confirm(asked.token).confirmed and subscriptions.subscriber(asked.token).confirmed
    assert subscriptions.followed() == {"GoldenCross": ("SPY",), "Momentum": ("QQQ",)}


def test_an_advice_is_told_once_to_whoever_follows_it_then(subscriptions):
    ann, ben = member(subscriptions), member(subscriptions, "ben@example.org", [GOLD, ("Momentum", "SPY")])
    sell = replace(BUY, strategy="Momentum", signal="SELL")
    assert subscriptions.advise([BUY, sell]) == 2 and subscriptions.advise([BUY, replace(sell, close=Decimal(1))]) == 0
    late = member(subscriptions, "late@example.org")
    first, second = subscriptions.due()
    assert (first.subscriber, first.advices) == (ann, (BUY,)) and (second.subscriber, second.advices) == (ben, (BUY, sell))
    subscriptions.sent(first)
    assert [each.subscriber for each in subscriptions.due()] == [ben] and subscriptions.due(after=ben.id) == []
    subscriptions.sent(second)
    assert subscriptions.advise([BUY]) == 0 and subscriptions.due() == []
    assert late.confirmed and subscriptions.advices() == [BUY, sell] and subscriptions.advices(symbol="QQQ") == subscriptions.advices(since="2024-03-02") == []


def test_what_did_not_leave_is_tried_later(subscriptions, clock):
    member(subscriptions)
    subscriptions.advise([BUY])
    [due] = subscriptions.due()
    subscriptions.sent(due)
    subscriptions.failed(due, "451 try again later", clock.now_ns() + 60 * 10**9)
    assert subscriptions.due() == [] and subscriptions.waiting() == 1
    clock.sleep(60)
    [again] = subscriptions.due()
    assert again.attempts == 1 and again.advices == (BUY,)


def test_who_has_left_hears_nothing_more_and_may_come_back(subscriptions, clock):
    ann = member(subscriptions)
    subscriptions.advise([BUY])
    assert not subscriptions.leave(ann.token).confirmed and not subscriptions.leave(ann.token).confirmed
    assert subscriptions.due() == [] and subscriptions.followed() == {}
    assert subscriptions.advise([replace(BUY, session="2024-03-04")]) == 1 and subscriptions.due() == []
    clock.sleep(1)
    again = subscriptions.ask("ann@example.org", [GOLD])
    assert not again.confirmed and [due.asks for due in subscriptions.due()] == [True]
    assert subscriptions.confirm(again.token).follows == (GOLD,)


def test_nobody_else_changes_what_a_member_follows_or_has_it_asked_all_day(subscriptions, clock):
    ann = member(subscriptions)
    assert subscriptions.ask("ann@example.org", [("Momentum", "QQQ")]).follows == (GOLD,)
    [wish] = subscriptions.due()
    assert wish.wishes and not wish.asks and subscriptions.sent(wish)
    assert subscriptions.ask("ann@example.org", [("Momentum", "QQQ")]).follows == (GOLD,) and subscriptions.due() == []
    assert subscriptions.follow(ann.token, [("Momentum", "QQQ")]).follows == (("Momentum", "QQQ"),)
    for _ in range(3):
        subscriptions.ask("ben@example.org", [GOLD])
    assert len(subscriptions.due()[0].deliveries) == 1
    clock.sleep(AGAIN_NS / 1e9)
    subscriptions.ask("ben@example.org", [GOLD])
    assert len(subscriptions.due()[0].deliveries) == 2


@pytest.mark.parametrize("text", [
    "", "ann", "@example.org", "ann@", "a b@example.org", "ann@example.org\nBcc: x@example.org", "ann@example.org,ben@example.org", "<ann@example.org>",
    "ann@-example.org", "ann@exam_ple.org", "ann\x00@example.org", "a" * 65 + "@example.org", "\"ann\"@example.org", "ann@example..org", "ann@[127.0.0.1]", "änn@example.org"])
def test_what_is_no_address(subscriptions, text):
    with pytest.raises(UsageError, match="is not an e-mail address"):
        subscriptions.ask(text, [GOLD])
    assert subscriptions.due() == []


def test_the_answer_is_the_same_for_those_who_are_known(subscriptions):
    member(subscriptions)
    half = [("S", f"A{number}") for number in range(600)]
    for address in ("ann@example.org", "new@example.org"):
        for follows in (half, half, [("T", symbol) for _, symbol in half]):
            subscriptions.ask(address, follows)
        with pytest.raises(UsageError, match="too many"):
            subscriptions.ask(address, half + [("T", symbol) for _, symbol in half])
    assert len(subscriptions.ask("new@example.org", half).follows) == MOST_FOLLOWED


def test_what_was_refused_after_leaving_is_not_sent_and_what_is_given_up_does_not_wait(subscriptions, clock):
    ann, ben = member(subscriptions), member(subscriptions, "ben@example.org")
    subscriptions.advise([BUY])
    one, two = subscriptions.due()
    assert subscriptions.sent(one) and subscriptions.leave(ann.token)
    subscriptions.failed(one, "451", 0)
    subscriptions.failed(two, "550", NEVER)
    assert subscriptions.due() == [] and ben.confirmed
    clock.sleep(1)
    subscriptions.ask("ann@example.org", [GOLD])
    assert [(due.asks, due.advices) for due in subscriptions.due()] == [(True, ())]


def test_too_little_too_much_and_links_of_nobody(subscriptions):
    with pytest.raises(UsageError, match="nothing is to be followed"):
        subscriptions.ask("ann@example.org", [])
    with pytest.raises(UsageError, match="1001 subscriptions are too many"):
        subscriptions.ask("ann@example.org", [("S", f"A{number}") for number in range(MOST_FOLLOWED + 1)])
    assert subscriptions.due() == []
    for work in (subscriptions.confirm, subscriptions.leave, subscriptions.subscriber):
        for token in ("", "x", "' OR 1=1 --"):
            with pytest.raises(UnknownName, match="this link is not valid"):
                work(token)
    ann, ben = member(subscriptions), member(subscriptions, "ben@example.org")
    assert len({ann.token, ben.token}) == 2 and len(ann.token) >= 43 and ann.token not in repr(ann)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(["join", "leave", "advise", "send"]), st.integers(0, 2), st.integers(0, 2)), max_size=15))
def test_everybody_is_told_everything_once(steps, tmp_path_factory):
    told, wanted, inside, advised = [], [], set(), set()
    with opened(tmp_path_factory.mktemp("steps") / "journal.db", ManualClock(1)) as journal:
        subscriptions, tokens, session = journal.subscriptions, {}, 0
        for step, who, what in steps:
            address, symbol = f"{who}@example.org", f"S{what}"
            if step == "join" and who not in inside:
                tokens[who] = subscriptions.ask(address, [("X", f"S{each}") for each in range(who + 1)]).token
                subscriptions.confirm(tokens[who])
                inside.add(who)
            elif step == "leave" and who in inside:
                subscriptions.leave(tokens[who])
                inside.remove(who)
                wanted = [each for each in wanted if each[0] != address or each in told]
            elif step == "advise":
                session += who == 0
                new = subscriptions.advise([replace(BUY, strategy="X", symbol=symbol, session=f"2024-{session:05}")])
                assert new == ((symbol, session) not in advised)
                advised.add((symbol, session))
                wanted += [(f"{each}@example.org", symbol, session) for each in sorted(inside) if new and what <= each]
            else:
                for due in subscriptions.due(limit=2):
                    told += [(due.subscriber.address, each.symbol, int(each.session[5:])) for each in due.advices]
                    subscriptions.sent(due)
        for due in subscriptions.due():
            told += [(due.subscriber.address, each.symbol, int(each.session[5:])) for each in due.advices]
    assert sorted(told) == sorted(wanted)
