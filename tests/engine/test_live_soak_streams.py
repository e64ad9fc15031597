"""Streaming runs that are killed and stopped at random, at a venue that fails at random: nothing is done twice or left unattended.

`make soak` runs it; `make soak SOAK_SEED=... SOAK_POINTS=...` repeats it.
"""

import os
import random

import pytest
from killed_streams import BEGINS, ENDS, FALLS, SHARES, SPEC, Killed, Points, judge, standing, walked
from scripted_minutes import at
from streamed_runs import lived, venue

from brokers.local_alpaca import AccountRules, AnswerFault, EventFault, OrderFault
from brokers.local_alpaca.moments import moment
from core.errors import AccountLeft
from journal import Journal

FAULTS = (
    lambda: AnswerFault(lost=True), lambda: AnswerFault(cut=True), lambda: AnswerFault(status=504), lambda: AnswerFault(reset=True),
    lambda: AnswerFault(method="POST", path="/orders", accepted=False, status=403,
                        body={"code": 40310000, "message": "potential wash trade detected"}),
    lambda: EventFault(event="fill", do="lose"), lambda: EventFault(event="canceled", do="lose"), lambda: EventFault(do="duplicate"),
    lambda: OrderFault(do="slow_new", seconds=4), lambda: OrderFault(do="cancel_slow", seconds=6),
    lambda: OrderFault(type="market", do="reject"), lambda: OrderFault(type="market", do="reject_after_new"),
)
LAST = at("10:05:00")  # the last process begins before it, so that it makes the last decision


class Life:
    """One day of one run in several processes; the same number is the same life."""

    def __init__(self, seed, number, folder):
        self.random = random.Random(f"{seed}/{number}")
        scripts = {name: ",".join([f"{minute}:{self.random.choice([1, 1, 0, -1])}" for minute in sorted(self.random.sample(range(2, 34), 9))])
                   for name in "ab"}
        self.spec = SPEC.replace(params={name: f"{script},36:0,40:1" for name, script in scripts.items()})
        self.folder, self.ends = folder, {"killed": 0, "stopped": 0}

    def live(self):
        """Processes that end one way or the other, and one that goes on to the end of the day."""
        with venue(FALLS, at(BEGINS), account=AccountRules(multiplier=4)) as alpaca:
            while alpaca.now < moment(LAST) - 120 * 10**9 and sum(self.ends.values()) < 6:
                for fault in self.random.sample(FAULTS, self.random.choice([0, 0, 1, 2])):
                    made = alpaca.faults.add(fault())
                    made.nth = self.random.randrange(1, 12)
                self._process(alpaca)
                alpaca.faults.clear()
                alpaca.advance(seconds=self.random.choice([1, 20, 70]) * self.random.random())
            if alpaca.now < moment(LAST):
                self._run(alpaca, self.spec, at(ENDS))
                assert judge(alpaca) == {"AAA": SHARES, "BBB": SHARES}
            return len(alpaca.ledger.orders)

    def _process(self, alpaca):
        is_killed = self.random.random() < 0.5
        seconds = self.random.uniform(1, 600)
        until = min(alpaca.now + int(seconds * 1e9), moment(LAST) - 60 * 10**9)
        spec = self.spec.replace(on_stop=self.random.choice(["flatten", "keep", "flatten_at_open"]))
        points = Points(int(60 ** self.random.random()) if is_killed else 0)
        events = []
        with points.watched():
            try:
                self._run(alpaca, spec, until, heard=events)
            except Killed:
                self.ends["killed"] += 1
                return
            except AccountLeft:
                pass
        self.ends["stopped"] += 1
        self._judge_end(alpaca, spec, events)

    def _run(self, alpaca, spec, until, heard=None):
        with Journal(self.folder / "journal.db") as journal:
            lived(alpaca, until, spec, journal=journal, heard=heard)

    def _judge_end(self, alpaca, spec, events):
        """As asked, or an alert that names everything that is left."""
        [outcome] = [event.facts for event in events if event.kind == "outcome"]
        alerts = [event.text for event in events if event.kind == "alert"]
        held = {symbol: float(qty) for symbol, qty in alpaca.ledger.positions.items() if qty}
        if outcome["code"]:
            assert outcome["code"] == 3 and alerts and all(symbol in alerts[0] for symbol in held), (outcome, held)
        elif spec.on_stop == "keep":
            judge(alpaca)
        else:
            assert not held and not standing(alpaca), (outcome, held, standing(alpaca))
        assert outcome["seconds"] <= spec.stop_within + 10
        for symbol, path in walked(alpaca).items():
            assert all(abs(size) <= SHARES for size in path), (symbol, path)


@pytest.mark.soak
def test_random_ends(tmp_path_factory):
    seed = int(os.environ.get("SOAK_SEED") or random.SystemRandom().randrange(10**6))
    points = int(os.environ.get("SOAK_POINTS") or 200)
    print(f"\nSOAK_SEED={seed} SOAK_POINTS={points}")
    number, ends, orders = 0, {"killed": 0, "stopped": 0}, 0
    while sum(ends.values()) < points:
        number += 1
        life = Life(seed, number, tmp_path_factory.mktemp("life"))
        try:
            orders += life.live()
        except BaseException:
            print(f"life {number} of SOAK_SEED={seed}")
            raise
        ends = {name: count + life.ends[name] for name, count in ends.items()}
        print(f"life {number}: {life.ends}")
    print(f"{ends} in {number} lives, {orders} orders")
    assert orders > number
