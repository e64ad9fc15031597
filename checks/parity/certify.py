"""`certify`: the same spec and bars through the simulated broker and through Alpaca's path, compared. Imports engine and below."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from brokers.alpaca import AlpacaStore
from brokers.local_alpaca import AccountRules, LocalAlpaca
from checks.parity.certificate import Certificate
from checks.parity.compare import compare
from checks.parity.daily import SETTLED_NS, DailyRuns
from checks.parity.evidence import Evidence
from checks.parity.injection import Injection
from checks.parity.simulated import simulated_story
from checks.parity.story import Story
from checks.parity.streamed import AFTER_S, SECOND, Streaming
from core.bars import Bars
from core.calendars import MINUTE_NS, get_calendar
from core.errors import BadSpec
from core.spec import RunSpec
from engine import resolve
from engine.assemble import DECIDING_PACKAGES, versions_of
from engine.build import trades_adjusted
from engine.live.daily import Daily
from engine.live.streaming import needs_cerebro
from engine.loading import load
from feeds.intervals import is_intraday

DAYS = {True: 1, False: 30}  # sessions played where nobody says how many: with bars within the day, and with daily ones
MULTIPLIER = {"margin": 2, "cash": 1}
PACKAGES = (*DECIDING_PACKAGES, "alpaca-py")
UNFINISHED_NS = 15 * MINUTE_NS  # before the close: bars that end earlier are those of a session that goes on
DAY_DONE_NS = 40 * MINUTE_NS  # after the close live daily bars have come and been decided on


@dataclass(frozen=True)
class Sides:
    """What plays the two sides; others than these are judged in their place.

    Attributes:
        broker: of the backtest, as `engine.build` takes it. store: class of the streaming run's. daily: class of the daily run.
    """

    broker: Any = "simulated"
    store: Callable[..., Any] = AlpacaStore
    daily: Callable[..., Any] = Daily


def certify(spec: RunSpec, bars: Bars | None = None, *, days: int | None = None, inject: Sequence[Injection] = (), account: str = "margin",
            store: Any = None, progress: Any = None, sides: Sides | None = None) -> Certificate:
    """Play a spec on both sides and compare them.

    Args:
        bars: what to play, instead of what the spec's source delivers. store, progress: as `engine.run`.
        days: the last sessions of the bars, played live; the earlier ones are history.
        inject: gaps to plant. account: "margin" or "cash", of the venue. sides: what plays.

    Raises:
        BadSpec: the spec cannot be played so. Otherwise as `engine.run`.
    """
    started = time.perf_counter()
    source = spec.source if bars is None else "given"
    bars = load(spec, store, progress) if bars is None else bars
    spec, bars, notes = _playable(spec, bars)
    sessions = np.unique(bars.session)
    days = _days(days, len(sessions), is_intraday(bars.interval))
    streams = needs_cerebro(spec)
    if any(each.name == "late_bar" for each in inject) and not (streams and is_intraday(bars.interval)):
        raise BadSpec("late_bar can be injected into bars within the day only: daily bars are fetched when they are complete")
    play = _stream if streams else _daily
    simulated, live, evidence, first_ns = play(spec, bars, sessions[-days - 1:], Rules(inject, account, sides or Sides()))
    verdict = compare(simulated, live, evidence, bars, first_ns)
    facts = {"fingerprint": bars.fingerprint, "source": bars.origin.source or source, "synthetic": bars.origin.synthetic,
             "symbols": list(bars.symbols), "sessions": len(sessions)}
    return Certificate(spec.masked(), "streaming" if streams else "daily run", bars.interval, (str(sessions[-days]), str(sessions[-1])), facts, verdict,
                       {story.name: story.end for story in (simulated, live)}, [str(each) for each in inject], dict(versions_of(PACKAGES)),
                       [*notes, *live.notes], time.perf_counter() - started)


@dataclass(frozen=True)
class Rules:
    """How the venue is set up, and what plays; see `certify`."""

    inject: Sequence[Injection]
    account: str
    sides: Sides

    def venue(self, spec: RunSpec, bars: Bars, now: int) -> LocalAlpaca:
        """The local Alpaca at a moment, with its gaps."""
        made = LocalAlpaca(bars, spec.cash, now, spec.seed, AccountRules(multiplier=MULTIPLIER[self.account]))
        for gap in self.inject:
            gap.plant(made)
        return made


Played = tuple[Story, Story, Evidence, int]


def _stream(spec: RunSpec, bars: Bars, sessions: np.ndarray, rules: Rules) -> Played:
    calendar = get_calendar(bars.calendar)
    first_ns = int(bars.index[bars.session == sessions[1]][0])
    opens, closes = int(calendar.open_of(sessions[1:2])[0]), int(calendar.close_of(sessions[-1:])[0])
    last = int(bars.index[-1])
    until = closes + DAY_DONE_NS if not is_intraday(bars.interval) else (last if closes - last > UNFINISHED_NS else closes) + AFTER_S * SECOND
    with rules.venue(spec, bars, opens - MINUTE_NS) as venue:
        live = Streaming(venue, spec, bars, until, rules.sides.store).play(bars.between(None, sessions[0]))
        evidence = Evidence.of(venue, spec)
    return simulated_story(spec, bars, first_ns, rules.sides.broker), live, evidence, first_ns


def _daily(spec: RunSpec, bars: Bars, sessions: np.ndarray, rules: Rules) -> Played:
    closes = int(get_calendar(bars.calendar).close_of(sessions[:1])[0])
    first_ns = int(bars.index[bars.session == sessions[0]][0])
    with rules.venue(spec, bars, closes + SETTLED_NS) as venue, tempfile.TemporaryDirectory() as folder:
        live = DailyRuns(venue, spec, bars, Path(folder) / "journal.db", rules.sides.daily).play(sessions)
        evidence = Evidence.of(venue, spec)
    return simulated_story(spec, bars, first_ns, rules.sides.broker), live, evidence, first_ns


# -- what can be played ---------------------------------------------------------------------------------------


def _playable(spec: RunSpec, bars: Bars) -> tuple[RunSpec, Bars, list[str]]:
    """The spec and the bars as both sides take them, and what was changed for that."""
    if bars.interval not in ("1m", "1d"):
        raise BadSpec(f"interval is {bars.interval}: the local Alpaca plays bars of 1m or 1d; name one of them")
    if bars.calendar != "XNYS":
        raise BadSpec(f"calendar is {bars.calendar}: Alpaca trades New York's sessions; parity needs calendar XNYS")
    if (bars.close_only & bars.tradable).any():
        symbol = bars.symbols[int(np.argmax(bars.close_only & bars.tradable))]
        raise BadSpec(f"{symbol} has closes only: an open is never invented, so no order can fill at one; use a source with opens")
    strategy, notes = resolve.strategy_class(spec.strategy), list(bars.origin.warnings)
    spec = resolve.without_aliases(spec, strategy)
    if trades_adjusted(spec, strategy) and bars.has_actions.any():
        bars, spec = bars.adjusted, spec.replace(prices="raw")
        notes.append("a plain strategy: both sides play adjusted prices, without dividends and splits")
    if spec.carry:
        spec = spec.replace(carry={})
        notes.append("carry is left out: what holding costs is the broker's, and the local Alpaca charges nothing")
    rounded = {f"raw_{name}": np.round(getattr(bars, f"raw_{name}"), 4) for name in ("open", "high", "low", "close")}
    if any(not np.array_equal(panel, getattr(bars, name), equal_nan=True) for name, panel in rounded.items()):
        bars = replace(bars, **rounded)
        notes.append("prices are rounded to a hundredth of a cent, as a venue has them")
    bars = replace(bars, raw_volume=np.round(bars.raw_volume))
    traded = tuple(np.array(bars.symbols)[bars.tradable].tolist())
    changes: dict[str, Any] = {
        "symbols": traded, "reference": tuple(np.array(bars.symbols)[~bars.tradable].tolist()), "rules": "alpaca", "start": str(bars.session[0]),
        "end": None, "period": None, "trading_days": None, "on_stop": "keep", "cash": min(spec.cash, spec.capital or spec.cash), "capital": None}
    if getattr(strategy, "path_dependent", False):
        changes["signal_start"] = spec.signal_start or str(bars.session[0])
    return spec.replace(**changes), bars, notes


def _days(asked: int | None, sessions: int, intraday: bool) -> int:
    if sessions < 2:
        raise BadSpec("the bars have one session only: the first is history, and the next ones are played; name an earlier start")
    if asked is not None and not 1 <= asked < sessions:
        raise BadSpec(f"days is {asked}: the bars have {sessions} sessions, of which 1 to {sessions - 1} can be played")
    return asked or min(DAYS[intraday], sessions - 1)
