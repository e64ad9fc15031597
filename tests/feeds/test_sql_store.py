"""SqlStore on a SQLite file and on a real PostgreSQL server: the contract of every store, and what only databases can suffer."""

import resource
import socket
import sqlite3
import struct

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from postgres_server import started, stop
from store_contract import YEAR, StoreContract, history
from store_writers import kill_the_writers, share_the_writing
from vendor import daily_bars, same_bars

from core.errors import StoreFailed, UsageError
from core.series import SymbolBars
from feeds.revisions import COLUMNS
from feeds.sql_store import SqlStore
from feeds.stores import opened
from journal import Journal

DAYS = YEAR[:4]


@pytest.fixture(name="server", scope="module")
def _server():
    with started() as server:
        yield server


def emptied(server):
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS cerebrolab CASCADE")
    return server.get_uri()


@pytest.fixture(name="place", params=["sqlite", "postgresql"])
def _place(request, tmp_path):
    """Where an empty store is, one kind after the other."""
    return f"sqlite:///{tmp_path}/bars.db" if request.param == "sqlite" else emptied(request.getfixturevalue("server"))


@pytest.fixture(name="ask")
def _ask(place):
    """Carries out a statement as another program would, and returns what it finds."""
    def ask(statement):
        if place.startswith("sqlite"):
            with sqlite3.connect(place.removeprefix("sqlite:///")) as connection:
                rows = connection.execute(statement).fetchall()
            connection.close()
            return rows
        with psycopg.connect(place, options="-c search_path=cerebrolab") as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    return ask


class TestSqlite(StoreContract):
    def open(self, folder):
        return SqlStore(f"sqlite:///{folder}/bars.db")


class TestPostgres(StoreContract):
    """A folder stands for a database: another one is an empty one."""

    @pytest.fixture(autouse=True)
    def _begin(self, server):
        self.server, self.folder = server, None

    def open(self, folder):
        if self.folder != folder:
            emptied(self.server)
            self.folder = folder
        return SqlStore(self.server.get_uri())


def bits(values):
    return [struct.pack("<d", value) for value in values]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.floats(allow_nan=False).filter(lambda value: value or not np.signbit(value)) | st.just(np.nan), min_size=28, max_size=28))
def test_every_float_comes_back_to_the_last_bit(place, numbers):
    panel = np.array(numbers).reshape(7, 4)
    names = ("open", "high", "low", "close", "volume", "dividend", "split")
    bars = daily_bars("AAPL", DAYS)
    bars = SymbolBars("AAPL", bars.index, bars.session, **dict(zip(names, panel, strict=True)), pay_date=bars.pay_date)
    SqlStore(place).write("AAPL", bars, DAYS, source="yahoo")
    found = SqlStore(place).read(["AAPL"], source="yahoo")[0]
    assert [bits(getattr(found, name)) for name in names] == [bits(values) for values in panel]
    assert all(getattr(found, name).dtype == getattr(bars, name).dtype for name in COLUMNS)


def test_the_bars_can_be_asked_for_in_sql(place, ask):
    closes = history()[2]
    store = opened(place)
    store.write("AAPL", daily_bars("AAPL", YEAR), YEAR, source="yahoo")
    store.write("^GSPC", closes, YEAR, source="yahoo")
    asked = "SELECT symbol, count(*), min(session), max(close), count(open) FROM bars JOIN bar_series ON id = series GROUP BY symbol ORDER BY symbol"
    rows = [(symbol, count, str(first), highest, opens) for symbol, count, first, highest, opens in ask(asked)]
    assert rows == [("AAPL", len(YEAR), "2020-01-02", daily_bars("AAPL", YEAR).close.max(), len(YEAR)),
                    ("^GSPC", len(closes), str(closes.session[0]), closes.close.max(), 0)]


@pytest.mark.parametrize("first", ["bars", "journal"])
def test_the_journal_can_be_in_the_same_database(place, first):
    def keep_bars():
        store = SqlStore(place)
        store.write("AAPL", daily_bars("AAPL", DAYS), DAYS, source="yahoo")
        assert len(store.list()) == 1

    def keep_a_note():
        with Journal(place) as journal:
            journal.account_log.note("A", "r", "alert", "x")
            assert len(journal.account_log.notes()) == 1

    for keep in ((keep_bars, keep_a_note) if first == "bars" else (keep_a_note, keep_bars)):
        keep()


def test_processes_that_write_at_the_same_time_lose_nothing(place):
    share_the_writing(place, len(YEAR))


def test_writers_killed_at_any_moment_leave_bars_and_coverage_in_agreement(place):
    kill_the_writers(place)


def test_memory_is_used_until_another_writes(place):
    mine, other = SqlStore(place), SqlStore(place)
    mine.write("AAPL", daily_bars("AAPL", YEAR[:5]), YEAR[:5], source="yahoo")
    first, again = (mine.read(["AAPL"], source="yahoo")[0] for _ in range(2))
    assert np.shares_memory(first.close, again.close)
    other.write("AAPL", daily_bars("AAPL", YEAR[5:9]), YEAR[5:9], source="yahoo")
    assert len(mine.read(["AAPL"], source="yahoo")[0]) == 9


def failure(work):
    with pytest.raises(StoreFailed) as caught:
        work()
    assert "\n" not in str(caught.value) and "geheim" not in str(caught.value)
    return str(caught.value)


