"""`cerebrolab serve stream`: what it cannot begin with is one line, and exit code 2."""

import pytest
from api_settings import settings_in
from served import serving

from core.settings import variable_names
from scripts import cli
from services.api.app import create_app
from services.stream.queue_file import QueueFile

KEYS = {"ALPACA_API_KEY": "PKTEST", "ALPACA_SECRET_KEY": "secret"}
NOBODY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in variable_names():
        monkeypatch.delenv(name, raising=False)


def refused(capsys, *options):
    """The one line that it says, beside warnings."""
    assert cli.run(["serve", "stream", *options]) == 2
    shown = capsys.readouterr()
    assert not shown.out
    line, = [each for each in shown.err.splitlines() if not each.startswith("warning:")]
    return line


def test_no_keys(capsys):
    assert refused(capsys).startswith("error: ALPACA_API_KEY and ALPACA_SECRET_KEY are not set")


def test_what_is_no_api(capsys, monkeypatch, world):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    assert refused(capsys, "--api", "127.0.0.1:8000").startswith("error: '127.0.0.1:8000' is no address of an API: write http://")
    assert f"error: {world.alpaca.url} is no API of a journal" in refused(capsys, "--api", world.alpaca.url)
    monkeypatch.setenv("CEREBROLAB_JOURNAL", world.alpaca.url)
    assert f"error: {world.alpaca.url} is no API of a journal" in refused(capsys)


def test_an_api_that_wants_a_token(capsys, monkeypatch, tmp_path):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    token = "a-token-of-some-length"
    with serving(create_app(settings_in(tmp_path / "api"), token, rate=0)) as url:
        assert "wants a token" in refused(capsys, "--api", url)
        (tmp_path / "token").write_text(token)
        (tmp_path / "queue").write_text("nothing of the kind, and long enough to be read")
        line = refused(capsys, "--api", url, "--token-file", "token", "--queue", "queue")
        assert line.startswith("error: queue is no queue of cerebrolab serve stream (file is not a database): name another file with --queue")
    assert refused(capsys, "--token-file", "gone").startswith("error: cannot read the token in gone")


def test_a_queue_that_another_process_has(capsys, monkeypatch, tmp_path):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CEREBROLAB_HOME", str(tmp_path / "home"))
    with QueueFile(tmp_path / "home" / "stream.db"):
        assert "another process has the queue" in refused(capsys, "--api", NOBODY)


def test_keys_and_an_account_of_another_kind(capsys, monkeypatch, world):
    for name, value in {**KEYS, "ALPACA_BASE_URL": world.alpaca.url, "ALPACA_TRADE_STREAM_URL": world.alpaca.trade_stream_url}.items():
        monkeypatch.setenv(name, value)
    assert refused(capsys, "--api", NOBODY).startswith("error: alpaca does not accept the keys")
    monkeypatch.setenv("ALPACA_API_KEY", world.alpaca.key_id)
    monkeypatch.setenv("ALPACA_SECRET_KEY", world.alpaca.secret_key)
    assert "is a paper account, but live trading was asked for" in refused(capsys, "--api", NOBODY, "--live")
