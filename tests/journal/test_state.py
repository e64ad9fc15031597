"""The actual portfolio: running totals equal what all executions add up to, however they are told; it agrees with sub-accounts."""

import shutil
import tempfile
from contextlib import closing
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
import sqlalchemy
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from brokers.sub_account import SubAccount
from core.clock import ManualClock
from core.errors import UsageError
from engine.live.restoring import restored
from journal import Journal
from journal.account_log import CASH, TRANSFER, LiveExecution, Note
from journal.holding import ZERO
from journal.holdings import add_up_all, holding_of
from journal.tables import HoldingRow

BUY = LiveExecution("c-1", "b", Decimal(10), "A", "r", "AAA", "buy", Decimal(10), Decimal("9.5"), 5, Decimal("0.1"))


@pytest.fixture(name="journal")
def _journal(place):
    with Journal(place, ManualClock(7)) as journal:
        yield journal
NEAR = dict(rel=Decimal("1e-20"), abs=Decimal("1e-18"))


def totals(journal):
    with journal._database.reading() as session:
        return {(row.account, row.run, row.symbol): asdict(holding_of(row)) for row in session.scalars(sqlalchemy.select(HoldingRow))}


def slowly(executions, notes):
    """Shares, cost and profit of each symbol, from the first trade to the last, one share of history after the other."""
    state = {}
    events = [(note.facts.get("at_ns") or note.time_ns, 0, at, note) for at, note in enumerate(notes)]
    events += [(each.time_ns, 1, at, each) for at, each in enumerate(executions)]
    for _, is_trade, _, each in sorted(events, key=lambda event: event[:3]):
        symbol = each.symbol if is_trade else each.facts["symbol"]
        qty, average, realized, cash = state.get(symbol, (ZERO, ZERO, ZERO, ZERO))
        if not is_trade:
            cash += Decimal(each.facts["cash"])
            if each.facts["qty"] is not None:
                new = Decimal(each.facts["qty"])
                qty, average = new, average * qty / new if new else ZERO
        else:
            cash -= each.signed * each.price + each.commission
            left = each.signed
            while left:
                if qty * left >= 0:  # grows
                    average, qty, left = (qty * average + left * each.price) / (qty + left), qty + left, ZERO
                else:
                    part = max(left, -qty) if left < 0 else min(left, -qty)
                    realized, qty, left = realized - part * (each.price - average), qty + part, left - part
                    average = average if qty else ZERO
        state[symbol] = (qty, average, realized, cash)
    return state


AMOUNTS = st.decimals("0.01", "500", places=2)
TRADES = st.builds(lambda symbol, side, qty, price, time: (symbol, side, qty, price, time), st.sampled_from(["AAA", "BBB"]),
                   st.sampled_from(["buy", "sell"]), st.decimals("0.001", "100", places=3), AMOUNTS, st.integers(1, 6))
BOOKED = st.builds(lambda symbol, cash, qty, at: dict(symbol=symbol, cash=str(cash), qty=qty if qty is None else str(qty), at_ns=at),
                   st.sampled_from(["AAA", "BBB", ""]), AMOUNTS, st.none() | st.integers(-20, 20), st.integers(1, 6))


@pytest.fixture(name="empty", scope="module")
def _empty(tmp_path_factory):
    path = tmp_path_factory.mktemp("empty") / "journal.db"
    with Journal(path) as journal:
        journal.runs()
    return path


@settings(max_examples=15, deadline=None, phases=[Phase.generate])
@given(st.lists(st.one_of(TRADES, BOOKED), min_size=1, max_size=12), st.integers(0, 9999))
def test_running_totals_are_what_everything_adds_up_to(empty, told, seed):
    random = Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(shutil.copy(empty, folder))
        with Journal(path) as journal:
            executions = [LiveExecution(f"c-{at}", "b", each[2], "A", "r", *each[:2], each[2], each[3], each[4], Decimal("0.01"))
                          for at, each in enumerate(told) if isinstance(each, tuple)]
            notes = [Note("A", "r", CASH, f"{at}", 1, each) for at, each in enumerate(told) if isinstance(each, dict)]
            log = journal.account_log
            for at, note in enumerate(notes):
                log.add(note, f"{at}")
                if random.random() < 0.3:
                    log.add(note, f"{at}")
            while random.random() < 0.7 and executions:
                log.execute(random.sample(executions, 1))
            log.execute(executions)
            log.execute(reversed(executions))
            kept = totals(journal)
            expected = slowly(log.executions("A"), log.notes("A"))
            assert {key[2] for key in kept} == set(expected)
            for key, each in kept.items():
                assert [each["qty"], each["average"], each["realized"], each["cash"]] == pytest.approx(list(expected[key[2]]), **NEAR)
            with journal._database.writing() as session:
                session.execute(sqlalchemy.delete(HoldingRow))
                add_up_all(session.connection())
            assert totals(journal) == kept
            agrees_with_a_sub_account(journal)


def agrees_with_a_sub_account(journal):
    part, mine = restored(SubAccount("r", None, 0.0, ()), journal, "A"), journal.state.portfolio("A", "r")
    assert {each.symbol: each.qty for each in mine.positions} == part.held
    for each in mine.positions:
        assert each.average == pytest.approx(part.holding(each.symbol).average, rel=Decimal("1e-24"))
    assert (mine.cash, mine.commission, mine.booked) == (part.cash, part.paid, part.booked)
    assert mine.realized == pytest.approx(part.realized, **NEAR)


