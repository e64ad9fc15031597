"""Bars as a folder of .npy files, so that every worker process of a machine reads the same memory.

Imports core only.
"""

import json
import os
import shutil
import tempfile
from dataclasses import asdict, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from core.bars import Bars, Origin
from core.errors import CorruptFile, StoreFailed

REST = "bars.json"  # what is no array


def write(bars: Bars, folder: str | Path) -> Path:
    """Write the panel into `folder`, under its fingerprint; all of it or nothing.

    Returns:
        Where it is: for `opened`.

    Raises:
        StoreFailed: it cannot be written.
    """
    target = Path(folder) / bars.fingerprint
    if target.is_dir():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=target.parent))
    except OSError as error:
        raise StoreFailed(f"cannot write bars to {target}: {error.strerror}; name another folder") from None
    try:
        _fill(draft, bars)
        os.rename(draft, target)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        if not target.is_dir():  # else another process was first
            raise StoreFailed(f"cannot write bars to {target}: {error.strerror}; make room or name another folder") from None
    return target


@lru_cache(maxsize=2)
def opened(path: str | Path) -> Bars:
    """The panel that `write` left at `path`, mapped into memory, read-only; the last two stay open.

    Raises:
        CorruptFile: it is not there, or not whole.
    """
    path = Path(path)
    try:
        rest = json.loads((path / REST).read_text(encoding="utf-8"))
        parts: dict[str, Any] = {file.stem: _mapped(file) for file in path.glob("*.npy")}
        origin = Origin(**{**rest.pop("origin"), "warnings": tuple(rest.pop("warnings"))})
        parts.update({name: tuple(value) if isinstance(value, list) else value for name, value in rest.items()})
        return Bars(**parts, origin=origin)
    except (OSError, EOFError, ValueError, TypeError, KeyError) as error:
        raise CorruptFile(f"cannot read the bars in {path}: {error}; write them again") from None


def _fill(folder: Path, bars: Bars) -> None:
    rest: dict[str, Any] = {"origin": asdict(bars.origin), "warnings": bars.origin.warnings}
    for each in fields(bars):
        value = getattr(bars, each.name)
        if isinstance(value, np.ndarray):
            np.save(folder / f"{each.name}.npy", np.ascontiguousarray(value), allow_pickle=False)
        elif each.name != "origin":
            rest[each.name] = value
    (folder / REST).write_text(json.dumps(rest), encoding="utf-8")


def _mapped(file: Path) -> np.ndarray:
    """A plain array over the mapped file: numba and numpy are slower with `numpy.memmap` itself."""
    return np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))
