"""What a spec itself shows to be impossible live is told before anybody is asked: one line, exit code 2, no request."""

import pytest
from alpaca_commands import point_at

from brokers.local_alpaca import LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes

RUN = 'strategy = "{strategy}"\nsymbols = {symbols}\ninterval = "{interval}"\nsource = "alpaca"\nstart = "2024-02-28"\n{more}\n'
PLAIN = "import backtrader as bt\n\n\nclass Buys(bt.Strategy):\n    pass\n"


@pytest.fixture(name="alpaca", scope="module")
def _alpaca():
    with LocalAlpaca(minutes(start="2024-03-01 09:30", AAA=[100] * 5, BBB=[100] * 5), now="2024-03-01T09:31:57-05:00") as alpaca:
        yield alpaca


@pytest.fixture(name="refused")
def _refused(command, folder, alpaca, monkeypatch):
    """The one line that a spec leads to, without a request."""
    point_at(monkeypatch, alpaca)
    (folder / "plain.py").write_text(PLAIN)

    def refused(strategy, interval, more, *options, symbols='["AAA", "BBB"]', files=("run.toml",)):
        (folder / "run.toml").write_text(RUN.format(strategy=strategy, symbols=symbols, interval=interval, more=more))
        before = len(alpaca.ledger.requests)
        answer = command("paper", *files, "--loop", *options)
        assert answer.code == 2 and len(alpaca.ledger.requests) == before and answer.out == ""
        line, = answer.err.splitlines()
        return line

    return refused


@pytest.mark.parametrize(("strategy", "interval", "more", "words"), [
    ("BuyCloseSellOpen", "1m", "fractional = true", "fill = session_close with fractions of shares"),
    ("GoldenCross", "1m", 'fractional = true\nfill = "session_open"', "fill = session_open with fractions of shares"),
    ("GoldenCross", "1d", 'fill = "session_close"\nexits = {stop = 0.1}', "fill = session_close with 1d bars, live"),
    ("TimeOfDay", "1d", "exits = {stop = 0.1}", "TimeOfDay decides within the day and the bars are 1d"),
    ("GoldenCross", "1w", "", "interval is 1w: live bars are minutes, hours or days"),
    ("GoldenCross", "7m", "", "no live bars of 7 Minutes"),
    ("GoldenCross", "2h", "", "no live bars of 120 Minutes"),
    ("GoldenCross", "1m", "exits = {stop = 0.1, trail = 0.1}", "exits.stop and exits.trail together"),
    ("GoldenCross", "1m", "fractional = true\nexits = {trail = 0.1}", "exits.trail, or exits.stop with exits.profit, on fractions of shares"),
    ("GoldenCross", "1d", 'execution = "twap:30"', "execution twap:30 counts minutes, and the bars are whole days"),
    ("GoldenCross", "1m", "[params]\nfast = 50\nslow = 20", "fast=50 is not below slow=20"),
    ("GoldenCross", "1m", 'sleeves = {a = "0.5:CCC"}', "sleeve a is empty"),
    ("GoldenCross", "1m", "limits = {max_sector = 0.4}", "limits.max_sector is 0.4: no sectors are known bar by bar"),
    ("GoldenCross", "1m", 'calendar = "24/7"', "do not trade by the calendar '24/7'"),
    ("GoldenCross", "1m", 'reference = ["^FOO"]', "no fund stands for '^FOO'"),
    ("GoldenCross", "1m", 'signal_start = "2099-01-02"', "the run would never decide"),
    ("GoldenCross", "1m", "quantity = 0", "quantity is 0: it must be above 0"),
    ("GoldenCross", "1m", "guard = {max_order_value = -1}", "guard.max_order_value is -1: it must not be negative"),
    ("plain.py:Buys", "1d", "exits = {stop = 0.1}", "exits needs a target strategy"),
    ("plain.py:Buys", "1m", 'fill = "session_open"', "fill needs a target strategy"),
])
def test_it_is_told_before_alpaca_is_asked(refused, strategy, interval, more, words):
    assert words in refused(strategy, interval, more)


def test_no_symbols(refused):
    assert "no symbols were given: name some, such as symbols" in refused("GoldenCross", "1m", "", symbols="[]")


def test_of_several_runs_each_is_looked_at(refused, folder):
    (folder / "other.toml").write_text(RUN.format(strategy="TimeOfDay", symbols='["AAA"]', interval="1m", more="capital = 1000.0"))
    assert "the run GoldenCross names no capital" in refused("GoldenCross", "1m", "", files=("run.toml", "other.toml"))
    assert "interval is 1w" in refused("GoldenCross", "1w", "capital = 1000.0", files=("other.toml", "run.toml"))


@pytest.mark.parametrize(("more", "words"), [("capital = 1000.0", "only an Alpaca account can be traded in part"), ("exits = {trail = 0.1}", "Buys is plain")])
def test_it_is_told_before_a_store_of_somebody_else_is_made(refused, more, words):
    assert words in refused("plain.py:Buys", "1m", more, "--store", "own_store:Unmakeable")
