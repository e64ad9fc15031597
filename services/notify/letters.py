"""`Letters`: what one subscriber is due, as one mail of text and HTML with pictures.

Thousands of mails say the same of the same symbols: what is said of one is written and encoded once. Imports journal, core and what
is beside it.
"""

import base64
import binascii
import math
import re
from collections.abc import Mapping, Sequence
from email.header import Header
from email.utils import formataddr, formatdate, getaddresses
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from core.errors import UsageError
from journal.subscriptions import Advice, Due
from services.notify.chart import COLOURS, chart

CLOSES = "closes"  # among the reasons of an advice: the latest ones, oldest first, for the picture
MOST_PICTURES = 10  # in one mail
MOST_NAMED = 3  # signals in a subject
MOST_SUBJECT = 150  # characters
MOST_KEPT = 2_000  # parts remembered
BOUNDARY = "-----=_cerebrolab"  # no encoded line has "=_"


class Letter(NamedTuple):
    """A mail as SMTP carries it.

    Attributes:
        sender, address: bare addresses. content: headers and body, lines ended by CRLF.
    """

    sender: str
    address: str
    content: bytes


class Part(NamedTuple):
    """What a mail says of one advice: lines of its text and HTML (quoted-printable), and its picture, a part of its own; or none."""

    text: bytes
    html: bytes
    picture: bytes


class Letters:
    """Writes mails.

    Args:
        sender: whom they are from, "name@host" or "Name <name@host>". site: address of the pages that links lead to, such as
            "https://signals.example.org".

    Raises:
        UsageError: the sender is no address.
    """

    def __init__(self, sender: str, site: str) -> None:
        found = getaddresses([sender])
        name, self._sender = found[0] if len(found) == 1 else ("", "")
        self._site = site.rstrip("/")
        bare = not name and sender.strip().strip("<>") == self._sender
        if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", self._sender) or not self._sender.isascii() or any(ord(each) < 32 for each in sender) or not (name or bare):
            raise UsageError(f"sender {sender[:100]!r} is no address: set EMAIL_FROM to one such as Signals <signals@example.org>")
        self._from = formataddr((name, self._sender))
        self._host = self._sender.rpartition("@")[2]
        self._parts: dict[tuple[str, str, str, bool], Part] = {}

    def letter(self, due: Due) -> Letter:
        """The mail."""
        subscriber, title = due.subscriber, subject(due)
        links = {name: f"{self._site}/v1/subscriptions/{name}?token={quote(subscriber.token)}" for name in ("confirm", "change", "leave")}
        parts = [self._part(each, number < MOST_PICTURES) for number, each in enumerate(due.advices)]
        plain, pages = _pages(html=False), _pages(html=True)
        ends = subscriber.follows, bool(parts), links["change"], links["leave"]
        text = [_encoded(plain.question(subscriber.follows, links["confirm"])) if due.asks else b"",
                _encoded(plain.wish(links["change"])) if due.wishes else b"", *(part.text for part in parts), _encoded(plain.foot(*ends))]
        html = [_encoded(pages.head(title)), _encoded(pages.question(subscriber.follows, links["confirm"])) if due.asks else b"",
                _encoded(pages.wish(links["change"])) if due.wishes else b"",
                *(part.html for part in parts), _encoded(pages.foot(*ends))]
        number = "-".join(map(str, (subscriber.id, due.deliveries[0], due.deliveries[-1])))
        headers = {"From": self._from, "To": subscriber.address, "Date": formatdate(usegmt=True), "Subject": _worded(title), "Message-ID": f"<{number}.cerebrolab@{self._host}>",
                   "List-Unsubscribe": f"<{links['leave']}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",  # RFC 8058
                   "Auto-Submitted": "auto-generated", "MIME-Version": "1.0"}
        return Letter(self._sender, subscriber.address, _joined(headers, b"".join(text), b"".join(html), [part.picture for part in parts if part.picture]))

    def _part(self, advice: Advice, pictured: bool) -> Part:
        key = (advice.strategy, advice.symbol, advice.session, pictured)
        if key not in self._parts:
            if len(self._parts) >= MOST_KEPT:
                self._parts.clear()
            closes = closes_of(advice)
            name = f"{binascii.crc32(repr(key).encode()):08x}@{self._host}" if pictured and len(closes) > 1 else ""
            shown = _shown(advice, name)
            picture = _attached(chart(closes, advice.signal), name) if name else b""
            self._parts[key] = Part(_encoded(_pages(html=False).card(shown)), _encoded(_pages(html=True).card(shown)), picture)
        return self._parts[key]


