"""One mail to one subscriber, as text and HTML with pictures, from what it is due. Imports journal, core and what is beside it."""

import math
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from journal.subscriptions import Advice, Due
from services.notify.chart import COLOURS, chart

if TYPE_CHECKING:
    import jinja2

CLOSES = "closes"  # among the reasons of an advice: the latest ones, oldest first, for the picture
MOST_PICTURES = 10  # in one mail
MOST_NAMED = 3  # signals in a subject


def letter(due: Due, sender: str, site: str) -> EmailMessage:
    """The mail.

    Args:
        sender: address it is from. site: address of the pages that links lead to, such as "https://signals.example.org".
    """
    subscriber, host = due.subscriber, parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    links = {name: f"{site.rstrip('/')}/v1/subscriptions/{name}?token={quote(subscriber.token)}" for name in ("confirm", "change", "leave")}
    shown, pictures = [], {}
    for number, each in enumerate(due.advices):
        picture = _picture(each) if number < MOST_PICTURES else None
        if picture is not None:
            pictures[f"{number}@{host}"] = picture
        shown.append(_shown(each, f"{number}@{host}" if picture is not None else ""))
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = sender, subscriber.address, subject(due)
    message["Message-ID"] = f"<{'-'.join(map(str, (subscriber.id, due.deliveries[0], due.deliveries[-1])))}.cerebrolab@{host}>"
    message["List-Unsubscribe"], message["List-Unsubscribe-Post"] = f"<{links['leave']}>", "List-Unsubscribe=One-Click"  # RFC 8058
    message["Auto-Submitted"] = "auto-generated"
    told = dict(title=subject(due), asks=due.asks, follows=subscriber.follows, advices=shown, **links)
    message.set_content(_pages().get_template("letter.txt.j2").render(told).strip() + "\n")
    message.add_alternative(_pages(html=True).get_template("letter.html.j2").render(told), subtype="html")
    parts: Any = message.get_payload()
    for name, content in pictures.items():
        parts[1].add_related(content, "image", "png", cid=f"<{name}>", disposition="inline")
    return message


def subject(due: Due) -> str:
    """What the mail is about, in one line."""
    if not due.advices:
        return "Please confirm that you want these signals"
    named = [f"{each.signal} {each.symbol}" for each in due.advices[:MOST_NAMED]]
    more = len(due.advices) - MOST_NAMED
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def _shown(advice: Advice, picture: str) -> dict[str, Any]:
    numbers = [(name.replace("_", " "), _number(value)) for name, value in advice.reasons.items() if name != CLOSES]
    return {"signal": advice.signal, "symbol": advice.symbol, "strategy": advice.strategy, "session": advice.session,
            "close": f"{advice.close:,.2f}", "numbers": numbers, "picture": picture, "colour": COLOURS.get(advice.signal, "#687182")}


def _picture(advice: Advice) -> bytes | None:
    closes = advice.reasons.get(CLOSES, ())
    return chart(tuple(closes), advice.signal) if len(closes) > 1 else None


def _number(value: Any) -> str:
    if not isinstance(value, int | float):
        return str(value)
    return "-" if not math.isfinite(value) else f"{value:,.5g}" if abs(value) < 1_000 else f"{value:,.2f}"


@lru_cache(maxsize=2)
def _pages(html: bool = False) -> "jinja2.Environment":
    import jinja2

    return jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=html, undefined=jinja2.StrictUndefined,
                              trim_blocks=True, lstrip_blocks=html)


def reasons_of(numbers: Mapping[str, float], closes: list[float]) -> dict[str, Any]:
    """The reasons of an advice: its numbers, and the latest closes."""
    return {**{name: value for name, value in numbers.items() if name != CLOSES}, CLOSES: closes}
