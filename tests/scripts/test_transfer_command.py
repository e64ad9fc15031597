"""`cerebrolab export` and `cerebrolab import`, from one folder to another."""

from core.settings import load_settings
from journal import Journal


def test_a_journal_is_taken_to_another_place(command, folder, monkeypatch):
    with Journal(load_settings().journal) as journal:
        note = journal.account_log.note("A", "r", "alert", "x")
    answer = command("export", "--out", "a.tar.gz")
    assert (answer.code, answer.out) == (0, "1 records exported to a.tar.gz: 1 account_notes\n")
    assert command("export", "--out", "a.tar.gz").code == 2
    assert command("import", "a.tar.gz").err.count("\n") == 1
    monkeypatch.setenv("CEREBROLAB_HOME", "other")
    assert command("import", "a.tar.gz", "--json").value["account_notes"] == 1
    with Journal(load_settings().journal) as journal:
        assert journal.account_log.notes() == [note]


def test_an_api_is_no_place_to_export_from(command, monkeypatch):
    monkeypatch.setenv("CEREBROLAB_JOURNAL", "http://token:geheim@127.0.0.1:9")
    answer = command("export", "--out", "a.tar.gz")
    assert answer.code == 2 and "takes the database itself" in answer.err and "geheim" not in answer.err and answer.files == set()


def test_a_command_on_an_api_that_is_not_there_is_one_clear_line(command, monkeypatch):
    monkeypatch.setenv("CEREBROLAB_JOURNAL", "http://127.0.0.1:9")
    monkeypatch.setattr("journal.api_client.DEADLINE_S", 0.1)
    answer = command("runs", "list")
    assert answer.code == 2 and "does not answer" in answer.err and "cerebrolab serve api" in answer.err
