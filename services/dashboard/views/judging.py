"""How much of a sweep to believe: overfitting in words, the walk-forward, and the gate. Imports Streamlit and what is beside its package."""

from typing import Any

import streamlit as st

from services.dashboard import access, background, charts, markup, words
from services.dashboard.markup import Figure
from services.dashboard.trials import metric_of

LUCK, OVERFITTED = 0.95, 0.5  # deflated Sharpe ratio from which the best is no luck, and probability of overfitting below which it is not overfitted
JOBS = 200  # in which the job of a sweep is looked for
NUMBERS = ("sharpe", "luck_sharpe", "deflated_sharpe", "pbo", "trials", "effective_trials", "years", "minimum_backtest_length")
CHAIN = ("total_return", "cagr", "sharpe", "max_drawdown", "efficiency", "benchmark_return")


def windows() -> dict[str, Any]:
    """Fields for the windows of a walk-forward."""
    train, test, count, embargo, anchored = st.columns(5, vertical_alignment="bottom")
    given = {"train": train.text_input("Train", "", placeholder="half the data", help="3y, 18mo").strip(),
             "test": test.text_input("Test", "", placeholder="see windows", help="Length of each test window: 6mo, 1y").strip(),
             "windows": count.number_input("Windows", 1, 100, 5, help="As many equal test windows, where no length is named"),
             "embargo": embargo.number_input("Embargo, sessions", 0, 1_000, 0, help="Left out between training and test"),
             "anchored": anchored.checkbox("Anchored", help="Training always begins with the first bar")}
    if given["test"]:
        del given["windows"]
    return {name: value for name, value in given.items() if value != ""}


def walk_forward(job: dict[str, Any]) -> None:
    """What came out of a walk-forward: its chain, and training beside test in each window."""
    found = job["summary"]
    markup.heading(f"Walk-forward of {found['strategy']}", f"Out of sample from {found['start']} to {found['end']}; {found['trials']:,} trials in training")
    for text in found["warnings"]:
        markup.notice(text)
    markup.figures(Figure(words.headed(name), words.measure(name, found[name]),
                          "annual return, test over training" if name == "efficiency" else "") for name in CHAIN)
    metric = metric_of(found["objective"])
    parts = found["windows"]
    form = charts.PERCENT if metric in words.PERCENT else ",.2f"
    st.plotly_chart(charts.walk_forward([each["test_start"] for each in parts], [each["in_sample"].get(metric) for each in parts],
                                        [each["out_of_sample"].get(metric) for each in parts], metric, form), config=charts.CONFIG, key="walk",
                    alt=f"{words.label(metric)} in training and out of sample, by window")
    name = words.label(metric)
    markup.table("Windows", ("Trained", "Played", "Chosen", f"{name} in training", f"{name} out of sample", "Return out of sample"), (
        (f"{each['train_start']} to {each['train_end']}", f"{each['test_start']} to {each['test_end']}",
         words.params(each["params"]) if each["params"] else "flat", words.measure(metric, each["in_sample"].get(metric)),
         words.measure(metric, each["out_of_sample"].get(metric)), words.percent(each["out_of_sample"].get("total_return"), sign=True))
        for each in parts), text=range(3))
    background.report(f"/jobs/{job['id']}/report", "walk-forward")


def judged(sweep: int) -> None:
    """What the sweep itself says of luck and overfitting, its best run, and the gate's verdict on that; the job is known to the API for a while."""
    job = next((each for each in access.api().get("/jobs", kind="sweep", state="done", limit=JOBS)["jobs"] if each["sweep"] == sweep), None)
    markup.heading("How much of it to believe")
    if job is None:
        markup.note("It was played elsewhere: its report has these numbers.")
        return
    _believed(job["summary"])
    if job["run"] is not None and st.button(f"Ask the gate about the best run, #{job['run']}", key=f"gate {sweep}"):
        background.begin(f"gate {sweep}", f"/runs/{job['run']}/verdict", {})
    verdict = background.outcome(f"gate {sweep}")
    if verdict is not None:
        _verdict(verdict["summary"])
    background.report(f"/jobs/{job['id']}/report", f"sweep-{sweep}")


def _believed(found: dict[str, Any]) -> None:
    deflated, pbo = found.get("deflated_sharpe"), found.get("pbo")
    likely = deflated is not None and deflated >= LUCK
    markup.figures((
        Figure("No luck", words.percent(deflated), "deflated Sharpe ratio", "gain" if likely else "loss"),
        Figure("Overfitting", words.percent(pbo), "probability (PBO)", "" if pbo is None else "gain" if pbo < OVERFITTED else "loss"),
        Figure("Trials that count", words.ratio(found.get("effective_trials")), f"of {words.shares(found.get('ledger_trials'))} ever played on these symbols")))
    markup.note(f"With {words.percent(deflated)} probability the best Sharpe ratio is above what so many trials reach by luck alone; from {words.percent(LUCK)} on it is "
                "taken for more than luck.")
    markup.note(f"In {words.percent(pbo)} of the ways to divide the sessions into halves, the best of one half was below the median of the other.")
    for text in found.get("warnings", []):
        markup.notice(text)


def _verdict(found: dict[str, Any]) -> None:
    markup.notice(f"{'PASS' if found['passed'] else 'FAIL'}: run {found['run']} of {found['strategy']}", " ".join(found["reasons"]), "gain" if found["passed"] else "loss")
    markup.table("Numbers of the gate", ("", "Value"), ((words.label(name), words.measure(name, found.get(name))) for name in NUMBERS))
