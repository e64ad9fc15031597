"""Dask workers that load the bars themselves: a real S3 server, a real scheduler, two worker processes."""

import os
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest
from dask_workers import Cluster
from made_bars import walk
from postgres_server import started as postgres
from s3_front import before
from s3_server import SECRET, _s3, _s3_server  # noqa: F401  (fixtures)

from core.calendars import get_calendar
from core.clock import ManualClock
from core.errors import StoreFailed, UsageError
from core.series import SymbolBars
from core.spec import RunSpec
from engine.loading import load
from feeds import stores
from feeds.parquet_store import ParquetStore
from feeds.sql_store import SqlStore
from journal import Journal
from optimize import Search, far_bars, sweep
from optimize.dask_cluster import Dask
from optimize.far_bars import FarBars
from optimize.recipe import Recipe
from scripts import cli

XNYS = get_calendar("XNYS")
SESSIONS = XNYS.between("2018-01-02", "2019-06-28")
SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "EEE", "^GSPC")
SPEC = RunSpec(symbols=("AAA", "BBB"), source="yahoo", start="2018-01-02", end="2019-06-28")
SPACE = {"fast": (2, 3, 4, 5), "slow": (10, 20, 30)}
NOW = ManualClock(int(XNYS.close_of(SESSIONS[-1:])[0]) + 86_400 * 10**9)


def series(symbol, seed, first=0):
    sessions = SESSIONS[first:]
    made = walk(len(sessions), seed)
    columns = {name: made[name].to_numpy() for name in ("open", "high", "low", "volume")}
    return SymbolBars.make(symbol, XNYS.close_of(sessions), sessions, made["close"].to_numpy(), **columns)


def filled(store):
    for seed, symbol in enumerate(SYMBOLS):
        store.write(symbol, series(symbol, seed, 40 * (symbol == "BBB")), SESSIONS, source="yahoo")
    return store


@pytest.fixture(name="place")
def _place(s3, tmp_path):
    place = f"s3://bars/{tmp_path.name}"
    filled(ParquetStore(place))
    return place


@pytest.fixture(name="forgotten", autouse=True)
def _forgotten():
    """This process has kept nothing of another test."""
    far_bars._kept.clear()
    yield
    far_bars._kept.clear()


@pytest.fixture(name="cluster")
def _cluster(tmp_path):
    made = Cluster(tmp_path)
    yield made
    made.stop()


def far_of(spec, store, clock=None):
    return FarBars.of(spec, store, load(spec, store), clock)


def one_line(error):
    assert error.exit_code == 2 and "\n" not in str(error) and SECRET not in str(error)
    return str(error)


def test_workers_load_the_symbols_of_the_spec_once_and_play_what_is_played_here(cluster, place, s3, tmp_path, chunks, gathered, assert_same):
    """Two sweeps, and one whose store is changed after it has begun; one worker has a nanny."""
    store = ParquetStore(place)
    expected = sweep(SPEC, SPACE, store=store, search=Search(verify=False, statistics=False))
    with ExitStack() as stack:
        fronts = [stack.enter_context(before(s3)) for _ in range(2)]
        for front, kind in zip(fronts, ("--no-nanny", "--nanny"), strict=True):
            cluster.add_worker(kind, environment={"AWS_ENDPOINT_URL": front.address, "CEREBROLAB_STORE": str(tmp_path / "no such store")})
        with Dask(Recipe.of(SPEC, far_of(SPEC, store)), cluster.address, timeout_s=30) as dask:
            dask._client.wait_for_workers(2, timeout=30)
        search = Search(dask=cluster.address, jobs=2, verify=False, statistics=False)
        with Journal(tmp_path / "journal.db") as journal:
            made = sweep(SPEC, SPACE, store=store, journal=journal, search=search)
        assert made.engine == "twin" and made.numbers.tolist() == expected.numbers.tolist() == list(range(12))
        for name, values in expected.metrics.items():
            np.testing.assert_array_equal(made.metrics[name], values)
        wanted = {f"/{place.removeprefix('s3://')}/yahoo/1d/{symbol}.parquet" for symbol in SPEC.symbols}
        loaded = [[path.partition("?")[0] for method, path, status in front.asked if status == 200] for front in fronts]
        assert all(sorted(each) == sorted(wanted) for each in loaded)
        assert all(path.partition("?")[0] in wanted for front in fronts for _, path, _ in front.asked)  # not even a list

        asked = [len(front.asked) for front in fronts]
        again = sweep(SPEC, {"fast": (6, 7), "slow": (40,)}, store=store, search=search)
        assert len(again) == 2 and [len(front.asked) for front in fronts] == asked

        spec = SPEC.replace(symbols=("CCC", "DDD"), reference=("^GSPC",))
        bars = load(spec, store)
        recipe = Recipe.of(spec, FarBars.of(spec, store, bars))
        revised = series("CCC", 2)
        store.write("CCC", replace(revised, close=np.minimum(revised.close * 1.01, revised.high)), SESSIONS, source="yahoo")
        assert load(spec, store).fingerprint != bars.fingerprint
        trials = [(number, {"fast": 2 + number, "slow": 20}) for number in range(8)]
        with Dask(recipe, cluster.address, timeout_s=30) as dask:
            assert_same(gathered(dask.play(chunks(trials, 1))), recipe.player(), trials)

        spec = SPEC.replace(symbols=("DDD", "EEE"))
        bars = load(spec, store)
        revised = series("EEE", 4)
        store.write("EEE", replace(revised, volume=revised.volume + 1_000.0), SESSIONS, source="yahoo")
        with pytest.raises(UsageError) as caught, Dask(Recipe.of(spec, FarBars.of(spec, store, bars)), cluster.address, 30) as dask:
            list(dask.play(chunks(trials, 1)))
        told = one_line(caught.value)
        assert told.startswith("the Dask worker tcp://127.0.0.1:") and f"cannot load the bars: the bars in {place} are not those of this sweep" in told


