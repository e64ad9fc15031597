"""Bars that a source has changed: `data revisions`, `runs repeat` and `--as-of`, on a real store and journal."""

import pytest
from store_contract import LATE, YEAR
from vendor import daily_bars

from core.settings import load_settings
from feeds.stores import opened
from journal import opened as journal_opened

RUN = ("backtest", "GoldenCross", "--symbols", "SPY", "--source", "yahoo", "--start", str(YEAR[0]), "--end", str(YEAR[-1]), "-p", "fast=5", "-p", "slow=20", "--json")
ROWS = YEAR[40:50]
SPEC = f"""strategy = "GoldenCross"
symbols = ["SPY"]
source = "yahoo"
start = "{YEAR[0]}"
params = {{fast = 5, slow = 20}}
"""


@pytest.fixture(name="store")
def _store(folder):
    store = opened(load_settings().store)
    store.write("SPY", daily_bars("SPY", YEAR), YEAR, source="yahoo", now=LATE)
    (folder / "run.toml").write_text(SPEC)
    return store


def revise(store, now=None):
    """Ten sessions in which everything is otherwise."""
    store.write("SPY", daily_bars("SPY", ROWS, 2), ROWS, source="yahoo", now=now)


def test_a_run_is_repeated_as_it_was(command, store):
    first = command(*RUN).value
    revise(store)
    again = command("runs", "repeat", str(first["run"]))
    assert again.code == 0 and "the bars are the same, the result is the same" in again.out
    other = command(*RUN).value
    assert other["final_value"] != first["final_value"]
    both = command("runs", "compare", str(first["run"]), str(other["run"]), "--json").value
    assert both["same_data"] is False


def test_a_run_without_a_closed_trade_is_repeated(command, store):
    first = command(*RUN[:1], "BuyAndHold", *RUN[2:10], "--json").value
    assert first["win_rate"] is None
    again = command("runs", "repeat", str(first["run"]))
    assert again.code == 0 and "the result is the same" in again.out
    assert command("runs", "repeat", "99999999999999999999").code == 2


def test_a_run_that_comes_out_otherwise_is_told(command, store, folder):
    first = command(*RUN, "--as-of", "2020-07-03").value
    text = (folder / "own.py").write_text  # the strategy is another one by now
    text("from strategies import GoldenCross\nclass Own(GoldenCross):\n    pass\n")
    run = command("backtest", "own.py:Own", *RUN[2:]).value
    text("from strategies import GoldenCross\nclass Own(GoldenCross):\n    params = dict(sizer_params=None)\n    sizer_params = dict()\n"
         "    @classmethod\n    def signals(cls, bars, p):\n        return super().signals(bars, p) * 0\n")
    again = command("runs", "repeat", str(run["run"]), "--json")
    assert again.code == 1 and again.value["same_bars"] is True and again.value["same_result"] is False
    assert again.value["then"]["final_value"] == first["final_value"] != again.value["now"]["final_value"]


def test_bars_as_of_a_day(command, store):
    revise(store, now=LATE + 5 * 86_400 * 10**9)  # 2020-07-07
    then, now = (command(*RUN, *more).value for more in (("--as-of", "2020-07-06"), ()))
    between, after = (command(*RUN, "--as-of", day).value for day in ("2020-07-03T12:00:00Z", "2020-07-08"))
    assert then["final_value"] == between["final_value"] != now["final_value"] == after["final_value"]
    early = command(*RUN, "--as-of", "2020-04-01")
    assert early.code == 0 and early.value["end"] == "2020-04-01"


