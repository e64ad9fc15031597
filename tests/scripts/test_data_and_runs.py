import numpy as np

from core.calendars import get_calendar
from core.series import SymbolBars
from feeds import ParquetStore

SAMPLE = ("backtest", "GoldenCross", "--symbols", "AAPL", "--period", "3y", "--json")


def store_bars(folder, sessions, symbol="SPY"):
    store, calendar = ParquetStore(folder / ".cerebrolab" / "bars"), get_calendar("XNYS")
    close = np.linspace(100, 110, len(sessions))
    bars = SymbolBars.make(symbol, calendar.close_of(sessions), sessions, close, open=close, high=close, low=close,
                           volume=np.full(len(sessions), 1000.0))
    store.write(symbol, bars, sessions, source="yahoo")
    return store


def test_an_empty_store_says_what_to_do(command):
    answer = command("data", "list")
    assert (answer.code, answer.err) == (0, "")
    assert "cerebrolab data fetch" in answer.out


def test_list_names_source_symbol_and_range(command, folder):
    store_bars(folder, get_calendar().between("2024-01-02", "2024-01-31"))
    answer = command("data", "list")
    words = answer.out.splitlines()[-1].split()
    assert words == ["yahoo", "SPY", "1d", "21", "2024-01-02", "2024-01-31", "21"]


def test_check_finds_a_hole_and_a_damaged_file(command, folder):
    calendar = get_calendar()
    store_bars(folder, calendar.between("2024-01-02", "2024-01-31"))
    store = store_bars(folder, calendar.between("2024-03-01", "2024-03-28"))
    damaged = store.path("QQQ", "1d", "yahoo")
    damaged.write_bytes(b"PAR1 not really")
    answer = command("data", "check")
    assert answer.code == 1
    assert "hole" in answer.out
    assert "QQQ" in answer.out
    assert "corrupt" in answer.out


def test_check_of_an_empty_store_is_content(command):
    answer = command("data", "check")
    assert (answer.code, answer.out) == (0, "0 series checked: nothing to complain of\n")


def test_fetch_of_a_local_source_shows_what_there_is(command):
    answer = command("data", "fetch", "--symbols", "AAPL,IBM", "--source", "sample", "--start", "2012-01-03",
                     "--end", "2012-01-31")
    assert answer.code == 0
    assert [row.split() for row in answer.out.splitlines() if row.split()[:1] in (["AAPL"], ["IBM"])] == [
        ["AAPL", "20", "2012-01-03", "2012-01-31"], ["IBM", "20", "2012-01-03", "2012-01-31"]]


def test_an_empty_journal_says_what_to_do(command):
    assert command("runs", "list").out == "no runs yet: start one with cerebrolab backtest\n"
    assert command("runs", "list", "--json").value == []


def test_runs_are_listed_shown_and_compared(command):
    command(*SAMPLE)
    command(*SAMPLE, "-p", "fast=20")
    command("backtest", "BuyAndHold", "--symbols", "IBM", "--period", "3y", "--json")
    assert [run["run"] for run in command("runs", "list", "--json").value] == [3, 2, 1]
    assert [run["run"] for run in command("runs", "list", "--json", "--strategy", "GoldenCross",
                                          "--limit", "1").value] == [2]
    assert "BuyAndHold" in command("runs", "list").out
    shown = command("runs", "show", "2")
    assert "fast=20" in shown.out
    assert "total return" in shown.out
    compared = command("runs", "compare", "1", "2", "--json").value
    assert compared["asked"] == {"params.fast": [None, 20]}
    assert compared["same_data"]
    assert len(compared["metrics"]["sharpe"]) == 2
    assert "params.fast" in command("runs", "compare", "1", "2").out
    assert "different bars" in command("runs", "compare", "1", "3").err


def test_refused_orders_are_shown(command, folder):
    (folder / "greedy.py").write_text(
        "import backtrader as bt\n\n\nclass Greedy(bt.Strategy):\n"
        "    def next(self):\n        if len(self) == 5:\n            self.buy(size=1_000_000)\n")
    summary = command("backtest", "greedy.py:Greedy", "--symbols", "AAPL", "--period", "1y", "--json").value
    assert summary["rejected"] == 1
    assert "refused: AAPL 1000000: " in command("runs", "show", "1").out
    assert len(command("runs", "show", "1", "--json").value["refused"]) == 1
