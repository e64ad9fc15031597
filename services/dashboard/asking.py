"""Fields that several forms have: the strategy with its parameters, symbols, source, dates and money. Imports Streamlit and what is beside it."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from services.dashboard import access, words

SOURCES = ("sample", "yahoo", "alpaca", "synthetic")
A_ROW = 4  # fields
FIRST, LAST = dt.date(1900, 1, 1), dt.date(2100, 1, 1)


def strategies() -> dict[str, dict[str, Any]]:
    """The strategies of the API by name."""
    return {each["name"]: each for each in access.api().get("/strategies")}


def strategy(known: Mapping[str, dict[str, Any]], key: str) -> dict[str, Any]:
    """The strategy that is chosen; at first that of the address (?strategy=GoldenCross)."""
    names = list(known)
    asked = st.query_params.get("strategy", "GoldenCross")
    name = st.selectbox("Strategy", names, index=names.index(asked) if asked in names else 0, key=key)
    return known[name]


def parameters(chosen: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Fields for the own parameters of a strategy; those that differ from its defaults."""
    own = [each for each in chosen["parameters"] if not each["name"].startswith("sizer.")]
    given = {}
    columns = st.columns(min(len(own), A_ROW)) if own else []
    for at, each in enumerate(own):
        with columns[at % A_ROW]:
            value = _field(each, f"{key} {chosen['name']} {each['name']}")
        if value != each["default"] and value not in (None, ""):
            given[each["name"]] = value
    return given


def _field(each: Mapping[str, Any], key: str) -> Any:
    name, kind, default = each["name"], each["kind"], each["default"]
    told: dict[str, Any] = {"help": f"{_escaped(each['meaning'])}. As shipped: {_escaped(words.plain(default))}." if each["meaning"] else None, "key": key}
    if kind == "bool":
        return st.checkbox(words.label(name), bool(default), **told)
    if kind == "int":
        return st.number_input(words.label(name), value=default, step=1, **told)
    if kind == "float":
        return st.number_input(words.label(name), value=default, step=None, format="%g", **told)
    return st.text_input(words.label(name), "" if default is None else str(default), placeholder="none", **told)


def bars(symbols: str = "AAPL") -> dict[str, Any]:
    """Fields for what a run plays on."""
    left, right = st.columns([2, 1])
    given: dict[str, Any] = {"symbols": split(left.text_input("Symbols", symbols, help="A, B, C"))}
    given["source"] = right.selectbox("Source", SOURCES, accept_new_options=True)
    start, end, period = st.columns(3)
    given["start"] = iso(start.date_input("Start", None, FIRST, LAST, format="YYYY-MM-DD", help="First session; empty = all there is"))
    given["end"] = iso(end.date_input("End", None, FIRST, LAST, format="YYYY-MM-DD", help="Last session; empty = all there is"))
    given["period"] = period.text_input("Or period", "", placeholder="5y, 18mo", help="Length back from the end, instead of a start").strip() or None
    return given


def money() -> dict[str, Any]:
    """Fields for cash and costs."""
    cash, commission, slippage = st.columns(3)
    return {"cash": cash.number_input("Cash", value=100_000.0, min_value=1.0, step=None, format="%.2f"),
            "commission": commission.text_input("Commission", "none", help="0.001, 0.1%, 10bp, 0.005/share min 1, none"),
            "slippage": slippage.text_input("Slippage", "none", help="0.0005, 5bp, none")}


def split(text: str) -> list[str]:
    """The names in "A, B C"."""
    return [each for each in re.split(r"[,;\s]+", text) if each]


def lines(text: str) -> list[str]:
    """The rules in "fast < slow, slow < 200"."""
    return [each.strip() for each in text.split(",") if each.strip()]


def stated(values: Mapping[str, Any]) -> dict[str, Any]:
    """What says something."""
    return {name: value for name, value in values.items() if value is not None and value != ""}


def index_of(names: Sequence[Any], name: Any) -> int:
    """Where a name is; 0 where it is not."""
    return names.index(name) if name in names else 0


def iso(date: Any) -> str | None:
    """A date as the API has it; None for none."""
    return date.isoformat() if date else None


def _escaped(text: str) -> str:
    """A text that Markdown leaves as it is."""
    return re.sub(r"([\\`*_{}\[\]<>()#+\-.!|$:~])", r"\\\1", text)
