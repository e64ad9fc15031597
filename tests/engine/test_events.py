"""Delistings, mergers for cash and new symbols: by hand, and in Cerebro and the twin alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_bars import bars, frame
from twins import RANDOM, agree, eventful

from core.errors import BadSpec, UnknownName, UsageError
from core.events import DELISTED, MERGED, RENAMED, WORTHLESS, Event, Events
from core.spec import RunSpec
from core.universe import Spell, Universe
from engine.loading import load
from feeds.events_file import read_events

DAYS = [str(day) for day in frame([1.0] * 14).index.date]  # from Thursday 2020-01-02 on
PLANNED = "planned_weights:PlannedWeights"


def day(text):
    return np.datetime64(text, "D")


def two(ends=4, **b):
    """A for 14 sessions, B until `ends` rows of them."""
    return bars(A=frame([10.0] * 14), B=frame([20.0] * ends, **b))


def held(panel, **spec):
    """A run that holds half of the account in each symbol from the first bar on."""
    return agree(RunSpec(strategy="BuyAndHold", cash=10_000, limits=dict(cash_buffer=0.0), **spec), panel)


def test_a_merger_is_paid_on_its_date():
    panel = Events([Event(day(DAYS[6]), "B", MERGED, 25.0)]).paid_out(two())
    made = held(panel)
    sold = [fill for fill in made.fills if fill.symbol == "B" and fill.size < 0]
    assert [(str(fill.session), fill.size, fill.price) for fill in sold] == [(DAYS[6], -250.0, 25.0)]
    assert made.equity.tolist() == [10_000.0] * 6 + [11_250.0] * 8 and made.positions[-1, 1] == 0
    assert "B is merged: 25.00 a share on 2020-01-10" in made.warnings


@pytest.mark.parametrize("event, haircut, price", [
    (Event(day(DAYS[4]), "B", DELISTED), 0.3, 14.0), (Event(day(DAYS[4]), "B", DELISTED), None, 20.0),
    (Event(day(DAYS[4]), "B", DELISTED, 1.5), 0.3, 1.5), (None, 0.3, 14.0), (None, 1.0, WORTHLESS)])
def test_a_delisting_costs_its_haircut(event, haircut, price):
    made = held(Events([event] if event else [], haircut).paid_out(two()))
    assert made.equity[-1] == 5_000 + 250 * price
    assert [str(fill.session) for fill in made.fills if fill.symbol == "B" and fill.size < 0] == [DAYS[4]]


def test_a_short_pays_back_at_the_price():
    panel = Events([Event(day(DAYS[4]), "A", MERGED, 12.0)]).paid_out(bars(A=frame([10.0] * 4), Z=frame([5.0] * 14)).only(np.array([True, False])))
    made = agree(RunSpec(strategy=PLANNED, params=dict(plan="0:-0.5"), cash=10_000), panel)
    assert made.equity[-1] == 10_000 - 500 * 2.0


def test_without_an_event_it_is_held_on():
    assert held(two()).positions[-1, 1] == 250
    assert held(Events(haircut=0.3).paid_out(two(ends=6))).positions[-1, 1] == 250  # eight bars are not enough
    assert held(Events([Event(day("2021-01-04"), "B", MERGED, 25.0)]).paid_out(two())).positions[-1, 1] == 250  # not yet


def test_it_is_not_bought_any_more():
    panel = Events([Event(day(DAYS[4]), "B", MERGED, 25.0)]).paid_out(two())
    made = agree(RunSpec(strategy=RANDOM, params=dict(density=1.0, shorts=0.0), cash=10_000), panel)
    assert all(str(fill.session) <= DAYS[4] for fill in made.fills if fill.symbol == "B") and made.positions[-1, 1] == 0


def test_a_new_symbol_is_one_series():
    old, new = frame([20.0] * 5, split=[1.0] * 4 + [2.0]), frame([10.0] * 9, start=DAYS[5])
    known = Events([Event(day(DAYS[5]), "OLD", RENAMED, to="NEW")])
    panel = known.joined(bars(NEW=new, A=frame([10.0] * 14), OLD=old))
    assert panel.symbols == ("NEW", "A") and panel.traded.all()
    assert panel.raw_close[:, 0].tolist() == [20.0] * 5 + [10.0] * 9 and panel.split[4, 0] == 2.0
    made = held(panel)
    assert made.positions[-1].tolist() == [500.0, 500.0]
    universe = Universe({"OLD": [Spell(day("NaT"), day(DAYS[5]))], "NEW": [Spell(day(DAYS[5]), day("NaT"))]}).renamed(known.current)
    assert universe.on(panel).member[:, 0].all() and universe.symbols() == ("NEW",)


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), symbols=st.integers(2, 4), exits=st.sampled_from([{}, {"stop": 0.05}, {"trail": 0.04, "bars": 5}]),
       carry=st.sampled_from([{}, {"borrow": 0.1, "cash": 0.02}]), haircut=st.sampled_from([None, 0.0, 0.4, 1.0]), close_only=st.booleans())
def test_the_twin_agrees(seed, symbols, exits, carry, haircut, close_only):
    panel, random = eventful(60, symbols, seed, close_only), np.random.default_rng(seed)
    ended = []
    for column, symbol in enumerate(panel.symbols):
        last = panel.session[np.flatnonzero(panel.traded[:, column])[-1]]
        if random.random() < 0.7:
            ended.append(Event(last + int(random.integers(1, 8)), symbol, *random.choice([(DELISTED, np.nan), (MERGED, 30.0), (DELISTED, 0.0)])))
    ended = [each._replace(kind=str(each.kind), value=float(each.value)) for each in ended]
    made = agree(RunSpec(strategy=RANDOM, params=dict(seed=seed), cash=10_000, exits=exits, carry=carry, commission="0.1%"),
                 Events(ended, haircut).paid_out(panel))
    gained = sum(trade.pnl + trade.dividends - trade.borrow for trade in made.trades)
    assert made.equity[-1] - 10_000 == pytest.approx(gained + sum(event.amount for event in made.cash_events if not event.symbol), abs=1e-6)


def test_from_files_to_bars(tmp_path):
    for name, rows in (("OLD", 5), ("NEW", 9), ("GONE", 3)):
        start = DAYS[5] if name == "NEW" else DAYS[0]
        frame([10.0] * rows, start=start).rename_axis("date").to_csv(tmp_path / f"{name}.csv")
    events, universe = tmp_path / "events.csv", tmp_path / "universe.csv"
    events.write_text(f"date,symbol,event,value\n{DAYS[5]},OLD,renamed,NEW\n{DAYS[3]},GONE,merged,12.5\n")
    universe.write_text(f"symbol,entry,exit\nOLD,,{DAYS[5]}\nNEW,{DAYS[5]},\nGONE,,\n")
    spec = RunSpec(strategy="BuyAndHold", source=f"csv:{tmp_path}", events=str(events))
    for chosen in (dict(universe=str(universe)), dict(symbols=("OLD", "GONE"))):
        panel = load(spec.replace(**chosen))
        assert panel.symbols == ("NEW", "GONE") and panel.traded[:, 0].all() and panel.raw_close[3, 1] == 12.5
    with pytest.raises(UnknownName, match=r"unknown symbol of an event 'GONE'"):
        load(spec.replace(symbols=("NEW",)))


def test_bars_after_the_end():
    with pytest.raises(UsageError, match="B trades on 2020-01-07, and is merged on 2020-01-06: correct the date"):
        Events([Event(day("2020-01-06"), "B", MERGED, 25.0)]).paid_out(two())


@pytest.mark.parametrize("text, said", [
    ("", "has the columns none: the first line must name date, symbol, event and value"),
    ("date,symbol,event,value\n2020-01-01,A,bought,1\n", "line 2: A: event is 'bought': write delisted, merged, renamed"),
    ("date,symbol,event,value\n,A,delisted,\n", "line 2: A: '' is not a date"),
    ("date,symbol,event,value\n2020-01-01,A,merged,\n", "A is merged: value must be what is paid for a share"),
    ("date,symbol,event,value\n2020-01-01,A,merged,-1\n", "value '-1' is not an amount of money"),
    ("date,symbol,event,value\n2020-01-01,A,renamed,\n", "A is renamed: value must be the new symbol"),
    ("date,symbol,event,value\n2020-01-01,A,delisted,\n2021-01-01,A,merged,1\n", "line 3: A is merged, and delisted above: a symbol ends once"),
    ("date,symbol,event,value\n2020-01-01,A,renamed,B\n2019-01-01,B,delisted,\n", "A is renamed B on 2020-01-01, which is delisted on 2019-01-01: events must not overlap"),
    ("date,symbol,event,value\n2020-01-01,A,renamed,C\n2020-01-01,B,renamed,C\n", "B and A are both renamed C"),
    ("date,symbol,event,value\n2020-01-01,A,renamed,B\n2020-01-01,B,renamed,A\n", "events must not overlap"),
])
def test_a_file_that_is_not_understood(tmp_path, text, said):
    file = tmp_path / "events.csv"
    file.write_text(text)
    with pytest.raises(UsageError, match=said):
        read_events(file)


def test_a_haircut_is_a_part():
    with pytest.raises(BadSpec, match="delisting is 30: it is the part of the last close that is lost, from 0 to 1"):
        RunSpec(delisting=30.0)


def test_a_source_without_the_old_name_gives_all_under_the_new(tmp_path):
    frame([10.0] * 14).rename_axis("date").to_csv(tmp_path / "NEW.csv")
    events = tmp_path / "events.csv"
    events.write_text(f"date,symbol,event,value\n{DAYS[5]},OLD,renamed,NEW\n")
    panel = load(RunSpec(source=f"csv:{tmp_path}", symbols=("OLD",), events=str(events)))
    assert panel.symbols == ("NEW",) and len(panel) == 14
    assert "the source does not know all earlier names (OLD)" in " ".join(panel.origin.warnings)


def test_names_that_the_source_calls_the_same():
    def one(name):
        return name.upper().replace("-", ".")

    day_ = day(DAYS[4])
    same = Events([Event(day_, "BRK-B", RENAMED, to="BRK.B"), Event(day_, "a", MERGED, 5.0)]).named(one)
    assert same.current("BRK.B") == "BRK.B" and same.current("A") == "A" and same
    with pytest.raises(UsageError, match=r"are both BRK\.B"):
        Events([Event(day_, "brk-b", MERGED, 100.0), Event(day_, "BRK.B", DELISTED, 3.0)]).named(one)
    with pytest.raises(UsageError, match="lead back to it"):
        Events([Event(day_, "a-b", RENAMED, to="C"), Event(day_, "C", RENAMED, to="A.B")]).named(one)


@pytest.mark.parametrize("spec, told", [
    (dict(execution="twap:30"), "execution twap:30 sells in slices"),
    (dict(interval="1m", fill="session_close"), "positions are left in the closing auction")])
def test_what_cannot_leave_a_symbol_that_ends_is_refused(spec, told):
    with pytest.raises(BadSpec, match=told):
        load(RunSpec(strategy="BuyAndHold", source="synthetic", delisting=0.3, **spec))
