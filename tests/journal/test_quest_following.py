"""QuestDB following a journal: killed anywhere, away for a while, or somebody else's, it is never wrong."""

import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from decimal import Decimal

import pytest
from questdb_rows import DECISION, EXECUTION, wait_for

from core.errors import StoreFailed, UsageError
from core.questdb_address import QuestAddress
from journal import Journal
from journal.database import Database
from journal.quest import Quest, QuestAway, follow, standings
from journal.quest.quest import KINDS
from services.questdb import keep_up

pytestmark = pytest.mark.xdist_group("questdb")  # one server for all of them
LATE = 1_000_000
FOLLOW = """import sys
from journal.database import Database
from journal.quest import Quest, follow
follow(Database("sqlite:///" + sys.argv[1]), Quest(sys.argv[2]), batch=1)
"""


class Killed(BaseException):
    """As when the process ends here."""


class Mortal:
    """A Quest whose process is killed before, or after, its n-th step."""

    def __init__(self, quest, step, after):
        self._quest, self._left, self._after, self.shown = quest, step, after, quest.shown

    def __getattr__(self, name):
        def step(*values):
            self._left -= 1
            if self._left == 0 and not self._after:
                raise Killed
            answer = getattr(self._quest, name)(*values)
            if self._left == 0:
                raise Killed
            return answer

        return step


@pytest.fixture(name="journal")
def _journal(path):
    with Journal(path) as journal:
        yield journal


@pytest.fixture(name="database")
def _database(path, journal):
    with closing(Database(path)) as database:
        yield database


@pytest.fixture(name="quest")
def _quest(quest_place):
    with Quest(quest_place) as quest:
        yield quest


def record(journal, first, count=3):
    """Executions and as many points of equity of either kind, numbered from `first`; the later recorded, the earlier they were."""
    journal.account_log.execute(replace(EXECUTION, client_order_id=f"c-{at}", time_ns=LATE - at) for at in range(first, first + count))
    for at in range(first, first + count):
        journal.history.take("A", "", Decimal(at), Decimal(0), time_ns=LATE - at)
        journal.blotter.decide([], **{**DECISION, "bar_ns": LATE - at})


def is_level(journal, database, quest):
    told = quest.executions("A") == journal.account_log.executions("A") and quest.equity("A") == journal.history.equity("A")
    return told and all(each.there == each.journal and not each.behind for each in standings(database, quest))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_step_and_run_again_it_is_complete_and_nothing_is_doubled(journal, database, quest, after):
    step, finished = 0, False
    while not finished:
        step += 1
        record(journal, 3 * step)
        try:
            follow(database, Mortal(quest, step, after), batch=2)
            finished = True
        except Killed:
            follow(database, quest, batch=2)
        assert is_level(journal, database, quest)
    assert step > 10


def test_a_process_killed_for_real_leaves_a_beginning_that_is_gone_on_with(path, journal, database, quest, quest_place):
    record(journal, 0, 60)
    process = subprocess.Popen([sys.executable, "-c", FOLLOW, str(path), quest_place])
    wait_for(lambda: quest.newest(KINDS[0]) is not None or process.poll() is not None)
    process.kill()
    process.wait()
    there = quest.executions("A")
    assert there and there == journal.account_log.executions("A")[-len(there):]
    follow(database, quest)
    assert is_level(journal, database, quest)


def test_two_that_follow_at_once_do_not_double(path, journal, database, quest, quest_place):
    record(journal, 0, 40)
    with closing(Database(path)) as other, Quest(quest_place) as second:
        thread = threading.Thread(target=follow, args=(other, second, 3))
        thread.start()
        follow(database, quest, 7)
        thread.join()
    assert is_level(journal, database, quest)


def test_an_outage_is_told_once_and_what_was_missed_is_copied(journal, database, quest, quest_server):
    told, warned, ending, tries, failed = [], [], threading.Event(), [], threading.Semaphore(0)

    def copy():
        tries.append(1)
        try:
            follow(database, quest)
        except QuestAway:
            failed.release()
            raise

    record(journal, 0)
    follow(database, quest)
    thread = threading.Thread(target=keep_up, args=(copy, 0.01, ending, told.append, warned.append, QuestAway))
    thread.start()
    try:
        quest_server.stop()
        assert all(failed.acquire(timeout=30) for _ in range(3))
        record(journal, 10)
        quest_server.start()
        wait_for(lambda: told)
    finally:
        ending.set()
        thread.join()
        quest_server.start()
    assert len(warned) == len(told) == 1 and "it is tried again: questdb://cerebro lab:***@127.0.0.1:" in warned[0]
    assert is_level(journal, database, quest)


def test_a_server_that_hangs_is_not_waited_for_for_ever(journal, database, quest, quest_server, monkeypatch):
    record(journal, 0)
    follow(database, quest)
    monkeypatch.setattr("core.questdb_server.ANSWER_S", 0.1)
    with quest_server.hanging(), pytest.raises(QuestAway, match="wait until it answers and repeat"):
        follow(database, quest)
    monkeypatch.undo()
    assert is_level(journal, database, quest)


