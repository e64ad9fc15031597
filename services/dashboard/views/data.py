"""Data: what the store holds, where bars are missing, and fetching more."""

from collections.abc import Iterator
from typing import Any

import streamlit as st

from services.dashboard import access, asking, background, charts, guarded, markup, words
from services.dashboard.markup import Cell, Figure

DRAWN, MOST = 60, 1_000  # series in the picture, and in the table


def show() -> None:
    """Draw the page."""
    markup.title("Data", "Bars in the store of the API.")
    _fetch()
    job = background.outcome("fetch")
    if job is not None:
        summary = job["summary"]
        markup.notice(f"Fetched: {words.many([each['symbol'] for each in summary['series']])} of {summary['source']}.", " ".join(summary["warnings"]), "gain")
    with guarded.part():
        _coverage(access.api().get("/store", limit=MOST))


def _fetch() -> None:
    with st.form("fetch"):
        symbols, source, interval = st.columns([2, 1, 1])
        start, end, period = st.columns(3)
        body = {"symbols": asking.split(symbols.text_input("Symbols", "", placeholder="SPY, AAPL")),
                "source": source.selectbox("Source", ("yahoo", "alpaca"), accept_new_options=True),
                "interval": interval.selectbox("Bars of", ("1d", "1h", "5m", "1m")),
                "start": asking.iso(start.date_input("Start", None, asking.FIRST, asking.LAST, format="YYYY-MM-DD")),
                "end": asking.iso(end.date_input("End", None, asking.FIRST, asking.LAST, format="YYYY-MM-DD")),
                "period": period.text_input("Or period", "", placeholder="5y, 18mo").strip(),
                "again": st.checkbox("Fetch what is stored once more", help="For data that the source has corrected.")}
        if st.form_submit_button("Fetch", type="primary"):
            background.begin("fetch", "/store/fetches", asking.stated(body))


def _coverage(found: dict[str, Any]) -> None:
    series, total = found["series"], found["total"]
    if not series:
        markup.empty("The store is empty: fetch bars above, or by this command.", "cerebrolab data fetch SPY --period 5y")
        return
    holes = sum(len(each["holes"]) for each in series)
    markup.figures((Figure("Series", words.shares(total)), Figure("Bars", words.shares(sum(each["bars"] for each in series))),
                    Figure("Gaps", words.shares(holes), "none: every session asked for is there" if not holes else "see the red parts", "loss" if holes else "gain")))
    st.plotly_chart(charts.coverage([(_named(each), each["first"], each["last"], [(hole["start"], hole["end"]) for hole in each["holes"]])
                                     for each in series[:DRAWN] if each["bars"]]), config=charts.CONFIG, key="coverage", alt="Stored spans and gaps of each series")
    if total > DRAWN:
        markup.note(f"The first {DRAWN} of {total} are drawn, the first {len(series)} are in the table.")
    markup.table("Coverage", ("Symbol", "Source", "Interval", "First", "Last", "Bars", "Sessions", "Gaps"), _rows(series), text=(0, 1, 2, 7))


def _rows(series: list[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    for each in series:
        missing = ", ".join(f"{hole['start']} to {hole['end']} ({hole['sessions']})" for hole in each["holes"][:3])
        rest = len(each["holes"]) - 3
        yield (each["symbol"], each["source"], each["interval"], each["first"] or words.NOTHING, each["last"] or words.NOTHING, words.shares(each["bars"]), words.shares(each["sessions"]),
               Cell(f"{missing}{f' and {rest} more' if rest > 0 else ''}" if missing else "none", "loss" if missing else "quiet"))


def _named(each: dict[str, Any]) -> str:
    return f"{each['symbol']} {each['interval']} {each['source']}"
