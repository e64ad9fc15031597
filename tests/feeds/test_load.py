"""load_bars: every source by name, through the store where there is one, and what each mistake is called."""

import logging
import subprocess
import sys

import numpy as np
import pytest
from store_contract import NOW, SYMBOLS, XNYS, YEAR, history
from vendor import ScriptedSource, daily_bars

import feeds
from core.bars import Bars
from core.clock import ManualClock
from core.errors import BadSpec, NoBars, SourceUnavailable, UnknownName, UsageError
from feeds import ParquetStore, load_bars, source_named
from feeds.csv_files import CsvSource
from feeds.sample_bars import SampleSource
from feeds.source import PartialFetch
from feeds.synthetic import SyntheticSource
from feeds.yahoo import YahooSource


def load(source, store, symbols=SYMBOLS, clock=NOW, **options):
    return load_bars(source=source, store=store, symbols=symbols, clock=clock, **options)


def test_sources_by_name(tmp_path):
    kinds = {"sample": SampleSource, "csv": CsvSource, f"csv:{tmp_path}": CsvSource, "yahoo": YahooSource,
             "synthetic": SyntheticSource, "synthetic:seed=3": SyntheticSource}
    for text, kind in kinds.items():
        assert isinstance(source_named(text), kind)
    with pytest.raises(UnknownName, match="unknown source 'yaho': did you mean 'yahoo'"):
        source_named("yaho")
    with pytest.raises(UsageError, match="sample takes no options"):
        source_named("sample:AAPL")


def test_sample_bars_with_a_reference():
    bars = load_bars(source="sample", symbols=["AAPL", "IBM"], reference=["^GSPC"], start="2005-01-03", end="2006-12-29")
    assert bars.symbols == ("AAPL", "IBM", "^GSPC") and bars.tradable.tolist() == [True, True, False]
    assert bars.shape == (503, 3) and bars.origin.source == "sample" and not bars.origin.synthetic
    assert bars.close_only.tolist() == [False, False, True]


def test_period_counts_back_from_the_end_or_the_last_session_there_is():
    assert str(load_bars(source="sample", symbols=["AAPL"], period="1y").session[0]) == "2012-03-01"
    assert str(load_bars(source="sample", symbols=["AAPL"], period="1y", end="2006-06-30").session[0]) == "2005-06-30"


def test_period_of_a_network_source_counts_back_from_today():
    bars = load(ScriptedSource(daily_bars("AAPL", YEAR)), None, ["AAPL"], period="1mo")
    assert str(bars.session[0]) == "2020-06-02"


def test_synthetic_bars_are_labelled():
    bars = load_bars(source="synthetic:seed=2,symbols=3", symbols=[], period="1y")
    assert bars.symbols == ("SYN001", "SYN002", "SYN003")
    assert bars.origin.synthetic and "synthetic" in bars.origin.note


def test_csv_files_as_symbols(tmp_path):
    (tmp_path / "SPY.csv").write_text("date,close\n2020-01-02,1\n2020-01-03,2\n")
    assert load_bars(source="csv", symbols=[str(tmp_path / "SPY.csv")]).symbols == ("SPY",)
    assert load_bars(source=f"csv:{tmp_path}", symbols=[]).symbols == ("SPY",)
    assert "SPY.csv" in load_bars(source=f"csv:{tmp_path}", symbols=["SPY"]).origin.note


def test_mistakes_are_named():
    with pytest.raises(UnknownName, match="unknown symbol 'APPL': did you mean 'AAPL'"):
        load_bars(source="sample", symbols=["APPL"])
    with pytest.raises(UnknownName, match="unknown symbol '\\^GSP'"):
        load_bars(source="sample", symbols=["AAPL"], reference=["^GSP"])
    with pytest.raises(UsageError, match="no symbols were given for the source sample: name some, such as --symbols"):
        load_bars(source="sample", symbols=[])
    with pytest.raises(NoBars, match="no 1d bars of FB from 2001-01-01 to 2002-01-01: the data covers 2012-05-18 to"):
        load_bars(source="sample", symbols=["FB"], start="2001-01-01", end="2002-01-01")
    with pytest.raises(BadSpec, match="period '3 years'"):
        load_bars(source="sample", symbols=["FB"], period="3 years")


def test_a_symbol_without_bars_in_the_range_is_named(caplog):
    with caplog.at_level(logging.WARNING):
        bars = load_bars(source="sample", symbols=["AAPL", "FB"], end="2005-01-03")
    assert bars.symbols == ("AAPL",)
    assert "no bars from the start to 2005-01-03: FB" in bars.origin.warnings and "FB" in caplog.text


def test_a_symbol_written_twice_is_loaded_once():
    bars = load_bars(source="synthetic", symbols=["SYN001", "SYN001"], period="1mo")
    assert bars.symbols == ("SYN001",)


def test_only_missing_sessions_are_asked_for(tmp_path):
    source, store = ScriptedSource(*history()), ParquetStore(tmp_path)
    load(source, store, ["AAPL"], start="2020-03-02", end="2020-03-31")
    load(source, store, ["AAPL"], start="2020-02-03", end="2020-04-30")
    assert source.asked == [("AAPL", "2020-03-02", "2020-03-31"), ("AAPL", "2020-02-03", "2020-02-28"),
                            ("AAPL", "2020-04-01", "2020-04-30")]
    load(source, store, ["AAPL"], start="2020-02-01", end="2020-05-01")
    assert source.asked[3:] == [("AAPL", "2020-05-01", "2020-05-01")]


