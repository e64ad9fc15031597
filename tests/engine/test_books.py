"""What the journal says of each run on each account, by hand and against the venue."""

from decimal import Decimal

import pytest

from engine.live.books import books_of
from journal import Journal
from journal.account_log import CASH, LiveExecution
from scripts.cli import run

EXECUTIONS = [("A", "AAA", "buy", 10, 100), ("A", "AAA", "sell", 4, 110), ("B", "AAA", "sell", 5, 110), ("A", "AAA", "sell", 6, 90),
              ("B", "AAA", "buy", 8, 100), ("", "BBB", "buy", 1, 20)]


@pytest.fixture(name="journal")
def _journal(tmp_path, monkeypatch):
    monkeypatch.setenv("CEREBROLAB_HOME", str(tmp_path))
    with Journal(tmp_path / "journal.db") as journal:
        journal.account_log.execute(
            LiveExecution(f"o{at}", f"b{at}", Decimal(qty), "acc", run, symbol, side, Decimal(qty), Decimal(price), 1000 + at,
                          Decimal("0.5")) for at, (run, symbol, side, qty, price) in enumerate(EXECUTIONS))
        yield journal


def test_realized_profit_trades_and_positions_by_hand(journal):
    others, a, b = books_of(journal)
    assert (a.run, a.executions, a.trades, a.realized, a.commission, a.held) == ("A", 3, 1, Decimal(40 - 60), Decimal("1.5"), {})
    assert (b.realized, b.trades, b.held) == (Decimal(50), 1, {"AAA": (Decimal(3), Decimal(100))})
    assert b.flow == Decimal(5 * 110 - 8 * 100 - 1) and (others.run, others.held) == ("", {"BBB": (Decimal(1), Decimal(20))})


def test_dividends_and_splits_are_in_the_books(journal):
    journal.account_log.note("acc", "B", CASH, "a dividend", symbol="AAA", cash="1.20", qty=None)
    journal.account_log.note("acc", "B", CASH, "a split", symbol="AAA", cash="0", qty="6")
    book = books_of(journal, "acc")[2]
    assert book.dividends == Decimal("1.20") and book.held == {"AAA": (Decimal(6), Decimal(50))}
    assert book.profit == Decimal(50) - Decimal(1) + Decimal("1.20")


def test_the_command_shows_the_sum(journal, capsys):
    assert run(["accounts"]) == 0
    told = capsys.readouterr().out
    assert "together" in told and "3 AAA at 100.00" in told and "(others)" in told
    assert run(["accounts", "--account", "nobody"]) == 0 and "nothing was executed" in capsys.readouterr().out