def test_what_is_no_outage_is_raised(journal, database, quest):
    def copy():
        raise StoreFailed("no")

    with pytest.raises(StoreFailed, match="no"):
        keep_up(copy, 60, threading.Event(), print, print, QuestAway)


def test_records_of_another_journal_are_not_mixed_with_ours(tmp_path, journal, database, quest):
    record(journal, 0)
    follow(database, quest)
    with Journal(tmp_path / "other.db") as other, closing(Database(tmp_path / "other.db")) as theirs:
        for first in (0, 100):  # none of that number, and another one
            with pytest.raises(StoreFailed, match=r"holds the records of another journal \(execution 3 is not the one of this journal\): name"):
                follow(theirs, quest)
            record(other, first + 50)
        with pytest.raises(StoreFailed, match="another journal"):
            standings(theirs, quest)
    assert is_level(journal, database, quest)


def test_a_table_of_others_with_our_name_is_left_alone(journal, database, quest, quest_server):
    quest_server.ask("CREATE TABLE cerebrolab_bars (ts TIMESTAMP, x LONG) TIMESTAMP(ts) PARTITION BY DAY")
    with pytest.raises(StoreFailed, match="has another table cerebrolab_bars than this cerebrolab makes: rename or drop it"):
        follow(database, quest)


def test_a_suspended_table_says_what_to_do(journal, database, quest, quest_server):
    follow(database, quest)
    quest_server.ask("ALTER TABLE cerebrolab_executions SUSPEND WAL WITH 'DISK FULL', 'no space left'")
    with pytest.raises(StoreFailed, match=r"is suspended \(no space left\); .* ALTER TABLE cerebrolab_executions RESUME WAL"):
        follow(database, quest)
    with pytest.raises(StoreFailed, match="is suspended"):  # nothing is answered that may be incomplete
        quest.executions("A")
    quest_server.ask("ALTER TABLE cerebrolab_executions RESUME WAL")
    record(journal, 0)
    follow(database, quest)
    assert is_level(journal, database, quest)


def test_what_is_wrong_with_a_server_is_one_line_with_advice(quest_server, quest_place):
    closed = quest_server.port - 1 if quest_server.port > 1025 else 1
    for place, kind, advice in [
            (quest_server.address(password="geheim"), StoreFailed, "check the user and the password"),
            (quest_server.address(pg_port=closed), QuestAway, "check the address, both its ports, and that QuestDB runs"),
            ("questdb://u:geheim@nowhere.invalid", QuestAway, "check the address, both its ports, and that QuestDB runs")]:
        with Quest(place) as quest, pytest.raises(StoreFailed) as caught:
            quest.settle()
        assert type(caught.value) is kind and advice in str(caught.value) and "\n" not in str(caught.value)
        assert "geheim" not in str(caught.value) and "p@ss" not in str(caught.value)


def test_rows_that_cannot_be_sent_though_questions_are_answered(journal, database, quest_server, quest_place):
    record(journal, 0)
    with Quest(quest_server.address(port=1)) as quest, pytest.raises(QuestAway, match="refused.*; check the address, both its ports"):
        follow(database, quest)
    with Quest(quest_place) as quest:
        assert quest.executions("A") == []


def test_a_server_that_lets_us_ask_but_not_send(journal, database, quest_server, quest_place, monkeypatch):
    record(journal, 0)
    with Quest(quest_place) as quest:
        wrong = QuestAddress.parse(quest_server.address(password="geheim")).sending
        monkeypatch.setattr(QuestAddress, "sending", wrong)
        with pytest.raises(StoreFailed, match="check the user and the password") as caught:
            follow(database, quest)
    assert not isinstance(caught.value, QuestAway) and "geheim" not in str(caught.value)


@pytest.mark.parametrize("place", ["questdb://u:geheim@h/x", "questdb://u:geheim@h:0x", "questdb://u:geheim@h?pg_port=99999", "questdb://",
                                   "http://u:geheim@h", "questdb://u:geheim\n@h", "questdb://u:geheim@h?token=1", "h:9000"])
def test_an_address_that_is_none_is_one_line_without_its_password(place):
    with pytest.raises(UsageError, match=r"^QuestDB address '.*' is none: write questdb://USER:PASSWORD@HOST:9000") as caught:
        Quest(place)
    assert "geheim" not in str(caught.value)


def test_a_password_in_words_of_others_is_masked():
    assert QuestAddress.parse("questdb://u:geheim@h").masked("no geheim here") == "no *** here"
    assert QuestAddress.parse("questdb://h").masked("request") == "request"


def test_questdb_is_no_place_for_a_journal():
    with pytest.raises(UsageError, match="QuestDB follows it; set CEREBROLAB_QUESTDB") as caught:
        Journal("questdb://admin:geheim@h")
    assert "geheim" not in str(caught.value)


def test_without_the_package_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setattr("core.questdb_server.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install -e '\.\[services\]'"):
        Quest("questdb://h")
