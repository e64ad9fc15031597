"""The journal as a file: brought into any kind of database it is the same, to the last digit; what is damaged changes nothing."""

import gzip
import io
import json
import random
import tarfile
from contextlib import closing
from decimal import Decimal

import pytest
from sqlalchemy import select
from trial_rounds import append_round

from core.clock import ManualClock
from core.errors import CerebrolabError, CorruptFile, StoreFailed, UsageError
from journal import Journal, LiveOrder
from journal.account_log import TRANSFER, LiveExecution
from journal.archive import bring_in, export
from journal.database import Database
from journal.subscriptions import Advice
from journal.tables import Base

BUY = LiveExecution("c-1", "b", Decimal("2.50"), "A", "r", "AAA", "buy", Decimal("2.50"), Decimal("9.123456789012345678901234567"), 5)
DECISION = dict(account="A", run_key="r", bar_ns=10, session="2024-03-01", strategy="S", strategy_source="x", spec={"a": [1, "€"]},
                fingerprint="f", equity=Decimal("1000.10"), cash=Decimal(1), targets={"AAA": 0.1}, notes=["x"])


@pytest.fixture(name="full")
def _full(place, make_result):
    """A journal with records in every table."""
    with Journal(place) as journal:
        run = journal.record_run(make_result(), "runs/first")
        append_round(journal, "first", 0)
        journal.ledger.record_verdict(run_id=run, strategy="S", strategy_source="x", params={"a": 1.5}, universe=["B"], fingerprint="f",
                                      passed=False, reasons=["luck"], numbers={"n": float("nan")})
        journal.blotter.decide([LiveOrder("c-1", 0, "AAA", "buy", Decimal(3), "enter")], **DECISION)
        journal.account_log.execute([BUY])
        journal.account_log.note("A", "", TRANSFER, "begins with\nthis", cash="1000.50", symbol="")
        journal.steering.answer(journal.steering.ask("rebalance").id, "A", "r", True, "done", 5)
        journal.state.reconcile("A", {"AAA": {"quantity": 2}}, by="me")
        journal.history.say("A", "r", "S", 10, {"AAA": 1.0})
        journal.history.take("A", "r", Decimal(5), Decimal("4.50"))
        journal.subscriptions.confirm(journal.subscriptions.ask("a@example.org", [("S", "AAA")]).token)
        journal.subscriptions.advise([Advice("S", "AAA", "2024-03-01", "BUY", Decimal("9.50"), {"fast": 1.5})])
        journal.daily.record("2024-03-01", "mails", True, "1 mail")
    return place


def everything(place):
    with closing(Database(place)) as database, database.reading() as session:
        return {table.name: [tuple(str(each) if isinstance(each, Decimal) else each for each in row) for row in session.execute(
            select(table).order_by(*table.primary_key))] for table in Base.metadata.sorted_tables}


@pytest.fixture(name="other", params=["sqlite", "postgresql"])
def _other(request, tmp_path, server):
    """An empty database beside the first."""
    if request.param == "sqlite":
        return tmp_path / "other.db"
    import psycopg

    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS other")
        connection.execute("CREATE DATABASE other")
    return server.get_uri().replace("/postgres?", "/other?")


def test_a_round_trip_is_equal_and_goes_on(full, other, tmp_path):
    before = everything(full)
    assert all(before.values())
    rows = export(full, tmp_path / "a.tar.gz")
    assert rows == {name: len(found) for name, found in before.items()} == bring_in(tmp_path / "a.tar.gz", other)
    assert everything(other) == before
    with Journal(other) as journal:
        assert journal.account_log.executions("A") == [BUY] and journal.state.portfolio("A").transferred == Decimal("1000.50")
        assert journal.steering.ask("rebalance").id == 2 and journal.account_log.execute([BUY]) == 0
        append_round(journal, "second", 0)


def test_the_same_records_are_the_same_bytes(full, tmp_path):
    for name in ("a.tar.gz", "b.tar.gz"):
        export(full, tmp_path / name)
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()


