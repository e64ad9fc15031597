"""`cerebrolab parity`: exit codes, what is printed, JSON, and the certificate."""

import json

import pytest

DAILY = """
strategy = "GoldenCross"
symbols = ["AAPL", "IBM"]
[params]
fast = 3
slow = 8
[limits]
cash_buffer = 0.1
"""


@pytest.fixture(name="run")
def _run(folder):
    path = folder / "run.toml"
    path.write_text(DAILY)
    return path


def test_a_certificate_is_printed_and_written(command, run, folder):
    answer = command("parity", run, "--days", 12, "--out", "certified")
    assert answer.code == 0, answer.err
    assert "GoldenCross on 2 symbols" in answer.out and "(daily run): pass" in answer.out and "0 unexplained" in answer.out
    assert {"certified/certificate.md", "certified/certificate.json"} <= answer.files
    page, data = (folder / "certified/certificate.md").read_text(), json.loads((folder / "certified/certificate.json").read_text())
    assert page.startswith("# Parity certificate: GoldenCross") and data["bars"]["fingerprint"] in page
    assert data["verdict"] == "pass" and data["spec"]["params"] == {"fast": 3, "slow": 8} and "numpy" in data["versions"]


def test_json_is_one_object_and_gaps_are_listed_with_their_cost(command, run):
    answer = command("parity", run, "--days", 12, "--inject", "slippage=10bp", "--json", "-p", "fast=4")
    value = answer.value
    assert (answer.code, value["verdict"], value["unexplained"], value["injected"]) == (0, "pass", 0, ["slippage=10bp"])
    fills = [each for each in value["differences"] if each["kind"] == "fill"]
    assert fills and fills[0]["basis_points"] == pytest.approx(10, abs=0.02) and value["certificate"].endswith("certificate.md")


def test_nothing_traded_is_no_pass(command, run):
    answer = command("parity", run, "--days", 1, "-p", "slow=200", "-p", "fast=100")
    assert answer.code == 1 and "nothing traded" in answer.out


@pytest.mark.parametrize(("arguments", "offending"), [
    (("gone.toml",), "gone.toml"), (("run.toml", "--inject", "latebar"), "did you mean 'late_bar'"), (("run.toml", "--days", "0"), "0"),
    (("run.toml", "--account", "savings"), "known: cash, margin"), (("run.toml", "-p", "fsat=3"), "'fsat'"),
    (("run.toml", "--days", "99999"), "can be played"), (("run.toml", "--inject", "late_bar"), "bars within the day only")])
def test_wrong_input_is_one_line(command, run, arguments, offending):
    answer = command("parity", *arguments)
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (2, "", 1), answer
    assert offending in answer.err and answer.files == {"run.toml"} | {each for each in answer.files if each.startswith("logs")}
