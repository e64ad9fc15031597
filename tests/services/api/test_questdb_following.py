"""The REST API with a QuestDB beside its journal: what it records is copied, and an outage there disturbs nobody."""

import logging
import threading
from dataclasses import replace
from decimal import Decimal

import httpx
import pytest
from api_settings import settings_in
from ports import free_port
from pydantic import SecretStr
from questdb_rows import EXECUTION, wait_for
from served import serving

from core.settings import variable_names
from journal.remote import ApiJournal
from scripts import cli
from services import questdb
from services.api.app import create_app

pytestmark = pytest.mark.xdist_group("questdb")  # one server for all of them


def settings_with(folder, place):
    return settings_in(folder).model_copy(update={"questdb_place": SecretStr(place)})


class Heard(logging.Handler):
    """What the log of `services.questdb` was told, and whether that was anything."""

    def __init__(self):
        super().__init__()
        self.lines, self.any = [], threading.Event()

    def emit(self, record):
        self.lines.append((record.levelname, record.getMessage()))
        self.any.set()


@pytest.fixture(name="heard")
def _heard():
    heard, level = Heard(), questdb.log.level
    questdb.log.addHandler(heard)
    questdb.log.setLevel(logging.INFO)
    yield heard
    questdb.log.removeHandler(heard)
    questdb.log.setLevel(level)


def copied(server, table):
    return server.ask(f"SELECT count() FROM cerebrolab_{table}")[0][0]


def test_what_the_api_records_is_copied_and_an_outage_disturbs_nobody(tmp_path, quest_server, quest_place, heard, monkeypatch):
    monkeypatch.setattr(questdb, "EVERY_S", 0.02)
    app = create_app(settings_with(tmp_path, quest_place), rate=0)
    with serving(app) as address, httpx.Client(base_url=address, timeout=60) as client:
        journal = ApiJournal(address)
        assert journal.account_log.execute([EXECUTION]) == 1
        journal.history.take("A", "", Decimal(1), Decimal(1), time_ns=1)
        wait_for(lambda: copied(quest_server, "executions") == copied(quest_server, "equity") == 1)
        try:
            quest_server.stop()
            assert heard.any.wait(60)
            assert client.get("/health").status_code == 200
            assert journal.account_log.execute([replace(EXECUTION, client_order_id="c-2")]) == 1
        finally:
            quest_server.start()
        wait_for(lambda: copied(quest_server, "executions") == 2)
        wait_for(lambda: len(heard.lines) == 2)
        journal.close()
    assert [level for level, _ in heard.lines] == ["WARNING", "INFO"] and "p@ss" not in str(heard.lines)
    assert not [each for each in threading.enumerate() if each.name == "questdb"]


def test_an_api_begins_and_ends_though_its_questdb_is_away(tmp_path, heard):
    app = create_app(settings_with(tmp_path, "questdb://u:geheim@127.0.0.1:1?pg_port=1"), rate=0)
    with serving(app) as address:
        assert heard.any.wait(60) and httpx.get(f"{address}/health").status_code == 200
    [(level, line)] = heard.lines
    assert level == "WARNING" and "it is tried again: questdb://u:***@127.0.0.1:1 failed: " in line


def test_an_address_that_is_none_is_why_an_api_does_not_begin(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in variable_names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CEREBROLAB_QUESTDB", "questdb://u:geheim@h/x")
    assert cli.run(["serve", "api", "--port", str(free_port())]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("error: QuestDB address 'questdb://***@h/x' is none: ") and shown.err.count("\n") == 1