@pytest.fixture(name="archive", scope="module")
def _archive(tmp_path_factory):
    """Of a journal with one note."""
    folder = tmp_path_factory.mktemp("archive")
    with Journal(folder / "journal.db", ManualClock(7)) as journal:
        journal.account_log.note("A", "r", "alert", "x")
    export(folder / "journal.db", folder / "a.tar.gz")
    return folder / "a.tar.gz"


def test_a_journal_with_records_is_left_alone(archive, place):
    with Journal(place) as journal:
        note = journal.account_log.note("B", "r", "alert", "mine")
        with pytest.raises(UsageError, match=r"a.tar.gz is for an empty journal, and this one has records: set CEREBROLAB_JOURNAL"):
            bring_in(archive, place)
        assert journal.account_log.notes() == [note]


def test_an_archive_that_is_there_is_left_alone(archive, tmp_path):
    with pytest.raises(UsageError, match="a.tar.gz is there already: name another file"):
        export(tmp_path / "journal.db", archive)
    with pytest.raises(StoreFailed, match="nowhere.*could not be written: No such file"):
        export(tmp_path / "journal.db", tmp_path / "nowhere" / "b.tar.gz")


def changed(archive, path, change):
    """The archive with its files (name -> bytes) changed."""
    with tarfile.open(archive) as tar:
        files = {entry.name: tar.extractfile(entry).read() for entry in tar}
    change(files)
    with gzip.open(path, "wb") as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def manifest(**values):
    def change(files):
        files["manifest.json"] = json.dumps({**json.loads(files["manifest.json"]), **values}).encode()

    return change


@pytest.mark.parametrize(("change", "kind", "told"), [
    (lambda files: files.pop("manifest.json"), CorruptFile, "it has no manifest"),
    (lambda files: files.update({"manifest.json": b"[]"}), CorruptFile, "damaged, or no archive of a journal"),
    (lambda files: files.pop("account_notes.parquet"), CorruptFile, "account_notes.parquet is missing"),
    (lambda files: files.update({"account_notes.parquet": files["trials.parquet"]}), CorruptFile, "account_notes.parquet is not what the manifest says"),
    (lambda files: files.update({"../evil": b"x"}), CorruptFile, "'../evil' does not belong in it"),
    (manifest(revision="0099"), UsageError, "has the journal's format 99, and this cerebrolab reads 8"),
    (manifest(kind="other"), CorruptFile, "the manifest is of something else"),
    (manifest(tables={}), CorruptFile, "the manifest is of something else"),
])
def test_what_is_no_archive_of_ours_is_one_clear_line(archive, tmp_path, change, kind, told):
    with pytest.raises(kind, match=told) as caught:
        bring_in(changed(archive, tmp_path / "b.tar.gz", change), tmp_path / "new.db")
    assert "\n" not in str(caught.value) and not (tmp_path / "new.db").exists()


def test_a_foreign_file_and_none(tmp_path):
    (tmp_path / "x").write_bytes(b"no tarball at all")
    with pytest.raises(CorruptFile, match="is damaged, or no archive of a journal: .*; nothing was imported"):
        bring_in(tmp_path / "x", tmp_path / "new.db")
    with pytest.raises(UsageError, match="there is no file .*nothing: name one that cerebrolab export has written"):
        bring_in(tmp_path / "nothing", tmp_path / "new.db")


def test_any_damage_is_found_or_harmless(archive, tmp_path):
    content = archive.read_bytes()
    chance = random.Random(1)
    for at in range(100):
        broken = bytearray(content)
        if at % 2:
            broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
        else:
            del broken[chance.randrange(len(broken)):]
        (tmp_path / "b.tar.gz").write_bytes(broken)
        place = tmp_path / f"{at}.db"
        try:
            bring_in(tmp_path / "b.tar.gz", place)
        except CerebrolabError as error:
            assert "\n" not in str(error) and not place.exists()
        else:
            with Journal(place) as journal:
                assert [note.text for note in journal.account_log.notes()] == ["x"]
