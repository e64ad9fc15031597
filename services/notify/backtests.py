"""Backtests of what is followed: each strategy on each symbol alone, played once, and told beside its advice.

Imports journal, core, services.tasks and, when asked, services.jobs.
"""

import datetime as dt
import hashlib
import logging
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.spec import RunSpec
from journal import Journal
from journal.subscriptions import Backtested, Subscriber
from services.tasks import Backtest

if TYPE_CHECKING:
    from services.jobs import Jobs

log = logging.getLogger(__name__)
PERIOD, COMMISSION = "10y", "0.1%"
MOST_BEGUN = 20  # jobs that wait at a time
AGAIN = dt.timedelta(days=1)  # before one that failed is tried again
Pair = tuple[str, str]


def backtest(strategy: str, symbol: str, source: str) -> Backtest:
    """The backtest of a strategy on a symbol."""
    return Backtest(RunSpec(strategy=strategy, symbols=(symbol,), source=source, period=PERIOD, fractional=True, commission=COMMISSION))


def directory(runs_dir: Path, session: np.datetime64, pair: Pair) -> Path:
    """Where the daily run of a session keeps the report of one: no two pairs have the same."""
    name = f"daily-{session}-{'-'.join(pair)}"
    plain = re.sub(r"[^\w.-]", "_", name)
    return runs_dir / (plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}")


def missing(journal: Journal, source: str) -> list[Pair]:
    """What somebody follows and has no backtest."""
    known = journal.subscriptions.backtests(source)
    return [(strategy, symbol) for strategy, symbols in journal.subscriptions.followed().items() for symbol in symbols if (strategy, symbol) not in known]


def begin(jobs: "Jobs", journal: Journal, source: str, subscriber: Subscriber) -> int:
    """Begin the missing backtests of what a confirmed address follows, as jobs; returns how many.

    What is left out, because so many wait already or half of the queue is taken, is played by the daily run.
    """
    from services.jobs import MOST_WAITING

    if not subscriber.confirmed:
        return 0
    waiting = jobs.jobs(state="waiting")
    room = min(MOST_BEGUN - sum(_is_of_pair(job.asked, source) for job in waiting), MOST_WAITING // 2 - len(waiting))
    known, asked = journal.subscriptions.backtests_of(source, subscriber.follows), _asked(jobs)
    tasks = [backtest(*pair, source) for pair in subscriber.follows if pair not in known]
    begun = 0
    for task in tasks:
        if begun >= room:
            break
        if task.asked() not in asked:
            jobs.ask(task)
            begun += 1
    return begun


def told(found: Backtested | None) -> dict[str, str]:
    """What a backtest measured, as a mail says it: name -> text; {} where there is none."""
    return {f"backtest since {found.start}": measured(found)} if found is not None else {}


def measured(found: Backtested) -> str:
    """What a backtest measured, in a few words."""
    returned, sharpe, drawdown = (_number(found.metrics.get(name)) for name in ("total_return", "sharpe", "max_drawdown"))
    return ", ".join(text for text, value in ((f"{returned:+,.1%}", returned), (f"Sharpe {sharpe:.2f}", sharpe), (f"max drawdown {drawdown:.1%}", drawdown))
                     if math.isfinite(value)) or "nothing to measure"


def said_of(journal: Journal, source: str, follows: Iterable[Pair]) -> dict[Pair, str]:
    """(strategy, symbol) -> what its backtest measured, for those that have one."""
    found = journal.subscriptions.backtests_of(source, follows)
    return {pair: f"{measured(each)} since {each.start}" for pair, each in found.items()}


def _is_of_pair(asked: dict[str, Any], source: str) -> bool:
    """Whether what was asked of a job is the backtest of a strategy on a symbol."""
    spec = asked.get("spec", {})
    symbols = spec.get("symbols", ())
    return len(symbols) == 1 and asked == backtest(spec["strategy"], symbols[0], source).asked()


def _asked(jobs: "Jobs") -> list[object]:
    """What was asked of jobs that are to come, or have failed lately."""
    lately = (dt.datetime.now(dt.UTC) - AGAIN).isoformat()
    return [job.asked for job in jobs.jobs(kind="backtest") if job.state in ("waiting", "running") or job.state == "failed" and job.created >= lately]


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
