"""Bars in QuestDB come back with every bit; and the queries of examples/ say what they promise."""

from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from questdb_rows import EXECUTION
from store_contract import SYMBOLS, YEAR, history
from vendor import daily_bars

from core.errors import NoBars, StoreFailed
from core.series import FIELDS, SymbolBars
from journal import Journal
from journal.database import Database
from journal.quest import Quest, follow

pytestmark = pytest.mark.xdist_group("questdb")  # one server for all of them
ROOT = Path(__file__).parents[2]
FLOATS = st.floats(allow_infinity=False, allow_nan=False) | st.just(np.nan)


@pytest.fixture(name="quest")
def _quest(quest_place):
    with Quest(quest_place) as quest:
        yield quest


def same_bits(left, right):
    assert (left.symbol, left.close_only) == (right.symbol, right.close_only)
    for name in ("index", "session", *FIELDS, "dividend", "split", "pay_date"):
        one, other = getattr(left, name), getattr(right, name)
        assert one.dtype == other.dtype and one.tobytes() == other.tobytes(), name
    return True


@pytest.mark.parametrize("bars", history(), ids=SYMBOLS)
def test_every_bit_comes_back(quest, bars):
    quest.add_bars("yahoo", "1d", bars)
    quest.add_bars("yahoo", "1d", bars)
    assert same_bits(quest.bars(bars.symbol, source="yahoo"), bars)
    assert quest.count_bars() == len(bars)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), rows=st.integers(1, 20), name=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8),
       closes=st.booleans())
def test_any_finite_number_comes_back(quest, data, rows, name, closes):
    def column():
        return np.array(data.draw(st.lists(FLOATS, min_size=rows, max_size=rows)))

    days = np.array(data.draw(st.lists(st.integers(-20_000, 20_000), min_size=rows, max_size=rows))).astype("datetime64[D]")
    index = np.array(sorted(data.draw(st.sets(st.integers(0, 10**18), min_size=rows, max_size=rows))), dtype=np.int64)
    paid = np.where(data.draw(st.lists(st.booleans(), min_size=rows, max_size=rows)), days, np.datetime64("NaT"))
    bars = SymbolBars(name, index, days, **{each: column() for each in (*FIELDS, "dividend", "split")}, pay_date=paid, close_only=closes)
    source = f"source {index.sum()}"
    quest.add_bars(source, "1m", bars)
    assert same_bits(quest.bars(name, interval="1m", source=source), bars)


def test_bars_are_chosen_by_sessions_source_and_interval_and_may_be_corrected(quest):
    bars = daily_bars("AAPL", YEAR)
    for source, interval in (("yahoo", "1d"), ("alpaca", "1d"), ("yahoo", "1h")):
        quest.add_bars(source, interval, bars)
    first, last = str(YEAR[3]), str(YEAR[9])
    assert same_bits(quest.bars("AAPL", first, last, source="yahoo"), bars.rows(slice(3, 10)))
    corrected = replace(bars, close=bars.close * 1.5)
    quest.add_bars("yahoo", "1d", corrected)
    assert same_bits(quest.bars("AAPL", source="yahoo"), corrected) and same_bits(quest.bars("AAPL", source="alpaca"), bars)
    with pytest.raises(NoBars, match="no 1d bars of MSFT from yahoo .* cerebrolab questdb copy --bars"):
        quest.bars("MSFT", source="yahoo")


def test_bars_that_cannot_be_kept_exactly_are_refused(quest):
    early = daily_bars("AAPL", ["1969-12-30", "1969-12-31", "1970-01-02"])
    with pytest.raises(StoreFailed, match=r"bars of AAPL \(yahoo, 1d\) .* the first is of 1969-12-30, and its times begin in 1970"):
        quest.add_bars("yahoo", "1d", early)
    late = daily_bars("AAPL", YEAR)
    with pytest.raises(StoreFailed, match="a number of volume is infinite"):
        quest.add_bars("yahoo", "1d", replace(late, volume=np.r_[np.inf, late.volume[1:]]))
    quest.add_bars("yahoo", "1d", late.rows(slice(0, 0)))
    assert quest.count_bars() == 0


def query(name):
    return (ROOT / f"examples/questdb_{name}.sql").read_text()


def test_slippage_against_the_last_close(quest, quest_server, path):
    bars = daily_bars("AAPL", YEAR[:3])
    quest.add_bars("yahoo", "1d", bars)
    quest.add_bars("other", "1d", replace(bars, close=bars.close * 2))
    base = replace(EXECUTION, symbol="AAPL", qty=Decimal(4), price=Decimal("60.25"))
    with Journal(path) as journal, closing(Database(path)) as database:
        journal.account_log.execute([replace(base, client_order_id="c-1", time_ns=int(bars.index[0]) - 1),
                                     replace(base, client_order_id="c-2", time_ns=int(bars.index[0]) + 1),
                                     replace(base, client_order_id="c-3", time_ns=int(bars.index[2]), side="sell")])
        follow(database, quest)
    rows = quest_server.ask(query("slippage"))
    wanted = [None, round(4 * (60.25 - bars.close[0]), 2), round(-4 * (60.25 - bars.close[2]), 2)]
    assert [row[-1] for row in rows] == wanted and [row[-2] for row in rows] == [None, bars.close[0], bars.close[2]]


def test_profit_a_day(quest, quest_server, path):
    day = 86_400 * 10**9
    with Journal(path) as journal, closing(Database(path)) as database:
        for account, run, time_ns, equity in [("A", "", 1, "100.10"), ("A", "", day - 1, "101.20"), ("A", "", day + 5, "99"), ("A", "r", day, "5"),
                                              ("B", "", 3 * day, "7"), ("A", "", 3 * day, "99.000000000000000001")]:
            journal.history.take(account, run, Decimal(equity), Decimal(0), time_ns=time_ns)
        follow(database, quest)
    rows = [row[1:] for row in quest_server.ask(query("daily_profit"))]
    assert rows == [("A", "", Decimal("101.20"), None), ("A", "", 99, Decimal("-2.20")),
                    ("A", "", Decimal("99.000000000000000001"), Decimal("1E-18")), ("A", "r", 5, None), ("B", "", 7, None)]


def test_the_queries_of_the_readme_are_those_of_the_examples():
    shown = [part.split("```")[0].strip() for part in (ROOT / "README.md").read_text().split("```sql\n")[1:]]
    assert set(shown) <= {query(name).strip() for name in ("slippage", "daily_profit")}
