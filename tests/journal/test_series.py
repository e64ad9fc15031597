"""What every place that tells of executions and equity promises: SQLite, PostgreSQL, and a QuestDB that follows a journal."""

from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from questdb_rows import DECISION
from questdb_rows import EXECUTION as FIRST
from sqlalchemy import insert

from core.errors import StoreFailed
from journal import Journal
from journal.database import Database
from journal.history import EquityPoint
from journal.quest import Quest, follow
from journal.tables import LiveExecutionRow

SECOND = replace(FIRST, filled=Decimal("12.50"), qty=Decimal("2.50"), time_ns=6)

pytestmark = pytest.mark.xdist_group("questdb")  # one server for all of them
NS = 1_700_000_000_123_456_789
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
MONEY = st.builds(lambda whole, part, places: Decimal(whole) + Decimal(part % 10**places).scaleb(-places),
                  st.integers(-10**18 + 1, 10**18 - 1), st.integers(0, 10**18 - 1), st.integers(0, 18))
TIMES = st.integers(0, 400 * 86_400 * 10**9)
EXECUTIONS = st.builds(replace, st.just(FIRST), client_order_id=TEXTS, broker_id=TEXTS, run=TEXTS, symbol=TEXTS.filter(bool), price=MONEY,
                       side=st.sampled_from(["buy", "sell"]), filled=MONEY, qty=MONEY.map(abs).filter(bool), commission=MONEY, time_ns=TIMES)


@pytest.fixture(name="series", params=["sqlite", "postgresql", "questdb"])
def _series(request):
    """A journal to write to; `executions` and `equity` read from the place that is tested, once it has everything."""
    place = request.getfixturevalue("address" if request.param == "postgresql" else "path")
    with Journal(place) as journal:
        if request.param != "questdb":
            yield SimpleNamespace(journal=journal, executions=journal.account_log.executions, equity=journal.history.equity)
            return
        with closing(Database(place)) as database, Quest(request.getfixturevalue("quest_place")) as quest:
            def asked(read):
                def answer(*chosen, **named):
                    follow(database, quest)
                    return read(*chosen, **named)

                return answer

            yield SimpleNamespace(journal=journal, executions=asked(quest.executions), equity=asked(quest.equity))


def test_what_was_executed_is_told_once_and_the_first_stays(series):
    log = series.journal.account_log
    assert log.execute([FIRST, SECOND]) == 2 and series.executions("A") == [FIRST, SECOND]
    assert log.execute([FIRST, replace(SECOND, price=Decimal(1), time_ns=9)]) == 0
    assert log.execute([replace(FIRST, broker_id="later", filled=Decimal("10.0"))]) == 0
    assert series.executions("A") == [FIRST, SECOND]


def test_what_is_divided_among_shares_keeps_all_its_digits(series):
    log = series.journal.account_log
    log.execute([FIRST, replace(FIRST, filled=Decimal(13), qty=Decimal(9), time_ns=8)])
    [first, part] = series.executions("A")
    assert [first, part] == log.executions("A") and part.commission == Decimal("0.1") * 3 / 9 and part.qty == 3


def test_executions_are_chosen_by_account_run_and_time_and_come_in_order(series):
    made = [replace(FIRST, client_order_id=f"c-{at}", run=run, account=account, time_ns=NS + time)
            for at, (account, run, time) in enumerate([("A", "s", 2), ("A", "r", 1), ("B", "r", 0), ("A", "", 1), ("A", "r", 0)])]
    series.journal.account_log.execute(made[:3])
    assert len(series.executions("A")) == 2
    series.journal.account_log.execute(made[3:])
    assert series.executions("A") == [made[4], made[1], made[3], made[0]]
    assert series.executions("A", "r") == [made[4], made[1]] and series.executions("A", "") == [made[3]]
    assert series.executions("A", None, NS + 1, NS + 2) == [made[1], made[3]] and series.executions("B") == [made[2]]
    assert series.executions("C") == series.executions("A", "other") == series.executions("A", since_ns=NS + 3) == []
    assert series.executions("A", since_ns=-5, until_ns=2**62 + 1) == series.executions("A")


