"""Sweeps: try many parameters, look at the map, walk forward, and ask the gate how much of the best to believe."""

from typing import Any

import streamlit as st

from core.measures import MEASURES
from services.dashboard import access, asking, background, charts, guarded, markup, words
from services.dashboard.trials import LOWER_IS_BETTER, best, grid, metric_of, trials_of
from services.dashboard.views import judging

LISTED, BEST = 50, 20
SHOWN = ("sharpe", "cagr", "total_return", "max_drawdown", "trades")


def show() -> None:
    """Draw the page."""
    markup.title("Sweep", "Try many sets of parameters; every trial is recorded and counts when the best of them is judged.")
    _ask()
    job = background.outcome("sweep")
    walked = background.outcome("walkforward")
    if walked is not None:
        judging.walk_forward(walked)
    number = _opened(None if job is None else job["sweep"])
    if number is not None:
        with guarded.part():
            _result(number)


def _ask() -> None:
    chosen = asking.strategy(asking.strategies(), "sweep strategy")
    with st.form("sweep"):
        spec = {"strategy": chosen["name"], **asking.bars()}
        body: dict[str, Any] = {"vary": _ranges(chosen), "where": asking.lines(st.text_input(
            "Rules between parameters", "", placeholder="fast < slow", help="Only sets of parameters that keep them are tried; separate several by commas"))}
        objective, method, trials = st.columns(3)
        body["objective"] = objective.selectbox("Looks for the best", MEASURES, MEASURES.index("sharpe"), format_func=words.label)
        body["method"] = method.selectbox("Tries", ("grid", "random"), help="grid: every set; random: as many as are named beside")
        count = trials.number_input("Trials, where they are drawn at random", 1, 1_000_000, 200)
        if body["method"] == "random":
            body["trials"] = count
        with st.expander("Money, and windows of a walk-forward"):
            spec |= asking.money()
            windows = judging.windows()
        left, right = st.columns(2)
        swept = left.form_submit_button("Sweep", type="primary", width="stretch")
        walked = right.form_submit_button("Walk forward", width="stretch")
    body["spec"] = asking.stated(spec)
    if swept:
        background.begin("sweep", "/sweeps", body)
    if walked:
        background.begin("walkforward", "/walkforwards", {**body, **windows})


def _ranges(chosen: dict[str, Any]) -> dict[str, Any]:
    """Fields for what varies, as texts; what is left empty stays as it is."""
    own = [each for each in chosen["parameters"] if each["kind"] in ("int", "float") or each["tried"]]
    columns = st.columns(min(len(own), asking.A_ROW)) if own else []
    fields = {each["name"]: columns[at % asking.A_ROW].text_input(words.label(each["name"]), each["tried"], key=f"sweep {chosen['name']} {each['name']}",
                                                       placeholder=words.plain(each["default"]), help="5:50:5, or a list 5,10,20; empty = as it is")
              for at, each in enumerate(own)}
    return {name: text.strip() for name, text in fields.items() if text.strip()}


def _opened(latest: int | None) -> int | None:
    """The number of the sweep that is looked at: the one that was just played, or an earlier one."""
    markup.heading("Sweeps")
    with guarded.part():
        known = {each["id"]: each for each in access.api().get("/ledger/sweeps/latest", limit=LISTED)["sweeps"] if each["trials"]}
        if not known:
            markup.empty("No sweep has been recorded yet: begin the first one above.")
            return None
        names = list(known)
        return st.selectbox("Open", names, asking.index_of(names, latest), format_func=lambda number: _named(known[number]), key=f"sweep after {latest}")
    return latest


def _named(each: dict[str, Any]) -> str:
    return f"#{each['id']} {each['strategy']}, {words.many(each['universe'], 2)}, {each['start']} to {each['end']}, {each['trials']} trials"


def _result(number: int) -> None:
    head = access.api().get(f"/ledger/sweeps/{number}")
    found, names = trials_of(number)
    if not len(found):
        markup.empty("No trial of it has been recorded.")
        return
    metric = metric_of(head["objective"])
    markup.note(f"{len(found):,} trials, {head['method']}, looked for the best {words.label(metric)}; played by the {head['engine']} engine.")
    _map(found, names, metric, number)
    markup.heading("Best trials")
    top = best(found, metric, BEST)
    measures = tuple(dict.fromkeys((metric, *SHOWN)))
    markup.table("Best trials", ("Trial", *map(words.label, names), *map(words.label, measures)), (
        (f"#{row['number']}", *(words.plain(row[name]) for name in names), *(words.measure(name, row[name]) for name in measures))
        for row in top.to_dict("records")), text=(0,))
    with guarded.part():
        judging.judged(number)


def _map(found: Any, names: list[str], metric: str, number: int) -> None:
    if not names:
        markup.note("Nothing varied in it.")
        return
    left, middle, right = st.columns(3)
    measure = left.selectbox("Measure", MEASURES, MEASURES.index(metric), format_func=words.label, key=f"measure {number}")
    x = middle.selectbox("Across", names, 0, format_func=words.label, key=f"x {number}")
    others = [name for name in names if name != x]
    y = right.selectbox("Down", others, 0, format_func=words.label, key=f"y {number} {x}") if others else None
    form = charts.PERCENT if measure in words.PERCENT else ",.2f"
    if y is None:
        columns, _, rows = grid(found.assign(only=0), x, "only", measure)
        st.plotly_chart(charts.line(measure, (x, columns), rows[0] if rows else [], form), config=charts.CONFIG, key=f"line {number}")
        return
    columns, index, rows = grid(found, x, y, measure)
    st.plotly_chart(charts.heat_map(measure, (x, columns), (y, index), rows, form, measure in LOWER_IS_BETTER), config=charts.CONFIG, key=f"map {number}",
                    alt=f"{words.label(measure)} by {x} and {y}")
    if len(names) > 2:
        markup.note(f"Each field is the best over {words.many([words.label(name) for name in names if name not in (x, y)])}.")
