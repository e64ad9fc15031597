"""`cerebrolab signals`: the words, the three formats, files of one's own, bad input."""

import csv
import io

import pytest

import engine
from core.spec import RunSpec

FUNDS = ("MTUM", "QUAL", "SIZE", "USMV", "VLUE")
ROTATION = ("signals", "EtfRotation", "--symbols", ",".join(FUNDS))
PLAIN = """
import backtrader as bt

class Mine(bt.Strategy):
    params = dict(size=10, at=5)

    def __init__(self):
        self.average = bt.ind.SMA(period=4)

    def next(self):
        if len(self) == self.p.at:
            self.buy(size=self.p.size)
"""


def cells(text):
    return [line.split() for line in text.splitlines()]


def test_a_table_of_every_symbol_with_its_numbers(command):
    answer = command(*ROTATION, "--end", "2022-11-30")
    assert (answer.code, answer.err, answer.files - {"logs/cerebrolab.log"}) == (0, "", set())
    lines = answer.out.splitlines()
    assert lines[0] == "EtfRotation on 2022-11-30, 5 symbols (sample bars)"
    assert "   ".join(lines[1].split("  ")).split() == ["symbol", "signal", "decided", "conviction", "weight", "shares",
                                                        "close", "signal", "close", "return", "over", "63", "rank"]
    rows = {row[0]: row[1:] for row in cells(answer.out)[3:]}
    assert set(rows) == set(FUNDS) and {row[1] for row in rows.values()} == {"2022-11-30"}
    assert {row[-1] for row in rows.values()} == {"1", "2", "3", "4", "5"}
    assert {row[0] for row in rows.values() if row[-1] in "45"} <= {"SELL", "OUT"}
    assert {row[0] for row in rows.values() if row[-1] in "123"} <= {"BUY", "HOLD"}


def test_json_is_the_same_as_python_says(command):
    answer = command(*ROTATION, "--json", "-p", "top=2", "--cash", "5000")
    assert answer.code == 0 and answer.err == "" and answer.out.count("\n") == 1
    found = engine.today(RunSpec(strategy="EtfRotation", symbols=FUNDS, params=dict(top=2), cash=5000))
    assert answer.value == found.summary() | {"cash": 5000.0}
    assert (answer.value["session"], answer.value["bar"]) == ("2022-12-28", "2022-12-28T21:00:00Z")
    assert sum(row["weight"] for row in answer.value["signals"]) == pytest.approx(0.98, abs=0.03)


def test_csv_has_a_column_for_every_number(command):
    rows = list(csv.DictReader(io.StringIO(command(*ROTATION, "--csv").out)))
    values = command(*ROTATION, "--json").value["signals"]
    assert [row["symbol"] for row in rows] == list(FUNDS)
    for row, value in zip(rows, values, strict=True):
        assert row["signal"] == value["signal"] and row["orders"] == ""
        assert float(row["weight"]) == value["weight"] and float(row["rank"]) == value["numbers"]["rank"]
        assert float(row["return over 63"]) == value["numbers"]["return over 63"]


def test_what_is_missing_is_a_dash_null_or_nothing(command):
    request = ("signals", "EtfRotation", "--symbols", "MTUM,FB")
    table, as_json, as_csv = (command(*request, *more) for more in ((), ("--json",), ("--csv",)))
    sentence = "no bar on 2022-12-28: FB (last 2013-03-01)"
    assert table.err == as_csv.err == f"warning: {sentence}\n" and as_json.err == ""
    assert cells(table.out)[-1][-2:] == ["-", "-"] and "nan" not in (table.out + as_json.out + as_csv.out).lower()
    gone = as_json.value["signals"][1]
    assert (gone["weight"], gone["shares"], gone["numbers"]["rank"], as_json.value["warnings"]) == (None, None, None, [sentence])
    assert list(csv.DictReader(io.StringIO(as_csv.out)))[1]["rank"] == ""


