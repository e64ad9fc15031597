"""`shadow_days`: the runs and days that were asked for, each beside its simulation, and what they say together.

Imports journal, feeds, engine and core.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from checks.shadow import ShadowDay, shadow
from checks.shadow_bars import Quotes
from checks.shadow_live import days_of
from checks.shadow_orders import amounts
from checks.shadow_parts import ZERO, total_of
from checks.shadow_slippage import recalibrated
from core.calendars import get_calendar
from core.clock import Clock
from core.errors import BadSpec, UnknownName, UsageError
from core.spec import RunSpec
from feeds.store import BarStore
from journal import Journal

SHOWN = 10  # days named in a message
Key = tuple[str, str]


@dataclass(frozen=True)
class ShadowDays:
    """Days of runs beside their simulations, in order."""

    days: tuple[ShadowDay, ...]

    def summary(self) -> dict[str, Any]:
        """What `--json` prints: the days, the sums over them, and slippage as executions have it."""
        total = amounts(total_of(day.parts for day in self.days), sum((day.value for day in self.days), ZERO))
        return {
            "live_gain": float(sum((day.live_gain for day in self.days), ZERO)),
            "shadow_gain": float(sum((day.shadow_gain for day in self.days), ZERO)), **total,
            "slippage_estimate": recalibrated([each for day in self.days for each in day.filled]),
            "days": [day.summary() for day in self.days],
            "warnings": list(dict.fromkeys(warning for day in self.days for warning in day.warnings)),
        }


def shadow_days(journal: Journal, store: BarStore, days: str, clock: Clock, wanted: "str | RunSpec | None" = None, account: str | None = None,
                quotes: Mapping[str, Quotes] | None = None, progress: Callable[[int, int, str], None] | None = None) -> ShadowDays:
    """The days of live runs beside their simulations.

    Args:
        days: an ISO date, or two with a colon between them, both included.
        wanted: a run by its name, its strategy's, or its spec; None = all. account: None = all.
        clock: what is past. progress: told (done, total, day).

    Raises:
        BadSpec: the days are no dates, reversed, or not over. UnknownName: no such run or account.
        UsageError: no live run traded on these days. Otherwise as `checks.shadow.shadow`.
    """
    first, last = _range(days)
    _check_past(last, clock)
    found = days_of(journal)
    if not found:
        raise UsageError("the journal has no live run: cerebrolab paper writes it, a backtest does not")
    chosen = _chosen(journal, found, wanted, account)
    asked = sorted((date, *key) for key in chosen for date in found[key] if first <= date <= last)
    if not asked:
        _refuse(days, [date for key in chosen for date in found[key]], clock)
    played = []
    for at, (date, owner, run) in enumerate(asked):
        _check_over(journal, owner, run, date, clock)
        played.append(shadow(journal, store, owner, run, date, quotes))
        if progress:
            progress(at + 1, len(asked), date)
    return ShadowDays(tuple(played))


def _range(days: str) -> tuple[str, str]:
    first, colon, last = days.partition(":")
    try:
        dates = [dt.date.fromisoformat(text).isoformat() for text in ((first, last) if colon else (first, first))]
    except ValueError:
        raise BadSpec(f"{days!r} is no day: write 2024-02-21, or 2024-02-19:2024-02-23 for several") from None
    if dates[0] > dates[1]:
        raise BadSpec(f"the days {days} are reversed: write {dates[1]}:{dates[0]}")
    return dates[0], dates[1]


def _check_past(last: str, clock: Clock) -> None:
    today = dt.datetime.fromtimestamp(clock.now_ns() / 1e9, dt.UTC).date().isoformat()
    if last > today:
        raise BadSpec(f"{last} is in the future, today is {today}: a shadow needs the bars of a day that is over")


def _check_over(journal: Journal, account: str, run: str, date: str, clock: Clock) -> None:
    rows = journal.blotter.decisions(account, run)
    calendar = get_calendar(str(rows[-1].spec.get("calendar", "XNYS")) if rows else "XNYS")
    if clock.now_ns() < int(calendar.close_of(np.array([np.datetime64(date, "D")]))[0]):
        raise BadSpec(f"the session of {date} is not over: a shadow needs all its bars")


def _refuse(days: str, known: Sequence[str], clock: Clock) -> None:
    today = dt.datetime.fromtimestamp(clock.now_ns() / 1e9, dt.UTC).date().isoformat()
    past = sorted({date for date in known if date <= today})
    shown = (f"the last {SHOWN} of {len(past)}: " if len(past) > SHOWN else "") + ", ".join(past[-SHOWN:])
    raise UsageError(f"no live run traded on {days}: the journal has {shown or 'no day that is over'}")


def _chosen(journal: Journal, found: Mapping[Key, Any], wanted: "str | RunSpec | None", account: str | None) -> list[Key]:
    accounts = sorted({key[0] for key in found})
    if account is not None and account not in accounts:
        raise UnknownName.of("account", account, accounts)
    keys = [key for key in sorted(found) if account in (None, key[0])]
    if wanted is None:
        return keys
    names = {key: _names(journal, key) for key in keys}
    if isinstance(wanted, RunSpec):
        fits = [key for key in keys if _is_of(journal, key, wanted)]
        asked = wanted.name or wanted.strategy
    else:
        fits, asked = [key for key in keys if wanted in names[key]], wanted
    if not fits:
        raise UnknownName.of("live run", asked, {name for known in names.values() for name in known})
    return fits


def _names(journal: Journal, key: Key) -> set[str]:
    """What a run is called: its key, its name, its strategy's."""
    rows = journal.blotter.decisions(*key)
    return {key[1], *(rows[-1:] and (rows[-1].strategy, str(rows[-1].spec.get("name") or rows[-1].strategy)))}


def _is_of(journal: Journal, key: Key, spec: RunSpec) -> bool:
    """Whether a run is of a spec: by its name, or by strategy, symbols and parameters."""
    rows = journal.blotter.decisions(*key)
    if not rows:
        return False
    own = RunSpec.from_dict(rows[-1].spec)
    if spec.name is not None or own.name is not None:
        return spec.name in (key[1], own.name)
    return own.strategy == spec.strategy and sorted(own.symbols) == sorted(spec.symbols) and dict(own.params) == dict(spec.params)
