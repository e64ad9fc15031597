"""What every store of bars must do. Subclass `StoreContract` and say how to open a store on a folder."""

import tempfile
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vendor import ScriptedSource, daily_bars, same_bars

from core.calendars import get_calendar
from core.clock import ManualClock
from core.errors import NoBars, SourceUnavailable
from core.series import SymbolBars
from feeds.averages import averages_of, update
from feeds.refresh import refresh

XNYS = get_calendar("XNYS")
YEAR = XNYS.between("2020-01-02", "2020-06-30")
NOW = ManualClock(int(XNYS.close_of(np.array(["2020-07-02"], dtype="datetime64[D]"))[0]) + 3_600 * 10**9)
LATE = NOW.now_ns()
SYMBOLS = ("AAPL", "BRK.B", "^GSPC", "EUR/USD")


def history(seed: int = 0) -> list[SymbolBars]:
    """Four symbols: one whole, one with untraded sessions, one listed late and closes only, one with actions."""
    rng = np.random.default_rng(seed)
    ragged = YEAR[rng.random(len(YEAR)) > 0.2]
    late = YEAR[40:]
    split, dividend = np.ones(len(YEAR)), np.zeros(len(YEAR))
    split[rng.integers(1, len(YEAR), 3)], dividend[rng.integers(1, len(YEAR), 5)] = 2.0, 0.25
    paid = np.where(dividend > 0, YEAR + np.timedelta64(20, "D"), np.datetime64("NaT"))
    closes = SymbolBars.make("^GSPC", XNYS.close_of(late), late, 3_000.0 + np.arange(len(late)))
    return [daily_bars("AAPL", YEAR), daily_bars("BRK.B", ragged, seed), closes,
            daily_bars("EUR/USD", YEAR, 3, split=split, dividend=dividend, pay_date=paid)]


def same_averages(one, other):
    names = ("index", "session", "values")
    return one.symbol == other.symbol and all(np.array_equal(getattr(one, name), getattr(other, name), equal_nan=name == "values") for name in names)


def load(store, source, symbols=SYMBOLS, start="2020-01-01", end="2020-06-30"):
    return refresh(source, store, symbols, start, end, "1d", clock=NOW)


