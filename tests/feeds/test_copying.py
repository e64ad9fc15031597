"""Copying between stores of every kind: to the last bit, again without effect, and on after an interruption."""

import numpy as np
import psycopg
import pytest
from postgres_server import started
from store_contract import XNYS, YEAR, history
from vendor import daily_bars, same_bars

from core.calendars import get_calendar
from core.errors import NoBars, StoreFailed, UnknownName
from core.series import SymbolBars
from feeds.copying import Copied, copy
from feeds.parquet_store import ParquetStore
from feeds.stores import opened


@pytest.fixture(name="server", scope="module")
def _server():
    with started() as server:
        yield server


@pytest.fixture(name="address")
def _address(server):
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS cerebrolab CASCADE")
    return server.get_uri()


@pytest.fixture(name="origin")
def _origin(tmp_path):
    """Daily bars of four kinds, minutes, holes, another calendar, and series without a bar."""
    store = ParquetStore(tmp_path / "origin")
    for bars in history():
        store.write(bars.symbol, bars, YEAR, source="yahoo")
    store.write("AAPL", daily_bars("AAPL", YEAR[6:9], 1), YEAR[6:9], source="yahoo")
    store.forget("AAPL", str(YEAR[3]), str(YEAR[5]), source="yahoo")
    store.write("GONE", None, YEAR[:9], source="yahoo")
    store.write("NEVER", None, YEAR[:0], source="yahoo")
    day = np.repeat(YEAR[:2], 30)
    minutes = XNYS.open_of(day) + np.tile(np.arange(1, 31), 2) * 60 * 10**9
    store.write("AAPL", SymbolBars.make("AAPL", minutes, day, 1 / np.arange(3, 63)), YEAR[:2], "1m", source="alpaca")
    always = get_calendar("24/7").sessions[100:110]
    coin = SymbolBars.make("BTC/USD", get_calendar("24/7").close_of(always), always, np.exp(np.arange(10)))
    store.write("BTC/USD", coin, always, source="alpaca", calendar="24/7")
    return store


def files(store):
    return {path.relative_to(store.directory): path.read_bytes() for path in store.directory.rglob("*.parquet")}


@pytest.fixture(name="far")
def _far(request, tmp_path):
    """Places that are not everywhere."""
    if request.param == "bucket":
        request.getfixturevalue("s3")
        return [f"s3://bars/{tmp_path.name}"]
    return [request.getfixturevalue("quest_place")] if request.param == "questdb" else []


@pytest.mark.parametrize("far", ["", "bucket", pytest.param("questdb", marks=pytest.mark.xdist_group("questdb"))], indirect=True)
def test_a_chain_of_copies_ends_with_the_same_files(origin, address, tmp_path, far):
    places = [f"sqlite:///{tmp_path}/bars.db", address, *far, str(tmp_path / "end")]
    last = origin
    for place in places:
        done = list(copy(last, opened(place)))
        assert [each[:3] for each in done] == [each[:3] for each in origin.list()]
        last = opened(place)
        assert list(last.list()) == list(origin.list())
    assert files(last) == files(origin)


@pytest.mark.parametrize("kind", ["sqlite", "folder", pytest.param("questdb", marks=pytest.mark.xdist_group("questdb"))])
def test_copying_again_writes_nothing(origin, tmp_path, kind, request):
    places = {"sqlite": f"sqlite:///{tmp_path}/bars.db", "folder": tmp_path / "end"}
    target = opened(places[kind] if kind in places else request.getfixturevalue("quest_place"))
    first = list(copy(origin, target))
    assert {(each.symbol, each.bars, each.sessions) for each in first if each.interval == "1m"} == {("AAPL", 60, 2)}
    target.write = None
    assert [each._replace(bars=0, sessions=0) for each in first] == list(copy(origin, target))


def test_what_only_the_target_has_stays(tmp_path):
    origin, target = ParquetStore(tmp_path / "a"), ParquetStore(tmp_path / "b")
    origin.write("AAPL", daily_bars("AAPL", YEAR[:6]), YEAR[:6], source="yahoo")
    target.write("AAPL", daily_bars("AAPL", YEAR[4:9], 1), YEAR[4:9], source="yahoo")
    assert list(copy(origin, target)) == [Copied("yahoo", "AAPL", "1d", 6, 4)]
    bars, = target.read(["AAPL"], source="yahoo")
    assert same_bars(bars.rows(slice(0, 6)), daily_bars("AAPL", YEAR[:6]))
    assert same_bars(bars.rows(slice(6, 9)), daily_bars("AAPL", YEAR[6:9], 1))
    assert len(target.missing("AAPL", YEAR[:9], source="yahoo")) == 0


def test_an_interrupted_copy_goes_on_where_it_was(origin, tmp_path):
    target = ParquetStore(tmp_path / "end")
    write, written = target.write, []

    def fails_at_the_third(symbol, *rest, **named):
        if len(written) == 2:
            raise StoreFailed("full")
        written.append(symbol)
        write(symbol, *rest, **named)

    target.write = fails_at_the_third
    with pytest.raises(StoreFailed, match="full"):
        list(copy(origin, target))
    assert len(target.list()) == 2
    target.write = write
    again = list(copy(origin, target))
    assert [each.symbol for each in again if not each.bars and not each.sessions][:2] == written
    assert files(target) == files(origin)


@pytest.mark.parametrize(("chosen", "names"), [
    ({"source": "alpaca"}, {("alpaca", "1d", "BTC/USD"), ("alpaca", "1m", "AAPL")}),
    ({"interval": "1m"}, {("alpaca", "1m", "AAPL")}),
    ({"symbols": ["AAPL", "BRK.B"]}, {("alpaca", "1m", "AAPL"), ("yahoo", "1d", "AAPL"), ("yahoo", "1d", "BRK.B")}),
])
def test_chosen_series_alone_are_copied(origin, tmp_path, chosen, names):
    target = ParquetStore(tmp_path / "end")
    list(copy(origin, target, **chosen))
    assert {(each.source, each.interval, each.symbol) for each in target.list()} == names


@pytest.mark.parametrize(("chosen", "told"), [
    ({"source": "yaho"}, "unknown source 'yaho': did you mean 'yahoo'?"),
    ({"interval": "1h"}, "unknown interval '1h': "),
    ({"source": "alpaca", "symbols": ["BRK.B"]}, "unknown symbol 'BRK.B': "),
])
def test_what_the_origin_does_not_have_is_named(origin, tmp_path, chosen, told):
    with pytest.raises(UnknownName, match=told):
        list(copy(origin, ParquetStore(tmp_path / "end"), **chosen))


def test_a_place_without_bars(tmp_path):
    with pytest.raises(NoBars, match="nothing to copy: there are no bars in ParquetStore"):
        list(copy(ParquetStore(tmp_path / "nowhere"), ParquetStore(tmp_path)))
