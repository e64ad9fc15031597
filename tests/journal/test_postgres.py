"""The journal on a real PostgreSQL server: durability, beside others' tables, a server that is away, and what its errors say."""

import socket

import psycopg
import pytest
from postgres_server import stop
from sqlalchemy import text

from core.errors import StoreFailed
from journal import Journal
from journal.database import Database
from journal.tables import AccountNoteRow


@pytest.fixture(name="admin")
def _admin(address):
    with psycopg.connect(address, autocommit=True) as connection:
        yield connection


@pytest.fixture(name="guest")
def _guest(admin, server):
    """The address of a user without any right, who has to give the password "geheim"."""
    rules = server.pgdata / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text("local all guest scram-sha-256\n" + before)
    admin.execute("CREATE ROLE guest LOGIN PASSWORD 'geheim'")
    admin.execute("SELECT pg_reload_conf()")
    yield server.get_uri().replace("postgres:@", "guest:geheim@")
    rules.write_text(before)
    admin.execute("DROP SCHEMA IF EXISTS cerebrolab CASCADE")
    admin.execute("DROP OWNED BY guest; DROP ROLE guest")
    admin.execute("SELECT pg_reload_conf()")


def failure(place):
    with Journal(place) as journal, pytest.raises(StoreFailed) as caught:
        journal.runs()
    assert "\n" not in str(caught.value) and "geheim" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("default", "durable", "found"), [("off", False, "off"), ("off", True, "on"), ("remote_apply", True, "remote_apply")])
def test_what_is_durable_waits_for_the_disk_whatever_the_server_does_else(address, default, durable, found):
    database = Database(f"{address}&options=-csynchronous_commit%3D{default}")
    with database.writing(durable) as session:
        assert session.scalar(text("SHOW synchronous_commit")) == found
    with database.writing() as session:
        assert session.scalar(text("SHOW synchronous_commit")) == default
    database.close()


def test_tables_of_others_in_the_same_database_are_left_alone(admin, address):
    admin.execute("CREATE TABLE trials (x int); CREATE TABLE alembic_version (version_num text)")  # as Optuna's are named
    with Journal(address) as journal:
        journal.account_log.note("A", "r", "alert", "x")
    assert admin.execute("SELECT * FROM public.alembic_version").fetchall() == []
    admin.execute("DROP TABLE trials; DROP TABLE alembic_version")


def test_truncating_what_was_appended_is_refused(admin, address):
    with Journal(address) as journal:
        journal.account_log.note("A", "r", "alert", "x")
    with pytest.raises(psycopg.errors.RestrictViolation, match="account_notes are append-only"):
        admin.execute("TRUNCATE cerebrolab.account_notes")


def test_a_server_that_stops_in_mid_write_leaves_nothing_half_and_is_found_again(server, address):
    with Journal(address) as journal:
        first = journal.account_log.note("A", "r", "alert", "first")
        try:
            with pytest.raises(StoreFailed, match="the connection was lost and what was not committed is undone"):
                half_written(journal, server)
            with pytest.raises(StoreFailed, match="check the address and that the server runs"):
                journal.runs()
        finally:
            server.ensure_postgres_running()
        assert journal.account_log.notes() == [first]
        journal.account_log.note("A", "r", "alert", "again")
        assert len(journal.account_log.notes()) == 2


def half_written(journal, server):
    with journal._database.writing() as session:
        session.add(AccountNoteRow(account="A", run="", kind="alert", text="half", time_ns=1, facts={}))
        session.flush()
        stop(server)


def test_a_connection_that_an_administrator_ends_is_one_clear_line(journal_on, admin):
    with pytest.raises(StoreFailed, match="the connection was lost"), journal_on._database.writing() as session:
        admin.execute("SELECT pg_terminate_backend(%s)", [session.scalar(text("SELECT pg_backend_pid()"))])
        session.execute(text("SELECT 1"))
    assert journal_on.runs() == []


@pytest.fixture(name="journal_on")
def _journal_on(address):
    with Journal(address) as journal:
        yield journal


def test_a_server_that_does_not_answer():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shown = failure(f"postgresql://me:geheim@127.0.0.1:{port}/base")
    assert f"the journal postgresql://me:***@127.0.0.1:{port}/base failed: " in shown
    assert "refused" in shown and shown.endswith("check the address and that the server runs")


@pytest.mark.parametrize(("change", "advice"), [
    (("geheim", "other"), "check the user and the password"), (("guest:geheim", "nobody:x"), "check the user and the password"),
    (("/postgres?", "/nowhere?"), "make it with createdb, or correct its name"),
])
def test_what_the_server_does_not_know(guest, change, advice):
    assert failure(guest.replace(*change)).endswith(advice)


def test_a_host_without_an_address():
    assert failure("postgres://me@nowhere.invalid/base").endswith("check the address and that the server runs")


def test_a_password_in_the_query_is_not_shown_either():
    shown = failure("postgresql:///base?host=/nowhere&user=me&password=geheim")
    assert "host=%2Fnowhere" in shown and shown.endswith("check the address and that the server runs")


def test_a_text_that_cannot_be_kept(journal_on):
    with pytest.raises(StoreFailed, match="cannot contain NUL .*; leave that character out"):
        journal_on.account_log.note("A", "r", "alert", "a\0b")
    assert journal_on.account_log.notes() == []


def test_a_user_without_rights_needs_a_schema_made_for_them(guest, admin):
    assert "the user needs the right to create the schema cerebrolab" in failure(guest)
    admin.execute("CREATE SCHEMA cerebrolab; GRANT USAGE, CREATE ON SCHEMA cerebrolab TO guest")
    with Journal(guest) as journal:
        assert journal.account_log.note("A", "r", "alert", "x") in journal.account_log.notes()


def test_who_may_only_read_reads(guest, admin, address):
    with Journal(address) as journal:
        journal.account_log.note("A", "r", "alert", "x")
    admin.execute("GRANT USAGE ON SCHEMA cerebrolab TO guest; GRANT SELECT ON ALL TABLES IN SCHEMA cerebrolab TO guest")
    with Journal(guest) as journal:
        assert len(journal.account_log.notes()) == 1
        with pytest.raises(StoreFailed, match="permission denied .* and to write in it"):
            journal.account_log.note("A", "r", "alert", "y")
