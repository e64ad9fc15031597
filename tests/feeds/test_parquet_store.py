"""ParquetStore: the contract of every store, and what only files can suffer: kills, corruption, a full disk."""

import logging
import resource
from pathlib import Path

import numpy as np
import pytest
from store_contract import SYMBOLS, XNYS, YEAR, StoreContract, history, load
from store_writers import kill_the_writers, share_the_writing
from vendor import ScriptedSource, daily_bars, same_bars

from core.bars import Bars
from core.errors import StoreFailed
from feeds.parquet_store import ParquetStore
from feeds.series_cache import SeriesCache
from feeds.synthetic import SyntheticSource


class TestParquetStore(StoreContract):
    def open(self, folder):
        return ParquetStore(folder)


def test_processes_that_write_at_the_same_time_lose_nothing(tmp_path):
    share_the_writing(tmp_path, len(YEAR))


def test_writers_killed_at_any_moment_leave_bars_and_coverage_in_agreement(tmp_path):
    kill_the_writers(tmp_path)
    assert not list(tmp_path.rglob("*.corrupt-*")) and not list(tmp_path.rglob("*.tmp"))


def truncated(content):
    return content[: len(content) // 2]


def flipped(content):
    middle = len(content) // 3
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1:]


@pytest.mark.parametrize("damage", [truncated, flipped, lambda _: b"", lambda _: b"not a file of ours" * 50],
                         ids=["truncated", "flipped", "empty", "foreign"])
def test_a_corrupt_file_is_set_aside_named_and_fetched_again(tmp_path, caplog, damage):
    source = ScriptedSource(*history())
    load(ParquetStore(tmp_path), source)
    path = ParquetStore(tmp_path).path("AAPL", "1d", "yahoo")
    path.write_bytes(damage(path.read_bytes()))
    source.asked.clear()
    with caplog.at_level(logging.WARNING):
        series, _ = load(ParquetStore(tmp_path), source)
    assert same_bars(series[0], source.history["AAPL"])
    assert source.asked == [("AAPL", str(YEAR[0]), str(YEAR[-1]))]
    assert path.with_name("AAPL.parquet.corrupt-1").exists()
    assert "AAPL.parquet is corrupt" in caplog.text and "corrupt-1" in caplog.text


def test_a_foreign_parquet_file_is_no_store_file(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    store = ParquetStore(tmp_path)
    path = store.path("AAPL", "1d", "yahoo")
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table({"close": [1.0]}), path)
    assert [finding.kind for finding in store.check()] == ["corrupt"]
    assert not path.exists()


def test_a_full_disk_leaves_the_old_file_and_no_temporary(tmp_path):
    store = ParquetStore(tmp_path)
    store.write("AAPL", daily_bars("AAPL", YEAR[:50]), YEAR[:50], source="yahoo")
    before = store.path("AAPL", "1d", "yahoo").read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        with pytest.raises(StoreFailed, match="cannot write .*AAPL.parquet.*what was stored before is untouched"):
            store.write("AAPL", daily_bars("AAPL", YEAR[50:]), YEAR[50:], source="yahoo")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert store.path("AAPL", "1d", "yahoo").read_bytes() == before
    assert not list(tmp_path.rglob("*.tmp"))
    assert same_bars(ParquetStore(tmp_path).read(["AAPL"], source="yahoo")[0], daily_bars("AAPL", YEAR[:50]))


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFailed, match="cannot write .*choose another folder"):
        ParquetStore(tmp_path / "file").write("AAPL", None, YEAR[:1], source="yahoo")


def test_leftovers_of_killed_writers_are_removed(tmp_path):
    store = ParquetStore(tmp_path)
    store.write("AAPL", None, YEAR[:1], source="yahoo")
    leftover = store.path("AAPL", "1d", "yahoo").with_name(".AAPL.parquet.tmp")
    leftover.write_bytes(b"half")
    store.write("AAPL", None, YEAR[:2], source="yahoo")
    assert not leftover.exists()


def test_memory_is_used_until_another_process_replaces_the_file(tmp_path):
    mine, other = ParquetStore(tmp_path), ParquetStore(tmp_path)
    mine.write("AAPL", daily_bars("AAPL", YEAR[:5]), YEAR[:5], source="yahoo")
    first = mine.read(["AAPL"], source="yahoo")[0]
    again = mine.read(["AAPL"], source="yahoo")[0]
    assert np.shares_memory(first.close, again.close)
    other.write("AAPL", daily_bars("AAPL", YEAR[5:9]), YEAR[5:9], source="yahoo")
    assert len(mine.read(["AAPL"], source="yahoo")[0]) == 9


def test_every_symbol_has_a_file_of_its_own_inside_the_folder(tmp_path):
    store = ParquetStore(tmp_path)
    names = (*SYMBOLS, "..", "../up", "a b", "A%2FB", "A/B")
    paths = {store.path(name, "1d", "yahoo") for name in names}
    assert len(paths) == len(names) and {path.parent for path in paths} == {tmp_path / "yahoo" / "1d"}


@pytest.mark.slow
def test_500_symbols_are_read_into_bars(tmp_path):
    source = SyntheticSource(3, 500)
    sessions = XNYS.between("2010-01-04", "2019-12-31")
    store = ParquetStore(tmp_path)
    for bars in source.fetch(source.symbols(), "2010-01-04", "2019-12-31"):
        store.write(bars.symbol, bars, sessions, source="yahoo")
    panel = Bars.of(ParquetStore(tmp_path).read(source.symbols(), source="yahoo"))
    assert panel.shape == (len(sessions), 500)


def test_a_store_that_is_up_to_date_is_read_once_however_little_of_it_is_remembered(tmp_path, monkeypatch):
    source = ScriptedSource(*history())
    load(ParquetStore(tmp_path), source)
    read, read_bytes = [], Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path.name) or read_bytes(path))
    monkeypatch.setattr("feeds.refresh.TOGETHER", 1)
    store = ParquetStore(tmp_path)
    store._files._cache = SeriesCache(limit=1)
    series, _ = load(store, source)
    assert [bars.symbol for bars in series] == ["AAPL", "BRK.B", "^GSPC", "EUR/USD"]
    assert sorted(read) == ["AAPL.parquet", "BRK.B.parquet", "EUR%2FUSD.parquet", "^GSPC.parquet"]
