"""Bad input, case by case: exit code 2, one line on stderr that holds the offending value, nothing written."""

import pytest

SAMPLE = ("backtest", "GoldenCross", "--symbols", "AAPL", "--period", "3y")
GOOD = ("2024-01-02,10,11,9,10.5,1000", "2024-01-03,10.5,12,10,11,1000", "2024-01-04,11,12,10,11.5,1000")


@pytest.mark.parametrize(("arguments", "offending"), [
    (("backtest", "GoldenCros", "--symbols", "AAPL"), "'GoldenCros'"),
    (("backtest", "gone.py:Mine", "--symbols", "AAPL"), "gone.py"),
    (("backtest", "no.such.module:Mine", "--symbols", "AAPL"), "no.such.module"),
    ((*SAMPLE, "-p", "fsat=20"), "'fsat'"),
    ((*SAMPLE, "-p", "fast"), "'fast'"),
    ((*SAMPLE, "-p", "fast=soon"), "fast=soon"),
    ((*SAMPLE, "-p", "fast=inf"), "fast=inf"),
    ((*SAMPLE, "-p", "fast=nan"), "fast=nan"),
    ((*SAMPLE, "-p", "slow=99999999999999999999999"), "slow=99999999999999999999999"),
    ((*SAMPLE, "--sizer", "InverseVolatility", "-p", "sizer.lookback=nan"), "lookback=nan"),
    ((*SAMPLE, "--sizer", "MultiPeriod", "-p", "sizer.horizon=inf"), "horizon=inf"),
    ((*SAMPLE, "-p", "fast=200", "-p", "slow=50"), "200"),
    ((*SAMPLE, "-p", "fast=50", "-p", "slow=50"), "50"),
    ((*SAMPLE, "-p", "limit.max_weight=0.5"), "'limit'"),
    ((*SAMPLE, "-p", "limits.max_wieght=0.5"), "'max_wieght'"),
    ((*SAMPLE, "-p", "exits.stop=8"), "exits.stop is 8"),
    ((*SAMPLE, "--sizer", "EqualWieght"), "'EqualWieght'"),
    ((*SAMPLE, "--benchmark", "NOPE"), "NOPE"),
    ((*SAMPLE, "--fill", "next_opne"), "'next_opne'"),
    ((*SAMPLE, "--commission", "free"), "'free'"),
    ((*SAMPLE, "--slippage", "-1"), "'-1'"),
    ((*SAMPLE, "--max-volume", "2"), "2"),
    ((*SAMPLE, "--rules", "alpacca"), "'alpacca'"),
    ((*SAMPLE, "--quantity", "0"), "quantity is 0"),
    ((*SAMPLE, "--quantity", "nan"), "quantity is nan"),
    ((*SAMPLE, "--quantity", "2.5"), "quantity is 2.5"),
    ((*SAMPLE, "--quantity", "2", "--sizer", "EqualWeight"), "sizer EqualWeight"),
    ((*SAMPLE, "--cash", "-5"), "-5"),
    ((*SAMPLE, "--cash", "much"), "'much'"),
    ((*SAMPLE, "--years", "3"), "--years 3"),
    ((*SAMPLE, "--source", "yaho"), "'yaho'"),
    ((*SAMPLE, "--interval", "1x"), "'1x'"),
    (("backtest", "GoldenCross", "--symbols", "AAPLE"), "'AAPLE'"),
    (("backtest", "GoldenCross", "--symbols", "AAPL,AAPL"), "AAPL"),
    (("backtest", "GoldenCross", "--symbols", "AAPL", "--calendar", "XNYSX"), "'XNYSX'"),
    (("backtest", "GoldenCross", "--symbols", "AAPL", "--start", "2010-02-30"), "'2010-02-30'"),
    (("backtest", "GoldenCross", "--symbols", "AAPL", "--start", "2012-01-03", "--end", "2011-01-03"), "2012-01-03"),
    (("backtest", "GoldenCross", "--symbols", "AAPL", "--start", "1950-01-03", "--end", "1951-01-03"), "1951-01-03"),
    (("backtest", "GoldenCross", "--symbols", "AAPL", "--start", "2010-01-04", "--period", "3y"), "3y"),
    (("backtest", "GoldenCross", "--symbols", "gone.csv"), "gone.csv"),
    (("backtest", "--spec", "gone.toml"), "gone.toml"),
    (("backtest", "GoldenCross"), "--symbols"),
    (("backtest", "--nonsense"), "--nonsense"),
    (("nonsense",), "'nonsense'"),
    (("data", "fetch"), "--symbols"),
    (("data", "fetch", "--symbols", "AAPLE", "--source", "sample"), "'AAPLE'"),
    (("data", "fetch", "--symbols", "AAPL", "--source", "nowhere"), "'nowhere'"),
    (("data",), "Missing command"),
    (("report", "gone"), "gone"),
    (("runs", "show", "x"), "'x'"),
    (("runs", "compare", "1"), "1"),
    (("runs", "list", "--limit", "0"), "0"),
])
def test_bad_arguments(command, arguments, offending):
    answer = command(*arguments)
    assert (answer.code, answer.out) == (2, "")
    assert len(answer.err.splitlines()) == 1
    assert answer.err.startswith("error: ")
    assert offending in answer.err
    assert answer.files == set()


