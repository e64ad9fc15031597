"""`sweep`, `walkforward` and `gate` as a person meets them."""

import pytest
from made_bars import walk

SWEPT = ("GoldenCross", "--symbols", "AAA.csv", "-p", "fast=2:6:2", "-p", "slow=10,20")


@pytest.fixture(name="swept")
def _swept(folder, command):
    frame = walk(300, 7)
    frame.index = frame.index.strftime("%Y-%m-%d")
    frame.to_csv(folder / "AAA.csv", index_label="date")
    return command


def test_a_sweep_is_recorded_reported_and_judged(swept):
    made = swept("sweep", *SWEPT, "--json")
    assert made.code == 0 and made.value["trials"] == 6 and made.value["agreement"] is True
    assert made.value["best"]["params"].keys() == {"fast", "slow"} and any("index.html" in each for each in made.files)
    verdict = swept("gate", str(made.value["run"]), "--json")
    assert verdict.code == 1 - verdict.value["passed"] and verdict.value["trials"] == 6
    assert verdict.value["deflated_sharpe"] == pytest.approx(made.value["deflated_sharpe"])
    assert verdict.value["pbo"] == pytest.approx(made.value["pbo"])


def test_a_walk_forward_is_reported(swept):
    made = swept("walkforward", *SWEPT, "--windows", "2", "--json")
    assert made.code == 0 and made.value["trials"] == 12 and len(made.value["windows"]) == 2


@pytest.mark.parametrize("asked, words", [
    (("sweep", *SWEPT, "--where", "fsat < 4"), "did you mean 'fast'"),
    (("sweep", *SWEPT, "--jobs", "0"), "jobs is 0: it must be 1 or more"),
    (("walkforward", *SWEPT, "--windows", "2", "--jobs", "0"), "jobs is 0: it must be 1 or more"),
    (("walkforward", *SWEPT, "--trials", "5"), "trials is 5 and the grid has as many as it has points"),
    (("gate", "7"), "unknown run 7"),
])
def test_what_is_wrong_is_one_line(swept, asked, words):
    made = swept(*asked)
    assert made.code == 2 and made.out == ""
    assert made.err.startswith("error: ") and made.err.count("\n") == 1 and words in made.err


@pytest.mark.parametrize("name", ["sweep", "walkforward"])
def test_the_help_shows_ranges_as_they_are_written(command, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "200")
    assert "fast=5:90:5 (a range)" in command(name, "--help").out
