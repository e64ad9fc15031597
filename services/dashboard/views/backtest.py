"""Backtests: choose, run, look at what came out, and put it beside earlier runs."""

from typing import Any

import streamlit as st

from services.dashboard import access, asking, background, charts, guarded, markup, words
from services.dashboard.markup import Cell, Figure

LISTED, TRADES, MOST_COMPARED = 100, 200, 8
SHOWN = ("total_return", "cagr", "sharpe", "max_drawdown", "trades", "win_rate")
COMPARED = ("total_return", "cagr", "volatility", "sharpe", "sortino", "calmar", "max_drawdown", "win_rate", "profit_factor", "trades", "exposure", "benchmark_return")


def show() -> None:
    """Draw the page."""
    markup.title("Backtest", "Play a strategy on past bars; every run is recorded and can be compared.")
    _ask()
    job = background.outcome("backtest")
    if job is not None:
        with guarded.part():
            result(job["run"])
    _past(None if job is None else job["run"])


def _ask() -> None:
    chosen = asking.strategy(asking.strategies(), "backtest strategy")
    markup.note(chosen["meaning"])
    with st.form("backtest"):
        body = {"strategy": chosen["name"], **asking.bars(), "params": asking.parameters(chosen, "backtest")}
        with st.expander("Money and more"):
            body |= asking.money() | _more()
        if st.form_submit_button("Run the backtest", type="primary"):
            background.begin("backtest", "/backtests", asking.stated(body))


def _more() -> dict[str, Any]:
    benchmark, risk_free, fractional = st.columns(3, vertical_alignment="bottom")
    return {"benchmark": benchmark.text_input("Benchmark", "universe", help="A symbol, or universe: all symbols held alike"),
            "risk_free": risk_free.number_input("Risk-free rate, a year", value=0.0, min_value=-0.5, max_value=1.0, step=0.005, format="%.3f"),
            "fractional": fractional.checkbox("Fractions of shares")}


def result(number: int) -> None:
    """What came out of a run: figures, curve, trades and the report."""
    api = access.api()
    run = api.get(f"/runs/{number}")
    markup.heading(f"Run {number}: {run['strategy']}", f"{words.many(run['symbols'])}, {run['start']} to {run['end']}, {words.params(run['spec'].get('params', {}))}")
    for text in run["warnings"]:
        markup.notice(text)
    found = run["metrics"] | {"trades": run["trades"]}
    markup.figures([Figure("Final value", words.money(run["final_value"]), f"from {words.money(run['cash'])}")] + [
        Figure(words.headed(name), words.measure(name, found.get(name)), _beside(name, found)) for name in SHOWN])
    with guarded.part():
        curve = api.get(f"/runs/{number}/equity")
        st.plotly_chart(charts.equity(curve["session"], curve["equity"], curve["drawdown"], curve["benchmark"]), config=charts.CONFIG,
                        key=f"curve {number}", alt="Equity beside the benchmark, and drawdown, by session")
    with guarded.part():
        _trades(api.get(f"/runs/{number}/trades", limit=TRADES))
    background.report(f"/runs/{number}/report", f"run-{number}")


def _beside(name: str, found: dict[str, Any]) -> str:
    return f"benchmark {words.percent(found.get('benchmark_return'))}" if name == "total_return" and found.get("benchmark_return") is not None else ""


def _trades(page: dict[str, Any]) -> None:
    trades, total = page["trades"], page["total"]
    markup.heading("Trades", f"The first {len(trades)} of {total}; all are in the report." if total > len(trades) else "")
    markup.table("Trades", ("Symbol", "Side", "In", "Out", "Shares", "Bought at", "Sold at", "Profit", "Return"), (
        (each["symbol"], "long" if each["size"] > 0 else "short", each["entry_session"], Cell("open", "quiet") if each["open"] else each["exit_session"],
         words.shares(abs(each["size"])), words.price(each["entry_price"]), words.price(each["exit_price"]),
         Cell(words.money(each["pnl"], sign=True), markup.tone_of(each["pnl"])), words.percent(each["return"], sign=True)) for each in trades),
        text=range(4), nothing="It has not traded.")


def _past(latest: int | None) -> None:
    markup.heading("Past runs", "Choose one to open it, several to compare them.")
    runs = {each["id"]: each for each in access.api().get("/runs", limit=LISTED)["runs"]}
    if not runs:
        markup.empty("No run has been recorded yet: run the first one above.")
        return
    chosen = st.multiselect("Runs", list(runs), format_func=lambda number: _named(runs[number]), max_selections=MOST_COMPARED,
                            placeholder="Choose runs", key="runs to compare")
    if not chosen:
        markup.table("Past runs", ("Run", "Strategy", "Symbols", "From", "To", "Return", "Sharpe", "Drawdown", "Trades"), (
            (f"#{each['id']}", each["strategy"], words.many(each["symbols"], 3), each["start"], each["end"], words.percent(each["metrics"].get("total_return"), sign=True),
             words.ratio(each["metrics"].get("sharpe")), words.percent(each["metrics"].get("max_drawdown")), words.shares(each["trades"]))
            for each in runs.values()), text=range(3))
    elif len(chosen) == 1:
        if chosen[0] != latest:
            with guarded.part():
                result(chosen[0])
    else:
        _compare([runs[number] for number in chosen])


def _compare(runs: list[dict[str, Any]]) -> None:
    curves = {}
    for each in runs:
        with guarded.part():
            curve = access.api().get(f"/runs/{each['id']}/equity")
            curves[_named(each)] = curve["session"], curve["equity"]
    if curves:
        st.plotly_chart(charts.compared(curves), config=charts.CONFIG, key="compared", alt="Equity of the chosen runs, each from 100")
    markup.table("Comparison", ("", *(f"#{each['id']} {each['strategy']}" for each in runs)), (
        (words.label(name), *(words.measure(name, (each["metrics"] | {"trades": each["trades"]}).get(name)) for each in runs)) for name in COMPARED))


def _named(run: dict[str, Any]) -> str:
    return f"#{run['id']} {run['strategy']}, {words.many(run['symbols'], 2)}, {words.percent(run['metrics'].get('total_return'), sign=True)}"
