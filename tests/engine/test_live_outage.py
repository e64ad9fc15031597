"""Market data that stays away within a session: one alert, in the journal too, and word when it is back; a short absence is none."""

import numpy as np
import pytest
from streamed_runs import SPEC, lived, two_days, venue

from core.calendars import get_calendar
from core.clock import ManualClock
from core.errors import StoreFailed
from engine.live.outage import AFTER_NS, Outage
from journal import Journal
from journal.account_log import ALERT

OPEN = int(get_calendar("XNYS").open_of(np.array(["2024-02-21"], "datetime64[D]"))[0])


@pytest.fixture(name="journal")
def _journal(tmp_path):
    with Journal(tmp_path / "journal.db") as journal:
        yield journal


@pytest.mark.parametrize(("away_s", "alerts"), [(60, 0), (600, 1)])
def test_a_run_whose_data_stays_away_alerts_once(journal, away_s, alerts):
    heard = []
    with venue(two_days(60), "2024-02-21T09:31:00-05:00") as alpaca:
        lived(alpaca, "2024-02-21T09:55:00-05:00", SPEC, at_time=[("2024-02-21T09:36:10-05:00", lambda live: live.outage(away_s))], heard=heard, journal=journal)
    assert [event.kind for event in heard if "no market data for" in event.text] == ["alert"] * alerts
    assert sum("market data is back after" in event.text for event in heard) == alerts
    noted = [note for note in journal.account_log.notes(kinds=[ALERT]) if "no market data" in note.text]
    assert len(noted) == alerts


def watch(start_ns, note=lambda text: None):
    """(an outage from a moment on, its clock, what it tells)."""
    told, clock = [], ManualClock(start_ns)
    outage = Outage(clock, get_calendar("XNYS"), lambda text, alert: told.append((alert, text)), note)
    outage.connected(False)
    return outage, clock, told


def test_time_outside_the_session_does_not_count():
    outage, clock, told = watch(OPEN - 3600 * 10**9)
    for seconds, alerts in ((3600 + 119, 0), (2, 1), (600, 1)):
        clock.sleep(seconds)
        outage.look()
        assert len(told) == alerts
    assert told[0][0] and "for 2 minutes" in told[0][1]
    closed, clock, told = watch(OPEN + 8 * 3600 * 10**9)
    clock.sleep(3600)
    closed.look()
    assert told == []


def test_another_outage_is_another_alert():
    outage, clock, told = watch(OPEN)
    for _ in range(2):
        outage.connected(False)  # every feed says so
        clock.sleep(AFTER_NS / 1e9)
        outage.look()
        outage.connected(True)
        outage.connected(True)
        outage.look()
        outage.connected(False)
    assert [alert for alert, _ in told] == [True, False, True, False] and "back after 2 minutes" in told[1][1]


def test_a_journal_that_fails_is_told():
    def note(_):
        raise StoreFailed("the disk is full")

    outage, clock, told = watch(OPEN, note)
    clock.sleep(AFTER_NS / 1e9)
    outage.look()
    assert told[0][0] and told[1] == (False, "the alert is not in the journal: the disk is full")