def test_nobody_decided_on_yet(command):
    answer = command("signals", "GoldenCross", "--symbols", "AAPL", "--period", "30d", "--json")
    row = answer.value["signals"][0]
    assert (row["signal"], row["decided"], row["conviction"], row["weight"]) == ("OUT", None, None, 0.0)
    assert row["numbers"] == {"average of 50": None, "average of 200": None}


def test_options_reach_the_spec(command, folder):
    (folder / "run.toml").write_text(f'strategy = "EtfRotation"\nsymbols = {list(FUNDS)}\n[params]\ntop = 2\n')
    (folder / "sectors.csv").write_text("symbol,sector\n" + "".join(f"{name},Funds\n" for name in FUNDS))
    request = ("signals", "--spec", "run.toml", "--json")
    assert [row["signal"] for row in command(*request, "--signal-start", "2022-12-01").value["signals"]] == ["OUT"] * 5
    weights = {}
    for options in ((), ("--sizer", "FixedFraction", "-p", "sizer.fraction=0.05"), ("--sleeves", "a=0.3:MTUM,VLUE", "--sleeves", "b=0.7"),
                    ("--sectors", "sectors.csv", "-p", "limits.max_sector=0.2"), ("--fractional",)):
        weights[options] = [row["weight"] for row in command(*request, *options).value["signals"]]
    plain, fixed, sleeved, sector, fractional = weights.values()
    assert max(plain) == pytest.approx(0.5, abs=0.01) and max(fixed) == pytest.approx(0.05, abs=0.01)
    assert sleeved[0] + sleeved[-1] <= 0.3 < plain[0] + plain[-1] and sum(sector) <= 0.2 < sum(plain)
    assert max(fractional) == pytest.approx(0.5, abs=1e-4)


def test_the_seeds_names_of_parameters(command):
    request = ("signals", "momentum", "--symbols", "AMD,BAC,CVX,GE", "--end", "2021-11-10", "--json")
    seeds = command(*request, "-p", "lookbackPeriod=60", "-p", "topPercentage=0.5", "-p", "riskFactor=0.002").value
    own = command(*request, "-p", "lookback=60", "-p", "top=0.5", "-p", "sizer.risk=0.002").value
    assert seeds == own and any(row["shares"] for row in own["signals"])
    assert own["signals"][0]["numbers"].keys() == {"momentum", "rank", "average of 100", "ATR of 20"}


def test_a_plain_strategy_from_a_file(command, folder):
    (folder / "mine.py").write_text(PLAIN)
    request = ("signals", "mine.py:Mine", "--symbols", "AAPL,IBM", "--start", "2013-02-25")  # five sessions
    answer = command(*request)
    assert answer.code == 0
    assert "buy 10 Market" in answer.out and "SMA (4)" in answer.out and "conviction" not in answer.out
    rows = {row["symbol"]: row for row in command(*request, "--json").value["signals"]}
    assert (rows["AAPL"]["signal"], rows["AAPL"]["orders"], rows["AAPL"]["shares"]) == ("BUY", ["buy 10 Market"], 0)
    assert rows["AAPL"]["decided"] == "2013-03-01" and rows["AAPL"]["numbers"]["SMA (4)"] > 0
    assert (rows["IBM"]["signal"], rows["IBM"]["orders"], rows["IBM"]["conviction"]) == ("OUT", [], None)
    held = command(*request, "-p", "at=4", "--csv").out
    assert "AAPL,HOLD,2013-02-28,,,10.0," in held


def test_a_target_strategy_from_a_file(command, folder):
    (folder / "mine.py").write_text(
        "import numpy as np\nfrom strategies import TargetStrategy\n\n\nclass Mine(TargetStrategy):\n"
        "    @classmethod\n    def signals(cls, bars, p):\n        return np.where(bars.traded, 1.0, np.nan)\n")
    row = command("signals", "mine.py", "--symbols", "AAPL", "--period", "30d", "--json").value["signals"][0]
    assert (row["signal"], row["decided"], row["numbers"]) == ("HOLD", "2013-03-01", {})