def test_bars_and_coverage_are_written_together_or_not_at_all(place, ask):
    store = SqlStore(place)
    store.write("AAPL", daily_bars("AAPL", DAYS), DAYS, source="yahoo")
    ask("DELETE FROM bars")
    ask("ALTER TABLE bars RENAME TO hidden")
    failure(lambda: store.write("AAPL", daily_bars("AAPL", YEAR), YEAR, source="yahoo"))
    ask("ALTER TABLE hidden RENAME TO bars")
    assert ask("SELECT count(*) FROM bars") == [(0,)]
    assert len(store.missing("AAPL", YEAR, source="yahoo")) == len(YEAR) - len(DAYS)


def test_tables_of_a_later_format_are_refused(place, ask):
    SqlStore(place).write("AAPL", None, DAYS, source="yahoo")
    ask("UPDATE bar_format SET format = 9")
    assert "are of format 9, not 2: use the cerebrolab that wrote them" in failure(SqlStore(place).list)


def test_coverage_that_somebody_has_spoilt_is_named(place, ask):
    SqlStore(place).write("AAPL", None, DAYS, source="yahoo")
    ask("UPDATE bar_series SET coverage = 'all'")
    assert "'all' is no coverage of AAPL 1d of yahoo; delete that row" in failure(SqlStore(place).list)


def test_a_server_that_stops_between_two_writes_leaves_what_was_written_and_is_found_again(server):
    store = SqlStore(emptied(server), waits_s=(0,))
    store.write("AAPL", daily_bars("AAPL", DAYS), DAYS, source="yahoo")
    stop(server)
    try:
        told = failure(lambda: store.write("AAPL", daily_bars("AAPL", YEAR), YEAR, source="yahoo"))
        assert "check the address and that the server runs" in told
    finally:
        server.ensure_postgres_running()
    assert same_bars(store.read(["AAPL"], source="yahoo")[0], daily_bars("AAPL", DAYS))
    store.write("AAPL", daily_bars("AAPL", YEAR), YEAR, source="yahoo")
    assert len(store.missing("AAPL", YEAR, source="yahoo")) == 0


def test_a_server_lost_in_the_middle_of_a_write_is_asked_again(server, monkeypatch):
    """The first try is cut off after the bars and before the commit; the second does it all."""
    store = SqlStore(emptied(server), waits_s=(0, 0))
    store.list()
    replace, cut = store._tables.replace, []

    def cut_once(connection, *rest, **named):
        replace(connection, *rest, **named)
        if not cut:
            cut.append(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
            with psycopg.connect(server.get_uri(), autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", cut)
                assert other.execute("SELECT count(*) FROM cerebrolab.bars").fetchall() == [(0,)]

    monkeypatch.setattr(store._tables, "replace", cut_once)
    store.write("AAPL", daily_bars("AAPL", DAYS), DAYS, source="yahoo")
    assert cut and same_bars(SqlStore(server.get_uri()).read(["AAPL"], source="yahoo")[0], daily_bars("AAPL", DAYS))


def test_a_server_that_is_not_there(caplog):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"postgresql://me:geheim@127.0.0.1:{probe.getsockname()[1]}/base"
        told = failure(SqlStore(address, waits_s=(0, 0)).list)
    assert told.startswith("the bars in postgresql://me:***@127.0.0.1:") and "check the address and that the server runs" in told
    assert caplog.text.count("trying again in 0 s") == 2 and "geheim" not in caplog.text


@pytest.mark.parametrize(("place", "told"), [
    ("postgresql://me:geheim@host", "bar store 'postgresql://\\*\\*\\*@host' names no database: write sqlite:///"),
    ("mysql://me:geheim@host/base", "bar store 'mysql://\\*\\*\\*@host/base' is not supported: write sqlite:///"),
    ("nonsense", "bar store 'nonsense' is no database address: write sqlite:///"),
])
def test_an_address_of_no_database(place, told):
    with pytest.raises(UsageError, match=told):
        SqlStore(place)


def test_looking_makes_no_file(tmp_path):
    store = SqlStore(tmp_path / "none" / "bars.db")
    assert (store.list(), store.check(), store.read(["AAPL"], source="yahoo")) == ([], [], [])
    assert len(store.missing("AAPL", YEAR, source="yahoo")) == len(YEAR)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "bars.db").write_bytes(b"not a database" * 100)
    assert "bars.db failed: file is not a database; the file is damaged" in failure(SqlStore(tmp_path / "bars.db").list)


def test_a_full_disk_leaves_what_was_there(tmp_path):
    store = SqlStore(tmp_path / "bars.db")
    store.write("AAPL", daily_bars("AAPL", DAYS), DAYS, source="yahoo")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        failure(lambda: store.write("AAPL", daily_bars("AAPL", YEAR), YEAR, source="yahoo"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert same_bars(SqlStore(tmp_path / "bars.db").read(["AAPL"], source="yahoo")[0], daily_bars("AAPL", DAYS))


def test_a_writer_that_waits_too_long_is_told_so(place):
    first, store = SqlStore(place), SqlStore(place, busy_timeout_s=0.05)
    first.write("AAPL", None, DAYS, source="yahoo")
    store.list()
    with first._tables.writing().begin() as other:
        other.exec_driver_sql("UPDATE bar_series SET version = 1")
        assert "another process is writing; wait for it and repeat" in failure(lambda: store.write("AAPL", None, YEAR, source="yahoo"))
        assert len(store.missing("AAPL", YEAR, source="yahoo")) == len(YEAR) - len(DAYS)  # readers do not wait