class StoreContract:
    """Tests of one kind of store."""

    def open(self, folder):
        """A store that keeps its bars in `folder`; opened again, it finds what was there."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, tmp_path):
        return self.open(tmp_path)

    def test_nothing_is_stored_at_first(self, store):
        assert store.read(["AAPL"], source="yahoo") == []
        assert np.array_equal(store.missing("AAPL", YEAR, source="yahoo"), YEAR)
        assert list(store.list()) == [] and list(store.check()) == []

    @pytest.mark.parametrize("bars", history(), ids=SYMBOLS)
    def test_every_field_comes_back(self, tmp_path, bars):
        self.open(tmp_path).write(bars.symbol, bars, YEAR, source="yahoo")
        for store in (self.open(tmp_path), self.open(tmp_path)):
            assert same_bars(store.read([bars.symbol], source="yahoo")[0], bars)

    def test_coverage_is_kept_apart_from_data(self, store):
        store.write("AAPL", None, YEAR[:10], source="yahoo")
        assert store.read(["AAPL"], source="yahoo") == []
        assert np.array_equal(store.missing("AAPL", YEAR[:12], source="yahoo"), YEAR[10:12])

    def test_a_hole_is_found(self, store):
        for part in (YEAR[:5], YEAR[10:15]):
            store.write("AAPL", daily_bars("AAPL", part), part, source="yahoo")
        assert np.array_equal(store.missing("AAPL", YEAR[:20], source="yahoo"), np.r_[YEAR[5:10], YEAR[15:20]])
        found = [finding for finding in store.check(now=NOW.now_ns()) if finding.kind == "hole"]
        assert len(found) == 1 and str(YEAR[5]) in found[0].detail and str(YEAR[9]) in found[0].detail

    def test_a_holiday_counts_as_no_session(self, store):
        store.write("AAPL", None, XNYS.between("2020-01-02", "2020-07-02"), source="yahoo")
        independence = np.array(["2020-07-03", "2020-07-04"], dtype="datetime64[D]")
        assert len(store.missing("AAPL", independence, source="yahoo")) == 0

    def test_the_newest_bar_wins_row_by_row(self, store):
        store.write("AAPL", daily_bars("AAPL", YEAR[:6], 0), YEAR[:6], source="yahoo")
        store.write("AAPL", daily_bars("AAPL", YEAR[4:9], 1), YEAR[4:9], source="yahoo")
        bars = store.read(["AAPL"], source="yahoo")[0]
        assert np.array_equal(bars.session, YEAR[:9])
        assert np.array_equal(bars.close[:4], daily_bars("AAPL", YEAR[:4], 0).close)
        assert np.array_equal(bars.close[4:], daily_bars("AAPL", YEAR[4:9], 1).close)

    def test_an_earlier_part_written_later_is_put_in_order(self, store):
        store.write("AAPL", daily_bars("AAPL", YEAR[5:]), YEAR[5:], source="yahoo")
        store.write("AAPL", daily_bars("AAPL", YEAR[:5]), YEAR[:5], source="yahoo")
        assert same_bars(store.read(["AAPL"], source="yahoo")[0], daily_bars("AAPL", YEAR))

    def test_bars_within_the_day_are_told_apart_by_time(self, store):
        day = np.repeat(YEAR[:1], 3)
        index = XNYS.open_of(day) + np.array([1, 2, 3]) * 60 * 10**9
        bars = SymbolBars.make("AAPL", index, day, [10.0, 11.0, 12.0])
        store.write("AAPL", bars.rows([0, 1]), YEAR[:0], "1m", source="yahoo")
        store.write("AAPL", bars.rows([1, 2]), YEAR[:1], "1m", source="yahoo")
        assert same_bars(store.read(["AAPL"], interval="1m", source="yahoo")[0], bars)

    def test_sources_intervals_and_symbols_are_apart(self, store):
        store.write("AAPL", daily_bars("AAPL", YEAR), YEAR, source="yahoo")
        for symbol, interval, source in (("AAPL", "1d", "alpaca"), ("AAPL", "1h", "yahoo"), ("AAP", "1d", "yahoo")):
            assert store.read([symbol], interval=interval, source=source) == []
            assert len(store.missing(symbol, YEAR, interval, source=source)) == len(YEAR)

    def test_a_range_is_cut_and_symbols_without_bars_in_it_are_left_out(self, store):
        store.write("AAPL", daily_bars("AAPL", YEAR), YEAR, source="yahoo")
        store.write("IBM", daily_bars("IBM", YEAR[50:]), YEAR, source="yahoo")
        series = store.read(["IBM", "AAPL"], "2020-01-06", "2020-01-10", source="yahoo")
        assert [bars.symbol for bars in series] == ["AAPL"]
        assert series[0].session.astype(str).tolist() == [f"2020-01-{day:02d}" for day in (6, 7, 8, 9, 10)]

    def test_what_is_read_cannot_be_changed(self, store):
        store.write("AAPL", daily_bars("AAPL", YEAR), YEAR, source="yahoo")
        with pytest.raises(ValueError, match="read-only"):
            store.read(["AAPL"], source="yahoo")[0].close[0] = 1.0

    def test_forgotten_sessions_are_asked_for_again(self, store):
        source = ScriptedSource(*history())
        load(store, source)
        store.forget("AAPL", "2020-02-03", "2020-02-04", source="yahoo")
        source.asked.clear()
        source.history["AAPL"] = daily_bars("AAPL", YEAR, 9)
        load(store, source)
        assert source.asked == [("AAPL", "2020-02-03", "2020-02-04")]
        bars = store.read(["AAPL"], "2020-01-31", "2020-02-04", source="yahoo")[0]
        assert bars.close[0] == daily_bars("AAPL", YEAR[20:21]).close[0]
        assert np.array_equal(bars.close[1:], daily_bars("AAPL", bars.session[1:], 9).close)

    def test_list_and_check_describe_what_is_there(self, store):
        load(store, ScriptedSource(*history()))
        listed = {holding.symbol: holding for holding in store.list()}
        assert set(listed) == set(SYMBOLS)
        assert listed["AAPL"] == ("yahoo", "AAPL", "1d", len(YEAR), YEAR[0], YEAR[-1], len(YEAR), "XNYS")
        assert {finding.symbol for finding in store.check(NOW.now_ns())} == {"BRK.B"}
        assert {finding.kind for finding in store.check(NOW.now_ns())} == {"untraded"}
        later = NOW.now_ns() + 30 * 86_400 * 10**9
        assert {finding.symbol for finding in store.check(later) if finding.kind == "stale"} == set(SYMBOLS)

    def test_an_earlier_version_is_kept_until_its_moment(self, tmp_path):
        store, (first, second) = self.open(tmp_path), (daily_bars("AAPL", YEAR[:6], seed) for seed in (0, 1))
        store.write("AAPL", first, YEAR[:6], source="yahoo", now=LATE)
        store.write("AAPL", second.rows(slice(2, 4)), YEAR[2:4], source="yahoo", now=LATE + 10)
        for each in (store, self.open(tmp_path)):
            kept = each.revisions("AAPL", source="yahoo")
            assert np.array_equal(kept.bars.close, first.close[2:4]) and kept.until.tolist() == [LATE + 10] * 2
            assert same_bars(each.read(["AAPL"], source="yahoo", known_at=LATE + 9)[0], first)
            assert same_bars(each.read(["AAPL"], source="yahoo", known_at=LATE + 10)[0], each.read(["AAPL"], source="yahoo")[0])
            assert each.read(["AAPL"], source="yahoo", known_at=int(first.index[2]))[0].session[-1] == YEAR[2]
        assert len(store.revisions("IBM", source="yahoo")) == len(store.revisions("AAPL", "1h", source="yahoo")) == 0

    def test_noise_of_a_vendors_arithmetic_changes_nothing(self, store):
        bars = daily_bars("AAPL", YEAR)
        store.write("AAPL", bars, YEAR, source="yahoo")
        noisy = replace(bars, close=bars.close * (1 + 1e-8), volume=bars.volume * (1 + 1e-6))
        store.write("AAPL", noisy, YEAR, source="yahoo")
        assert same_bars(store.read(["AAPL"], source="yahoo")[0], bars) and len(store.revisions("AAPL", source="yahoo")) == 0
        paid = replace(bars, symbol="IBM", dividend=np.where(np.arange(len(bars)) == 5, 0.0237, 0.0))
        store.write("IBM", paid, YEAR, source="yahoo")
        store.write("IBM", replace(paid, dividend=np.where(paid.dividend > 0, 0.023702, 0.0)), YEAR, source="yahoo")  # rounded after a split of 7
        assert len(store.revisions("IBM", source="yahoo")) == 0

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors])
    @given(written=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 3), st.booleans(), st.sets(st.integers(0, 9))), max_size=7))
    def test_every_moment_is_known_again(self, written):
        told = {row: [] for row in range(10)}  # (moment, close, or None: asked for, and there was no bar)
        with tempfile.TemporaryDirectory() as folder:
            store = self.open(folder)
            for moment, (one, other, seed, asked, absent) in enumerate(written, 1):
                rows = range(min(one, other), max(one, other) + 1)
                bars, there = daily_bars("AAPL", YEAR[:10], seed), [row for row in rows if row not in absent]
                covered = YEAR[list(rows)] if asked else YEAR[:0]
                store.write("AAPL", bars.rows(there) if there else None, covered, source="yahoo", now=LATE + moment)
                for row in rows:
                    if row in there or (asked and all(close is None for _, close in told[row])):
                        told[row].append((moment, bars.close[row] if row in there else None))
            for moment in range(len(written) + 1):
                known = [([close for at, close in each if at <= moment] or [each[0][1] if each else None])[-1] for each in told.values()]
                series = store.read(["AAPL"], source="yahoo", known_at=LATE + moment)
                assert (series[0].close.tolist() if series else []) == [close for close in known if close is not None]

    def test_bars_that_a_later_answer_brings_within_the_day_were_not_there_before(self, store):
        day = np.repeat(YEAR[:1], 3)
        bars = SymbolBars.make("AAPL", XNYS.open_of(day) + np.array([1, 2, 3]) * 60 * 10**9, day, [10.0, 11.0, 12.0])
        store.write("AAPL", bars.rows([0, 2]), YEAR[:1], "1m", source="yahoo", now=LATE)
        store.write("AAPL", bars, YEAR[:1], "1m", source="yahoo", now=LATE + 1)
        assert same_bars(store.read(["AAPL"], interval="1m", source="yahoo", known_at=LATE)[0], bars.rows([0, 2]))
        assert same_bars(store.read(["AAPL"], interval="1m", source="yahoo", known_at=LATE + 1)[0], bars)

    def test_averages_come_back_as_they_were(self, tmp_path):
        store, symbols = self.open(tmp_path), ["EUR/USD", "AAPL"]
        for bars in history():
            store.write(bars.symbol, bars, YEAR, source="yahoo")
            assert update(store, bars.symbol, "1d", "yahoo") == len(bars)
        wanted = [averages_of(store.read([symbol], source="yahoo")[0]) for symbol in symbols]
        for each in (store, self.open(tmp_path)):
            assert all(same_averages(got, want) for got, want in zip(each.averages(symbols, source="yahoo"), wanted, strict=True))
            part, = each.averages(["IBM", "AAPL"], str(YEAR[3]), str(YEAR[5]), source="yahoo")
            assert same_averages(part, wanted[1].rows(slice(3, 6)))
            assert each.averages(["AAPL"], str(YEAR[-1] + 1), source="yahoo") == []
            with pytest.raises(ValueError, match="read-only"):
                part.values[0] = 1.0

    def test_averages_of_sources_and_intervals_are_apart_and_no_bars(self, store):
        store.write("AAPL", daily_bars("AAPL", YEAR), YEAR, source="yahoo")
        held, found = list(store.list()), list(store.check(LATE))
        update(store, "AAPL", "1d", "yahoo")
        assert list(store.list()) == held and list(store.check(LATE)) == found
        assert store.averages(["AAPL"], source="alpaca") == store.averages(["AAPL"], interval="1h", source="yahoo") == []
        assert same_bars(store.read(["AAPL"], source="yahoo")[0], daily_bars("AAPL", YEAR))
        with pytest.raises(NoBars, match="no 1h bars of AAPL from yahoo are stored"):
            store.write_averages(store.averages(["AAPL"], source="yahoo")[0], "1h", source="yahoo")

    def test_averages_that_are_stored_as_they_are_stay_untouched(self, store):
        bars = daily_bars("AAPL", YEAR)
        store.write("AAPL", bars.rows(slice(0, 100)), YEAR, source="yahoo")
        assert [update(store, "AAPL", "1d", "yahoo") for _ in range(2)] == [100, 0]
        store.write("AAPL", bars.rows(slice(100, 110)), YEAR, source="yahoo")
        assert [update(store, "AAPL", "1d", "yahoo") for _ in range(2)] == [10, 0]
        changed = bars.rows(slice(20, 21))
        store.write("AAPL", replace(changed, close=changed.low), YEAR[:0], source="yahoo")
        before, wanted = store.averages(["AAPL"], source="yahoo")[0], averages_of(store.read(["AAPL"], source="yahoo")[0])
        differ = ~np.isclose(before.values, wanted.values, rtol=1e-12, atol=0, equal_nan=True).all(axis=1)
        assert update(store, "AAPL", "1d", "yahoo") == differ.sum() < 90
        assert same_averages(store.averages(["AAPL"], source="yahoo")[0], wanted)
        assert update(store, "IBM", "1d", "yahoo") == 0

    def test_averages_of_a_session_or_a_minute_take_the_place_of_the_old_ones(self, store):
        day, bars = np.repeat(YEAR[:1], 3), daily_bars("AAPL", YEAR[:9])
        early = replace(bars, index=bars.index - 3_600 * 10**9)
        minutes = SymbolBars.make("AAPL", XNYS.open_of(day) + np.array([1, 2, 3]) * 60 * 10**9, day, [10.0, 11.0, 12.0])
        for interval, series, rows in (("1d", (early, bars), 9), ("1m", (minutes.rows([0, 2]), minutes), 3)):
            for each in series:
                store.write("AAPL", each, YEAR[:0], interval, source="yahoo")
                update(store, "AAPL", interval, "yahoo")
            found, = store.averages(["AAPL"], interval=interval, source="yahoo")
            assert len(found) == rows and same_averages(found, averages_of(series[-1]))

    @settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors])
    @given(data=st.data())
    def test_any_sequence_of_fetches_ends_with_the_bars_of_one_clean_fetch(self, data):
        source = ScriptedSource(*history(data.draw(st.integers(0, 5))))
        day = st.integers(0, len(YEAR) - 1)
        with tempfile.TemporaryDirectory() as folder:
            store = self.open(folder)
            for _ in range(data.draw(st.integers(1, 8))):
                first, last = sorted((data.draw(day), data.draw(day)))
                source.down = data.draw(st.booleans())
                symbols = data.draw(st.lists(st.sampled_from(SYMBOLS), min_size=1, unique=True))
                try:
                    load(store, source, symbols, str(YEAR[first]), str(YEAR[last]))
                except SourceUnavailable:
                    assert source.down
                if data.draw(st.booleans()):
                    store = self.open(folder)
            source.down = False
            series, warnings = load(store, source)
            assert warnings == []
            assert all(same_bars(got, want) for got, want in zip(series, source.history.values(), strict=True))
            for symbol in SYMBOLS:
                asked = source.sessions_asked(symbol)
                assert len(asked) == len(set(asked)) == len(YEAR)
