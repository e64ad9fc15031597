"""KillSwitch: ends what a run may do after too large a loss in one session, until a human lets it go on. Imports core."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from brokers.guard.hours import Hours
from core.errors import CerebrolabError

# Kinds of notes: those of `journal.account_log`, and the value with which a session was begun.
REFUSED, KILLED, RESUMED, DAY = "refused", "killed", "resumed", "day"
ULPS = 1e-12


class Note(Protocol):
    """What was remembered; `journal.account_log.Note` is one."""

    @property
    def kind(self) -> str:
        """One of the kinds above."""

    @property
    def text(self) -> str:
        """One line."""

    @property
    def facts(self) -> dict[str, Any]:
        """Its numbers."""


Remember = Callable[..., Any]  # (kind, text, **facts)
Recall = Callable[[Iterable[str]], Sequence[Note]]


class KillSwitch:
    """Compares a run's value, on every look, with that at the beginning of the session.

    A session begins with the value at the last look before it, so that a gap over night counts; the first one of a run with
    the value at the first look. What a session began with is remembered: a later run on the same day goes on from there.
    Cash from outside, or gone there, raises or lowers what the session began with.

    Args:
        most: `Guard.max_daily_loss`, a part of the value at the beginning; 0 = it never kills.
        capital: the part is of no more than this.
        value: of the run, account currency. remember: writes a note down for good. recall: earlier notes of some kinds, in order.
        tell: told what a human should know. transfers: cash that came from outside in the last days (below zero: went there), by the
            venue's name of it; may raise errors of core.errors.

    Attributes:
        killed: why the run may open nothing more, "" while it may.
        trouble: why that cannot be known, "" while it can.
    """

    def __init__(self, most: float, hours: Hours, value: Callable[[], float], remember: Remember, recall: Recall,
                 tell: Callable[[str], Any], capital: float = math.inf, transfers: Callable[[], Mapping[str, float]] = dict) -> None:
        self._most, self._hours, self._capital = most, hours, capital
        self._value, self._remember, self._recall, self._tell = value, remember, recall, tell
        self.killed = self.trouble = ""
        self._known = False
        self._unwritten: tuple[str, dict[str, Any]] | None = None  # a kill that is still to be written down
        self._began: dict[str, float] = {}  # at most one session: what it began with
        self._last = math.nan
        self._transfers = transfers
        self._counted: set[str] = set()  # names of transfers that the values have in them; "" of one without a name

    def transferred(self, cash: float, reference: str) -> None:
        """Cash has come from outside, or gone there (below zero), and the next value has it in it."""
        self._last += cash
        self._began = {day: value + cash for day, value in self._began.items()}
        self._counted.add(reference)

    def look(self, moment: int) -> None:
        """Look at the value as of a bar that was complete at `moment` (UTC ns)."""
        try:
            self._write_kill()
            if self.killed and not self._unwritten or not self._known:
                self._read()
            if not self.killed:
                self._compare(self._hours.day(moment))
            self._note_trouble("")
        except CerebrolabError as error:
            self._note_trouble(str(error))

    def _note_trouble(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            self._tell(f"the guard opens nothing: {trouble}")
        self.trouble = trouble

    def _read(self) -> None:
        killed, began = self.killed, dict[str, float]()
        listed = self._transfers() if self._most and not self._known else {}
        for note in self._recall((KILLED, RESUMED) if self._known else (DAY, KILLED, RESUMED)):
            if note.kind == DAY:
                since = sum(cash for name, cash in listed.items() if name not in note.facts.get("transfers", listed))
                began = {str(note.facts["session"]): float(note.facts["value"]) + self._grown(note.facts.get("capital")) + since}
            else:
                killed, began = (note.text, began) if note.kind == KILLED else ("", {})
        if killed and not self.killed:
            self._tell(killed)
        if self.killed and not killed:
            self._last = math.nan  # losses count from here on
        self._known, self.killed, self._began, self._counted = True, killed, began, self._counted | set(listed)

    def _compare(self, day: str) -> None:
        if not self._most:
            return
        value = self._value()
        if math.isnan(value):
            raise CerebrolabError("the value of the run is unknown: a position has no price")
        if day not in self._began:
            self._begin(day, value if math.isnan(self._last) else self._last)
        self._last, began = value, self._began[day]
        allowed = self._most * min(began, self._capital)
        if began - value > allowed * (1 + ULPS):
            self._kill(day, began, value, allowed)

    def _begin(self, day: str, value: float) -> None:
        capital = self._capital if math.isfinite(self._capital) else None
        if "" in self._counted:
            self._counted = set(self._transfers())  # by now it has a name
        self._remember(DAY, f"{day} begins with {value:,.2f}", session=day, value=value, capital=capital, transfers=sorted(self._counted))
        self._began = {day: value}

    def _grown(self, capital: float | None) -> float:
        """What a human has given the run since the day began, by another capital."""
        return self._capital - capital if capital is not None and math.isfinite(self._capital) else 0.0

    def _kill(self, day: str, began: float, value: float, allowed: float) -> None:
        self.killed = (f"stopped on {day}: it lost {began - value:,.2f} of {began:,.2f}, more than {allowed:,.2f} by "
                       f"guard.max_daily_loss {self._most:g}")
        self._unwritten = self.killed, {"session": day, "began": began, "value": value, "limit": allowed, "rule": "max_daily_loss"}
        self._tell(self.killed)
        self._write_kill()

    def _write_kill(self) -> None:
        if self._unwritten is not None:
            text, facts = self._unwritten
            self._remember(KILLED, text, **facts)
            self._unwritten = None
