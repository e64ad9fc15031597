"""`cerebrolab taxes` as a person meets it, on a journal of live executions."""

import csv
import json
from decimal import Decimal
from shutil import copy

import pytest

from journal import Journal
from journal.account_log import CASH, LiveExecution, Note
from journal.tables import AccountNoteRow
from scripts.cli import run

EXECUTIONS = [("2023-01-03", "one", "SPY", "buy", 10, 400), ("2023-03-01", "one", "SPY", "sell", 10, 380), ("2023-03-08", "two", "SPY", "buy", 4, 381),
              ("2023-05-01", "two", "QQQ", "buy", 5, 300), ("2024-06-03", "two", "QQQ", "sell", 5, 450), ("2024-07-01", "", "IWM", "sell", 3, 200)]


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory, moment):
    """A folder with the journal; nothing here writes to it."""
    home = tmp_path_factory.mktemp("home")
    with Journal(home / "journal.db") as journal:
        journal.account_log.execute(
            LiveExecution(f"o{at}", f"b{at}", Decimal(qty), "acc", name, symbol, side, Decimal(qty), Decimal(price), moment(day))
            for at, (day, name, symbol, side, qty, price) in enumerate(EXECUTIONS))
    return home


@pytest.fixture(name="journal")
def _journal(home, tmp_path, monkeypatch):
    monkeypatch.setenv("CEREBROLAB_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    return home / "journal.db"


def noted(journal, time_ns, name, symbol, cash="0", qty=None):
    """A note of an earlier day: the journal's own are of now."""
    note = Note("acc", name, CASH, "moved", time_ns, {"symbol": symbol, "cash": cash, "qty": qty, "reference": ""})
    with journal._database.writing() as session:
        session.add(AccountNoteRow(**vars(note)))


def told(capsys, *arguments):
    code = run(["taxes", *map(str, arguments)])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_the_table_says_what_is_left(journal, capsys):
    code, out, err = told(capsys, "--short-rate", "30%", "--long-rate", "0.15", "--capital", 10000)
    lines = {line[:22].strip(): line.split()[-2:] for line in out.splitlines()}
    assert code == 0 and "no tax advice" in out
    assert lines["moved by wash sales"] == ["80.00", "0.00"] and lines["short-term losses"] == ["-120.00", "0.00"]
    assert lines["net long-term"] == ["0.00", "750.00"] and lines["tax"] == ["-36.00", "112.50"]
    assert lines["profit before tax"] == ["-200.00", "750.00"] and lines["return after tax"] == ["-1.64%", "6.38%"]
    assert "warning: 3 IWM were sold on 2024-07-01 by no run" in err


def test_splits_and_dividends_of_the_journal(journal, capsys, moment, tmp_path, monkeypatch):
    monkeypatch.setenv("CEREBROLAB_HOME", str(tmp_path))
    copy(journal, tmp_path / "journal.db")
    with Journal(tmp_path / "journal.db") as own:
        noted(own, moment("2023-09-01"), "two", "QQQ", qty="10")
        noted(own, moment("2023-12-01"), "two", "QQQ", cash="2.50")
        noted(own, moment("2023-12-04"), "one", "SPY", qty="7")
    code, out, err = told(capsys, "--json")
    found = json.loads(out)
    assert code == 0 and "SPY: 0 shares of one cannot become 7 by a split; state the trade between them; the lots stay as they are" in err
    assert found["years"][0]["dividends"] == 2.5 and found["sales"][-1]["description"] == "5 sh. QQQ" and found["sales"][-1]["gain"] == 1500
    assert {lot["symbol"]: (lot["qty"], lot["basis"]) for lot in found["lots"]} == {"SPY": (4, 1604), "QQQ": (5, 750), "IWM": (-3, 600)}


def test_a_year_a_csv_and_a_group(journal, capsys, tmp_path):
    code, _, _ = told(capsys, "--year", 2023, "--csv", "f.csv", "--group", "QQQ=all", "--group", "SPY=all")
    with (tmp_path / "f.csv").open() as file:
        row, = csv.DictReader(file)
    assert code == 0 and list(row.values()) == ["short", "10 sh. SPY", "2023-01-03", "2023-03-01", "3800.00", "4000.00", "W", "80.00", "-120.00",
                                                "acc", "one"]


def test_chosen_lots(journal, capsys, tmp_path):
    (tmp_path / "lots.csv").write_text("sale,lot,shares\no4,o3,5\n")
    assert told(capsys, "--method", "specific", "--lots", "lots.csv")[0] == 0
    (tmp_path / "lots.csv").write_text("sale,lot,shares\no4,o1,5\n")
    code, _, err = told(capsys, "--method", "specific", "--lots", "lots.csv")
    assert code == 2 and err == "error: sale o4: 5 QQQ are chosen of lot o1, which has 0; there are o3\n"


@pytest.mark.parametrize("arguments, message", [
    (["--method", "fifu"], "unknown lot method 'fifu': did you mean 'fifo'?"),
    (["--year", "1999"], "unknown tax year '1999': known: 2023, 2024"),
    (["--account", "abc"], "unknown account 'abc': did you mean 'acc'?"),
    (["--short-rate", "30%"], "--short-rate and --long-rate belong together: give both"),
    (["--dividend-rate", "30%"], "--dividend-rate alone makes no tax: give --short-rate and --long-rate too"),
    (["--short-rate", "x", "--long-rate", "1"], "'x' is no rate; write 24% or 0.24"),
    (["--short-rate", "30", "--long-rate", "0"], "the short rate is 30, and a rate is a part from 0 to 1; write 24% or 0.24"),
    (["--group", "VOO"], "--group is SYMBOL=NAME, such as VOO=SP500, not 'VOO'"),
    (["--csv", "no/f.csv"], "no/f.csv cannot be written (No such file or directory); name another file"),
    (["--method", "specific", "--lots", "no.csv"], "no.csv cannot be read"),
    (["--lots", "lots.csv"], "lots.csv, line 2: 'many' is no number of shares; correct it")])
def test_wrong_input_is_one_line(journal, capsys, tmp_path, arguments, message):
    (tmp_path / "lots.csv").write_text("sale,lot,shares\no4,o1,many\n")
    code, out, err = told(capsys, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1) and err.startswith(f"error: {message}")


@pytest.mark.parametrize("line, message", [("o4,o1,", "a line names sale, lot and shares"), ("o4,o1,-1", "-1 shares cannot be sold"),
                                           ("o4,o1,inf", "inf shares cannot be sold")])
def test_a_wrong_line_of_lots(journal, capsys, tmp_path, line, message):
    (tmp_path / "lots.csv").write_text(f"sale,lot,shares\n{line}\n")
    code, _, err = told(capsys, "--method", "specific", "--lots", "lots.csv")
    assert code == 2 and f"lots.csv, line 2: {message}" in err


def test_nothing_traded(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CEREBROLAB_HOME", str(tmp_path))
    assert told(capsys)[:2] == (0, "nothing was sold on a live account yet: start with cerebrolab paper\n")
    assert json.loads(told(capsys, "--json")[1])["years"] == []
