"""QuestStore on a real QuestDB: the contract of every store, and what only QuestDB can suffer."""

import os
import socket
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_contract import LATE, YEAR, StoreContract, history
from store_writers import kill_the_writers, share_the_writing
from vendor import daily_bars, same_bars

from core.errors import StoreFailed, UsageError
from core.questdb_server import QuestAway
from core.series import FIELDS, SymbolBars
from feeds import quest_store
from feeds.averages import averages_of
from feeds.quest_store import QuestStore
from feeds.revisions import COLUMNS, Revisions
from feeds.stores import opened

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("questdb")]  # one server for all of them
DAYS = YEAR[:4]
AAPL = {"source": "yahoo"}
FEWER = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
ANY = StoreContract.test_any_sequence_of_fetches_ends_with_the_bars_of_one_clean_fetch.hypothesis.inner_test
MOMENTS = StoreContract.test_every_moment_is_known_again.hypothesis.inner_test
ROWS = st.integers(0, 9)


class TestQuest(StoreContract):
    """A folder stands for a database: another one is an empty one."""

    test_any_sequence_of_fetches_ends_with_the_bars_of_one_clean_fetch = FEWER(given(data=st.data())(ANY))
    test_every_moment_is_known_again = FEWER(given(written=st.lists(
        st.tuples(ROWS, ROWS, st.integers(0, 3), st.booleans(), st.sets(ROWS)), max_size=7))(MOMENTS))

    @pytest.fixture(autouse=True)
    def _begin(self, quest_server, quest_place):
        self.server, self.place, self.folder = quest_server, quest_place, None

    def open(self, folder):
        if self.folder not in (None, folder):
            for table in ("store", "averages"):
                self.server.ask(f"TRUNCATE TABLE IF EXISTS cerebrolab_{table}")
        self.folder = folder
        return QuestStore(self.place)


@pytest.fixture(name="store")
def _store(quest_place):
    return QuestStore(quest_place, waits_s=(0,))


def fetched(place, **options):
    """The bars of AAPL, by a store without memory."""
    bars, = QuestStore(place).read(["AAPL"], source="yahoo", **options)
    return bars


def failure(work, kind=StoreFailed):
    with pytest.raises(kind) as caught:
        work()
    assert "\n" not in str(caught.value) and "geheim" not in str(caught.value) and "p@ss" not in str(caught.value)
    return str(caught.value)


@FEWER
@given(data=st.data(), rows=st.integers(1, 20), closes=st.booleans(),
       name=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8))
def test_every_bit_comes_back_also_of_long_ago(quest_place, data, rows, closes, name):
    def column():
        return np.array(data.draw(st.lists(st.floats(allow_infinity=False, allow_nan=False) | st.just(np.nan), min_size=rows, max_size=rows)))

    days = np.array(sorted(data.draw(st.lists(st.integers(-60_000, 60_000), min_size=rows, max_size=rows)))).astype("datetime64[D]")
    index = np.array(sorted(data.draw(st.sets(st.integers(-2**62, 2**62), min_size=rows, max_size=rows))), dtype=np.int64)
    paid = np.where(data.draw(st.lists(st.booleans(), min_size=rows, max_size=rows)), days, np.datetime64("NaT"))
    bars = SymbolBars(name, index, days, **{each: column() for each in (*FIELDS, "dividend", "split")}, pay_date=paid, close_only=closes)
    source = f"source {data.draw(st.uuids())}"
    QuestStore(quest_place).write(name, bars, YEAR[:0], "1m", source=source)
    found, = QuestStore(quest_place).read([name], interval="1m", source=source)
    assert (found.symbol, found.close_only) == (name, closes)
    for each in COLUMNS:
        one, other = getattr(found, each), getattr(bars, each)
        assert one.dtype == other.dtype and one.tobytes() == other.tobytes(), each


def test_processes_that_write_at_the_same_time_lose_nothing(quest_place):
    share_the_writing(quest_place)


def test_writers_killed_at_any_moment_leave_bars_and_coverage_in_agreement(quest_place):
    kill_the_writers(quest_place)


@pytest.mark.parametrize("there", [False, True], ids=["new", "stored before"])
@pytest.mark.parametrize(("our_moment", "their_moment"), [(1, 2), (2, 1)])
def test_what_two_write_of_one_session_at_once_is_both_kept(quest_place, store, monkeypatch, there, our_moment, their_moment):
    """The other writes after this one has looked, and before it sends."""
    first, ours, theirs = (daily_bars("AAPL", DAYS, seed) for seed in range(3))
    if there:
        store.write("AAPL", first, DAYS, now=LATE, **AAPL)
    send = store._send

    def beaten(*rows):
        QuestStore(quest_place).write("AAPL", theirs, DAYS, now=LATE + their_moment, **AAPL)
        send(*rows)

    monkeypatch.setattr(store, "_send", beaten)
    store.write("AAPL", ours, DAYS, now=LATE + our_moment, **AAPL)
    versions = [fetched(quest_place, known_at=LATE + moment) for moment in range(4)]
    assert same_bars(versions[0], first if there else ours) and same_bars(versions[3], theirs)
    assert any(same_bars(each, ours) for each in versions)
    assert len(QuestStore(quest_place).revisions("AAPL", **AAPL)) == len(DAYS) * (1 + there)


