"""Subscriptions: have signals mailed to an address, by strategies of one's own choice or those that did best on a symbol."""

from typing import Any

import streamlit as st

from services.dashboard import access, asking, background, guarded, markup, words
from services.dashboard.markup import Cell

EXPLAINED = ("A mail with a link goes to the address first. Nothing is told to it before somebody opens the link and confirms; every later mail has a link "
             "to change or to end it.")
PICKED = "strategies to follow"


def show() -> None:
    """Draw the page."""
    markup.title("Subscriptions", "Signals by mail, after the close.")
    known = asking.strategies()
    markup.heading("Recommend for me", "Every strategy is walked forward over the symbol: parameters chosen on the past, judged on what came after. It takes a while.")
    _recommend()
    job = background.outcome("recommendation")
    if job is not None:
        _candidates(job)
    markup.heading("Sign up", EXPLAINED)
    _sign_up(sorted(known))
    markup.heading("Followed", "What somebody follows; addresses are told to nobody.")
    with guarded.part():
        markup.table("Followed", ("Strategy", "Symbol"), ((each["strategy"], each["symbol"]) for each in access.api().get("/followed")["follows"]),
                     text=range(2), nothing="Nobody follows anything yet.")


def _recommend() -> None:
    with st.form("recommend"):
        symbol, source, period = st.columns([2, 1, 1])
        body = {"symbol": symbol.text_input("Symbol", "", placeholder="SPY").strip(),
                "source": source.selectbox("Source", ("yahoo", "alpaca", "sample", "synthetic"), accept_new_options=True),
                "period": period.text_input("Length of the bars", "10y", help="10y, 18mo").strip()}
        if st.form_submit_button("Recommend"):
            st.session_state.pop("recommended", None)
            background.begin("recommendation", "/recommendations", body)


def _candidates(job: dict[str, Any]) -> None:
    found = job["summary"]
    chosen = found["recommended"]
    if chosen:
        markup.notice(f"Recommended for {found['symbol']}: {chosen}", "It is chosen below; you may choose others.", "gain")
    else:
        markup.notice(f"None is recommended for {found['symbol']}: the best of them may well be luck, or overfitted.", "You may still choose by hand below.")
    markup.table("Candidates", ("Strategy", "Sharpe", "A year", "Drawdown", "Trades", "No luck", "Overfitting", "Parameters"), (
        (each["strategy"], Cell(each["problem"], "quiet wide"), *[""] * 6) if each["problem"] else
        (Cell(each["strategy"], "badge gain" if each["strategy"] == chosen else ""), words.ratio(each["sharpe"]), words.percent(each["cagr"], sign=True),
         words.percent(each["max_drawdown"]), words.shares(each["trades"]), words.percent(each["deflated"]), words.percent(each["overfitting"]),
         words.params(each["params"] or {})) for each in found["candidates"]), text=(0, 7))
    markup.note("Out of sample. No luck: probability that the Sharpe ratio is above what the best of so many shows by luck (deflated Sharpe ratio). "
                "Overfitting: probability that the parameters were chosen for what does not come again (PBO).")
    if st.session_state.get("recommended") != job["id"]:
        st.session_state["recommended"] = job["id"]
        st.session_state[PICKED] = [chosen] if chosen else []
        st.session_state["symbols to follow"] = found["symbol"]


def _sign_up(names: list[str]) -> None:
    with st.form("subscribe"):
        body = {"address": st.text_input("Mail address", "", placeholder="ann@example.org", autocomplete="email").strip(),
                "symbols": [each.upper() for each in asking.split(st.text_input("Symbols", key="symbols to follow", placeholder="SPY, AAPL"))],
                "strategies": st.multiselect("Strategies", names, key=PICKED, placeholder="Choose strategies")}
        if not st.form_submit_button("Sign up", type="primary"):
            return
    missing = [name for name in ("address", "symbols", "strategies") if not body[name]]
    if missing:
        markup.notice(f"Still missing: {words.many(missing)}.")
        return
    with guarded.part():
        markup.notice("Nearly done.", access.api().post("/subscriptions", body)["detail"], "gain")