def test_a_portfolio_is_that_of_a_run_or_of_the_account(journal):
    log = journal.account_log
    log.note("A", "", TRANSFER, "begins with", cash="1000.50", symbol="")
    log.execute([BUY, replace(BUY, client_order_id="c-2", run="s", price=Decimal("11.5"), qty=Decimal(30), filled=Decimal(30), time_ns=6),
                 replace(BUY, client_order_id="c-3", side="sell", qty=Decimal(4), filled=Decimal(4), price=Decimal(12), time_ns=7)])
    run = journal.state.portfolio("A", "r")
    [held] = run.positions
    assert (held.qty, held.average, held.price, held.value, held.unrealized) == (6, Decimal("9.5"), 12, 72, 15)
    assert (run.cash, run.realized, run.commission, run.executions, run.last_ns) == (Decimal("-47.2"), 10, Decimal("0.2"), 2, 7)
    whole = journal.state.portfolio("A", prices={"AAA": Decimal(13)})
    [held] = whole.positions
    assert (held.qty, held.value) == (36, 468) and held.average == (6 * Decimal("9.5") + 30 * Decimal("11.5")) / 36
    assert whole.cash == Decimal("1000.50") - Decimal("47.2") - Decimal("345.1") and whole.equity == whole.cash + 468
    assert (whole.transferred, whole.booked, whole.realized) == (Decimal("1000.50"), 0, 10)
    assert journal.state.portfolio("B").positions == () and journal.state.portfolio("A", "t").cash == 0


def test_a_split_and_a_dividend_are_in_the_state(journal):
    journal.account_log.execute([BUY])
    journal.account_log.note("A", "r", CASH, "2:1", symbol="AAA", cash="0", qty="20", at_ns=6)
    journal.account_log.note("A", "r", CASH, "dividend", symbol="AAA", cash="1.25", qty=None, at_ns=7)
    [held] = (found := journal.state.portfolio("A")).positions
    assert (held.qty, held.average, held.price) == (20, Decimal("4.75"), Decimal("4.75"))
    assert (found.booked, found.cash, found.realized) == (Decimal("1.25"), Decimal("-93.85"), 0)


def test_executions_before_the_totals_are_added_up_by_the_migration(database_before, place):
    with Journal(place) as journal:
        [held] = journal.state.portfolio("A").positions
        assert (held.qty, held.average) == (Decimal("12.5"), Decimal("9.8")) and journal.state.portfolio("A").booked == Decimal("2.5")


@pytest.fixture(name="database_before")
def _database_before(place, statement):
    from journal.database import Database
    from journal.schema import migrate

    with closing(Database(place)) as database, database._backend.first_use(), database._backend.writing().begin() as connection:
        database._backend.make_room(connection)
        migrate(connection, None, "0005")
        database._backend.mark(connection)
    names = "client_order_id, broker_id, filled, account, run, symbol, side, qty, price, time_ns, commission"
    statement(f"INSERT INTO live_executions ({names}) VALUES ('c', 'b', '10', 'A', 'r', 'AAA', 'buy', '10', '9.5', 5, '0'), "
              "('c', 'b', '12.5', 'A', 'r', 'AAA', 'buy', '2.5', '11', 6, '0')")
    statement("INSERT INTO account_notes (account, run, kind, text, time_ns, facts) VALUES "
              "('A', 'r', 'cash', 'x', 7, '{\"cash\":\"2.5\",\"qty\":null,\"symbol\":\"AAA\"}')")


def test_an_execution_that_is_not_written_leaves_the_totals_alone(journal, statement):
    journal.account_log.execute([BUY])
    before = totals(journal)
    with pytest.raises(OSError, match="(?i)null"):
        journal.account_log.execute([replace(BUY, client_order_id="c-2"), replace(BUY, client_order_id="c-3", symbol=None)])
    with pytest.raises(UsageError, match="cash 'a lot' of a note is no number"):
        journal.account_log.note("A", "r", CASH, "x", cash="a lot", symbol="", qty=None)
    assert totals(journal) == before and journal.account_log.notes() == []


def test_a_reconciliation_is_a_record_and_changes_nothing(journal):
    journal.account_log.execute([BUY])
    before = totals(journal)
    said = journal.state.reconcile("A", {"AAA": {"quantity": 12, "current_price": 9.7}, "BBB": {"quantity": "1.50"}}, Decimal("85000.0"), by="me", key="k")
    assert said.differences == {"AAA": {"stated": "12", "known": "10"}, "BBB": {"stated": "1.5", "known": "0"},
                                "cash": {"stated": "85000", "known": "-95.1"}}
    assert (said.by, said.time_ns, said.cash, said.positions["AAA"]) == ("me", 7, Decimal("85000.0"), {"quantity": 12, "current_price": 9.7})
    assert totals(journal) == before
    assert journal.state.reconcile("A", {}, by="again", key="k") == said and journal.state.reconciliations("A") == [said]
    agreed = journal.state.reconcile("A", {"AAA": {"quantity": "10.0"}}, run="r")
    assert agreed.differences == {} and agreed.cash is None and agreed.run == "r"
    assert journal.state.reconciliations() == [said, agreed] and journal.state.reconciliations(after=said.id, limit=1) == [agreed]
    with pytest.raises(UsageError, match="position AAA: quantity None is no number"):
        journal.state.reconcile("A", {"AAA": {}})