def test_an_answer_that_is_lost_doubles_nothing(quest_place, store, monkeypatch, caplog):
    store.write("AAPL", daily_bars("AAPL", DAYS), DAYS, now=LATE, **AAPL)
    send, lost = store._server.send, []

    def losing(fill):
        send(fill)
        if not lost:
            lost.append(1)
            raise QuestAway("the connection was lost")

    monkeypatch.setattr(store._server, "send", losing)
    changed = daily_bars("AAPL", YEAR[:6], 1)
    store.write("AAPL", changed, YEAR[:6], now=LATE + 1, **AAPL)
    assert lost and "the connection was lost; trying again in 0 s" in caplog.text
    assert same_bars(fetched(quest_place), changed)
    assert QuestStore(quest_place).revisions("AAPL", **AAPL).until.tolist() == [LATE + 1] * len(DAYS)


def test_a_write_in_several_transactions_that_is_interrupted_is_asked_for_again(quest_place, store, monkeypatch):
    monkeypatch.setattr(quest_store, "BATCH", 3)
    bars, send, sent = daily_bars("AAPL", YEAR[:8]), store._send, []

    def ends_at_the_third(*rows):
        if len(sent) == 2:
            raise StoreFailed("full")
        sent.append(rows)
        send(*rows)

    monkeypatch.setattr(store, "_send", ends_at_the_third)
    assert failure(lambda: store.write("AAPL", bars, YEAR[:8], **AAPL)) == "full"
    monkeypatch.undo()
    again = QuestStore(quest_place)
    assert same_bars(again.read(["AAPL"], **AAPL)[0], bars.rows(slice(0, 3)))
    assert len(again.missing("AAPL", YEAR[:8], **AAPL)) == 8 and again.list()[0][3:7] == (3, YEAR[0], YEAR[2], 0)
    monkeypatch.setattr(quest_store, "BATCH", 3)
    store.write("AAPL", bars, YEAR[:8], **AAPL)
    assert same_bars(fetched(quest_place), bars) and len(store.missing("AAPL", YEAR[:8], **AAPL)) == 0
    assert len(store.revisions("AAPL", **AAPL)) == 0


def test_memory_is_used_until_another_writes(quest_place, store):
    store.write("AAPL", daily_bars("AAPL", YEAR[:5]), YEAR[:5], **AAPL)
    first, again = (store.read(["AAPL"], **AAPL)[0] for _ in range(2))
    assert np.shares_memory(first.close, again.close)
    QuestStore(quest_place).write("AAPL", daily_bars("AAPL", YEAR[5:9]), YEAR[5:9], **AAPL)
    assert len(store.read(["AAPL"], **AAPL)[0]) == 9


def test_bars_that_are_there_already_add_no_row(quest_server, store):
    for bars, rows in ((daily_bars("AAPL", DAYS), 5), (daily_bars("AAPL", DAYS), 5), (daily_bars("AAPL", YEAR[3:5]), 6), (None, 6)):
        store.write("AAPL", bars, YEAR[:0], **AAPL)
        assert quest_server.ask("SELECT count() FROM cerebrolab_store") == [(rows,)]


def test_the_bars_as_they_are_can_be_asked_for_in_sql(quest_server, store):
    store.write("AAPL", daily_bars("AAPL", DAYS), DAYS, **AAPL)
    changed = daily_bars("AAPL", DAYS[1:3], 1)
    store.write("AAPL", replace(changed, index=changed.index - 60 * 10**9), DAYS[1:3], **AAPL)
    rows = quest_server.ask("SELECT session, close FROM cerebrolab_store WHERE kind = 'bar' "
                            'LATEST ON ts PARTITION BY source, "interval", symbol, slot')
    bars, = store.read(["AAPL"], **AAPL)
    assert sorted((np.datetime64(day, "D"), close) for day, close in rows) == list(zip(bars.session, bars.close, strict=True))


def test_a_clock_that_is_set_back_changes_no_order(quest_place, store, monkeypatch):
    first, second = (daily_bars("AAPL", DAYS, seed) for seed in range(2))
    for bars in (first, second):
        store.write("AAPL", bars, DAYS, **AAPL)
        store.write_averages(averages_of(bars), **AAPL)
        monkeypatch.setattr("feeds.quest_rows.time", SimpleNamespace(time_ns=lambda: 10**18))
    store.forget("AAPL", **AAPL)
    assert same_bars(fetched(quest_place), second) and len(store.missing("AAPL", DAYS, **AAPL)) == len(DAYS)
    assert np.array_equal(store.averages(["AAPL"], **AAPL)[0].values, averages_of(second).values, equal_nan=True)


