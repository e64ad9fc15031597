"""Texts of a user's files that travel with trials, and where a machine without the files finds them."""

import atexit
import shutil
import tempfile
from pathlib import Path

from core.errors import UsageError


def text_of(path: str | Path) -> str:
    """What a file says.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}; check the path before the colon") from None


def present(path: str, text: str) -> str:
    """A file with this text: the one at `path`, or, where that is missing or another, one of our own."""
    there = Path(path)
    try:
        if there.read_text(encoding="utf-8") == text:
            return path
    except (OSError, UnicodeDecodeError):
        pass
    folder = tempfile.mkdtemp(prefix="cerebrolab-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    own = Path(folder, there.name)
    own.write_text(text, encoding="utf-8")
    return str(own)
