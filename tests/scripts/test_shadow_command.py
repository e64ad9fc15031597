"""`cerebrolab shadow DAY`: what it prints and writes, and bad input: one line, exit code 2, nothing written."""

import json
import shutil
import time
from decimal import Decimal

import numpy as np
import pytest
from shadowed_days import ACCOUNT, DAY, RUN, SPEC, Venue, journal_of, lived, stored, write
from streamed_runs import two_days

from core.calendars import get_calendar
from journal import LiveOrder
from reports.toml import to_toml

BARS = two_days(rows=60)
SPARSE = SPEC.replace(params={"seed": 2, "density": 0.3}, signal_start=None)
BEFORE = "2024-02-20"


@pytest.fixture(name="lived_through", scope="module")
def _lived_through(tmp_path_factory):
    """A journal of two live days of one run, and of one day of another, with their bars."""
    home = tmp_path_factory.mktemp("home")
    journal = journal_of(home / "journal.db")
    lived(journal, BARS, SPARSE, Venue(slip=lambda at: 0.0005, share=lambda at: float(at != 3)))
    lived(journal, BARS, SPEC.replace(params={"seed": 9, "density": 0.05}, name="other"), run="other", account="A2")
    journal.close()
    stored(BARS, home / "bars")
    return home


@pytest.fixture(name="home")
def _home(folder, lived_through):
    return shutil.copytree(lived_through, folder / ".cerebrolab")


def test_a_day_as_a_table(command, home):
    answer = command("shadow", f"{BEFORE}:{DAY}", "--run", RUN, "--account", ACCOUNT)
    assert answer.code == 0
    assert answer.err == "warning: no quotes are known: what half the spread costs is in the slippage; give them with --quotes\n"
    assert "SteadyMinutes (steady) on 2024-02-21: live " in answer.out and 'slippage = "' in answer.out and "all 2: live" in answer.out
    new = {each for each in answer.files if each.startswith("runs/")}
    assert all(each.split("/")[1].endswith("-shadow_2024_02_20_2024_02_21") for each in new)
    assert {each.split("/", 2)[2] for each in new} == {"index.html", "shadow.json", "figures/bridge.png", "figures/slippage.png"}


def test_several_days_and_runs_as_json(command, home, folder):
    value = command("shadow", f"{BEFORE}:{DAY}", "--json", "--out", "report").value
    assert [(day["session"], day["run"]) for day in value["days"]] == [(BEFORE, "steady"), (DAY, "steady"), (DAY, "other")]
    for name in ("shortfall", "delay", "spread", "slippage", "missed", "fees", "live_gain", "shadow_gain"):
        assert value[name] == pytest.approx(sum(day[name] for day in value["days"]))
    for each in (value, *value["days"]):
        assert each["shadow_gain"] - each["live_gain"] == pytest.approx(each["shortfall"], abs=1e-6)
        assert sum(each[name] for name in ("delay", "spread", "slippage", "missed", "fees")) == pytest.approx(each["shortfall"], abs=1e-6)
    orders = [order for day in value["days"] for order in day["orders"]]
    assert sum(order["shortfall"] for order in orders) == pytest.approx(value["shortfall"], abs=1e-6)
    found = value["slippage_estimate"]
    assert set(found["by_symbol"]) == {"AAA", "BBB"} and 0 < found["bp"] <= 5.01
    written = json.loads((folder / "report" / "shadow.json").read_text())
    assert written["shortfall"] == value["shortfall"] and "SteadyMinutes" in (folder / "report" / "index.html").read_text()


def test_a_report_is_replaced_and_nothing_else_is(command, home):
    assert command("shadow", DAY, "--out", "report").code == command("shadow", DAY, "--out", "report").code == 0
    answer = command("shadow", DAY, "--out", ".cerebrolab")
    assert answer.code == 2 and "holds no report" in answer.err


def test_a_run_by_its_file(command, home, folder):
    (folder / "run.toml").write_text(to_toml(SPARSE.masked()))
    assert {day["run"] for day in command("shadow", DAY, "--run", "run.toml", "--json").value["days"]} == {"steady"}
    (folder / "named.toml").write_text(to_toml(SPARSE.replace(name="other").masked()))
    assert {day["run"] for day in command("shadow", DAY, "--run", "named.toml", "--json").value["days"]} == {"other"}
    (folder / "else.toml").write_text(to_toml(SPARSE.replace(params={"seed": 3}).masked()))
    answer = command("shadow", DAY, "--run", "else.toml")
    assert answer.code == 2 and "unknown live run 'steady_decisions:SteadyMinutes'" in answer.err


