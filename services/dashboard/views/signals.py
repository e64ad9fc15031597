"""Signals: what strategies said on the latest session, with their reasons as numbers, and what any of them says now."""

from base64 import b64encode
from html import escape
from typing import Any

import streamlit as st

from services.dashboard import access, asking, charts, guarded, markup, words

CLOSES = "closes"
MOST = 500  # pieces of advice of one session


def show() -> None:
    """Draw the page."""
    markup.title("Signals")
    with guarded.part():
        _told()
    markup.heading("Ask now", "What a strategy says on the last bar, with its parameters as they are configured. Nothing is ordered.")
    with guarded.part():
        _ask()


def _told() -> None:
    last = access.api().get("/advice", limit=1)["advice"]
    if not last:
        markup.empty("Nothing was advised yet: the daily run asks every strategy that somebody follows.", "cerebrolab daily")
        return
    session = last[0]["session"]
    advice = [each for each in access.api().get("/advice", since=session, limit=MOST)["advice"] if each["session"] == session]
    markup.heading(f"Session of {session}", f"{len(advice)} signals of the strategies that are followed")
    st.html(f'<div class="cards">{"".join(map(_card, advice))}</div>')


def _card(each: dict[str, Any]) -> str:
    reasons = {words.label(name): words.plain(value) for name, value in each["reasons"].items() if name != CLOSES}
    return (f'<article class="card"><header>{markup.span(markup.badge(each["signal"]))}<strong>{escape(each["symbol"])}</strong>'
            f'<span class="quiet">{escape(each["strategy"])}</span><span class="close">{words.price(each["close"])}</span></header>'
            f"{_spark(each['reasons'].get(CLOSES) or [])}{markup.pairs_of(reasons)}</article>")


def _spark(closes: list[float]) -> str:
    """A picture of closes; nothing for fewer than two."""
    if len(closes) < 2:
        return ""
    low, wide = min(closes), (max(closes) - min(closes)) or 1.0
    points = [(100 * at / (len(closes) - 1), 38 - 36 * (each - low) / wide) for at, each in enumerate(closes)]
    line = "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)
    drawn = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 40" preserveAspectRatio="none"><path d="{line}" fill="none" '
             f'stroke="{charts.STRATEGY}" stroke-width="1.6" vector-effect="non-scaling-stroke"/></svg>')
    return (f'<img class="spark" src="data:image/svg+xml;base64,{b64encode(drawn.encode()).decode()}" '
            f'alt="{len(closes)} closes from {closes[0]:,.2f} to {closes[-1]:,.2f}">')


def _ask() -> None:
    chosen = asking.strategy(asking.strategies(), "signals strategy")
    with st.form("signals"):
        left, middle, right = st.columns([2, 1, 1])
        body = {"strategy": chosen["name"], "symbols": asking.split(left.text_input("Symbols", "AAPL, IBM, MSFT", help="A, B, C")),
                "source": middle.selectbox("Source", asking.SOURCES, accept_new_options=True),
                "period": right.text_input("Length of the bars", "", placeholder="all there is", help="5y, 18mo").strip()}
        asked = st.form_submit_button("Ask", type="primary")
    if asked:
        with guarded.part(), st.spinner("Asking…"):
            _say(access.api().post("/signals", asking.stated(body)))


def _say(found: dict[str, Any]) -> None:
    for text in found["warnings"]:
        markup.notice(text)
    markup.heading(f"{found['strategy']} on {found['session']}", f"Bars of {found['source']}, {words.money(found['cash'])} of cash, {words.params(found['params'])}")
    markup.table("Signals now", ("Symbol", "Signal", "Close", "Conviction", "Weight", "Shares", "Its numbers"), (
        (each["symbol"], markup.badge(each["signal"]), words.price(each["close"]), words.ratio(each["conviction"]), words.percent(each["weight"]),
         words.shares(each["shares"]), words.params(each["numbers"]) if each["numbers"] else words.NOTHING) for each in found["signals"]),
        text=(0, 1, 6), nothing="It says nothing of these symbols.")
