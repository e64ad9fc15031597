import json
import re

import pytest

from scripts.backtest import new_directory
from scripts.spec_options import build_spec, split_names

PROMISED = {"final_value", "total_return", "cagr", "volatility", "sharpe", "max_drawdown", "win_rate", "average_trade",
            "trades", "fills", "rejected", "seconds"}
SAMPLE = ("backtest", "GoldenCross", "--symbols", "AAPL,IBM", "--period", "4y")


def test_one_command_writes_a_report_and_records_the_run(command, folder):
    answer = command(*SAMPLE, "-p", "fast=20")
    assert answer.code == 0
    page = re.search(r"^report: (.+)$", answer.out, re.MULTILINE)[1]
    directory = next((folder / "runs").iterdir())
    assert re.fullmatch(r"\d{8}T\d{6}Z-GoldenCross", directory.name)
    assert page == str(directory / "report.html")
    assert (directory / "report.html").stat().st_size > 10_000
    assert "run 1" in answer.out
    assert "GoldenCross on AAPL, IBM" in answer.out
    listed = command("runs", "list", "--json").value
    assert [(run["run"], run["strategy"], run["symbols"]) for run in listed] == [(1, "GoldenCross", ["AAPL", "IBM"])]
    assert listed[0]["directory"] == str(directory)


def test_json_is_one_object_and_nothing_else(command, folder):
    answer = command(*SAMPLE, "--json", "--out", "here")
    summary = answer.value
    assert summary.keys() >= PROMISED | {"report", "run", "warnings", "strategy", "symbols", "start", "end"}
    assert answer.out.count("\n") == 1
    assert answer.err == ""
    assert summary["report"] == str(folder / "here" / "report.html")
    assert summary["run"] == 1
    assert summary["final_value"] == pytest.approx(100_000 * (1 + summary["total_return"]))


def test_numbers_that_are_none_become_null(command):
    answer = command("backtest", "BuyAndHold", "--symbols", "AAPL", "--period", "30d", "--json")
    assert "NaN" not in answer.out
    assert answer.value["win_rate"] is None  # no closed trade


def test_the_same_request_gives_the_same_numbers(command):
    first, second = (command(*SAMPLE, "--json").value for _ in range(2))
    changing = ("seconds", "report", "run")
    assert {name: first[name] for name in first if name not in changing} == {
        name: second[name] for name in second if name not in changing}
    assert first["report"] != second["report"]
    assert second["run"] == 2


def test_options_override_the_file(command, folder):
    (folder / "run.toml").write_text(
        'strategy = "BuyAndHold"\nsymbols = ["AAPL"]\nstart = 2010-01-04\ncash = 5000\n[params]\n')
    summary = command("backtest", "--spec", "run.toml", "--cash", "7000", "--years", "2", "--json").value
    assert (summary["strategy"], summary["symbols"], summary["start"]) == ("BuyAndHold", ["AAPL"], "2011-03-01")
    shown = command("runs", "show", "1", "--json").value
    assert shown["spec"]["cash"] == 7000
    assert shown["final_value"] == pytest.approx(7000 * (1 + shown["total_return"]))


def test_a_report_holds_a_spec_that_repeats_the_run(command, folder):
    first = command(*SAMPLE, "-p", "fast=20", "--commission", "0.1%", "--out", "first", "--json").value
    again = command("backtest", "--spec", "first/spec.toml", "--json").value
    assert again["final_value"] == first["final_value"]
    assert again["fills"] == first["fills"] > 0


def test_an_older_report_is_replaced(command, folder):
    assert command(*SAMPLE, "--out", "here").code == 0
    answer = command("backtest", "BuyAndHold", "--symbols", "AAPL", "--period", "1y", "--out", "here", "--json")
    assert answer.code == 0
    assert command("report", "here").code == 0
    assert json.loads((folder / "here" / "result.json").read_text())["spec"]["strategy"] == "BuyAndHold"


def test_report_draws_again_what_was_deleted(command, folder):
    command(*SAMPLE, "--out", "here")
    (folder / "here" / "report.html").unlink()
    answer = command("report", "here")
    assert (answer.code, answer.out) == (0, f"report: {folder / 'here' / 'report.html'}\n")
    assert (folder / "here" / "report.html").exists()


def test_a_plain_strategy_from_a_file_runs(command, folder):
    (folder / "mine.py").write_text(
        "import backtrader as bt\n\n\nclass Mine(bt.Strategy):\n    params = dict(size=10)\n\n"
        "    def next(self):\n        if len(self) == 5:\n            self.buy(size=self.p.size)\n")
    summary = command("backtest", "mine.py:Mine", "--symbols", "AAPL", "--period", "1y", "-p", "size=3", "--json").value
    assert (summary["strategy"], summary["fills"]) == ("mine.py:Mine", 1)
    assert summary["report"].split("/")[-2].endswith("-Mine")


def test_bars_of_a_csv_file(command, csv):
    path = csv("2024-01-02,10,11,9,10,1000", "2024-01-03,10,12,10,11,1000", "2024-01-04,11,12,10,12,1000")
    summary = command("backtest", "BuyAndHold", "--symbols", path, "--cash", "1000", "--json").value
    assert summary["symbols"] == ["AAA"]
    assert (summary["start"], summary["end"]) == ("2024-01-02", "2024-01-04")


def test_synthetic_bars_are_labelled(command):
    answer = command("backtest", "BuyAndHold", "--source", "synthetic", "--symbols", "SYN001,SYN002", "--period", "1y")
    assert answer.code == 0
    assert "warning: synthetic bars" in answer.err


def test_a_journal_that_fails_costs_the_number_not_the_report(command, folder):
    (folder / ".cerebrolab").mkdir()
    (folder / ".cerebrolab" / "journal.db").write_bytes(b"no database" * 100)
    summary = command(*SAMPLE, "--json").value
    assert summary["run"] is None
    assert "this run is not in the journal" in summary["warnings"][-1]
    assert (folder / ".cerebrolab" / "journal.db").read_bytes() == b"no database" * 100


def test_runs_of_one_second_get_folders_of_their_own(tmp_path):
    made = [new_directory(tmp_path / "runs", "path/to/my file.py:My Class") for _ in range(3)]
    assert len({each.name for each in made}) == 3
    assert all("My_Class" in each.name and each.is_dir() for each in made)


def test_names_are_split_at_commas_only():
    assert split_names(["A,B", " C ", "my data/SPY.csv", ","]) == ("A", "B", "C", "my data/SPY.csv")


@pytest.mark.parametrize(("options", "expected"), [
    ({"years": 3}, ("3y", None)),
    ({"period": "6mo"}, ("6mo", None)),
    ({"start": "2012-01-03"}, (None, "2012-01-03")),
    ({}, (None, "2010-01-04")),
])
def test_a_period_replaces_the_files_start_and_the_other_way_round(tmp_path, options, expected):
    file = tmp_path / "run.toml"
    file.write_text('start = "2010-01-04"\n')
    spec = build_spec(file, (), options)
    assert (spec.period, spec.start) == expected