@pytest.mark.parametrize(("options", "told"), [
    ((*RUN, "--as-of", "yesterday"), "as_of 'yesterday' is no date and no time: write it as 2026-01-05 or 2026-01-05T21:30:00Z"),
    (("backtest", "GoldenCross", "--source", "synthetic", "--as-of", "2020-07-03"), "bars of synthetic have no versions"),
    ((*RUN, "--as-of", "2010-07-03"), "no 1d bars of SPY"),
    *(((*RUN, "--as-of", text), "is no date and no time") for text in ("9999-12-31", "0001-01-01T00:00:00+05:00", "20260105", "2026-W01-1")),
])
def test_what_as_of_cannot_be(command, store, options, told):
    answer = command(*options)
    assert answer.code == 2 and answer.err.count("\n") == 1 and told in answer.err


def test_live_runs_have_no_as_of(command, store, folder):
    (folder / "run.toml").write_text(SPEC.replace("yahoo", "alpaca") + 'as_of = "2020-07-03"\n')
    answer = command("paper", "run.toml")
    assert answer.code == 2 and "as_of 2020-07-03 is for backtests" in answer.err


def test_nothing_was_changed(command, store):
    assert command("data", "revisions").out == "no stored bar was changed by its source; cerebrolab data fetch --again asks for bars a second time\n"


def test_changes_and_the_signals_they_flip(command, store):
    revise(store, now=LATE + 9)
    answer = command("data", "revisions", "--spec", "run.toml", "--json").value
    assert len(answer["changes"]) == 10 and answer["warnings"] == []
    first = answer["changes"][0]
    assert first["symbol"] == "SPY" and first["session"] == str(ROWS[0]) and set(first["before"]) == set(first["after"]) == {"open", "high", "low", "close"}
    assert first["after"]["close"] == daily_bars("SPY", ROWS, 2).close[0]
    flipped = {(each["session"], each["said"], each["says"]) for each in answer["flips"]}
    assert flipped and all(str(YEAR[39]) < session <= str(YEAR[75]) and said != says for session, said, says in flipped)
    shown = command("data", "revisions", "--spec", "run.toml")
    assert (shown.code, shown.err) == (0, "") and "signals that would have been others" in shown.out
    assert command("data", "revisions", "--since", "2020-07-04", "--json").value["changes"] == []


def test_signals_of_a_universe_are_looked_at_too(command, store, folder):
    revise(store, now=LATE + 9)
    (folder / "members.csv").write_text(f"symbol,entry,exit\nSPY,{YEAR[0]},\n")
    (folder / "run.toml").write_text(SPEC.replace('symbols = ["SPY"]', 'universe = "members.csv"'))
    assert command("data", "revisions", "--spec", "run.toml", "--json").value["flips"]


def test_live_runs_of_the_journal_are_looked_at(command, store):
    close = int(daily_bars("SPY", YEAR).index[-1])
    with journal_opened(load_settings().journal) as journal:
        spec = dict(strategy="GoldenCross", symbols=["SPY"], source="yahoo", start=str(YEAR[0]), params=dict(fast=5, slow=20))
        journal.blotter.decide([], account="paper:1", run_key="gold", bar_ns=close, session=str(YEAR[-1]), strategy="GoldenCross", strategy_source="x",
                               spec=spec, fingerprint="x", equity=1, cash=1, targets={}, notes=[])
    nothing = command("data", "revisions", "--json").value
    assert nothing == {"changes": [], "flips": [], "warnings": []}
    revise(store, now=LATE + 9)
    flips = command("data", "revisions", "--json").value["flips"]
    assert flips and {each["run"] for each in flips} == {"gold"} and not any(each["told"] for each in flips)
    with journal_opened(load_settings().journal) as journal:
        moment = int(daily_bars("SPY", YEAR).index[YEAR.astype(str).tolist().index(flips[0]["session"])])
        said = {"HOLD": 1.0, "OUT": 0.0}[flips[0]["said"]] if flips[0]["said"] != "-" else None
        if said is not None:
            journal.history.say("paper:1", "gold", "GoldenCross", moment, {"SPY": said})
    told = [each["told"] for each in command("data", "revisions", "--json").value["flips"]]
    assert told[0] is (said is not None) and not any(told[1:])
