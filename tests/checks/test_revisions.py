"""What a change of stored bars flips, beside decisions on two panels made by hand; and what the real client of a vendor brings twice."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_contract import LATE, YEAR
from vendor import daily_bars

from checks.revisions import TOGETHER_NS, Asked, changes, flips, together
from core.bars import Bars
from core.spec import RunSpec
from engine.today import STANDING, decided
from feeds.parquet_store import ParquetStore
from journal import Journal

SYMBOLS = ("AAA", "BBB")
SPEC = RunSpec(strategy="GoldenCross", symbols=SYMBOLS, source="yahoo", params=dict(fast=3, slow=8))
ROWS = YEAR[:60]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(revised=st.lists(st.tuples(st.sampled_from(SYMBOLS), st.integers(0, 59), st.integers(1, 9), st.integers(1, 3)), min_size=1, max_size=4))
def test_flips_are_the_differences_of_decisions_before_and_after(tmp_path_factory, revised):
    folder = tmp_path_factory.mktemp("flips")
    store, seeds = ParquetStore(folder / "bars"), {symbol: np.zeros(60, int) for symbol in SYMBOLS}
    for symbol in SYMBOLS:
        store.write(symbol, daily_bars(symbol, ROWS), ROWS, source="yahoo", now=LATE)
    panels, groups = [panel(seeds)], sorted({number for *_, number in revised})
    for number in groups:
        for symbol, first, seed, mine in revised:
            if mine == number:
                rows = slice(first, first + 5)
                seeds[symbol][rows] = seed
                store.write(symbol, daily_bars(symbol, ROWS[rows], seed), ROWS[rows], source="yahoo", now=LATE + number * 2 * TOGETHER_NS)
        panels.append(panel(seeds))
    with Journal(folder / "journal.db") as journal:
        found, warnings = flips([Asked("gold", "", SPEC)], changes(store), store, journal)
    wanted = []
    for number, before, after in zip(groups, panels, panels[1:], strict=False):
        old, new = decided(SPEC, before), decided(SPEC, after)
        wanted += [(number, SYMBOLS[column], str(ROWS[row]), word(old[row, column]), word(new[row, column]))
                   for row, column in np.ndindex(old.shape) if word(old[row, column]) != word(new[row, column])]
    told = [((each.time_ns - LATE) // (2 * TOGETHER_NS), each.symbol, str(each.session), each.said, each.says) for each in found]
    assert sorted(told) == sorted(wanted) and warnings == []


def panel(seeds):
    return Bars.of([join(symbol, seeds[symbol]) for symbol in SYMBOLS])


def join(symbol, seeds):
    made = [daily_bars(symbol, ROWS[row:row + 1], int(seed)) for row, seed in enumerate(seeds)]
    whole = daily_bars(symbol, ROWS)
    return type(whole)(symbol, whole.index, whole.session, **{
        name: np.array([getattr(each, name)[0] for each in made])
        for name in ("open", "high", "low", "close", "volume", "dividend", "split", "pay_date")})


def word(decision):
    return "-" if np.isnan(decision) else STANDING[int(np.sign(decision))]


def test_changes_that_arrive_together_are_one():
    minute = TOGETHER_NS
    assert together([]) == [] and together([5]) == [(5, 5)]
    assert together([0, minute, 2 * minute, 4 * minute]) == [(0, 2 * minute), (4 * minute, 4 * minute)]


def test_a_change_names_what_differs(tmp_path):
    store = ParquetStore(tmp_path)
    bars = daily_bars("AAA", ROWS[:3])
    store.write("AAA", bars.rows([0, 2]), ROWS[:3], source="yahoo", now=LATE)
    store.write("AAA", bars, ROWS[:3], source="yahoo", now=LATE + 1)
    store.write("AAA", type(bars)(**{**vars(bars), "volume": bars.volume * 2}), ROWS[:3], source="yahoo", now=LATE + 2)
    appeared, *doubled = changes(store)
    assert (appeared.session, appeared.before, appeared.after["close"]) == (ROWS[1], {}, bars.close[1])
    assert [(each.before, each.after) for each in doubled] == [({"volume": float(old)}, {"volume": float(2 * old)}) for old in bars.volume]
    assert [each.session for each in changes(store, since_ns=LATE + 2)] == ROWS[:3].tolist()
    assert changes(store, source="alpaca") == changes(store, interval="1m") == changes(store, symbols=("BBB",)) == []


def test_a_plain_strategy_is_named(tmp_path):
    store = ParquetStore(tmp_path)
    for seed in (0, 1):
        store.write("AAA", daily_bars("AAA", ROWS, seed), ROWS, source="yahoo", now=LATE + seed)
    with Journal(tmp_path / "journal.db") as journal:
        found, warnings = flips([Asked("plain", "", RunSpec(strategy="plain_sellers:Seller", symbols=("AAA",), source="yahoo"))], changes(store), store, journal)
    assert found == [] and len(warnings) == 1 and "is a plain Backtrader strategy and has no signals" in warnings[0]
