"""Where the settings say that the journal is, and that no password of it is shown."""

from pathlib import Path

import psycopg
import pytest

from core.settings import load_settings, variable_names
from journal import Journal


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in variable_names():
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(name="settings")
def _settings(monkeypatch):
    def load(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return load_settings()

    return load


@pytest.mark.parametrize(("variables", "place"), [
    ({}, Path(".cerebrolab/journal.db")),
    ({"CEREBROLAB_HOME": "h"}, Path("h/journal.db")),
    ({"CEREBROLAB_JOURNAL": "kept/j.db"}, Path("kept/j.db")),
    ({"CEREBROLAB_JOURNAL": "sqlite:///j.db", "DB_NAME": "x"}, "sqlite:///j.db"),
    ({"DB_USER": "me", "DB_PASSWORD": "p"}, Path(".cerebrolab/journal.db")),
    ({"DB_NAME": "algotrading"}, "postgresql://localhost:5432/algotrading"),
    ({"DB_NAME": "a", "DB_HOST": "db", "DB_PORT": "6543", "DB_USER": "m e", "DB_PASSWORD": "p:@/%"}, "postgresql://m%20e:p%3A%40%2F%25@db:6543/a"),
    ({"DB_NAME": "a", "DB_HOST": "::1", "DB_USER": "me"}, "postgresql://me@[::1]:5432/a"),
    ({"DB_NAME": "a", "DB_HOST": "/run/pg"}, "postgresql:///a?host=/run/pg&port=5432"),
])
def test_the_place_of_the_journal(settings, variables, place):
    found = settings(**variables)
    assert found.journal == place
    Journal(found.journal).close()  # it is understood


@pytest.mark.parametrize("variables", [
    {"CEREBROLAB_JOURNAL": "postgresql://me:ge%40heim@host/base"}, {"CEREBROLAB_JOURNAL": "postgresql://host/base?password=ge%40heim"},
    {"DB_NAME": "base", "DB_USER": "me", "DB_PASSWORD": "ge@heim"},
])
def test_no_password_is_shown(settings, variables):
    found = settings(**variables)
    assert {"ge%40heim", "ge@heim"} <= set(found.secrets) or {"ge@heim"} == set(found.secrets)
    assert "heim" not in f"{found} {found!r} {found.model_dump()}" and "heim" in str(found.journal)


def test_the_seeds_settings_reach_a_server(settings, server, address):
    host = psycopg.conninfo.conninfo_to_dict(address)["host"]
    found = settings(DB_HOST=host, DB_NAME="postgres", DB_USER="postgres", DB_PASSWORD="unused")
    with Journal(found.journal) as journal:
        assert journal.runs() == []
    with Journal(address) as journal:
        assert journal.account_log.note("A", "r", "alert", "x") in journal.account_log.notes()