@pytest.mark.parametrize(("arguments", "offending"), [
    (("runs", "show", "7"), "7"),
    (("runs", "compare", "1", "2"), "1"),
])
def test_a_run_nobody_recorded(command, arguments, offending):
    answer = command(*arguments)
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (2, "", 1)
    assert f"unknown run {offending}" in answer.err


@pytest.mark.parametrize(("head", "rows", "offending"), [
    ("date,open,high,low,volume", ("2024-01-02,10,11,9,1000",), "close"),
    ("date,open,high,low,close,volume", (*GOOD, "2024-01-05,10,11,9,ten,1000"), "ten"),
    ("date,open,high,low,close,volume", (*GOOD, GOOD[-1]), "2024-01-04"),
    ("date,open,high,low,close,volume", (*GOOD, "2024-01-05,10,9,11,10,1000"), "high 9"),
    ("date,open,high,low,close,volume", (*GOOD, "2024-01-05,10,11,-9,10,1000"), "-9"),
    ("date,open,high,low,close,volume", (*GOOD, "05/13/2024,10,11,9,10,1000"), "05/13/2024"),
    ("date,open,high,low,close,volume", (), "AAA"),
])
def test_a_malformed_csv(command, csv, head, rows, offending):
    path = csv(*rows, head=head)
    answer = command("backtest", "BuyAndHold", "--symbols", path)
    assert (answer.code, answer.out) == (2, "")
    assert len(answer.err.splitlines()) == 1
    assert offending in answer.err
    assert "AAA" in answer.err
    assert answer.files == {"AAA.csv"}


@pytest.mark.parametrize(("action", "offending"), [
    ("2024-01-03,0,0", "split 0"),
    ("2024-01-03,12.5,1", "dividend 12.5"),
    ("2024-01-03,-1,1", "-1"),
    ("2024-01-03,x,1", "x"),
])
def test_an_impossible_action(command, csv, action, offending):
    path = csv(*GOOD)
    csv(action, name="AAA.actions", head="date,dividend,split")
    answer = command("backtest", "BuyAndHold", "--symbols", path)
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (2, "", 1)
    assert offending in answer.err
    assert answer.files == {"AAA.csv", "AAA.actions.csv"}


@pytest.mark.parametrize(("text", "offending"), [
    ("cahs = 5", "'cahs': did you mean 'cash'?"),
    ("cash = ", "run.toml is not valid TOML"),
    ("cash = -5", "-5"),
    ("params = 3", "params is 3"),
    ("strategy = 3", "strategy is 3"),
    ("sectors = 3", "sectors is 3"),
    ("source = ['csv']", "source is ['csv']"),
    ("interval = 1", "interval is 1"),
    ("period = 3", "period is 3"),
    ("symbols = 3", "symbols is 3"),
    ("fractional = 'no'", "fractional is 'no'"),
    ("seed = -1", "seed is -1"),
    ("seed = 1.5", "seed is 1.5"),
    ("limits = {preset = ['x']}", "limits.preset"),
    ("sleeves = {a = {share = 0.5, symbols = 3}}", "sleeve a has the symbols 3"),
])
def test_a_bad_spec(command, folder, text, offending):
    (folder / "run.toml").write_text(text)
    answer = command("backtest", "--spec", "run.toml")
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (2, "", 1)
    assert offending in answer.err
    assert answer.files == {"run.toml"}


