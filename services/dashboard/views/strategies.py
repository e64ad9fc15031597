"""Strategies: the rule, the parameters as shipped and as configured, and the latest runs of each."""

from html import escape

import streamlit as st

from services.dashboard import access, asking, guarded, markup, words
from services.dashboard.markup import Cell

LISTED = 20


def show() -> None:
    """Draw the page; ?strategy=GoldenCross in the address opens that strategy."""
    markup.title("Strategies")
    chosen = asking.strategy(asking.strategies(), "strategy")
    name = chosen["name"]
    st.query_params["strategy"] = name
    markup.heading(name, chosen["meaning"])
    st.html(f'<pre class="rule">{escape(chosen["rule"])}</pre>')
    markup.heading("Parameters", "As shipped, and as running strategies have been asked to use them.")
    markup.table("Parameters", ("Parameter", "What it is", "A sweep tries", "As shipped", "Configured"), (
        (each["name"], Cell(each["meaning"] or words.NOTHING, "wide"), each["tried"] or words.NOTHING, words.plain(each["default"]),
         Cell(words.plain(each["configured"]), "badge gain" if each["configured"] != each["default"] else "quiet")) for each in chosen["parameters"]),
        text=range(5), nothing="It has none.")
    markup.heading("How it trades")
    markup.pairs({"Sizes positions by": chosen["sizer"] or words.NOTHING, "Orders fill at": words.label(chosen["fill"]),
                  "Compares with a market index": words.plain(chosen["needs_index"])})
    markup.heading("Latest runs")
    with guarded.part():
        runs = access.api().get("/runs", strategy=name, limit=LISTED)["runs"]
        markup.table("Latest runs", ("Run", "Symbols", "Parameters", "From", "To", "Return", "Sharpe", "Drawdown", "Trades"), (
            (f"#{each['id']}", words.many(each["symbols"], 3), words.params(each["spec"].get("params", {})), each["start"], each["end"],
             words.percent(each["metrics"].get("total_return"), sign=True), words.ratio(each["metrics"].get("sharpe")),
             words.percent(each["metrics"].get("max_drawdown")), words.shares(each["trades"])) for each in runs),
            text=range(3), nothing="It has not been played yet: see the page Backtest.")