def test_synthetic_bars_are_labelled(command):
    answer = command("signals", "BuyAndHold", "--source", "synthetic", "--symbols", "SYN001", "--period", "1y")
    assert answer.code == 0 and "warning: synthetic bars" in answer.err


@pytest.mark.parametrize(("arguments", "offending"), [
    (("GoldenCros", "--symbols", "AAPL"), "did you mean 'GoldenCross'"),
    (("GoldenCross", "--symbols", "AAPLE"), "did you mean 'AAPL'"),
    (("GoldenCross", "--symbols", "AAPL", "--sizer", "EqualWeigth"), "did you mean 'EqualWeight'"),
    (("GoldenCross", "--symbols", "AAPL", "-p", "fats=3"), "did you mean 'fast'"),
    (("GoldenCross", "--symbols", "AAPL", "-p", "fast=300"), "fast=300 is not below slow=200"),
    (("GoldenCross", "--symbols", "AAPL", "-p", "sizer.acros=1"), "did you mean 'across'"),
    (("GoldenCross", "--symbols", "AAPL", "-p", "limits.max_wight=1"), "did you mean 'max_weight'"),
    (("GoldenCross", "--symbols", "AAPL", "--sleeves", "a=2:AAPL"), "sleeve a is '2:AAPL'"),
    (("GoldenCross", "--symbols", "AAPL", "--sleeves", "a=0.5:IBM"), "sleeve a is empty"),
    (("GoldenCross", "--symbols", "AAPL", "--sectors", "gone.csv"), "gone.csv"),
    (("GoldenCross", "--symbols", "AAPL", "--calendar", "XNYSX"), "'XNYSX'"),
    (("GoldenCross", "--symbols", "AAPL", "--json", "--csv"), "--json and --csv are both given"),
    (("Momentum", "--symbols", "AAPL", "--reference", "^GSPCC"), "did you mean '^GSPC'"),
    (("GoldenCross",), "--symbols"), (("gone.py:Mine", "--symbols", "AAPL"), "gone.py"), (("--nonsense",), "--nonsense"),
])
def test_bad_input_is_one_line(command, arguments, offending):
    answer = command("signals", *arguments)
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (2, "", 1)
    assert answer.err.startswith("error: ") and offending in answer.err


def test_orders_of_the_end_of_a_backtest_are_no_signals(command, folder):
    (folder / "mine.py").write_text(PLAIN + "\n    def stop(self):\n        self.close()\n")
    answer = command("signals", "mine.py", "--symbols", "AAPL", "--period", "3y", "--json")
    assert (answer.code, answer.err) == (0, "")
    (row,) = answer.value["signals"]
    assert (row["signal"], row["shares"], row["orders"]) == ("HOLD", 10, [])


def test_too_little_history_is_said_aloud(command, csv):
    csv(*(f"2024-01-0{day},10,11,9,10,1000" for day in (2, 3, 4)))
    answer = command("signals", "GoldenCross", "--symbols", "AAA.csv")
    assert (answer.code, len(answer.err.splitlines())) == (0, 1)
    assert "warning: GoldenCross needs 201 bars before it can decide, and the longest series has 3" in answer.err


def test_a_feature_of_another_shape(command, folder):
    (folder / "mine.py").write_text("from strategies import BuyAndHold\n\nclass Mine(BuyAndHold):\n    @classmethod\n"
                                    "    def features(cls, bars, p):\n        return {'market': bars.close[:, 0]}\n")
    answer = command("signals", "mine.py:Mine", "--symbols", "AAPL", "--start", "2010-01-04", "--end", "2010-01-08")
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (2, "", 1)
    assert "feature 'market' of Mine has shape (5,): (bars, symbols) is (5, 1)" in answer.err
