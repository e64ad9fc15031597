"""The HTTP connections of live feeds: opened once, kept between questions, made again where the server has closed them, ended with the store."""

import pytest
from alpaca_minutes_live import FIRST, at, run_live
from alpaca_rest import VenueClock, endpoints_of
from alpaca_streams import until

from brokers.local_alpaca import AnswerFault, LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes
from core.errors import CerebrolabError
from feeds.alpaca_recent import RecentBars

BARS = "/v2/stocks/bars"


@pytest.fixture(name="alpaca")
def _alpaca():
    with LocalAlpaca(minutes(AAA=[100] * 30), now="2024-03-01T09:50-05:00") as alpaca:
        yield alpaca


@pytest.fixture(name="recent")
def _recent(alpaca):
    recent = RecentBars(endpoints_of(alpaca), VenueClock(alpaca), report=lambda text: None)
    yield recent
    recent.close()


def asked(recent):
    """How many bars there are now, and what is announced."""
    [bars] = recent.fetch(["AAA"], "2024-03-01", "1m")
    assert recent.actions(["AAA"], "2024-03-01", "2024-03-01") == {"AAA": []}
    return len(bars)


def test_many_questions_cost_two_connections(alpaca, recent):
    """One for bars, one for corporate actions."""
    assert {asked(recent) for _ in range(5)} == {20}
    assert alpaca.rest.connections == 2 and len(alpaca.ledger.requests) == 15


def test_a_connection_that_the_server_has_closed_is_made_again(alpaca, recent):
    asked(recent)
    alpaca.rest.drop_connections()
    assert asked(recent) == 20 and alpaca.rest.connections == 4


@pytest.mark.parametrize("fault", [{"lost": True}, {"reset": True}])
def test_one_that_it_closes_as_the_question_arrives_is_made_again_once(alpaca, recent, fault):
    """On a new connection it is a failure: the feeds report it, and ask again later."""
    asked(recent)
    struck = alpaca.faults.add(AnswerFault(path=BARS, **fault))
    assert asked(recent) == 20 and struck.struck == 1 and alpaca.rest.connections == 3
    struck = alpaca.faults.add(AnswerFault(path=BARS, times=2, **fault))
    with pytest.raises(CerebrolabError, match="alpaca did not answer"):
        asked(recent)
    assert struck.struck == 2
    struck = alpaca.faults.add(AnswerFault(path=BARS, **fault))
    with pytest.raises(CerebrolabError, match="alpaca did not answer"):
        asked(recent)
    assert struck.struck == 1 and asked(recent) == 20


def test_a_silent_minute_costs_no_connection():
    """Nobody trades any more: every minute REST is asked, over the connections that are there; the store ends them."""
    with LocalAlpaca(minutes(AAA=[100] * 12, BBB=[50] * 12), now="2024-03-01T09:40:30-05:00") as alpaca:
        seen = run_live(alpaca, at("09:55:30"), fromdate=FIRST)
        questions = [request for request in alpaca.ledger.requests if request.path == BARS]
        assert seen.live == ["09:41", "09:42"] and len(questions) >= 12
        assert alpaca.rest.connections <= 4  # bars, actions, and those of the account
        until(lambda: not alpaca.rest._open)
