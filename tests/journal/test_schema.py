"""The schema: made when it is new, migrated from every format there has been with nothing lost, refused when it is newer."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import journal.schema
from core.errors import StoreFailed
from journal import Journal
from journal.database import Database
from journal.schema import REVISION, migrate
from journal.tables import APPEND_ONLY, Base

FORMATS = Path(__file__).parent / "formats"  # journals as each format had them: its tables, and two rows of each
TRIGGERS = {"sqlite": "SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'",
            "postgresql": "SELECT tgname, tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"}


@pytest.fixture(name="database")
def _database(place):
    with closing(Database(place)) as database:
        yield database


def migrated(database, wanted=REVISION):
    """Make the schema by migrations alone, from nothing."""
    backend = database._backend
    with backend.first_use(), backend.writing().begin() as connection:
        backend.make_room(connection)
        migrate(connection, None, wanted)
        backend.mark(connection)


def shape(database):
    """What the schema has beyond its tables, and how these differ from the models."""
    with database.reading() as session:
        connection = session.connection()
        differences = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata)
        return differences, sorted(map(tuple, connection.exec_driver_sql(TRIGGERS[connection.dialect.name])))


def test_migrations_and_models_make_the_same_schema(database, statement, place):
    migrated(database)
    by_migrations = shape(database)
    with Journal(place) as journal:
        assert journal.runs() == []
    assert by_migrations[0] == [] and {table for _, table, _ in by_migrations[1]} == set(APPEND_ONLY)
    for table in [each.name for each in reversed(Base.metadata.sorted_tables)] + ["alembic_version"]:
        statement(f"DROP TABLE {table}")
    if isinstance(place, Path):
        statement("PRAGMA user_version = 0")
    with closing(Database(place)) as made:
        assert shape(made) == by_migrations


def test_the_newest_migration_is_the_one_that_is_wanted():
    config = Config()
    config.set_main_option("script_location", str(Path(journal.schema.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


@pytest.mark.parametrize("before", ["0001", "0003", "0004"])
def test_an_older_schema_is_brought_up_to_date(database, place, before):
    migrated(database, before)
    with Journal(place) as journal:
        assert journal.account_log.note("A", "r", "alert", "x") in journal.account_log.notes()
    assert shape(database)[0] == []


def rows(path):
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for name, in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {}
        for table in tables:
            cursor = connection.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in cursor.description]
            found[table] = sorted((dict(zip(names, row, strict=True)) for row in cursor), key=repr)
        return found


@pytest.fixture(name="older", params=sorted(each.stem for each in FORMATS.glob("*.sql")))
def _older(request, tmp_path):
    path = tmp_path / "journal.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((FORMATS / f"{request.param}.sql").read_text())
    return path


def test_an_older_journal_loses_nothing(older):
    before = rows(older)
    with Journal(older) as journal:
        assert [run.final_value for run in journal.runs()] == [Decimal("1002.10"), Decimal("1001.10")]
    after = rows(older)
    before.pop("alembic_version", None)
    if "strategy" in before["trials"][0]:  # the first format's trials are kept under another name
        before["trials_1"] = before.pop("trials")
    elif "id" in before["trials"][0]:
        before["trials"] = sorted(({name: value for name, value in row.items() if name != "id"} for row in before["trials"]), key=repr)
    assert {table: [{name: row[name] for name in first} for row, first in zip(after[table], rows, strict=True)]
            for table, rows in before.items()} == before
    assert after["alembic_version"] == [{"version_num": REVISION}]


def test_an_older_journal_has_the_newest_schema_afterwards(older, tmp_path):
    for path in (older, tmp_path / "new.db"):
        Journal(path).runs()
    with closing(Database(older)) as old, closing(Database(tmp_path / "new.db")) as new:
        (differences, triggers), (_, expected) = shape(old), shape(new)
    assert triggers == expected
    assert [each for each in differences if getattr(each[-1], "name", "") != "trials_1"] == []


def test_an_older_cerebrolab_refuses_the_journal(path):
    Journal(path).runs()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() > (4,)  # the newest it knows


def test_a_newer_format_is_refused(journal, place, statement):
    journal.runs()
    statement("UPDATE alembic_version SET version_num = '0099'")
    with Journal(place) as again, pytest.raises(StoreFailed, match="newer cerebrolab .format 99, this one reads 8.: update") as caught:
        again.runs()
    assert "\n" not in str(caught.value)


def test_a_newer_format_of_a_file_is_refused(path):
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with Journal(path) as journal, pytest.raises(StoreFailed, match="newer cerebrolab .format 99"):
        journal.runs()


def test_another_programs_tables_are_left_alone(path):
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE trials (x); CREATE TABLE alembic_version (version_num); CREATE TABLE other (x)")
    before = path.read_bytes()
    with Journal(path) as journal, pytest.raises(StoreFailed, match=r"tables of another program \(alembic_version, trials\): name another"):
        journal.runs()
    assert rows(path) == {"trials": [], "alembic_version": [], "other": []} and len(path.read_bytes()) == len(before)


def test_alembic_is_imported_for_migrations_only(path):
    code = f"""import sys; from pathlib import Path; from journal import Journal
for _ in range(2):
    with Journal(Path({str(path)!r})) as journal: journal.runs()
sys.exit("alembic" in sys.modules)"""
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(journal.schema.__file__).parents[1], check=False).returncode == 0
