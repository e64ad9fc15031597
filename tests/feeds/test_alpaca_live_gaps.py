"""Live minutes of two symbols while the venue cannot be heard: gaps are filled by REST, in order, once, and are not traded on."""

import pytest
from alpaca_minutes_live import FIRST, Live, agree, at, run_live, walks
from alpaca_streams import until

from brokers.local_alpaca import AnswerFault, BarFault
from brokers.local_alpaca.moments import moment
from core.errors import BadSpec
from feeds.alpaca_recent import RecentSource

AFTER = ["LIVE", "CONNBROKEN", "CONNECTED", "DELAYED", "LIVE"]


def both(seen):
    """Statuses, the same of both feeds, from the first LIVE on."""
    told = seen.of("AAA")
    assert told == seen.of("BBB")
    return told[told.index("LIVE"):]


def test_a_socket_that_drops_for_minutes(venue):
    alpaca = venue()
    seen = run_live(alpaca, at("09:48:30"), fromdate=FIRST, at_time=[(at("09:42:30"), lambda live: live.drop(held_s=150))])
    agree(seen, alpaca)
    assert seen.late[-3:] == ["09:43", "09:44", "09:45"] and seen.live == ["09:41", "09:42", "09:46", "09:47", "09:48"]
    assert both(seen) == AFTER and "another connection holds the account's place" in " ".join(seen.told)


def test_a_socket_that_drops_and_comes_back_within_the_minute_misses_nothing(venue):
    alpaca = venue()
    seen = run_live(alpaca, at("09:44:30"), fromdate=FIRST, at_time=[(at("09:42:30"), lambda live: live.drop())])
    agree(seen, alpaca)
    assert seen.live == ["09:41", "09:42", "09:43", "09:44"] and both(seen) == ["LIVE", "CONNBROKEN", "CONNECTED", "LIVE"]


@pytest.mark.parametrize("first", [True, False], ids=["before it is told", "after one symbol"])
def test_a_socket_that_drops_exactly_at_a_minutes_end(venue, first):
    """Nobody has told 09:43, or AAA alone has: the minute waits for the REST answer, whole."""
    alpaca = venue()
    live = Live(alpaca, at("09:46:30")).add("AAA", "BBB", fromdate=FIRST)
    if not first:
        alpaca.faults.add(BarFault(symbol="BBB", do="missing", nth=3))

    def drop(prints):
        if alpaca.now == moment(at("09:43")):
            live.clock.catch_up()
            live.drop(held_s=30)

    listeners = alpaca.print_listeners
    listeners.insert(0 if first else len(listeners), drop)
    seen = live.run()
    agree(seen, alpaca)
    assert seen.late[-1] == "09:43" and seen.live == ["09:41", "09:42", "09:44", "09:45", "09:46"] and both(seen) == AFTER


def test_a_socket_that_drops_twice(venue):
    alpaca = venue()
    drops = [(at(time), lambda live: live.drop(held_s=30)) for time in ("09:42:30", "09:42:58", "09:44:59")]
    seen = run_live(alpaca, at("09:48:30"), fromdate=FIRST, at_time=drops)
    agree(seen, alpaca)
    assert seen.live[-2:] == ["09:47", "09:48"] and both(seen)[-1] == "LIVE"


def test_a_socket_that_drops_while_the_gap_is_filled(venue):
    alpaca = venue()
    live = Live(alpaca, at("09:48:30"), at_time=[(at("09:42:30"), lambda live: (live.drop(held_s=90), hooked.append(True)))])
    hooked = []

    def drop(when, request):
        if when == "before" and hooked and request.path == "/v2/stocks/bars":
            hooked.clear()
            live.drop(held_s=20)

    alpaca.on_request(drop)
    seen = live.add("AAA", "BBB", fromdate=FIRST).run()
    agree(seen, alpaca)
    assert not hooked and seen.live[-2:] == ["09:47", "09:48"]
    assert seen.of("AAA").count("CONNBROKEN") == 2


def test_an_outage_of_everything(venue):
    alpaca = venue()
    seen = run_live(alpaca, at("09:49:30"), fromdate=FIRST, at_time=[(at("09:42:30"), lambda live: live.outage(150))])
    agree(seen, alpaca)
    assert seen.live[:2] == ["09:41", "09:42"] and seen.live[-1] == "09:49" and "09:44" in seen.late and both(seen)[-1] == "LIVE"


def test_rest_that_is_down_while_the_gap_is_to_be_filled(venue):
    """The stream is back at 09:43; until REST answers, nothing newer is shown, and what is old by then is not traded on."""
    alpaca = venue()

    def fail(live):
        live.drop(held_s=60)
        alpaca.faults.add(AnswerFault(path="/v2/stocks/bars", accepted=False, status=500, times=5))

    seen = run_live(alpaca, at("09:49:30"), fromdate=FIRST, at_time=[(at("09:42:30"), fail)])
    agree(seen, alpaca)
    assert seen.live[-2:] == ["09:48", "09:49"] and {"09:43", "09:44"} <= set(seen.late)
    told, = [told for told in seen.told if "did not answer" in told]
    assert told == "market data: alpaca did not answer (500 no reason given): check the network and try again"


@pytest.mark.parametrize("path", ["/v2/stocks/bars", "/v1/corporate-actions", "/v2/calendar"])
def test_rest_that_is_down_at_the_start(venue, path):
    alpaca = venue()
    fault = AnswerFault(path=path, accepted=False, status=503, times=30)
    live = Live(alpaca, at("09:47:30"), at_time=[(at("09:42:10"), lambda live: setattr(fault, "times", 1))]).add("AAA", "BBB", fromdate=FIRST)
    alpaca.faults.add(fault)
    seen = live.run()
    agree(seen, alpaca)
    assert fault.struck > 2 and seen.live[-1] == "09:47" and seen.told