def test_when_the_network_fails_stored_bars_are_used_and_it_is_said_up_to_when(tmp_path, caplog):
    source, store = ScriptedSource(*history()), ParquetStore(tmp_path)
    load(source, store, ["AAPL"], start="2020-02-03", end="2020-04-30")
    source.down = True
    with caplog.at_level(logging.WARNING):
        bars = load(source, store, ["AAPL"], start="2020-02-03", end="2020-06-30")
    assert str(bars.session[-1]) == "2020-04-30"
    assert "yahoo did not answer: stored bars of AAPL go up to 2020-04-30" in bars.origin.warnings
    assert "2020-04-30" in caplog.text
    with pytest.raises(SourceUnavailable, match="nothing is stored of IBM in this range, and yahoo did not answer"):
        load(source, store, ["AAPL", "IBM"], start="2020-02-03", end="2020-06-30")


def test_what_arrived_of_a_partial_fetch_is_kept(tmp_path):
    class Halting(ScriptedSource):
        def fetch(self, symbols, *range_and_more):
            arrived = super().fetch([name for name in symbols if name != "BRK.B"], *range_and_more)
            raise PartialFetch(self.name, arrived, {"BRK.B": "timed out"})

    store, source = ParquetStore(tmp_path), ScriptedSource(*history())
    with pytest.raises(SourceUnavailable, match="nothing is stored of BRK.B .*yahoo did not deliver BRK.B .timed out.: check"):
        load(Halting(*history()), store, ["AAPL", "BRK.B"], end="2020-06-30")
    load(source, store, ["AAPL", "BRK.B"], end="2020-06-30")
    assert {symbol for symbol, _, _ in source.asked} == {"BRK.B"}


def test_an_unfinished_session_is_neither_asked_for_nor_covered(tmp_path):
    source, store = ScriptedSource(daily_bars("AAPL", XNYS.between("2020-06-01", "2020-07-31"))), ParquetStore(tmp_path)
    closed = int(XNYS.close_of(np.array(["2020-07-01"], dtype="datetime64[D]"))[0])
    just_closed, settled = ManualClock(closed + 60 * 10**9), ManualClock(closed + 21 * 60 * 10**9)
    assert str(load(source, store, ["AAPL"], just_closed, start="2020-06-01").session[-1]) == "2020-06-30"
    assert str(load(source, store, ["AAPL"], settled, start="2020-06-01").session[-1]) == "2020-07-01"
    assert source.asked == [("AAPL", "2020-06-01", "2020-06-30"), ("AAPL", "2020-07-01", "2020-07-01")]


def test_a_late_vendor_is_asked_again_a_silent_one_is_not(tmp_path):
    source, store = ScriptedSource(daily_bars("AAPL", YEAR[:-1])), ParquetStore(tmp_path)
    eve = ManualClock(int(XNYS.close_of(YEAR[-1:])[0]) + 3_600 * 10**9)
    load(source, store, ["AAPL"], eve, start="2020-06-01")
    source.history["AAPL"] = daily_bars("AAPL", YEAR)
    assert load(source, store, ["AAPL"], eve, start="2020-06-01").session[-1] == YEAR[-1]
    assert source.asked[1:] == [("AAPL", str(YEAR[-1]), str(YEAR[-1]))]
    delisted = ScriptedSource(daily_bars("IBM", YEAR[:20]))
    for _ in range(2):
        load(delisted, store, ["IBM"], start="2020-01-01", end="2020-06-26")
    assert len(delisted.asked) == 1


def test_without_a_store_everything_is_fetched():
    source = ScriptedSource(*history())
    bars = load(source, None, start="2020-01-01", end="2020-06-30")
    assert bars.fingerprint == Bars.of(history(), calendar="XNYS").fingerprint


def test_progress_counts_over_all_requests(tmp_path):
    class Counting(ScriptedSource):
        def fetch(self, symbols, start, end, interval, progress):
            for done, symbol in enumerate(symbols, 1):
                progress(done, len(symbols), symbol)
            return super().fetch(symbols, start, end, interval)

    names = [f"S{number}" for number in range(30)]
    source, seen = Counting(*(daily_bars(name, YEAR) for name in names)), []
    load(source, ParquetStore(tmp_path), names, start="2020-06-01", end="2020-06-30",
         progress=lambda *step: seen.append(step))
    assert [done for done, _, _ in seen] == list(range(1, 31)) and {total for _, total, _ in seen} == {30}


def test_the_package_exports_what_it_says():
    assert {getattr(feeds, name).__name__ for name in feeds.__all__} == set(feeds.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = feeds.nothing


def test_importing_the_package_loads_nothing_heavy():
    heavy = {"pandas", "pyarrow", "yfinance", "exchange_calendars", "backtrader"}
    code = f"import sys, feeds, feeds.load, feeds.sample_bars; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_period_counts_back_from_the_last_bar_that_can_be_traded():
    alone = load_bars(source="sample", symbols=("AAPL",), period="2y")
    beside = load_bars(source="sample", symbols=("AAPL",), reference=("^GSPC",), period="2y")
    assert (beside.session[0], beside.session[-1]) == (alone.session[0], alone.session[-1])
