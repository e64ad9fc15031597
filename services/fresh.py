"""`set_aside`: what is stored and recorded is moved out of the way, so that all begins empty; nothing is deleted. May import core."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from core.errors import StoreFailed, UsageError
from core.settings import Settings


def folders(settings: Settings) -> list[Path]:
    """The folders that hold what is stored and recorded, and exist; one that lies in another goes with it.

    Raises:
        UsageError: the journal or the bars are elsewhere, or a folder cannot be moved because one works in it.
    """
    for name, place in (("CEREBROLAB_JOURNAL", settings.journal), ("CEREBROLAB_STORE", settings.store)):
        if not isinstance(place, Path) or not place.resolve().is_relative_to(settings.home.resolve()):
            raise UsageError(f"{name} is not in {settings.home}: a fresh start moves folders only; empty it yourself, or name an empty one")
    there = [each.resolve() for each in (settings.home, settings.runs_dir) if each.exists()]
    for each in there:
        if Path.cwd().is_relative_to(each):
            raise UsageError(f"{each} is the current folder, or around it, and cannot be moved: start from elsewhere, or name another folder")
    return [each for each in dict.fromkeys(there) if not any(each != other and each.is_relative_to(other) for other in there)]


def set_aside(those: Sequence[Path], home: Path) -> list[Path]:
    """Move folders out of the way; returns where they are now.

    Raises:
        UsageError: something works in `home`. StoreFailed: they cannot be moved.
    """
    for file in (each for each in home.rglob("*.lock") if each.is_file()):
        try:
            with FileLock(file, timeout=0):
                pass
        except Timeout:
            raise UsageError(f"something works in {home} ({file.name} is held): end it first") from None
        except OSError as error:
            raise UsageError(f"cannot see whether something works in {home}: {file}: {error.strerror}") from None
    moved: list[Path] = []
    mark = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}"
    for folder in those:
        target = folder.with_name(f"{folder.name}.before-{mark}")
        try:
            folder.rename(target)
        except OSError as error:
            before = f"; moved already: {', '.join(map(str, moved))}" if moved else ""
            raise StoreFailed(f"cannot move {folder} to {target}: {error.strerror}{before}") from None
        moved.append(target)
    return moved
