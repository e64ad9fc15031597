"""`cerebrolab data copy`, and every command on the store that CEREBROLAB_STORE names."""

import socket

import numpy as np
import pytest
from store_contract import YEAR
from vendor import daily_bars

from feeds.stores import opened, shown


@pytest.fixture(name="bars", autouse=True)
def _bars(folder):
    store = opened(folder / "bars")
    store.write("SPY", daily_bars("SPY", YEAR), YEAR, source="yahoo")
    store.write("QQQ", daily_bars("QQQ", YEAR[:9]), YEAR[:9], source="yahoo")


def test_what_was_copied_is_told_and_again_nothing(command):
    first = command("data", "copy", "bars", "sqlite:///bars.db")
    assert (first.code, first.err) == (0, "")
    assert [line.split() for line in first.out.splitlines()[-3:-1]] == [["yahoo", "QQQ", "1d", "9", "9"], ["yahoo", "SPY", "1d", "125", "125"]]
    assert first.out.splitlines()[-1] == "2 of 2 series copied to sqlite:///bars.db"
    assert command("data", "copy", "bars", "sqlite:///bars.db").out == "0 of 2 series copied to sqlite:///bars.db; it had the others already\n"


def test_the_answer_as_json(command):
    answer = command("data", "copy", "bars", "sqlite:///bars.db", "--symbols", "QQQ", "--source", "yahoo", "--interval", "1d", "--json")
    assert answer.value == {"series": 1, "bars": 9, "copied": [{"source": "yahoo", "symbol": "QQQ", "interval": "1d", "bars": 9, "sessions": 9}]}


def test_a_backtest_runs_on_the_store_that_is_named(command, monkeypatch):
    command("data", "copy", "bars", "sqlite:///bars.db")
    monkeypatch.setenv("CEREBROLAB_STORE", "sqlite:///bars.db")
    assert [row.split()[1] for row in command("data", "list").out.splitlines()[-2:]] == ["QQQ", "SPY"]
    answer = command("backtest", "BuyAndHold", "--symbols", "SPY", "--source", "yahoo", "--start", str(YEAR[0]), "--end", str(YEAR[-1]), "--json")
    assert answer.code == 0
    bars, = opened("sqlite:///bars.db").read(["SPY"], source="yahoo")
    assert np.array_equal(bars.session, YEAR)
    assert not any("bars/" in name for name in answer.files if name.startswith(".cerebrolab"))


@pytest.mark.parametrize(("places", "told"), [
    (("bars", "./bars"), "./bars|bars would be copied onto itself"),
    (("nowhere", "sqlite:///bars.db"), "nothing to copy: there are no bars in ParquetStore('nowhere'); correct the place"),
    (("bars", "ftp://me:geheim@host/x"), "bar store 'ftp://host/x' is of no kind that is known: write a folder, sqlite:///"),
    (("bars", "postgresql://me:geheim@host"), "names no database"),
])
def test_places_that_are_none(command, places, told):
    answer = command("data", "copy", *places)
    assert answer.code == 2 and answer.err.count("\n") == 1 and any(each in answer.err for each in told.split("|"))
    assert "geheim" not in answer.err


def test_a_server_that_is_not_there_is_one_line_without_the_password(command, monkeypatch):
    monkeypatch.setattr("feeds.sql_store.WAITS_S", ())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("CEREBROLAB_STORE", f"postgresql://me:geheim@127.0.0.1:{probe.getsockname()[1]}/base")
        for arguments in (("data", "list"), ("data", "check"), ("data", "copy", "bars", f"postgresql://me:geheim@127.0.0.1:{probe.getsockname()[1]}/base")):
            answer = command(*arguments)
            assert answer.code == 2 and answer.err.splitlines()[-1].startswith("error: the bars in postgresql://me:***@127.0.0.1:")
            assert "geheim" not in answer.err + answer.out


def test_a_place_is_shown_without_secrets():
    assert shown("postgresql://me:geheim@host/base?password=geheim") == "postgresql://host/base"
    assert shown("s3://bucket/prefix?key=a&secret=b") == "s3://bucket/prefix"