def test_versions_that_another_store_has_kept_are_not_kept_twice(quest_place, store):
    first, second = (daily_bars("AAPL", DAYS, seed) for seed in range(2))
    store.write("AAPL", first, DAYS, now=LATE, **AAPL)
    kept = Revisions(first.rows(slice(0, 3)), np.full(3, LATE + 5))
    store.write("AAPL", second, DAYS, now=LATE + 9, earlier=kept, **AAPL)
    found = QuestStore(quest_place).revisions("AAPL", **AAPL)
    assert same_bars(found.bars, first) and found.until.tolist() == [LATE + 5] * 3 + [LATE + 9]


def test_a_forked_process_has_a_connection_of_its_own(store, monkeypatch):
    monkeypatch.setattr("core.questdb_server.ANSWER_S", 5.0)
    store.write("AAPL", daily_bars("AAPL", DAYS), DAYS, **AAPL)
    child = os.fork()
    answers = {len(store.missing("AAPL", YEAR[:4 + (not child)], **AAPL)) for _ in range(50)}
    if not child:
        os._exit(7 if answers == {1} else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7 and answers == {0}


def test_a_server_that_stops_between_two_writes_leaves_what_was_written_and_is_found_again(quest_server, quest_place, store, caplog):
    store.write("AAPL", daily_bars("AAPL", DAYS), DAYS, **AAPL)
    quest_server.stop()
    try:
        for work in (lambda: store.write("AAPL", daily_bars("AAPL", YEAR), YEAR, **AAPL), lambda: store.read(["AAPL"], **AAPL), store.list):
            assert failure(work, QuestAway).startswith("questdb://cerebro lab:***@127.0.0.1:")
        assert caplog.text.count("trying again in 0 s") == 3
    finally:
        quest_server.start()
    assert same_bars(store.read(["AAPL"], **AAPL)[0], daily_bars("AAPL", DAYS))
    store.write("AAPL", daily_bars("AAPL", YEAR), YEAR, **AAPL)
    assert same_bars(fetched(quest_place), daily_bars("AAPL", YEAR))


def test_a_server_that_hangs_is_not_waited_for_for_ever(quest_server, quest_place, monkeypatch):
    store = QuestStore(quest_place, waits_s=())
    store.write("AAPL", daily_bars("AAPL", DAYS), DAYS, **AAPL)
    monkeypatch.setattr("core.questdb_server.ANSWER_S", 0.1)
    with quest_server.hanging():
        assert "wait until it answers and repeat" in failure(store.list, QuestAway)
    monkeypatch.undo()
    assert same_bars(store.read(["AAPL"], **AAPL)[0], daily_bars("AAPL", DAYS))


def test_a_suspended_table_is_not_read_as_if_it_were_whole(quest_server, store):
    store.write("AAPL", daily_bars("AAPL", DAYS), DAYS, **AAPL)
    quest_server.ask("ALTER TABLE cerebrolab_store SUSPEND WAL WITH 'DISK FULL', 'no space left'")
    for work in (store.list, lambda: store.read(["AAPL"], **AAPL), lambda: store.write("AAPL", None, DAYS, **AAPL)):
        assert "is suspended (no space left)" in failure(work)
    quest_server.ask("ALTER TABLE cerebrolab_store RESUME WAL")
    assert len(store.list()) == 1


def test_a_table_of_others_with_our_name_is_left_alone(quest_server, store):
    quest_server.ask("DROP TABLE IF EXISTS cerebrolab_store")
    quest_server.ask("CREATE TABLE cerebrolab_store (ts TIMESTAMP, x LONG) TIMESTAMP(ts) PARTITION BY DAY")
    try:
        assert "has another table cerebrolab_store than this cerebrolab makes: rename or drop it" in failure(store.list)
    finally:
        quest_server.ask("DROP TABLE cerebrolab_store")


def test_an_infinite_number_is_refused_and_nothing_is_written(store):
    bars = daily_bars("AAPL", DAYS)
    told = failure(lambda: store.write("AAPL", replace(bars, volume=bars.volume * np.inf), DAYS, **AAPL))
    assert told == "the bars of AAPL (yahoo, 1d) cannot be kept in QuestDB: a number of volume is infinite; correct the data"
    assert store.list() == []


def test_many_symbols_are_read_at_once_and_those_without_bars_left_out(store):
    for bars in history():
        store.write(bars.symbol, bars, YEAR, **AAPL)
    found = store.read([f"NONE{number}" for number in range(600)] + ["^GSPC", "AAPL"], **AAPL)
    assert [bars.symbol for bars in found] == ["^GSPC", "AAPL"]


def test_a_server_that_is_not_there(caplog):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        store = QuestStore(f"questdb://me:geheim@127.0.0.1:{port}?pg_port={port}", waits_s=(0, 0))
        told = failure(store.list, QuestAway)
    assert told.startswith(f"questdb://me:***@127.0.0.1:{port} failed: ") and "check the address, both its ports, and that QuestDB runs" in told
    assert caplog.text.count("trying again in 0 s") == 2 and "geheim" not in caplog.text


def test_an_address_of_no_server():
    with pytest.raises(UsageError, match=r"^QuestDB address 'questdb://\*\*\*@host/base' is none: write questdb://USER:PASSWORD@HOST:9000"):
        opened("questdb://me:geheim@host/base")
