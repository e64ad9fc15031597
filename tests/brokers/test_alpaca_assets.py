"""What may be done with a symbol is known before an order needs it, and is read anew every day."""

import pytest
from alpaca_rest import rest_of

from brokers.alpaca.assets import Assets
from brokers.alpaca.clock import BrokerClock
from brokers.alpaca.errors import BrokerUnavailable
from brokers.local_alpaca import AnswerFault
from core.errors import UnknownName

SYMBOLS = ("AAA", "BBB")


@pytest.fixture(name="assets")
def _assets(alpaca, rest):
    return Assets(rest, BrokerClock(rest))


def asked(alpaca):
    return [request.path.rpartition("/")[2] for request in alpaca.ledger.requests if "/assets/" in request.path]


def look(assets, alpaca, times=3, symbols=SYMBOLS):
    """A turn a second."""
    for _ in range(times):
        assets.ask_ahead(symbols)
        alpaca.advance(seconds=1)


def test_each_is_asked_for_once_ahead_and_not_when_it_is_needed(assets, alpaca):
    look(assets, alpaca)
    assert [assets.of(symbol).symbol for symbol in SYMBOLS] == list(SYMBOLS)
    assert asked(alpaca) == ["AAA", "BBB"]


def test_no_more_than_one_a_second(assets, alpaca):
    for _ in range(10):
        assets.ask_ahead(SYMBOLS)
    assert asked(alpaca) == ["AAA"]


def test_what_is_needed_before_its_time_is_not_asked_for_again(assets, alpaca):
    assets.of("AAA")
    look(assets, alpaca)
    assert asked(alpaca) == ["AAA", "BBB"]


def test_another_day_is_another_answer(assets, alpaca):
    look(assets, alpaca)
    alpaca.advance(to="2024-03-02T00:00:01-05:00")
    look(assets, alpaca)
    assets.of("AAA")
    assert asked(alpaca) == ["AAA", "BBB"] * 2


def test_an_outage_is_met_once_a_minute_and_with_one_request(assets, alpaca):
    alpaca.faults.add(AnswerFault(path="/v2/assets", status=503, times=1000))
    look(assets, alpaca, 59)
    assert asked(alpaca) == ["AAA"]
    look(assets, alpaca, 62)
    assert asked(alpaca) == ["AAA", "BBB"]
    with pytest.raises(BrokerUnavailable):
        assets.of("AAA")


def test_what_failed_ahead_is_asked_for_when_it_is_needed(assets, alpaca):
    alpaca.faults.add(AnswerFault(path="/v2/assets", status=503))
    look(assets, alpaca)
    assert assets.of("AAA").tradable
    assert asked(alpaca) == ["AAA", "AAA"]


def test_a_symbol_nobody_knows_keeps_none_of_the_others_back(assets, alpaca):
    look(assets, alpaca, 62, ("ZZZ", "BBB"))
    assert asked(alpaca) == ["ZZZ", "BBB"]
    with pytest.raises(UnknownName):
        assets.of("ZZZ")


def test_a_run_that_ends_asks_for_nothing(alpaca):
    rest = rest_of(alpaca)
    assets = Assets(rest, BrokerClock(rest))
    rest.hurried = lambda: True
    look(assets, alpaca)
    assert asked(alpaca) == []
    rest.close()
