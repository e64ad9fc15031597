"""The page of a session: what was advised and why, live accounts, and the steps of the daily run. The layout is in `day.html.j2`.

Imports reports, journal, core and what is beside it.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

import reports
from core.calendars import Calendar
from core.errors import StoreFailed
from core.settings import Settings
from feeds.parquet_file import replace_file
from journal import Journal
from journal.daily_log import DailyStep
from journal.subscriptions import Advice
from reports.formats import count, gain_or_loss, money, price, signed_percent
from reports.palette import DARK, LIGHT, css
from services.daily.portfolio import Account, accounts
from services.notify.letters import closes_of, shown_numbers

WIDTH, HEIGHT, MARGIN = 320.0, 90.0, 8.0  # of a chart, in units of its own


def page_of(settings: Settings, session: str) -> Path:
    """Where the page of a session (ISO date) is."""
    return settings.runs_dir / "daily" / f"{session}.html"


def write_day(journal: Journal, settings: Settings, session: np.datetime64, calendar: Calendar, source: str) -> Path:
    """Write the page of a session, instead of an older one; returns where it is.

    Args:
        source: of the bars, as in `RunSpec`: its backtests are linked.

    Raises:
        StoreFailed: it cannot be written, or the journal fails.
    """
    page = page_of(settings, str(session))
    content = render_day(journal, settings, session, calendar, source)
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreFailed(f"cannot create {page.parent}: {error.strerror}; set CEREBROLAB_RUNS_DIR to another folder") from None
    replace_file(page, content.encode())
    return page


def render_day(journal: Journal, settings: Settings, session: np.datetime64, calendar: Calendar, source: str) -> str:
    """The page as one HTML text that needs nothing else."""
    name = str(session)
    date = dt.date.fromisoformat(name)
    advised = [each for each in journal.subscriptions.advices(since=name) if each.session == name]
    followed = journal.subscriptions.followed()
    runs = {pair: each.run for pair, each in journal.subscriptions.backtests(source).items()}
    found, steps = accounts(journal, session, calendar), journal.daily.steps(name)[::-1]
    site = settings.site.rstrip("/")
    return _template().render(
        light=css(LIGHT), dark=css(DARK), kind="Daily run", title=f"{date:%A}, {date.day} {date:%B %Y}",
        span=_span(followed), synthetic=False, notes=[f"{each.step}: {each.text}" for each in steps if not each.done],
        tiles=_tiles(advised, followed, found, steps), signals=[_signal(each, site, runs.get((each.strategy, each.symbol))) for each in advised],
        accounts=[_account(each) for each in found], steps=[_step(each) for each in steps], site=site)


@lru_cache(maxsize=1)
def _template() -> Any:
    import jinja2

    folders = jinja2.FileSystemLoader([Path(__file__).parent, Path(reports.__file__).parent])
    pages = jinja2.Environment(loader=folders, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return pages.get_template("day.html.j2")


# -- words ------------------------------------------------------------------------------------------------


def _span(followed: Mapping[str, Sequence[str]]) -> str:
    symbols = {symbol for each in followed.values() for symbol in each}
    return f"{_counted(len(symbols), 'symbol')} followed by {_counted(len(followed), 'strategy')}" if followed else "nobody follows anything"


def _counted(number: int, what: str) -> str:
    plural = f"{what.removesuffix('y')}ies" if what.endswith("y") else f"{what}s"
    return f"{number:,} {what if number == 1 else plural}"


def _tiles(advised: Sequence[Advice], followed: Mapping[str, Sequence[str]], found: Sequence[Account],
           steps: Sequence[DailyStep]) -> list[tuple[str, str, str, str]]:
    """(label, value, remark, "gain" or "loss" or "")."""
    said = {name: [each.symbol for each in advised if each.signal == name] for name in ("BUY", "SELL")}
    worth, alerts = sum((each.equity for each in found), start=0), sum(len(each.alerts) for each in found)
    return [
        ("Buy", count(len(said["BUY"])), _named(said["BUY"]), ""),
        ("Sell", count(len(said["SELL"])), _named(said["SELL"]), ""),
        ("Followed", count(sum(map(len, followed.values()))), "strategies and symbols", ""),
        ("Accounts", money(float(worth)) if found else "–", f"{count(len(found))} with a snapshot", ""),
        ("Alerts", count(alerts), "of the session", "loss" if alerts else ""),
        ("Steps", f"{sum(each.done for each in steps)} of {len(steps)}", "done before this page", ""),
    ]


def _named(symbols: Sequence[str]) -> str:
    return ", ".join(symbols[:3]) + (f" and {len(symbols) - 3} more" if len(symbols) > 3 else "")


def _signal(advice: Advice, site: str, run: int | None) -> dict[str, Any]:
    closes = closes_of(advice)
    return {"signal": advice.signal, "symbol": advice.symbol, "strategy": advice.strategy, "close": price(float(advice.close)),
            "kind": "gain" if advice.signal == "BUY" else "loss", "numbers": shown_numbers(advice), "line": _line(closes),
            "count": len(closes), "backtest": f"{site}/v1/runs/{run}/report" if run is not None else ""}


def _line(closes: Sequence[float]) -> list[tuple[float, float]]:
    """Closes as points of the chart, oldest first; [] where there are too few for a line."""
    if len(closes) < 2:
        return []
    low, spread = min(closes), (max(closes) - min(closes)) or 1.0
    across, up = (WIDTH - 2 * MARGIN) / (len(closes) - 1), HEIGHT - 2 * MARGIN
    return [(round(MARGIN + at * across, 1), round(HEIGHT - MARGIN - (close - low) / spread * up, 1)) for at, close in enumerate(closes)]


def _account(account: Account) -> dict[str, Any]:
    change = None if account.change is None else float(account.change)
    part = change / float(account.before) if change is not None and account.before else None
    return {"name": account.name, "equity": money(float(account.equity)), "cash": money(float(account.cash)),
            "change": "–" if change is None else f"{change:+,.2f} ({signed_percent(part, 2)})", "kind": gain_or_loss(change or 0.0),
            "positions": [(symbol, count(float(shares))) for symbol, shares in account.positions],
            "alerts": [f"{note.run}: {note.text}" if note.run else note.text for note in account.alerts]}


def _step(step: DailyStep) -> dict[str, Any]:
    tried = f"{step.attempts} times" if step.attempts > 1 else ""
    return {"step": step.step, "state": "done" if step.done else "failed", "kind": "" if step.done else "loss", "tried": tried,
            "time": f"{dt.datetime.fromtimestamp(step.time_ns / 1e9, dt.UTC):%H:%M:%S}", "text": step.text}