def test_a_strategy_file_that_does_not_import(command, folder):
    (folder / "mine.py").write_text("import backtrader as bt\n\nraise RuntimeError('not today')\n")
    answer = command("backtest", "mine.py:Mine", "--symbols", "AAPL")
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (2, "", 1)
    assert "mine.py" in answer.err
    assert "not today" in answer.err


def test_a_folder_that_is_no_report_is_not_touched(command, folder):
    (folder / "thesis").mkdir()
    (folder / "thesis" / "chapter.txt").write_text("years of work")
    answer = command(*SAMPLE, "--out", "thesis")
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (2, "", 1)
    assert "thesis" in answer.err
    assert answer.files == {"thesis/chapter.txt"}
    assert (folder / "thesis" / "chapter.txt").read_text() == "years of work"


def test_a_file_as_out_is_not_touched(command, folder):
    (folder / "thesis.txt").write_text("years of work")
    answer = command(*SAMPLE, "--out", "thesis.txt")
    assert (answer.code, answer.files) == (2, {"thesis.txt"})
    assert (folder / "thesis.txt").read_text() == "years of work"


def test_a_bad_setting(command, monkeypatch):
    monkeypatch.setenv("CEREBROLAB_HOEM", "x")
    answer = command("runs", "list")
    assert (answer.code, answer.out) == (2, "")
    assert "'CEREBROLAB_HOEM': did you mean 'CEREBROLAB_HOME'?" in answer.err


@pytest.mark.parametrize("text", ["raise SystemExit(0)", "import sys\nsys.exit('usage: mine FILE')"])
def test_a_strategy_file_that_exits(command, folder, text):
    (folder / "mine.py").write_text(text)
    answer = command("backtest", "mine.py:Mine", "--symbols", "AAPL")
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (2, "", 1)
    assert "mine.py does not import: SystemExit" in answer.err


PLAIN_AVERAGE = """
import backtrader as bt

class Mine(bt.Strategy):
    def __init__(self):
        self.averages = [bt.ind.SMA(data, period=20) for data in self.datas]
"""


@pytest.mark.parametrize("name", ["backtest", "signals"])
def test_an_indicator_with_too_little_history(command, csv, folder, name):
    (folder / "mine.py").write_text(PLAIN_AVERAGE)
    csv(*GOOD)
    answer = command(name, "mine.py", "--symbols", "AAA.csv")
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (2, "", 1)
    assert "the indicators of Mine need 20 bars of AAA, which has 3" in answer.err


@pytest.mark.parametrize("returned, shape", [("[0.5, 0.5]", "(2,)"), ("None", "()")])
def test_a_sizer_that_gives_another_shape(command, folder, returned, shape):
    (folder / "mine.py").write_text("from sizers import PortfolioSizer\n\nclass Mine(PortfolioSizer):\n"
                                    f"    def weights(self, conviction, history):\n        return {returned}\n")
    answer = command("backtest", "BuyAndHold", "--symbols", "AAPL", "--period", "3y", "--sizer", "mine.py")
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (2, "", 1)
    assert f"Mine.weights gave shape {shape}: (symbols,) is (1,)" in answer.err


RAISES = """import backtrader as bt


class Mine(bt.Strategy):
    def next(self):
        raise RuntimeError("out of\\nideas")
"""


@pytest.mark.parametrize("name", ["backtest", "signals", "check"])
def test_a_strategy_that_raises_is_told_with_its_line(command, folder, name):
    (folder / "mine.py").write_text(RAISES)
    answer = command(name, "mine.py", "--symbols", "AAPL", "--period", "1y")
    assert (answer.code, answer.out, len(answer.err.splitlines())) == (2, "", 1)
    assert "raised RuntimeError: out of ideas (line 6" in answer.err


def test_a_strategy_without_signals(command, folder):
    (folder / "mine.py").write_text("from strategies import TargetStrategy\n\n\nclass Mine(TargetStrategy):\n    pass\n")
    answer = command("backtest", "mine.py", "--symbols", "AAPL")
    assert (answer.code, len(answer.err.splitlines())) == (2, 1)
    assert "Mine has no signals method" in answer.err
