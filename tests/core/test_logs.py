import calendar
import logging
import os
import time
import warnings

import pytest

from core import logs
from core.settings import Settings


@pytest.fixture(name="configured")
def _configured(tmp_path, monkeypatch):
    monkeypatch.setenv("ALPACA_SECRET_KEY", "s3cr3t-value")
    settings = Settings(CEREBROLAB_LOGS_DIR=tmp_path / "logs", _env_file=None)
    log_file = logs.configure(settings)
    yield tmp_path / "logs" / logs.FILE_NAME
    logs.release(log_file)


def test_nothing_is_created_before_the_first_record(configured):
    assert not configured.parent.exists()
    logging.getLogger("engine.run").info("started")
    assert configured.exists()


def test_times_are_utc(configured, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        before = time.time()
        logging.getLogger("engine").info("now")
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    stamp, level, process, name, text = configured.read_text().split()
    assert abs(calendar.timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ")) - before) < 5
    assert (level, int(process), name, text) == ("INFO", os.getpid(), "engine:", "now")


def test_others_are_heard_from_warning_up_and_python_warnings_too(configured):
    logging.getLogger("matplotlib").info("noise")
    logging.getLogger("matplotlib").warning("signal")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("deprecated thing", UserWarning, stacklevel=1)
    text = configured.read_text()
    assert "noise" not in text
    assert "signal" in text
    assert "deprecated thing" in text


def test_secrets_are_masked_in_message_arguments_traceback_and_stack(configured):
    log = logging.getLogger("brokers")
    log.info("key %s", "s3cr3t-value", stack_info=True)
    try:
        raise ValueError("refused: s3cr3t-value")
    except ValueError:
        log.exception("call failed")
    text = configured.read_text()
    assert "s3cr3t-value" not in text
    assert "key ***" in text
    assert "ValueError: refused: ***" in text


def test_files_are_capped_and_the_oldest_are_dropped(configured, monkeypatch):
    log_file = next(each for each in logging.getLogger().handlers if isinstance(each, logs.LogFile))
    monkeypatch.setattr(log_file, "maxBytes", 2_000)
    for number in range(400):
        logging.getLogger("engine").info("line %04d %s", number, "x" * 50)
    files = sorted(configured.parent.iterdir())
    assert len(files) == 1 + logs.KEPT_FILES
    assert all(each.stat().st_size <= 2_000 for each in files)
    assert "line 0399" in configured.read_text()


def test_an_unwritable_log_is_one_warning(tmp_path, capsys):
    (tmp_path / "taken").write_text("a file, not a folder")
    log_file = logs.configure(Settings(CEREBROLAB_LOGS_DIR=tmp_path / "taken", _env_file=None))
    try:
        logging.getLogger("engine").info("one")
        logging.getLogger("engine").info("two")
    finally:
        logs.release(log_file)
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) == 1
    assert shown[0].startswith("warning: cannot write the log")
    assert "taken" in shown[0]


def test_release_leaves_logging_as_it_was(tmp_path):
    before = list(logging.getLogger().handlers), logging.getLogger("engine").level
    logs.release(logs.configure(Settings(CEREBROLAB_LOGS_DIR=tmp_path, _env_file=None)))
    assert (list(logging.getLogger().handlers), logging.getLogger("engine").level) == before
