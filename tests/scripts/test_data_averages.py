"""`cerebrolab data averages` and `data fetch --averages` on a real store."""

import numpy as np
import pytest
from store_contract import YEAR
from vendor import daily_bars

from feeds.averages import averages_of
from feeds.stores import opened


@pytest.fixture(name="store", params=["bars", "sqlite:///bars.db"])
def _store(request, folder, monkeypatch):
    monkeypatch.setenv("CEREBROLAB_STORE", request.param)
    store = opened(request.param)
    store.write("SPY", daily_bars("SPY", YEAR), YEAR, source="yahoo")
    store.write("QQQ", daily_bars("QQQ", YEAR[:9]), YEAR[:9], source="yahoo")
    store.write("OLD", None, YEAR, source="yahoo")
    return store


def test_what_was_written_is_told_and_again_nothing(command, store):
    first = command("data", "averages")
    assert (first.code, first.err) == (0, "")
    assert [line.split() for line in first.out.splitlines()[-3:-1]] == [["yahoo", "QQQ", "1d", "9"], ["yahoo", "SPY", "1d", "125"]]
    assert first.out.splitlines()[-1] == "averages of 2 of 2 series written, 134 rows"
    assert command("data", "averages").out == "averages of 0 of 2 series written, 0 rows; those of the others were up to date\n"
    found, = store.averages(["SPY"], source="yahoo")
    assert np.array_equal(found.values, averages_of(daily_bars("SPY", YEAR)).values, equal_nan=True)


def test_some_of_the_series(command, store):
    assert command("data", "averages", "--symbols", "QQQ", "--source", "yahoo", "--interval", "1d").out.splitlines()[-1].endswith("1 of 1 series written, 9 rows")
    assert store.averages(["SPY"], source="yahoo") == []


@pytest.mark.parametrize(("options", "told"), [
    (("--symbols", "SPYY"), "unknown symbol 'SPYY': did you mean 'SPY'? (of the stored bars)"),
    (("--source", "alpaca"), "unknown source 'alpaca': known: yahoo (of the stored bars)"),
    (("--interval", "1m"), "unknown interval '1m'"),
])
@pytest.mark.usefixtures("store")
def test_what_is_not_stored_has_none(command, options, told):
    answer = command("data", "averages", *options)
    assert answer.code == 2 and answer.err.startswith(f"error: {told}") and answer.err.count("\n") == 1


def test_an_empty_store_has_none(command):
    answer = command("data", "averages")
    assert answer.code == 2 and "cerebrolab data fetch --symbols SPY" in answer.err


def test_a_fetch_brings_them_along(command, store):
    answer = command("data", "fetch", "--symbols", "SPY", "--start", str(YEAR[0]), "--end", str(YEAR[-1]), "--averages")
    assert (answer.code, answer.out.splitlines()[-1]) == (0, "averages of 1 of 1 series written, 125 rows")
    assert len(store.averages(["SPY"], source="yahoo")[0]) == 125


def test_a_source_that_is_not_kept_has_nothing_to_stand_beside(command):
    answer = command("data", "fetch", "--symbols", "AAPL", "--source", "sample", "--averages")
    assert answer.code == 2 and answer.err == ("error: bars of sample are not kept in the store, so --averages has nothing to stand beside: "
                                               "use yahoo or alpaca\n")