def test_a_worker_that_may_not_read_the_store_is_one_line(cluster, place, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CEREBROLAB_STORE", place)
    cluster.add_worker("--no-nanny", environment={"AWS_SECRET_ACCESS_KEY": "wrong"})
    code = cli.run(["sweep", "GoldenCross", "--source", "yahoo", "--symbols", "AAA,BBB", "--start", SPEC.start, "--end", SPEC.end,
                    "-p", "fast=2:5:1", "-p", "slow=10,20", "--dask", cluster.address, "--json"])
    printed = capsys.readouterr()
    assert code == 2 and printed.out == ""
    told = printed.err.splitlines()[-1]
    assert told.startswith("error: the Dask worker tcp://127.0.0.1:") and SECRET not in printed.err
    assert "cannot load the bars: s3://bars failed: SignatureDoesNotMatch (status 403); check AWS_SECRET_ACCESS_KEY" in told


def test_the_moment_is_kept_and_a_period_counts_from_it(place):
    store = ParquetStore(place)
    spec = SPEC.replace(start=None, end=None, period="6mo")
    bars = load(spec, store, clock=NOW)
    found = FarBars.of(spec, store, bars, NOW)
    assert (found.spec.start, found.spec.end, found.spec.known_at) == ("2018-12-29", "2019-06-28", NOW.now_ns())
    assert found.loaded() is bars
    far_bars._kept.clear()
    assert found.loaded() is not bars and found.loaded().fingerprint == bars.fingerprint
    assert FarBars.of(SPEC.replace(as_of="2019-07-01"), store, bars).spec.as_of == "2019-07-01"


def test_the_latest_two_panels_are_kept(place):
    store = ParquetStore(place)
    found = [far_of(SPEC.replace(symbols=(symbol,)), store) for symbol in ("AAA", "BBB", "CCC")]
    assert list(far_bars._kept) == [each.fingerprint for each in found[1:]]


def test_files_of_a_universe_events_and_sectors_travel(place, tmp_path):
    (tmp_path / "universe.csv").write_text("symbol,entry,exit\nAAA,,\nCCC,2018-03-01,2019-01-02\nEEE,2030-01-02,\nDDD,2018-02-01,\n")
    (tmp_path / "events.csv").write_text("date,symbol,event,value\n2019-07-01,DDD,delisted,\n2018-06-01,BBB,renamed,CCC\n")
    (tmp_path / "sectors.csv").write_text("symbol,sector\nAAA,x\nBBB,y\nCCC,y\nDDD,y\n")
    files = {name: str(tmp_path / f"{name}.csv") for name in ("universe", "events", "sectors")}
    spec = RunSpec(source="yahoo", start=SPEC.start, end=SPEC.end, reference=("^GSPC",), delisting=0.3, **files)
    store = ParquetStore(place)
    found = far_of(spec, store)
    for path in files.values():
        os.remove(path)
    far_bars._kept.clear()
    bars = found.loaded()
    assert bars.member is not None and bars.sectors and bars.symbols == ("AAA", "CCC", "DDD", "^GSPC") and found.fingerprint == bars.fingerprint


def test_a_worker_brings_its_own_password_for_a_database(tmp_path, monkeypatch):
    with postgres() as server:
        address = server.get_uri()
        found = far_of(SPEC, filled(SqlStore(address)))
        with_password = address.replace("://", "://me:geheim@", 1) if "@" not in address else address
        assert "@" not in SqlStore(with_password).place and found.place == stores.shown(address)
        far_bars._kept.clear()
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("CEREBROLAB_STORE", address)
        assert found.loaded().fingerprint == found.fingerprint
        far_bars._kept.clear()
        monkeypatch.setenv("CEREBROLAB_STORE", "s3://of/another/kind")
        with pytest.raises(StoreFailed):
            replace(found, place="postgresql://127.0.0.1:1/nothing").loaded()


def test_bars_of_this_machine_are_sent(tmp_path):
    bars = load(RunSpec(symbols=("AAPL",), start="2004-01-01", end="2004-12-31"))
    assert FarBars.of(SPEC, ParquetStore(tmp_path), bars) is None
    assert FarBars.of(SPEC, SqlStore(tmp_path / "bars.db"), bars) is None
    assert FarBars.of(SPEC, None, bars) is None
