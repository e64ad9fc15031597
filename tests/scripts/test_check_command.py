"""`cerebrolab check`: exit codes, what is printed, and JSON."""

import pytest

LEAKY = '''
import numpy as np
from strategies import TargetStrategy


class Leaky(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        tomorrow = np.vstack([bars.close[1:], bars.close[-1:]])
        return np.where(tomorrow > bars.close, 1.0, np.where(tomorrow < bars.close, 0.0, np.nan))
'''
QUICK = ("--cuts", "20", "--budget", "5", "--skip", "process,orders", "--skip", "scale")
ON = ("--symbols", "AAPL,IBM", "--start", "2008-01-02", "--end", "2009-06-30")


def test_a_clean_strategy(command):
    answer = command("check", "GoldenCross", "-p", "fast=5", "-p", "slow=20", *ON, *QUICK)
    assert answer.code == 0, answer.err
    assert "GoldenCross on 2 symbols x 377 1d bars, 2008-01-02 to 2009-06-30, sample" in answer.out
    assert "no look-ahead found" in answer.out
    assert [line.split()[-1] for line in answer.out.splitlines() if "20 of 20" in line] == ["clean"] * 3


def test_a_leak_is_spelled_out_and_ends_with_1(command, folder):
    (folder / "mine.py").write_text(LEAKY)
    answer = command("check", "mine.py:Leaky", *ON, *QUICK)
    assert answer.code == 1
    assert "future: on 2008-" in answer.out and "are cut off" in answer.out
    assert "AAPL: " in answer.out or "IBM: " in answer.out


def test_json_is_one_object(command, folder):
    (folder / "mine.py").write_text(LEAKY.replace("        tomorrow", "        print('hello')\n        tomorrow"))
    answer = command("check", "mine.py", *ON, *QUICK, "--json")
    assert (answer.code, answer.value["clean"]) == (1, False)
    finding = answer.value["findings"][0]
    assert {"kind", "session", "time", "symbol", "seen", "without", "explanation"} == set(finding)
    assert {probe["kind"]: probe["result"] for probe in answer.value["probes"]}["warm-up"] == "not checked"


@pytest.mark.parametrize(("arguments", "offending"), [
    (("GoldnCross",), "'GoldnCross'"),
    (("GoldenCross", "--skip", "futur"), "'futur': did you mean 'future'?"),
    (("GoldenCross", "-p", "fsat=3"), "'fsat'"),
    (("GoldenCross", "--cuts", "0"), "0"),
    (("gone.py:Mine",), "gone.py"),
    (("mine.py:Mine", "--skip", "process"), "Mine raised ZeroDivisionError: division by zero (line 8 of mine.py)"),
])
def test_what_cannot_be_checked_is_one_line(command, folder, arguments, offending):
    (folder / "mine.py").write_text(LEAKY.replace("Leaky(", "Mine(").replace(
        "        tomorrow", "        1 / 0\n        tomorrow").replace("\nclass", "class"))
    answer = command("check", *arguments)
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (2, "", 1)
    assert offending in answer.err
