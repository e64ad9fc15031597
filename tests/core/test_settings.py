import re
from pathlib import Path

import pytest

from core.errors import UnknownName, UsageError
from core.settings import Settings, load_settings, variable_names

EXAMPLE = Path(__file__).parents[2] / "env.example"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in variable_names():
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_defaults_are_below_the_current_folder():
    settings = load_settings()
    assert settings.bars_dir == Path(".cerebrolab/bars")
    assert settings.journal == Path(".cerebrolab/journal.db")
    assert (settings.runs_dir, settings.logs_dir) == (Path("runs"), Path("logs"))
    assert settings.secrets == []


def test_the_environment_wins_over_the_file(empty_folder, monkeypatch):
    (empty_folder / ".env").write_text("CEREBROLAB_HOME=from-file\nCEREBROLAB_RUNS_DIR=my runs\nOTHER=1\n")
    monkeypatch.setenv("CEREBROLAB_HOME", "from-environment")
    settings = load_settings()
    assert settings.home == Path("from-environment")
    assert settings.runs_dir == Path("my runs")


def test_secrets_are_masked_when_printed(monkeypatch):
    monkeypatch.setenv("ALPACA_API_KEY", "PK-very-private")
    settings = load_settings()
    assert "PK-very-private" not in f"{settings} {settings!r} {settings.model_dump()}"
    assert settings.secrets == ["PK-very-private"]


def test_an_unknown_setting_is_named_with_the_nearest_one(empty_folder):
    (empty_folder / ".env").write_text("CEREBROLAB_HOEM=x\n")
    with pytest.raises(UnknownName, match="'CEREBROLAB_HOEM': did you mean 'CEREBROLAB_HOME'"):
        load_settings()


def test_a_file_that_is_no_text_is_refused(empty_folder):
    (empty_folder / ".env").write_bytes(b"CEREBROLAB_HOME=\xff\xfe\n")
    with pytest.raises(UsageError, match=r"cannot read \.env"):
        load_settings()


def test_the_example_lists_every_setting_with_its_comment_and_default():
    stated = re.findall(r"^# (.+)\n([A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE)
    wanted = [(each.description, each.validation_alias, str(each.default or ""))
              for each in Settings.model_fields.values()]
    assert stated == wanted


def test_the_example_is_a_valid_file():
    assert load_settings(EXAMPLE) == load_settings()


def test_the_password_of_questdb_is_a_secret_but_for_the_one_it_ships_with(monkeypatch):
    assert load_settings().questdb is None
    monkeypatch.setenv("CEREBROLAB_QUESTDB", "questdb://me:a%40b@host:9000")
    settings = load_settings()
    assert settings.questdb == "questdb://me:a%40b@host:9000" and settings.secrets == ["a%40b", "a@b"]
    assert "a%40b" not in f"{settings!r} {settings.model_dump()}"
    monkeypatch.setenv("CEREBROLAB_QUESTDB", "questdb://admin:quest@host")
    assert load_settings().secrets == []


def test_the_store_is_a_folder_or_an_address_whose_password_is_a_secret(monkeypatch):
    assert load_settings().store == Path(".cerebrolab/bars")
    monkeypatch.setenv("CEREBROLAB_STORE", " my bars ")
    assert load_settings().store == Path("my bars")
    monkeypatch.setenv("CEREBROLAB_STORE", "postgresql://me:a%40b@host/base")
    settings = load_settings()
    assert settings.store == "postgresql://me:a%40b@host/base" and settings.secrets == ["a%40b", "a@b"]
    assert "a%40b" not in f"{settings!r} {settings.model_dump()}"
