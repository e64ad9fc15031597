"""A daily run against the local Alpaca, day after day, on the venue's own clock."""

import datetime as dt
from contextlib import contextmanager
from zoneinfo import ZoneInfo

import numpy as np
from alpaca_rest import rest_of
from made_bars import walk

from brokers.alpaca.clock import BrokerClock
from brokers.local_alpaca import AccountRules, LocalAlpaca
from core.bars import Bars
from core.calendars import get_calendar
from core.spec import RunSpec
from engine.live.daily import Daily
from journal import Journal

FIRST = "2024-02-20"
SYMBOLS = ("AAA", "BBB", "CCC")
SPEC = RunSpec(strategy="steady_decisions:SteadyDecisions", symbols=SYMBOLS, cash=100_000.0, sizer="EqualWeight",
               limits={"cash_buffer": 0.1}, signal_start=FIRST)
NEW_YORK = ZoneInfo("America/New_York")


def panel(rows=60, start="2024-01-02", symbols=SYMBOLS, seed=5, **options) -> Bars:
    """Daily bars on New York's sessions, prices in whole cents."""
    sessions = get_calendar("XNYS").between(start, "2025-12-31")[:rows]
    frames = {symbol: walk(rows, seed + at).round(2).set_axis(sessions.astype("datetime64[ns]")) for at, symbol in enumerate(symbols)}
    return Bars.from_frames(frames, **options)


@contextmanager
def venue(bars, now=f"{FIRST}T16:25-05:00", **options):
    """The local Alpaca after the close of a session."""
    rules = options.pop("account", AccountRules(multiplier=4))
    with LocalAlpaca(bars, now=now, account=rules, **options) as alpaca:
        yield alpaca


class Days:
    """Calls a daily run at the moments a scheduler would; every call is a new process as far as it can tell."""

    def __init__(self, alpaca, bars, path, spec=SPEC, **options):
        self.alpaca, self.bars, self.path, self.spec, self.options = alpaca, bars, path, spec, options
        self.reports = []

    def once(self, dry=False, spec=None):
        rest = rest_of(self.alpaca)
        try:
            clock = BrokerClock(rest)
            with Journal(self.path, clock) as journal:
                report = Daily(spec or self.spec, rest, clock, journal, bars_of=lambda session: self.bars.between(None, session),
                               **self.options).once(dry)
        finally:
            rest.close()
        self.reports.append(report)
        return report

    def at(self, time, date=None):
        """Let the venue's time pass until "HH:MM" in New York, today or on a date."""
        date = date or self.today
        self.alpaca.advance(to=f"{date}T{time}{offset(date)}")

    @property
    def today(self):
        moment = np.datetime64(self.alpaca.now, "ns").astype("datetime64[s]").item().replace(tzinfo=dt.UTC)
        return moment.astimezone(NEW_YORK).date()

    def session_after(self, date):
        return get_calendar("XNYS").step(np.datetime64(date), 1).item()

    def whole_day(self):
        """From the evening of a decision to the evening of the next session: decide, send, trade, settle."""
        day, following = self.today, self.session_after(self.today)
        self.once()
        self.at("19:05", day)
        self.once()
        self.at("09:31", following)
        self.once()
        self.at("16:25", following)





def offset(date) -> str:
    """New York's offset on a date, as "-05:00"."""
    text = dt.datetime.combine(date, dt.time(12), NEW_YORK).strftime("%z")
    return f"{text[:3]}:{text[3:]}"
