"""A daily run is killed wherever it writes or sends; started again, it neither repeats nor loses an order.

The account has to sell two symbols in the evening before it can buy two others in the morning; the next evening finds them
filled, and decides again.
"""

import shutil
from functools import cache

import pytest
from killed_runs import Killer, Runs, blank_journal, outcome
from live_days import Days
from mortal_days import BARS, EVENING, FRAME, MORTAL, PAGE, held_venue

from journal import Journal
from journal.blotter import PLANNED

pytestmark = pytest.mark.slow

MOMENTS = {"evening": EVENING, "morning": "2024-02-21T09:31-05:00", "next evening": "2024-02-21T19:05-05:00"}


@pytest.fixture(name="runs", scope="module")
def _runs():
    runs = Runs()
    yield runs
    runs.close()


@pytest.fixture(name="blank", scope="module")
def _blank(tmp_path_factory):
    path = tmp_path_factory.mktemp("blank") / "journal.db"
    blank_journal(path)
    return path


@pytest.fixture(name="life", scope="module")
def _life(blank, tmp_path_factory):
    """Lives an evening and the day after, with `dies(alpaca, path)` at a moment, before a run that nothing disturbs.

    Returns what has become of everything by then, which is all that what follows depends on; or by the `end`.
    """

    def live(moment="", dies=None, end="", fresh=False):
        path = tmp_path_factory.mktemp("life") / "journal.db"
        if not fresh:
            shutil.copy(blank, path)
        with held_venue() as alpaca:
            days = Days(alpaca, BARS, path, MORTAL)
            for name, when in MOMENTS.items():
                alpaca.advance(to=when)
                if name == moment:
                    dies(alpaca, path)
                days.once()
                if name == (end or moment):
                    break
            return outcome(alpaca, path)

    return live


EVERY = pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.soak)])  # every third one, or every one


@pytest.fixture(name="whole", scope="module")
def _whole(life):
    """What has become of the life that nothing disturbs, by each of the moments."""
    return {moment: life(end=moment) for moment in MOMENTS}


@pytest.fixture(name="passed", scope="module")
def _passed(life, runs):
    """What a run passes at each of the moments."""

    @cache
    def passed(moment):
        told = []
        life(moment, lambda alpaca, path: told.append(runs.once(alpaca, path)))
        return told[0]

    return passed


def dying(runs, *at):
    def dies(alpaca, path):
        assert runs.once(alpaca, path, at) is None, at

    return dies


def test_the_life_that_nothing_disturbs(whole, passed):
    assert sorted((symbol, side, status) for _, symbol, side, _, status in whole["next evening"]["orders"]) == [
        ("AAA", "sell", "filled"), ("BBB", "sell", "accepted"), ("BBB", "sell", "filled"), ("CCC", "buy", "filled"), ("DDD", "buy", "filled")]
    assert [len(each["executions"]) for each in whole.values()] == [0, 2, 4]
    assert all(each["recorded"] == each["executions"] for each in whole.values())
    points = {moment: passed(moment)["points"] for moment in MOMENTS}
    assert [each.count("before submit") for each in points.values()] == [2, 2, 1]
    assert [each.count("before commit") for each in points.values()] == [6, 9, 8]


@EVERY
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_every_point(life, runs, whole, passed, moment, step):
    for at, name in [*enumerate(passed(moment)["points"], 1)][::step]:
        assert life(moment, dying(runs, "point", at)) == whole[moment], (at, name)


@EVERY
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_within_every_commit(life, runs, whole, passed, moment, step):
    for commit, length in [*enumerate(passed(moment)["commits"])][::step]:
        for written in sorted(each for each in {100, FRAME // 2, FRAME, length // 2, length - 1} if each < length):
            assert life(moment, dying(runs, "commit", commit, written)) == whole[moment], (commit, written)


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_while_the_log_goes_into_the_file(life, runs, whole, passed, moment):
    pages = passed(moment)["pages"]
    assert pages
    for page in pages:
        assert life(moment, dying(runs, "closing", (page - 1) * PAGE + PAGE // 2)) == whole[moment], page


@pytest.mark.parametrize("length", [0, 100, 2 * PAGE, 8 * PAGE + 1, 12 * FRAME])
def test_killed_while_the_journal_is_made(life, runs, whole, length):
    assert life("evening", dying(runs, "file", length), fresh=True) == whole["evening"]


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("moment", ["evening", "morning"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_while_the_venue_takes_an_order(life, runs, whole, moment, nth, when):
    def dies(alpaca, path):
        killer = Killer(alpaca, when, nth)
        assert killer.once(runs, path) is None
        killer.end()

    assert life(moment, dies, end="next evening") == whole["next evening"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_order_of_the_killed_arrives_late(life, runs, whole, method):
    """The next run has not found it (GET), or has sent it once more (POST)."""
    killers = []

    def dies(alpaca, path):
        killers.append(Killer(alpaca, until=lambda request, victim: request.method == method and bool(request.client_order_id)))
        assert killers[0].once(runs, path) is None

    assert life("evening", dies, end="next evening") == whole["next evening"]


def test_an_order_that_arrived_after_nobody_had_found_it_is_not_taken_for_unsent(tmp_path):
    """The next decision takes back what remains of the last; this order has been filled since it was asked for in vain."""
    with held_venue() as alpaca:
        days = Days(alpaca, BARS, tmp_path / "journal.db", MORTAL)
        name = days.once().orders[0].client_order_id
        with Journal(days.path) as journal:
            journal.blotter.change(name, state=PLANNED, broker_id="", status="")
        days.at("16:25", days.session_after(days.today))
        days.once()
        with Journal(days.path) as journal:
            first, _ = journal.blotter.decisions(alpaca.account_id)
            order = next(each for each in journal.blotter.orders(first.id) if each.client_order_id == name)
    assert (order.state, order.status, order.filled, order.reason) == ("done", "filled", order.qty, "")