def test_quotes_tell_the_spread(command, home, folder):
    (folder / "quotes.csv").write_text("time,symbol,bid,ask\n2024-02-20 09:00,AAA,99.99,100.01\n2024-02-20T09:00-05:00,BBB,99.98,100.02\n")
    value = command("shadow", DAY, "--run", RUN, "--quotes", "quotes.csv", "--json").value
    assert value["warnings"] == [] and value["spread"] > 0
    plain = command("shadow", DAY, "--run", RUN, "--json").value
    assert value["spread"] + value["slippage"] == pytest.approx(plain["slippage"]) and plain["spread"] == 0


@pytest.mark.parametrize(("arguments", "words"), [
    (("shadow", "2024-02-19"), "no live run traded on 2024-02-19: the journal has 2024-02-20, 2024-02-21"),
    (("shadow", "2024-02-19", "--run", "other"), "no live run traded on 2024-02-19: the journal has 2024-02-21"),
    (("shadow", "2024-02-30"), "'2024-02-30' is no day"),
    (("shadow", "yesterday"), "'yesterday' is no day: write 2024-02-21, or 2024-02-19:2024-02-23"),
    (("shadow", "2024-02-21:"), "'2024-02-21:' is no day"),
    (("shadow", "2099-01-05"), "2099-01-05 is in the future"),
    (("shadow", "2024-02-21:2024-02-20"), "reversed: write 2024-02-20:2024-02-21"),
    (("shadow", DAY, "--run", "stedy"), "unknown live run 'stedy': did you mean 'steady'?"),
    (("shadow", DAY, "--account", "A3"), "unknown account 'A3': known: A1, A2"),
    (("shadow", DAY, "--run", "gone.toml"), "gone.toml"),
    (("shadow", DAY, "--quotes", "gone.csv"), "cannot read the quotes gone.csv"),
    (("shadow",), "Missing argument 'DAY'"),
])
def test_bad_input_is_one_line(command, home, arguments, words):
    before = command("--version").files
    answer = command(*arguments)
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (2, "", 1) and words in answer.err
    assert {each for each in answer.files - before if not each.startswith("logs/")} == set()


@pytest.mark.parametrize(("row", "words"), [
    ("time,symbol,bid\n", "has no column ask"),
    ("time,symbol,bid,ask\nsoon,AAA,1,2\n", "line 2: soon, AAA, 1, 2 is no quote"),
    ("time,symbol,bid,ask\n2024-02-21,AAA,2,1\n", "0 < bid <= ask"),
    ("time,symbol,bid,ask\n2024-02-21,AAA,,1\n", "is no quote"),
    ("time,symbol,bid,ask\n2024-02-21,AAA\n", "is no quote"),
])
def test_quotes_that_make_no_sense(command, home, folder, row, words):
    (folder / "quotes.csv").write_text(row)
    answer = command("shadow", DAY, "--quotes", "quotes.csv")
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (2, "", 1) and words in answer.err


def test_no_journal_and_none_is_made(command, folder):
    answer = command("shadow", DAY)
    assert answer.code == 2 and "there is no journal .cerebrolab/journal.db" in answer.err
    assert {each for each in answer.files if not each.startswith("logs/")} == set()


def test_a_journal_without_live_runs(command, folder):
    journal_of(folder / ".cerebrolab" / "journal.db").runs()
    answer = command("shadow", DAY)
    assert answer.code == 2 and "the journal has no live run" in answer.err


def test_a_day_without_stored_bars(command, home):
    for path in (home / "bars").rglob("*.parquet"):
        path.unlink()
    answer = command("shadow", DAY, "--run", RUN)
    assert answer.code == 2 and "cerebrolab data fetch --symbols AAA,BBB --source alpaca --interval 1m" in answer.err
    assert not any(each.startswith("runs/") for each in answer.files)


def test_a_day_on_which_nothing_was_filled(command, home):
    journal = journal_of(home / "journal.db")
    refused = LiveOrder("refused", 0, "AAA", "buy", Decimal(1), "enter", state="done", status="rejected", reason="no")
    write(journal, [refused], SPARSE.replace(params={"seed": 1, "density": 0.0}), "idle", ACCOUNT, int(BARS.index[-9]))
    journal.close()
    answer = command("shadow", DAY, "--run", "idle", "--out", "report")
    assert answer.code == 0 and "slippage: no order was filled at a price that can be judged" in answer.out
    value = command("shadow", DAY, "--run", "idle", "--json").value
    assert value["shortfall"] == value["value"] == 0 and value["shortfall_bp"] is None and value["days"][0]["orders"] == []


def test_a_session_that_is_not_over(command, home):
    calendar = get_calendar("XNYS")
    journal = journal_of(home / "journal.db")
    session = calendar.session_of(np.array([time.time_ns()]))[0]
    closed = int(calendar.close_of(np.array([calendar.step(session, -1)]))[0])
    write(journal, [LiveOrder("today", 0, "AAA", "buy", Decimal(1), "enter")], SPARSE, RUN, ACCOUNT, closed)
    journal.close()
    answer = command("shadow", str(session), "--run", RUN)
    assert answer.code == 2 and ("is not over" in answer.err or "is in the future" in answer.err)
