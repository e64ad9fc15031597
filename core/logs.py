"""Log files: size-capped, UTC times, without the values of secret settings.

`configure` is called once by each command; modules just use `logging.getLogger(__name__)`.
"""

import logging
import sys
import time
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.settings import Settings

FILE_NAME = "cerebrolab.log"
MAX_BYTES = 2_000_000
KEPT_FILES = 5
OURS = ("analyzers", "brokers", "checks", "core", "engine", "feeds", "indicators", "journal", "optimize", "reports", "scripts",
        "services", "sizers", "strategies", "taxes")
MASK = "***"
_FORMAT = "%(asctime)sZ %(levelname)s %(process)d %(name)s: %(message)s"


class SecretFilter(logging.Filter):
    """Replaces secret values in a record's message, traceback and stack by "***"."""

    def __init__(self, secrets: list[str]) -> None:
        super().__init__()
        self._secrets = sorted((secret for secret in secrets if secret), key=len, reverse=True)

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the record in place; every record passes."""
        record.msg, record.args = self.masked(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip()
        record.exc_text = record.exc_text and self.masked(record.exc_text)
        record.stack_info = record.stack_info and self.masked(record.stack_info)
        return True

    def masked(self, text: str) -> str:
        """`text` without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text


class LogFile(RotatingFileHandler):
    """A rotating file whose folder is created with its first record; an unwritable one is reported once."""

    def __init__(self, path: Path, secrets: list[str]) -> None:
        super().__init__(path, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8", delay=True)
        self._reported = False
        formatter = logging.Formatter(_FORMAT, datefmt="%Y-%m-%dT%H:%M:%S")
        formatter.converter = time.gmtime
        self.setFormatter(formatter)
        self.addFilter(SecretFilter(secrets))

    def _open(self):
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:
        """Say once, on stderr, that the log cannot be written."""
        if not self._reported:
            self._reported = True
            print(f"warning: cannot write the log {self.baseFilename}: {sys.exc_info()[1]}", file=sys.stderr)


def configure(settings: "Settings") -> LogFile:
    """Send our records from INFO up, others' and Python's warnings from WARNING up, to the log file.

    Nothing is created before the first record. Hand the result to `release` when done.
    """
    log_file = LogFile(settings.logs_dir / FILE_NAME, settings.secrets)
    logging.getLogger().addHandler(log_file)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    logging.captureWarnings(True)
    return log_file


def release(log_file: LogFile) -> None:
    """Undo `configure`."""
    logging.captureWarnings(False)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.NOTSET)
    logging.getLogger().removeHandler(log_file)
    log_file.close()