def subject(due: Due) -> str:
    """What the mail is about, in one line."""
    if not due.advices:
        return "Please confirm that you want these signals" if due.asks else "Do you want more signals?"
    named = ", ".join(f"{each.signal} {each.symbol}" for each in due.advices[:MOST_NAMED])
    more = len(due.advices) - MOST_NAMED
    return (named if len(named) <= MOST_SUBJECT else f"{named[:MOST_SUBJECT]}…") + (f" and {more} more" if more > 0 else "")


def reasons_of(numbers: Mapping[str, Any], closes: Sequence[float]) -> dict[str, Any]:
    """The reasons of an advice: its numbers, and the latest closes."""
    return {**{name: value for name, value in numbers.items() if name != CLOSES}, CLOSES: list(closes)}


def line_of(advice: Advice) -> str:
    """An advice in one line, with its reasons."""
    numbers = ", ".join(f"{name} {text}" for name, text in shown_numbers(advice))
    return f"{advice.signal} {advice.symbol} at {advice.close:,.2f} by {advice.strategy}{f': {numbers}' if numbers else ''}"


def closes_of(advice: Advice) -> tuple[float, ...]:
    """Its latest closes, oldest first; () where there is something else in their place."""
    found = advice.reasons.get(CLOSES)
    if not isinstance(found, list) or not all(isinstance(each, int | float) and math.isfinite(_float(each)) for each in found):
        return ()
    return tuple(map(float, found))


def shown_numbers(advice: Advice) -> list[tuple[str, str]]:
    """(name, number or text) of its reasons, as they are read, the texts last; without the closes."""
    found = sorted(((name, value) for name, value in advice.reasons.items() if name != CLOSES), key=lambda pair: isinstance(pair[1], str))
    return [(name.replace("_", " "), _number(value)) for name, value in found]


# -- words ------------------------------------------------------------------------------------------------


def _shown(advice: Advice, picture: str) -> dict[str, Any]:
    return {"signal": advice.signal, "symbol": advice.symbol, "strategy": advice.strategy, "session": advice.session,
            "close": f"{advice.close:,.2f}", "numbers": shown_numbers(advice), "picture": picture, "colour": COLOURS.get(advice.signal, "#687182")}


def _number(value: Any) -> str:
    if value is None:
        return "-"
    if not isinstance(value, int | float):
        return str(value)
    value = _float(value)
    return "-" if not math.isfinite(value) else f"{value:,.5g}" if abs(value) < 1_000 else f"{value:,.2f}"


def _float(value: float) -> float:
    """As a float; infinite where it is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


@lru_cache(maxsize=2)
def _pages(*, html: bool) -> Any:
    """The macros of a template."""
    import jinja2

    pages = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=html, undefined=jinja2.StrictUndefined,
                               trim_blocks=True, lstrip_blocks=True)
    return pages.get_template("letter.html.j2" if html else "letter.txt.j2").module


# -- MIME (RFC 2045, 2046, 2047) --------------------------------------------------------------------------


def _encoded(text: str) -> bytes:
    """Lines as quoted-printable, each ended by CRLF."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").encode()
    return binascii.b2a_qp(lines if lines.endswith(b"\n") else lines + b"\n", istext=True).replace(b"\n", b"\r\n")


def _attached(picture: bytes, name: str) -> bytes:
    heads = f"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: inline\r\nContent-ID: <{name}>\r\n\r\n"
    return heads.encode() + base64.encodebytes(picture).replace(b"\n", b"\r\n")


def _joined(headers: Mapping[str, str], text: bytes, html: bytes, pictures: Sequence[bytes]) -> bytes:
    heads = "".join(f"{name}: {_header(value)}\r\n" for name, value in headers.items())
    outer, inner = f"{BOUNDARY}-1", f"{BOUNDARY}-2"
    start, end = (f"--{outer}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n".encode() for kind in ("plain", "html"))
    if pictures:
        related = f"--{outer}\r\nContent-Type: multipart/related; boundary=\"{inner}\"\r\n\r\n".encode()
        end = related + end.replace(f"--{outer}".encode(), f"--{inner}".encode())
    attached = b"".join(f"\r\n--{inner}\r\n".encode() + each for each in pictures) + (f"\r\n--{inner}--\r\n".encode() if pictures else b"")
    return b"".join([heads.encode(), f"Content-Type: multipart/alternative; boundary=\"{outer}\"\r\n\r\n".encode(), start, text, b"\r\n", end, html, attached,
                     f"\r\n--{outer}--\r\n".encode()])


def _header(value: str) -> str:
    """On one line: nothing in it begins a header of its own."""
    line = " ".join(value.split())
    return line if line.isascii() and line.isprintable() else _encoded_word(line)


def _worded(text: str) -> str:
    """A text in which nothing is taken for an encoded word that is none of ours."""
    return _encoded_word(" ".join(text.split())) if "=?" in text else text


def _encoded_word(line: str) -> str:
    return Header(line, "utf-8", maxlinelen=900).encode()
