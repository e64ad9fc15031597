"""Parts of pages as HTML in which every text is escaped: headings, figures, tables, notices. Imports Streamlit and what is beside it.

Texts of the API never reach Streamlit's Markdown: what looks like HTML, Markdown or LaTeX in them is shown as it is written.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

STYLE, ICON = (Path(__file__).parent / name for name in ("style.css", "icon.svg"))
TONES = {"BUY": "gain", "SELL": "loss", "SHORT": "loss", "PASS": "gain", "FAIL": "loss", "done": "gain", "failed": "loss", "lost": "loss",
         "filled": "gain", "rejected": "loss"}


class Cell(NamedTuple):
    """A text in a table, and its tone: "gain", "loss", "quiet", "badge gain" …"""

    text: Any
    tone: str = ""


class Figure(NamedTuple):
    """A number with its name, and what is said beneath it."""

    name: str
    value: str
    remark: str = ""
    tone: str = ""


def title(text: str, remark: str = "") -> None:
    """The heading of a page."""
    st.html(f"<h1>{escape(text)}</h1>" + (f'<p class="quiet">{escape(remark)}</p>' if remark else ""))


def heading(text: str, remark: str = "") -> None:
    """The heading of a part of a page."""
    st.html(f"<h2>{escape(text)}</h2>" + (f'<p class="quiet">{escape(remark)}</p>' if remark else ""))


def note(text: str) -> None:
    """A quiet sentence."""
    st.html(f'<p class="quiet">{escape(text)}</p>')


def notice(text: str, advice: str = "", tone: str = "warn", command: str = "") -> None:
    """A sentence a reader must see, what to do, and the command that does it."""
    parts = [f"<p><strong>{escape(text)}</strong></p>", f"<p>{escape(advice)}</p>" if advice else "", f"<pre>{escape(command)}</pre>" if command else ""]
    role = "alert" if tone == "loss" else "status"
    st.html(f'<div class="notice {tone}" role="{role}">{"".join(parts)}</div>')


def empty(text: str, command: str = "") -> None:
    """What is shown where there is nothing yet, and how there will be something."""
    st.html(f'<div class="empty"><p>{escape(text)}</p>{f"<pre>{escape(command)}</pre>" if command else ""}</div>')


def figures(values: Iterable[Figure]) -> None:
    """Numbers beside one another."""
    tiles = (f'<div><dt>{escape(each.name)}</dt><dd class="value {each.tone}">{escape(each.value)}</dd><dd class="quiet">{escape(each.remark)}</dd></div>'
             for each in values)
    st.html(f'<dl class="figures">{"".join(tiles)}</dl>')


def table(name: str, heads: Sequence[str], rows: Iterable[Sequence[Any]], text: Collection[int] = (0,), nothing: str = "Nothing yet.") -> None:
    """A table that can be scrolled, also by keys; the columns `text` (from 0) are flush left, the others right.

    Args:
        rows: cells as texts or `Cell`. nothing: what is said instead of a table without rows.
    """
    body = "".join(f"<tr>{''.join(_cell(each, at in text) for at, each in enumerate(row))}</tr>" for row in rows)
    if not body:
        empty(nothing)
        return
    head = "".join(f'<th scope="col"{_class("text" if at in text else "")}>{escape(each)}</th>' for at, each in enumerate(heads))
    st.html(f'<div class="rows" role="region" tabindex="0" aria-label="{escape(name)}"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>')


def pairs(values: Mapping[str, Any]) -> None:
    """Names with their texts, one below the other."""
    st.html(pairs_of(values))


def pairs_of(values: Mapping[str, Any]) -> str:
    """The HTML of `pairs`."""
    return f'<dl class="pairs">{"".join(f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>" for name, value in values.items())}</dl>'


def steps(name: str, values: Iterable[Mapping[str, Any]]) -> None:
    """The steps of a daily run."""
    items = (f'<li>{span(badge("done" if each["done"] else "failed"))} <strong>{escape(each["step"])}</strong><p class="quiet">{escape(each["text"])}</p></li>'
             for each in values)
    st.html(f'<ul class="steps" aria-label="{escape(name)}">{"".join(items)}</ul>')


def badge(text: str) -> Cell:
    """A word such as BUY or done, in its colour."""
    return Cell(text, f"badge {TONES.get(text, 'quiet')}")


def tone_of(value: Any) -> str:
    """"gain" above 0, "loss" below; "" for 0 and for what is no number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return ""
    return "gain" if number > 0 else "loss" if number < 0 else ""


def span(cell: Cell) -> str:
    """The HTML of a text in its tone."""
    return f"<span{_class(cell.tone)}>{escape(str(cell.text))}</span>"


def _cell(value: Any, text: bool) -> str:
    inner = span(value) if isinstance(value, Cell) else escape(str(value))
    return f"<td{_class('text' if text else '')}>{inner}</td>"


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
