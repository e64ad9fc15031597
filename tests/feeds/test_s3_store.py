"""ParquetStore in a bucket of a real S3-compatible server, and in fsspec's memory: the contract, and what only far servers can suffer."""

import logging
import os
import signal
from pathlib import Path

import fsspec
import numpy as np
import pytest
from s3_front import before
from s3_server import SECRET
from store_contract import YEAR, StoreContract, history, load
from store_writers import kill_the_writers, share_the_writing
from vendor import ScriptedSource, daily_bars, same_bars

from core.errors import StoreFailed, UsageError
from feeds.copying import copy
from feeds.parquet_store import ParquetStore
from feeds.s3_bucket import S3Bucket
from scripts import cli

DAYS = YEAR[:4]


class TestS3(StoreContract):
    @pytest.fixture(autouse=True)
    def _use(self, s3):
        """Of the server."""

    def open(self, folder):
        return ParquetStore(f"s3://bars/{Path(folder).name}")


class TestMemory(StoreContract):
    def open(self, folder):
        return ParquetStore(f"memory://{folder}")


@pytest.fixture(name="place")
def _place(s3, tmp_path):
    """An empty prefix, that has to be encoded."""
    return f"s3://bars/{tmp_path.name}/a b+%2F"


@pytest.fixture(name="quick", autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr("feeds.s3_bucket.WAITS_S", (0.001, 0.001))


def failure(work):
    with pytest.raises(StoreFailed) as caught:
        work()
    assert "\n" not in str(caught.value) and SECRET not in str(caught.value)
    return str(caught.value)


def test_processes_that_write_at_the_same_time_lose_nothing(place):
    share_the_writing(place)


def test_writers_killed_at_any_moment_leave_bars_and_coverage_in_agreement(place):
    kill_the_writers(place)


def test_a_writer_that_was_overtaken_reads_again_and_adds(place):
    mine, other = ParquetStore(place), ParquetStore(place)
    put, overtaken = mine._files._objects.put, []

    def overtake(*arguments):
        if not overtaken:
            overtaken.append(True)
            other.write("AAPL", daily_bars("AAPL", YEAR[5:9]), YEAR[5:9], source="yahoo")
        return put(*arguments)

    mine._files._objects.put = overtake
    mine.write("AAPL", daily_bars("AAPL", YEAR[:5]), YEAR[:5], source="yahoo")
    assert same_bars(ParquetStore(place).read(["AAPL"], source="yahoo")[0], daily_bars("AAPL", YEAR[:9]))


def test_memory_is_used_until_another_replaces_the_object(place):
    mine, other = ParquetStore(place), ParquetStore(place)
    mine.write("AAPL", daily_bars("AAPL", YEAR[:5]), YEAR[:5], source="yahoo")
    first, again = (mine.read(["AAPL"], source="yahoo")[0] for _ in range(2))
    assert np.shares_memory(first.close, again.close)
    other.write("AAPL", daily_bars("AAPL", YEAR[5:9]), YEAR[5:9], source="yahoo")
    assert len(mine.read(["AAPL"], source="yahoo")[0]) == 9


def test_more_objects_than_fit_on_a_page_of_the_list(s3, tmp_path):
    folder = s3.file(tmp_path.name)
    folder.mkdir()
    for number in range(1001):
        (folder / f"{number:04}").touch()
    assert list(S3Bucket("bars").keys(f"{tmp_path.name}/")) == [f"{tmp_path.name}/{number:04}" for number in range(1001)]


def test_a_damaged_object_counts_as_never_fetched_and_is_kept_aside(place, s3, caplog):
    source = ScriptedSource(*history())
    load(ParquetStore(place), source)
    store = ParquetStore(place)
    key = f"{place.removeprefix('s3://bars/')}/yahoo/1d/AAPL.parquet"
    content = s3.file(key).read_bytes()
    store._files._objects.put(key, content[:99], store._files._objects.get(key)[1])
    assert [finding.kind for finding in store.check() if finding.symbol == "AAPL"] == ["corrupt"]
    source.asked.clear()
    series, _ = load(store, source)
    assert same_bars(series[0], source.history["AAPL"]) and source.asked == [("AAPL", str(YEAR[0]), str(YEAR[-1]))]
    assert s3.file(f"{key}.corrupt-1").read_bytes() == content[:99]
    assert "AAPL.parquet is corrupt" in caplog.text


def test_a_server_that_stops_between_two_writes_leaves_what_was_written(place, s3):
    store = ParquetStore(place)
    store.write("AAPL", daily_bars("AAPL", DAYS), DAYS, source="yahoo")
    s3.stop()
    told = failure(lambda: store.write("AAPL", daily_bars("AAPL", YEAR), YEAR, source="yahoo"))
    assert told.startswith("s3://bars failed: the server does not answer") and "check AWS_ENDPOINT_URL and that it runs" in told
    s3.start()
    assert same_bars(ParquetStore(place).read(["AAPL"], source="yahoo")[0], daily_bars("AAPL", DAYS))
    store.write("AAPL", daily_bars("AAPL", YEAR), YEAR, source="yahoo")
    assert len(store.missing("AAPL", YEAR, source="yahoo")) == 0


def test_a_copy_whose_server_stops_is_one_line_and_goes_on_when_it_is_back(place, s3, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    load(ParquetStore(tmp_path / "from"), ScriptedSource(*history()))
    target = ParquetStore(place)
    for done in copy(ParquetStore(tmp_path / "from"), target):
        if done.symbol == "AAPL":
            s3.stop()
            break
    assert cli.run(["data", "copy", "from", place]) == 2
    told = capsys.readouterr().err.splitlines()
    assert told[-1].startswith("error: s3://bars failed: the server does not answer") and SECRET not in "".join(told)
    s3.start()
    assert [held.symbol for held in target.list()] == ["AAPL"]
    assert cli.run(["data", "copy", "from", place]) == 0
    assert f"3 of 4 series copied to {place}" in capsys.readouterr().out
    assert list(target.list()) == list(ParquetStore(tmp_path / "from").list())


def test_what_a_server_refuses_is_said_with_advice(s3, monkeypatch):
    assert "NoSuchBucket (status 404); make the bucket, or correct its name" in failure(ParquetStore("s3://other/x").list)
    assert "NoSuchBucket" in failure(lambda: ParquetStore("s3://other/x").write("AAPL", None, DAYS, source="yahoo"))
    assert "NoSuchBucket" in failure(lambda: ParquetStore("s3://other/x").read(["AAPL"], source="yahoo"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    assert "SignatureDoesNotMatch (status 403); check AWS_SECRET_ACCESS_KEY" in failure(ParquetStore("s3://bars/x").list)


@pytest.mark.parametrize("address", ["nonsense", "ftp://127.0.0.1", "http://me:geheim@127.0.0.1", "http://127.0.0.1:x", "http://127.0.0.1:99999"])
def test_an_address_of_no_server(s3, monkeypatch, address):
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    with pytest.raises(UsageError, match="AWS_ENDPOINT_URL is no address of a server: write http://HOST:PORT or https://HOST") as caught:
        ParquetStore("s3://bars/x")
    assert "geheim" not in str(caught.value)


def test_without_its_package(s3, monkeypatch):
    monkeypatch.setattr("feeds.s3_bucket.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"install it with pip install -e '\.\[s3\]'"):
        ParquetStore("s3://bars/x")


@pytest.fixture(name="front")
def _front(s3, monkeypatch):
    with before(s3) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front.address)
        yield front


def test_a_server_that_is_busy_for_a_moment_is_asked_again(front, place):
    front.refused = [503, 500]
    ParquetStore(place).write("AAPL", daily_bars("AAPL", DAYS), DAYS, source="yahoo")
    assert [status for _, _, status in front.seen] == [503, 500, 404, 200]
    front.refused = [503] * 5
    assert "Service Unavailable (status 503)" in failure(ParquetStore(place).list)
    assert front.refused == [503]


def test_a_server_without_conditional_writes_is_written_with_a_warning(front, place, caplog):
    front.refused, front.only_conditional = [501] * 4, True
    store = ParquetStore(place)
    with caplog.at_level(logging.WARNING):
        store.write("AAPL", daily_bars("AAPL", DAYS), DAYS, source="yahoo")
        store.write("AAPL", daily_bars("AAPL", YEAR), YEAR, source="yahoo")
    assert caplog.text.count("knows no conditional writes: let one process at a time write to it") == 1
    assert [conditional for method, conditional, _ in front.seen if method == "PUT"] == [True] * 4 + [False, False]
    assert same_bars(store.read(["AAPL"], source="yahoo")[0], daily_bars("AAPL", YEAR))


def test_keys_of_a_profile(s3, tmp_path, monkeypatch):
    (tmp_path / "config").write_text(f"[profile lab]\nregion = eu-central-1\nendpoint_url = http://127.0.0.1:{s3.port}/\n")
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = no\n[lab]\naws_access_key_id = K\naws_secret_access_key = geheim\n")
    for name in s3.settings:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    with pytest.raises(UsageError, match="there are no keys for s3://: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"):
        ParquetStore("s3://bars/x")
    monkeypatch.setenv("AWS_PROFILE", "lab")
    bucket = S3Bucket("bars")
    used = bucket._store.config
    assert (used["access_key_id"], used["region"], used["endpoint"]) == ("K", "eu-central-1", f"http://127.0.0.1:{s3.port}")
    assert "geheim" not in repr(bucket) + repr(bucket._store)


@pytest.mark.parametrize("place", ["s3://", "s3://ba rs/x", "s3://bars//x", "s3://me:geheim@bars/x", "s3://bars/x?key=geheim", "nosuch://x"])
def test_an_address_of_no_store(s3, place):
    with pytest.raises(UsageError) as caught:
        ParquetStore(place)
    assert "geheim" not in str(caught.value)


def test_a_folder_and_memory_by_their_addresses(tmp_path):
    ParquetStore(f"file://{tmp_path}/a%20b").write("AAPL", None, DAYS, source="yahoo")
    assert (tmp_path / "a b" / "yahoo" / "1d" / "AAPL.parquet").exists()
    ParquetStore(f"memory://{tmp_path}").write("EUR/USD", None, DAYS, source="yahoo")
    assert fsspec.filesystem("memory").exists(f"{tmp_path}/yahoo/1d/EUR%2FUSD.parquet")


def test_a_forked_process_is_told_instead_of_hanging(s3):
    bucket = S3Bucket("bars")
    assert bucket.get("nothing") is None
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            bucket.get("nothing")
        except StoreFailed:
            os._exit(7)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
