"""Universes with dates: nobody is seen before joining, who leaves is sold, and universes of survivors are named."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_bars import bars, frame, walk
from twins import RANDOM, agree, eventful

import engine
from core.bars import Bars
from core.errors import BadSpec, NoBars, UsageError
from core.spec import RunSpec
from core.universe import Spell, Universe
from engine.build import check_live
from engine.live.wanted import check_daily
from engine.loading import load
from feeds.sample_bars import SampleSource
from feeds.universe_file import read_universe
from reports import load as load_report
from reports import write

NAT = np.datetime64("NaT", "D")
AB = bars(A=frame([10.0] * 8), B=frame([20.0] * 8))  # Thursday 2020-01-02 to Monday 2020-01-13


def day(text):
    return np.datetime64(text, "D")


def universe(**spells):
    return Universe({symbol: [Spell(*(day(each) if each else NAT for each in spell)) for spell in told] for symbol, told in spells.items()})


def test_a_symbol_is_seen_while_it_belongs_and_sold_after():
    panel = universe(A=[("", "")], B=[("2020-01-06", "2020-01-09")]).on(AB)
    assert panel.traded[:, 1].tolist() == [False, False, True, True, True, True, True, True]
    made = agree(RunSpec(strategy=RANDOM, params=dict(density=1.0, shorts=0.0), cash=10_000), panel)
    inside = {str(fill.session) for fill in made.fills if fill.symbol == "B" and fill.size > 0}
    assert inside and min(inside) >= "2020-01-07" and max(inside) <= "2020-01-09"
    assert made.positions[-1, 1] == 0 and [str(fill.session) for fill in made.fills if fill.symbol == "B" and fill.size < 0][-1] <= "2020-01-10"
    shown = panel.seen
    assert shown.traded[:, 1].tolist() == [False, False, True, True, True, False, False, False]
    assert panel.leaving[:, 1].tolist() == [False, False, False, False, False, True, False, False]


def test_the_file_decides_what_is_loaded(tmp_path):
    file = tmp_path / "universe.csv"
    file.write_text("symbol,entry,exit\nAAPL,2001-01-02,\nIBM,,2003-01-02\nMSFT,2009-01-02,\n")
    spec = RunSpec(strategy="GoldenCross", universe=str(file), start="2000-06-01", end="2005-12-31")
    made = engine.run(spec)
    assert made.spec.symbols == ("AAPL", "IBM")  # Microsoft joins later
    assert all(str(fill.session) > "2001-01-02" for fill in made.fills if fill.symbol == "AAPL")
    assert all(str(fill.session) <= "2003-01-03" for fill in made.fills if fill.symbol == "IBM")
    with pytest.raises(UsageError, match="GE: not in the universe"):
        engine.run(spec.replace(symbols=("GE",)))


def test_a_split_after_leaving_is_not_a_fall_when_it_comes_back():
    panel = bars(A=frame([10.0] * 10), B=frame([20.0] * 4 + [10.0] * 6, split=[1.0] * 4 + [2.0] + [1.0] * 5))
    member = universe(A=[("", "")], B=[("", "2020-01-07"), ("2020-01-13", "")]).on(panel)
    seen = member.seen.close[:, 1]
    np.testing.assert_array_equal(seen[~np.isnan(seen)], 20.0)
    agree(RunSpec(strategy=RANDOM, params=dict(density=0.8), cash=10_000), member)


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), symbols=st.integers(1, 4), exits=st.sampled_from([{}, {"stop": 0.05}]), carry=st.sampled_from([{}, {"borrow": 0.1, "cash": 0.02}]))
def test_the_twin_agrees_and_the_past_is_not_changed(seed, symbols, exits, carry):
    panel, random = eventful(60, symbols, seed), np.random.default_rng(seed)
    spells = {}
    for symbol in panel.symbols:
        days = [str(panel.session[row]) for row in sorted(random.choice(len(panel), 3, replace=False))]
        spells[symbol] = [("", days[0]), (days[1], days[2])] if random.random() < 0.5 else [(days[0], days[2])]
    known = universe(**spells)
    try:
        whole = known.on(panel)
    except NoBars:
        return
    agree(RunSpec(strategy=RANDOM, params=dict(seed=seed), cash=10_000, exits=exits, carry=carry), whole)
    for row in random.choice(len(whole), 3):
        then = known.on(panel.between(None, whole.session[int(row)]))
        past = whole.upto(int(row)).select(then.symbols)
        assert past.fingerprint == then.fingerprint
        np.testing.assert_array_equal(past.raw_close, then.raw_close)
        past = whole.upto(int(row))
        np.testing.assert_array_equal(past.seen.close, whole.seen.close[: int(row) + 1])
        np.testing.assert_array_equal(past.leaving, whole.leaving[: int(row) + 1])


def test_a_plain_strategy_cannot_open_what_has_left():
    panel = universe(A=[("", "2020-01-07")]).on(bars(A=frame([10.0] * 8)))
    made = engine.run(RunSpec(strategy="plain_sellers:Seller", prices="raw"), bars=panel)
    assert {order.reason for order in made.orders if order.status == "Rejected"} == {"A does not belong to the universe: nothing is opened in it"}
    assert [order.status for order in made.orders][:3] == ["Completed"] * 3 and made.orders[3].status == "Rejected"


def test_a_universe_of_survivors_is_named():
    long = {f"S{at:02d}": walk(600, seed=at) for at in range(20)}
    assert "survivors" in " ".join(_warnings(Bars.from_frames(long)))
    assert "survivors" not in " ".join(_warnings(Bars.from_frames({**long, "S00": long["S00"][:400]})))
    assert "survivors" not in " ".join(_warnings(Bars.from_frames({name: long[name] for name in ("S01", "S02")})))
    two = Bars.from_frames({name: long[name] for name in ("S01", "S02")})
    assert "survivors" in " ".join(_warnings(universe(S01=[("", "")], S02=[("", "")]).on(two)))
    assert "survivors" not in " ".join(_warnings(universe(S01=[("", "")], S02=[("", "2001-01-03")]).on(two)))


def _warnings(panel):
    return engine.simulate(RunSpec(strategy="BuyAndHold", symbols=panel.symbols), panel).warnings


@pytest.mark.parametrize("check", [check_live, check_daily])
def test_live_runs_name_their_symbols(check):
    with pytest.raises(BadSpec, match=r"universe u.csv is for backtests: live, name the symbols"):
        check(RunSpec(strategy="GoldenCross", symbols=("A",), universe="u.csv"))


@pytest.mark.parametrize("text, said", [
    ("", "has the columns none: its first line must name symbol, entry and exit"),
    ("symbol,entry,exit\n", "names no symbol"),
    ("symbol,entry,exit\nA,2020-02-01,2020-01-01\n", "line 2: A: exit 2020-01-01 is not after entry 2020-02-01: swap them"),
    ("symbol,entry,exit\nA,2020-13-01,\n", "line 2: A: '2020-13-01' is not a date"),
    ("symbol,entry,exit\nA,,2020-02-01\nA,2020-01-01,\n", "A is in it from ever to 2020-02-01 and from 2020-01-01 to ever: times must not overlap"),
    ("symbol,entry,exit\nA,2020-01-01,\nA,2021-01-01,\n", "times must not overlap"),
])
def test_a_file_that_is_not_understood(tmp_path, text, said):
    file = tmp_path / "universe.csv"
    file.write_text(text)
    with pytest.raises(UsageError, match=said):
        read_universe(file)


def test_nobody_belongs_to_it():
    with pytest.raises(NoBars, match="nobody belongs to the universe from 2020-01-02 to 2020-01-13"):
        universe(A=[("2021-01-01", "")]).on(AB)


def test_its_report_can_be_read_again(tmp_path):
    panel = universe(A=[("", "")], B=[("2020-01-06", "2020-01-09")]).on(AB)
    made = engine.run(RunSpec(strategy="BuyAndHold"), bars=panel)
    write(made, tmp_path / "r")
    again = load_report(tmp_path / "r").bars
    assert again.fingerprint == panel.fingerprint and (again.member == panel.member).all()


def test_a_symbol_without_bars_while_it_belonged_is_left_out():
    ends = bars(A=frame([10.0] * 8), B=frame([20.0] * 3))
    panel = universe(A=[("", "")], B=[("2020-01-08", "")]).on(ends)
    assert panel.symbols == ("A",) and panel.origin.warnings == ("no bars while they belonged to the universe: B",)


def test_names_are_those_of_the_source(monkeypatch, tmp_path):
    class Vendor(SampleSource):
        def canonical(self, symbols):
            return super().canonical([symbol.upper() for symbol in symbols])

    monkeypatch.setattr("engine.loading.source_named", lambda *_: Vendor())
    (tmp_path / "u.csv").write_text("symbol,entry,exit\naapl,,\nibm,,\n")
    (tmp_path / "e.csv").write_text("date,symbol,event,value\n2008-06-02,ibm,merged,3\n")
    spec = RunSpec(universe=str(tmp_path / "u.csv"), start="2005-01-03", end="2006-12-29")
    panel = load(spec)
    assert panel.symbols == ("AAPL", "IBM") and panel.member.all()
    with pytest.raises(UsageError, match="IBM trades on 2013-.*, and is merged on 2008-06-02"):
        load(spec.replace(events=str(tmp_path / "e.csv"), end=None))


@pytest.mark.parametrize("text", ["20150131", "NaT", "now", "2015-1-31", "2015-01-31Z", "2015-02-30"])
def test_dates_are_iso_dates(tmp_path, text):
    (tmp_path / "u.csv").write_text(f"symbol,entry,exit\nA,{text},\n")
    with pytest.raises(UsageError, match="is not a date: write it as 2015-01-31"):
        read_universe(tmp_path / "u.csv")