def test_a_clock_that_does_not_answer_at_the_reconnection(venue):
    alpaca = venue()
    fault = AnswerFault(path="/v2/clock", accepted=False, status=503, times=20)
    restored = (at("09:44:10"), lambda live: setattr(fault, "times", 1))
    seen = run_live(alpaca, at("09:47:30"), fromdate=FIRST,
                    at_time=[(at("09:42:30"), lambda live: (live.drop(), alpaca.faults.add(fault))), restored])
    agree(seen, alpaca)
    assert fault.struck and seen.live[-2:] == ["09:46", "09:47"] and both(seen)[-1] == "LIVE"


def test_a_stream_that_is_open_but_mute(venue):
    """Noticed 3 s after the first minute that it does not tell; REST tells what it does not."""
    alpaca = venue()
    lags = {}
    seen = run_live(alpaca, at("09:48:30"), fromdate=FIRST, at_bar=lambda s: lags.setdefault(s.moments[-1], alpaca.now - s.moments[-1]),
                    at_time=[(at("09:42:30"), lambda live: alpaca.mute("data")), (at("09:44:30"), lambda live: alpaca.unmute("data"))])
    agree(seen, alpaca)
    assert seen.late[-2:] == ["09:43", "09:44"] and seen.live[-2:] == ["09:47", "09:48"]
    assert lags[moment(at("09:43"))] < 4e9 and "mute" in " ".join(seen.told)


def test_a_place_that_is_taken_at_the_start(venue):
    alpaca = venue()
    alpaca.take_slot("data", 150)
    seen = run_live(alpaca, at("09:46:30"), fromdate=FIRST)
    agree(seen, alpaca)
    assert seen.live[-2:] == ["09:45", "09:46"] and "LIVE" not in seen.of("AAA")[:2]


@pytest.mark.parametrize("code", [400, 401, 402, 404, 405, 406, 407, 409, 410, 500])
def test_errors_that_the_stream_tells(venue, code):
    alpaca = venue()
    seen = run_live(alpaca, at("09:46:30"), fromdate=FIRST, at_time=[(at("09:42:30"), lambda live: live.error(code, ends=code not in (400, 405, 410)))])
    agree(seen, alpaca)
    assert "09:42" in seen.live[:2] and seen.live[-2:] == ["09:45", "09:46"]  # the first connection may have taken its time
    assert any(str(code) in told for told in seen.told)


def test_keys_that_are_revoked_for_minutes(venue):
    alpaca = venue()

    def revoke(live):
        alpaca.revoke_keys()
        until(lambda: live.clock.state != "connected")

    seen = run_live(alpaca, at("09:50:30"), fromdate=FIRST,
                    at_time=[(at("09:42:30"), revoke), (at("09:45:30"), lambda live: alpaca.revoke_keys(False))])
    agree(seen, alpaca)
    assert seen.live[-1] == "09:50" and "ALPACA_API_KEY" in " ".join(seen.told)
    assert not [told for told in seen.told if alpaca.secret_key in told]


def test_keys_that_are_revoked_for_good(venue):
    """The run goes on without bars, says why, and returns when it is stopped."""
    alpaca = venue()
    seen = run_live(alpaca, at("09:46:30"), fromdate=FIRST, at_time=[(at("09:42:30"), lambda live: alpaca.revoke_keys())])
    assert seen.live == ["09:41", "09:42"] and seen.of("AAA")[-1] == "CONNBROKEN" and "ALPACA_API_KEY" in " ".join(seen.told)


def test_a_connection_lost_in_the_middle_of_a_longer_bar(venue):
    """Five minutes of which the stream tells the first and the last, REST the others."""
    alpaca = venue()
    live = Live(alpaca, at("09:55:30"), at_time=[(at("09:47:30"), lambda live: live.drop(held_s=70))])
    seen = live.add("AAA", "BBB", fromdate=FIRST, compression=5).run()
    for bars in RecentSource(live.store.endpoints, live.store.clock, settle_ns=0).fetch(["AAA", "BBB"], "2024-02-29", None, "5m"):
        assert [each[0] for each in seen.bars[bars.symbol]] == bars.index.tolist()
        assert [each[4] for each in seen.bars[bars.symbol]] == bars.close.tolist()
        assert [each[5] for each in seen.bars[bars.symbol]] == bars.volume.tolist()
    assert seen.live == ["09:45", "09:50", "09:55"]


def test_silence_that_is_nobody_trading_is_no_gap(venue):
    """Nobody trades from 09:43 to 09:45: REST is asked, has nothing, and the connection stays."""
    quiet = range(52, 55)
    alpaca = venue(bars=walks("2024-02-29 15:20", "2024-03-01 09:30", silent={"AAA": quiet, "BBB": quiet}))
    seen = run_live(alpaca, at("09:48:30"), fromdate=FIRST)
    agree(seen, alpaca)
    assert seen.live == ["09:41", "09:42", "09:46", "09:47", "09:48"] and both(seen) == ["LIVE"] and not seen.told


def test_more_symbols_than_the_data_plan_streams_are_one_clear_line(venue):
    alpaca = venue()
    with pytest.raises(BadSpec, match=r"data plan does not stream so many symbols .*\(error 405\).*: name fewer, or take another plan"):
        run_live(alpaca, at("09:46:30"), fromdate=FIRST, at_time=[(at("09:40:50"), lambda live: live.error(405, ends=False))])
