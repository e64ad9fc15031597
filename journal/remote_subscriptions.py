"""Subscriptions and the daily run behind the REST API: as `journal.subscriptions` and `journal.daily_log`.

Addresses and the secrets of links stay where the database is: here one learns what is followed and what was advised, and no more.
"""

from collections.abc import Iterable
from typing import Any, NoReturn

from core.clock import Clock
from core.errors import StoreFailed
from journal.api_client import ApiClient
from journal.daily_log import DailyLog, DailyStep
from journal.database import elsewhere
from journal.live_days import every
from journal.pages import Part
from journal.remote_state import record
from journal.subscriptions import Advice, Backtested, Posted, Subscriptions

MOST, AT_ONCE = 1_000, 100  # advices in one answer, in one request
MOST_ASKED = 1_000  # times that mails are still being sent
MOST_DAYS = 1_000


class ApiSubscriptions(Subscriptions):
    """As `journal.subscriptions.Subscriptions`, for whoever advises; what is about single subscribers is done where the database is."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    def followed(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for each in self._client.get("/followed")["follows"]:
            found.setdefault(each["strategy"], []).append(each["symbol"])
        return {strategy: tuple(symbols) for strategy, symbols in found.items()}

    def backtests(self, source: str) -> dict[tuple[str, str], Backtested]:
        told = self._client.get("/followed/backtests", source=source)["backtests"]
        return {(each["strategy"], each["symbol"]): record(Backtested, each) for each in told}

    def advise(self, advices: Iterable[Advice]) -> int:
        told, new = [vars(each) for each in advices], 0
        for first in range(0, len(told), AT_ONCE):
            new += int(self._client.send("POST", "/advice", {"advice": told[first : first + AT_ONCE]})["recorded"])
        return new

    def advices(self, strategy: str | None = None, symbol: str | None = None, since: str = "") -> list[Advice]:
        return list(every(lambda after: self.latest(strategy, symbol, since, MOST, after)))[::-1]

    def latest(self, strategy: str | None = None, symbol: str | None = None, since: str = "", limit: int = 100, after: str = "") -> Part[Advice]:
        told = self._client.get("/advice", strategy=strategy, symbol=symbol, since=since or None, limit=limit, after=after or None)
        return Part([record(Advice, each) for each in told["advice"]], told["next"] or "")

    def waiting(self) -> int:
        return int(self._client.get("/mails")["waiting"])

    def posts(self) -> bool | None:
        return bool(self._client.get("/mails")["posts"])

    def post(self) -> Posted:
        total = Posted()
        for _ in range(MOST_ASKED):
            told = self._client.send("POST", "/mails", {})
            total = Posted(*(getattr(total, name) + told[name] for name in ("sent", "later", "given_up")))
            if told["done"]:
                return total
        raise StoreFailed(f"the API {self._client.shown} is still sending mails: look at its log, and repeat it later")

    def _elsewhere(self, *_: Any, **__: Any) -> NoReturn:
        raise elsewhere(self._client.shown)

    ask = confirm = leave = subscriber = follow = backtests_of = due = sent = failed = _elsewhere


class ApiDailyLog(DailyLog):
    """As `journal.daily_log.DailyLog`; places are kept where the database is."""

    def __init__(self, client: ApiClient, clock: Clock) -> None:
        self._client, self._clock = client, clock

    def record(self, day: str, step: str, done: bool, text: str, at_ns: int = 0) -> DailyStep:
        body = dict(session=day, step=step, done=done, text=text, at_ns=at_ns or self._clock.now_ns())
        return _step(day, self._client.send("POST", "/days", body))

    def steps(self, day: str | None = None, limit: int = 100) -> list[DailyStep]:
        told = self._client.get("/days", session=day, limit=min(limit, MOST_DAYS))["days"]
        return [_step(each["session"], step) for each in told for step in each["steps"][::-1]][:limit]

    def days(self, limit: int = 30) -> list[tuple[str, list[DailyStep]]]:
        told = self._client.get("/days", limit=limit)["days"]
        return [(each["session"], [_step(each["session"], step) for step in each["steps"]]) for each in told]

    def _elsewhere(self, *_: Any, **__: Any) -> NoReturn:
        raise elsewhere(self._client.shown)

    place = keep_place = move_place = last_note = notes_after = _elsewhere


def _step(day: str, told: dict[str, Any]) -> DailyStep:
    return record(DailyStep, {**told, "session": day})