def test_equity_is_what_snapshots_and_decisions_saw_in_order(series):
    journal, worth = series.journal, Decimal("1234567.890123456789")
    journal.history.take("A", "", worth, Decimal("-0.10"), time_ns=NS + 1)
    journal.blotter.decide([], **{**DECISION, "bar_ns": NS + 1, "equity": Decimal(2)})
    assert len(series.equity("A")) == 2
    journal.history.take("A", "r", Decimal(3), Decimal(0), source="auditor", time_ns=NS + 1)
    journal.history.take("A", "r", Decimal(9), Decimal(9), source="later", time_ns=NS + 1)
    journal.history.take("B", "r", Decimal(4), Decimal(0), time_ns=NS)
    journal.history.take("A", "r", Decimal(5), Decimal(1) / 3, source="decision", time_ns=NS)
    journal.blotter.decide([], **{**DECISION, "bar_ns": NS, "equity": Decimal(6)})
    points = [EquityPoint("A", "r", NS, Decimal(5), Decimal(1) / 3, "decision"), EquityPoint("A", "r", NS, Decimal(6), Decimal(1), "decision"),
              EquityPoint("A", "", NS + 1, worth, Decimal("-0.1"), "broker"), EquityPoint("A", "r", NS + 1, Decimal(3), Decimal(0), "auditor"),
              EquityPoint("A", "r", NS + 1, Decimal(2), Decimal(1), "decision")]
    assert series.equity("A") == points == journal.history.equity("A")
    assert series.equity("A", "") == points[2:3] and series.equity("A", "r", NS, NS + 1) == points[:2]
    assert series.equity("A", since_ns=NS + 2) == series.equity("C") == []


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(executions=st.lists(EXECUTIONS, max_size=8), points=st.lists(st.tuples(TEXTS, MONEY, MONEY, TIMES, TEXTS), max_size=4))
@example(executions=[replace(FIRST, run="a,b =\\\"'\n", symbol="日本🎉", time_ns=NS, price=Decimal("999999999999999999.999999999999999999"))], points=[])
def test_money_times_and_names_are_exact(examples, executions, points):
    series, number = examples
    account = f"Konto №{next(number)} 'ü'"
    told = [replace(each, account=account, client_order_id=f"{account}{at}{each.client_order_id}") for at, each in enumerate(executions)]
    assert series.journal.account_log.execute(told) == len(told)
    assert sorted(map(_fields, series.executions(account))) == sorted(map(_fields, told))
    for run, equity, cash, time_ns, source in points:
        series.journal.history.take(account, run, equity, cash, source=source, time_ns=time_ns + 1)
    assert series.equity(account) == series.journal.history.equity(account)
    assert series.executions(account) == series.journal.account_log.executions(account)


@pytest.fixture(name="examples")
def _examples(series):
    return series, iter(range(10_000))


def _fields(execution):
    return tuple(vars(execution).values())


def test_nothing_that_writes_changes_or_removes_what_was_told(path, quest_place):
    """The journals refuse by triggers (tests of the database); what writes to QuestDB only ever adds."""
    with Journal(path) as journal, closing(Database(path)) as database, Quest(quest_place) as quest:
        journal.account_log.execute([FIRST])
        follow(database, quest)
        doing = {name for name in dir(quest) if not name.startswith("_")}
        assert doing == {"executions", "equity", "bars", "count", "count_bars", "newest", "settle", "append", "add_bars", "close", "shown"}
        follow(database, quest)
        assert quest.executions("A") == [FIRST]


@pytest.mark.parametrize(("change", "told"), [
    ({"price": Decimal("1E-19")}, "execution 1 .* its price 1E-19 has more than the 20 digits before or 18 after"),
    ({"qty": Decimal(10) ** 20}, "its qty 100000000000000000000 has more"), ({"time_ns": -1}, "its time is before 1970")])
def test_what_quest_cannot_hold_exactly_is_refused_and_nothing_of_it_is_written(path, quest_place, change, told):
    with Journal(path) as journal, closing(Database(path)) as database, Quest(quest_place) as quest:
        journal.account_log.execute([replace(FIRST, **change), SECOND])
        with pytest.raises(StoreFailed, match=told):
            follow(database, quest)
        assert quest.executions("A") == []


def test_fifty_thousand_executions_arrive_in_batches(path, quest_place):
    with Journal(path) as journal, closing(Database(path)) as database, Quest(quest_place) as quest:
        rows = [{**vars(FIRST), "client_order_id": f"c-{at}", "time_ns": NS + at * 10**9, "price": Decimal(at) / 100} for at in range(50_000)]
        with database.writing() as session:
            session.execute(insert(LiveExecutionRow.__table__), rows)
        assert follow(database, quest)["execution"] == 50_000 and follow(database, quest)["execution"] == 0
        assert quest.executions("A", until_ns=NS + 10**13) == journal.account_log.executions("A", until_ns=NS + 10**13)
        [(count, highest, total)] = quest._server.ask("SELECT count(), max(id), sum(price) FROM cerebrolab_executions")
        assert (count, highest, total) == (50_000, 50_000, Decimal(sum(range(50_000))) / 100)
