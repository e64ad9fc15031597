"""Bars written for other processes and opened again."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from made_bars import ragged

from core.bars import Bars, Origin
from core.errors import CorruptFile, StoreFailed
from optimize import shared_bars


@pytest.fixture(name="bars")
def _bars():
    return Bars.from_frames(ragged(60, 3), reference=["S2"], sectors={"S0": "Energy"}, calendar="24/7",
                            origin=Origin("made", synthetic=True, note="none", warnings=("look here",)))


def test_opened_bars_are_the_written_ones(bars, tmp_path):
    path = shared_bars.write(bars, tmp_path)
    again = shared_bars.opened(path)
    assert again.fingerprint == bars.fingerprint == path.name
    assert again.origin == bars.origin and again.sectors == bars.sectors and again.calendar == "24/7"
    np.testing.assert_array_equal(again.close, bars.close)


def test_opened_bars_are_mapped_read_only_and_open_once(bars, tmp_path):
    path = shared_bars.write(bars, tmp_path)
    again = shared_bars.opened(path)
    assert type(again.raw_close) is np.ndarray and again.raw_close.flags.c_contiguous
    base = again.raw_close
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)
    with pytest.raises(ValueError):
        again.raw_close[0, 0] = 1.0
    assert shared_bars.opened(path) is again


def test_equal_bars_are_written_once(bars, tmp_path):
    path = shared_bars.write(bars, tmp_path)
    before = (path / "raw_close.npy").stat().st_mtime_ns
    assert shared_bars.write(pickle.loads(pickle.dumps(bars)), tmp_path) == path
    assert (path / "raw_close.npy").stat().st_mtime_ns == before
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_another_process_reads_the_same_bars(bars, tmp_path):
    path = shared_bars.write(bars, tmp_path)
    code = f"from optimize import shared_bars; print(shared_bars.opened({str(path)!r}).fingerprint)"
    root = shared_bars.__file__.rsplit("/", 2)[0]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == bars.fingerprint


def test_a_write_that_fails_leaves_nothing(bars, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(StoreFailed, match="No space left.*make room"):
        shared_bars.write(bars, tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFailed, match="name another folder"):
        shared_bars.write(bars, tmp_path / "file")


def test_missing_or_damaged_bars_are_named(bars, tmp_path):
    with pytest.raises(CorruptFile, match="nowhere"):
        shared_bars.opened(tmp_path / "nowhere")
    path = shared_bars.write(bars, tmp_path)
    (path / "raw_open.npy").write_bytes(b"")
    with pytest.raises(CorruptFile, match=path.name):
        shared_bars.opened(path)
    (path / "raw_open.npy").unlink()
    with pytest.raises(CorruptFile, match="raw_open"):
        shared_bars.opened(path)
