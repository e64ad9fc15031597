"""Daily runs that die at random, over days, at a venue that fails at random: in the end everything is as if nothing had happened.

`make soak` runs it; `make soak SOAK_SEED=... SOAK_POINTS=...` repeats it.
"""

import itertools
import os
import random
import shutil
import sqlite3

import pytest
from killed_runs import Killer, Runs, blank_journal, outcome
from live_days import FIRST, Days, venue
from mortal_days import BARS, MORTAL

from brokers.local_alpaca import AccountRules, AnswerFault

SESSIONS = 4
PATIENCE_S = 0.5  # of a run, for an answer
FAULTS = (
    dict(lost=True), dict(cut=True), dict(status=504), dict(reset=True), dict(wait_s=1.2 * PATIENCE_S), dict(accepted=False, reset=True),
    dict(accepted=False, status=500), dict(accepted=False, status=504), dict(accepted=False, status=429, headers={"Retry-After": "2"}),
)
STAGES = (("16:25", 120), ("19:05", 480), ("09:31", 370), ("16:05", 9))  # New York, and minutes within which it may be called again


class Life:
    """Some sessions of one account; the same number is the same life, with deaths and faults or without."""

    def __init__(self, seed: int, number: int, folder) -> None:
        self.random = random.Random(f"{seed}/{number}")
        shorts = self.random.choice([0.0, 0.3])
        params = {"seed": self.random.randrange(10**6), "density": self.random.choice([0.5, 1.0]), "shorts": shorts}
        self.options = {"params": params, "patience_s": PATIENCE_S}
        self.cash = self.random.choice([10_000.0, 100_000.0])
        self.multiplier = 4 if shorts else self.random.choice([1, 2])
        self.held = {symbol: (self.random.randrange(1, 400), 100.0) for symbol in MORTAL.symbols if self.random.random() < 0.5}
        self.missed = {at for at in range(SESSIONS) if self.random.random() < 0.5}  # sessions at whose close nobody calls
        self.folder, self.deaths = folder, 0

    def live(self, name, blank, runs=None):
        """Every stage of every day; with `runs`, undisturbed only in the end."""
        path = self.folder / f"{name}.db"
        shutil.copy(blank, path)
        rules = AccountRules(multiplier=self.multiplier)
        with venue(BARS, now=f"{FIRST}T16:20-05:00", cash=self.cash, account=rules, positions=self.held) as alpaca:
            days = Days(alpaca, BARS, path, MORTAL.replace(params=self.options["params"]))
            for at in range(SESSIONS):
                date = days.today
                for time, minutes in STAGES[:-1] if at in self.missed else STAGES:
                    date = days.session_after(date) if time == "09:31" else date
                    days.at(time, date)
                    if runs:
                        self._disturbed(days, path, 60.0 * minutes, runs)
                    else:
                        days.once()
            found = outcome(alpaca, path)
        with sqlite3.connect(path) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()
        return found

    def _disturbed(self, days, path, within, runs):
        """A few runs, some time apart, that may die or meet a failing venue; then one that nothing disturbs."""
        killers = []
        for _ in range(self.random.randrange(5)):
            self._faults(days.alpaca)
            if not killers and self.random.random() < 0.5:
                killers.append(Killer(days.alpaca, nth=self.random.choice([1, 1, 2, 3]), until=self._countdown()))
                told = killers[-1].once(runs, path, **self.options)
            else:
                told = runs.once(days.alpaca, path, self._death(), **self.options)
            self.deaths += told is None
            days.alpaca.faults.clear()
            pause = within * self.random.random()
            within -= pause
            days.alpaca.advance(seconds=pause)
        days.once()
        for killer in killers:
            killer.end()

    def _faults(self, alpaca):
        for fault in self.random.sample(FAULTS, self.random.choice([0, 0, 1, 2])):
            method, nth, times = self.random.choice(["POST", "*"]), self.random.randrange(1, 8), self.random.randrange(1, 4)
            alpaca.faults.add(AnswerFault(method=method, nth=nth, times=times, **fault))

    def _countdown(self):
        """An order of the dead arrives so many requests after it has been asked for."""
        left, asked = itertools.count(self.random.randrange(6), -1), []

        def arrives(request, victim):
            asked.extend([request] if request.client_order_id == victim.client_order_id else [])
            return bool(asked) and next(left) <= 0

        return arrives

    def _death(self):
        kind = self.random.choice(["point", "point", "commit", "closing", "file"])
        if kind == "point":
            return [kind, int(26 ** self.random.random())]
        if kind == "commit":
            return [kind, self.random.randrange(4), self.random.randrange(1, 10_000)]
        return [kind, self.random.randrange(150_000 if kind == "closing" else 60_000)]


@pytest.mark.soak
def test_random_deaths(tmp_path):
    seed = int(os.environ.get("SOAK_SEED") or random.SystemRandom().randrange(10**6))
    points = int(os.environ.get("SOAK_POINTS") or 200)
    print(f"\nSOAK_SEED={seed} SOAK_POINTS={points}")
    blank_journal(tmp_path / "blank.db")
    runs, deaths, number, orders = Runs(), 0, 0, 0
    try:
        while deaths < points:
            number += 1
            whole = Life(seed, number, tmp_path).live(f"{number}-whole", tmp_path / "blank.db")
            life = Life(seed, number, tmp_path)
            assert life.live(f"{number}", tmp_path / "blank.db", runs) == whole, f"life {number} of SOAK_SEED={seed}"
            deaths, orders = deaths + life.deaths, orders + len(whole["orders"])
            print(f"life {number}: {life.deaths} deaths, {len(whole['orders'])} orders")
    finally:
        runs.close()
    print(f"{deaths} deaths in {number} lives, {orders} orders, each once")
    assert orders > number
