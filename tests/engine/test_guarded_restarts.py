"""A run that was stopped stays stopped: after a restart, in other processes, on later days, until a human lets it go on."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from guarded_runs import DAY, Timed, live, live_on, simulated
from streamed_runs import venue

from brokers.guard import DAY as BEGUN
from brokers.guard import KILL, KILLED, REFUSED, RESUMED
from brokers.local_alpaca import AccountRules
from brokers.local_alpaca.made_minutes import minute_frame, minutes
from core.bars import Bars
from core.errors import BadSpec
from core.spec import RunSpec
from engine.guarding import guarded
from journal import Journal
from strategies import TargetStrategy

ROOT = Path(__file__).parents[2]
FALLING = minutes(AAA=[100.0] * 12 + [90.0] * 48)
GUARD = {"max_daily_loss": 0.005}
BUYS = {"09:36": lambda s: s.buy(size=100)}
MORE = {time: lambda s: s.buy(size=1) for time in ("09:50", "10:00", "10:12")}


def recorded(path, told, run="R"):
    """What gives the guards a journal."""
    return lambda guards: guards.record(Journal(Path(path)).account_log, "A", [run], lambda text, **facts: told.append((text, facts)))


def notes(path, *kinds):
    with Journal(path) as journal:
        return journal.account_log.notes("A", "R", kinds or (BEGUN, KILLED, RESUMED, REFUSED))


def test_every_refusal_is_written_down_with_its_numbers_and_told(tmp_path):
    told = []
    live(FALLING, {"09:40": lambda s: s.buy(size=3)}, {"max_order_value": 250}, guards=recorded(tmp_path / "j.db", told))
    note, = notes(tmp_path / "j.db", REFUSED)
    facts = {"rule": "max_order_value", "limit": 250.0, "value": 300.0, "symbol": "AAA", "side": "buy", "qty": 3.0, "price": 100.0}
    text = "refused to buy 3 AAA: order of 300.00 is above guard.max_order_value 250.00"
    assert (note.text, note.facts) == (text, facts) and told == [(text, facts)]


def test_a_kill_is_written_down_before_anything_else_is_sent(tmp_path):
    seen = []

    class Watching:
        def __init__(self, log, broker):
            self._log, self._broker = log, broker

        def notes(self, *args):
            return self._log.notes(*args)

        def note(self, account, run, kind, text, **facts):
            if kind == KILLED:
                seen.extend((order.getstatusname(), order.info.get("intent")) for order in self._broker[0].orders)
            self._log.note(account, run, kind, text, **facts)

    class Shown(Timed):
        def start(self):
            broker.append(self.broker)

    broker = []
    plan = {"09:36": lambda s: (s.buy(size=100), s.buy(size=1, exectype=s.broker.orders[0].Limit, price=50))}
    with Journal(tmp_path / "j.db") as journal:
        log = Watching(journal.account_log, broker)
        played = live(FALLING, plan, GUARD, kind=Shown, guards=lambda guards: guards.record(log, "A", ["R"], lambda text, **facts: None))
    assert seen == [("Completed", None), ("Accepted", None)] and played.held == {}
    assert [order.getstatusname() for order in played.broker.orders] == ["Completed", "Canceled", "Completed"]


def test_a_restart_forgets_neither_the_morning_nor_the_kill(tmp_path):
    path, told = tmp_path / "j.db", []
    with venue(FALLING, f"{DAY}T09:34:57-05:00", AccountRules(multiplier=4)) as alpaca:
        first = live_on(alpaca, FALLING, BUYS, GUARD, guards=recorded(path, told), until=f"{DAY}T09:40:30-05:00")
        assert first.held == {"AAA": 100} and [note.kind for note in notes(path)] == [BEGUN]
        alpaca.advance(to=f"{DAY}T09:44:30-05:00")  # it falls while nobody looks
        second = live_on(alpaca, FALLING, MORE, GUARD, guards=recorded(path, told), until=f"{DAY}T09:52:30-05:00")
        assert second.held == {} and [note.kind for note in notes(path)] == [BEGUN, KILLED, REFUSED]
        third = live_on(alpaca, FALLING, MORE, GUARD, guards=recorded(path, told), until=f"{DAY}T10:05:30-05:00")
        assert [reason for *_, reason in third.refused] == [notes(path, KILLED)[0].text] and third.held == {}
        with Journal(path) as journal:
            journal.account_log.note("A", "R", RESUMED, "go on")
        last = live_on(alpaca, FALLING, MORE, GUARD, guards=recorded(path, told), until=f"{DAY}T10:15:30-05:00")
        assert last.refused == [] and last.held == {"AAA": 1}


def test_a_position_left_by_a_process_that_died_after_the_kill_is_closed_by_the_next(tmp_path):
    path = tmp_path / "j.db"
    with venue(FALLING, f"{DAY}T09:34:57-05:00", AccountRules(multiplier=4)) as alpaca:
        live_on(alpaca, FALLING, BUYS, {}, until=f"{DAY}T09:40:30-05:00")
        with Journal(path) as journal:
            journal.account_log.note("A", "R", KILLED, "stopped, and then it died")
        kept = live_on(alpaca, FALLING, {}, {**GUARD, "flatten": 0}, guards=recorded(path, []), until=f"{DAY}T09:42:30-05:00")
        assert kept.held == {"AAA": 100}
        closed = live_on(alpaca, FALLING, {}, {}, guards=recorded(path, []), until=f"{DAY}T09:46:30-05:00")
        assert closed.held == {} and [done[1:] for done in closed.done] == [(-100, KILL)]


def test_another_process_lets_a_living_run_go_on(tmp_path):
    path = tmp_path / "j.db"
    plan = {**BUYS, "09:45": lambda s: s.buy(size=1), "09:50": lambda s: Journal(path).account_log.note("A", "R", RESUMED, "go on"),
            "09:51": lambda s: s.buy(size=2)}
    played = live(FALLING, plan, GUARD, guards=recorded(path, []))
    assert [size for _, _, size, _ in played.refused] == [1] and played.held == {"AAA": 2}


def test_the_gap_over_a_weekend_with_another_clock_counts_and_what_it_stops_stays_stopped():
    days = [minute_frame([100.0] * 10, "2024-03-08 15:50"), minute_frame([94.0] * 10, "2024-03-11 09:30"), minute_frame([94.0] * 10, "2024-03-12 09:30")]
    bars = Bars.from_frames({"AAA": pd.concat(days)}, interval="1m")
    plan = {"15:52": lambda s: s.buy(size=1_000), "09:35": lambda s: s.buy(size=1)}
    for most, stopped in ((0.03, False), (0.0299, True)):
        played = simulated(bars, plan, {"max_daily_loss": most}, cash=200_000.0)
        assert len(played.refused) == 2 * stopped and played.held == ({} if stopped else {"AAA": 1_002})
        assert all("stopped on 2024-03-11: it lost 6,000.00 of 200,000.00" in reason for *_, reason in played.refused)


CHILD = """
import os, signal, sys
from test_guarded_restarts import BUYS, FALLING, GUARD, MORE, recorded, simulated
class Dying(list):
    def append(self, told):
        if {dies} and told[0].startswith("stopped"):
            os.kill(os.getpid(), signal.SIGKILL)
told = Dying()
played = simulated(FALLING, {plan}, GUARD, guards=recorded({path!r}, told))
print(played.refused, played.held)
"""


def child(path, plan, dies=False):
    return subprocess.run([sys.executable, "-W", "ignore", "-c", CHILD.format(path=str(path), plan=plan, dies=dies)], cwd=ROOT, text=True, check=False,
                          capture_output=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(
                              [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "engine")])})


def test_over_real_processes_one_of_them_killed(tmp_path):
    path = tmp_path / "j.db"
    died = child(path, "BUYS", dies=True)
    assert died.returncode == -signal.SIGKILL and len(notes(path, BEGUN)) == 1
    assert child(path, "BUYS").returncode == 0 and len(notes(path, KILLED)) == 1
    after = child(path, "MORE")
    assert after.returncode == 0 and after.stdout.count("stopped on 2024-03-01") == 3 and after.stdout.strip().endswith("{}")


# -- target strategies ----------------------------------------------------------------------------------


class Holds(TargetStrategy):
    """Always in, decided anew every five minutes."""

    @classmethod
    def signals(cls, bars, p):
        return np.where((bars.minute % 5 == 0)[:, None], 1.0, np.nan) * np.ones(bars.shape)


class HoldsLive(Holds):
    """The same in a Cerebro of a test, by a plan that is empty."""

    params = dict(plan=None)
    refused, held, done = Timed.refused, Timed.held, Timed.done


@pytest.mark.parametrize("play", [simulated, live])
@pytest.mark.parametrize("exits", [{}, {"stop": 0.2}, {"stop": 0.2, "profit": 0.2}])
def test_a_target_strategy_is_closed_out_and_opens_nothing_more(play, exits):
    class Protected(HoldsLive):
        params = dict(exits=exits)

    played = play(FALLING, None, {"max_daily_loss": 0.05}, kind=Protected)
    assert played.held == {} and played.refused and not [order for order in played.broker.orders if order.alive()]
    assert {reason.split(":")[0] for *_, reason in played.refused} == {"stopped on 2024-03-01"}
    assert [intent for _, _, intent in played.done][-1] == KILL


def test_with_its_positions_kept_it_stays_protected():
    class Protected(HoldsLive):
        params = dict(exits={"stop": 0.2})

    played = live(FALLING, None, {"max_daily_loss": 0.05, "flatten": 0}, kind=Protected, until=f"{DAY}T10:04:30-05:00")
    stop, = [order for order in played.broker.orders if order.alive()]
    assert played.held["AAA"] == -stop.executed.remsize > 0 and stop.info["protective"]


def test_a_target_strategy_that_may_go_on_is_protected_again(tmp_path):
    class Protected(HoldsLive):
        params = dict(exits={"stop": 0.2})

    path = tmp_path / "j.db"
    go_on = [(f"{DAY}T09:52:10-05:00", lambda live: Journal(path).account_log.note("A", "R", RESUMED, "go on"))]
    played = live(FALLING, None, {"max_daily_loss": 0.05}, kind=Protected, guards=recorded(path, []), at_time=go_on,
                  until=f"{DAY}T10:04:30-05:00")
    stop, = [order for order in played.broker.orders if order.alive()]
    assert played.held["AAA"] == -stop.executed.remsize > 0 and stop.info["protective"]
    assert [intent for *_, intent in played.done if intent != "resize"] == ["enter", KILL, "enter"]


# -- what cannot be guarded -----------------------------------------------------------------------------


def test_a_broker_that_asks_nobody_cannot_be_guarded():
    import backtrader as bt

    cerebro = bt.Cerebro()
    guarded(cerebro, [RunSpec()])
    with pytest.raises(BadSpec, match="guard: BackBroker asks nobody about its orders"):
        guarded(cerebro, [RunSpec(guard={"hours": 1})])


def test_no_quote_no_order():
    with venue(FALLING, f"{DAY}T09:34:57-05:00", AccountRules(multiplier=4)) as alpaca:
        def silence(strategy):
            alpaca.outage(30)
            strategy.buy(size=1)

        played = live_on(alpaca, FALLING, {"09:38": lambda s: s.buy(size=1), "09:40": silence}, {"collar": 0.1}, until=f"{DAY}T09:45:30-05:00")
    assert played.held == {"AAA": 1} and "no quote of AAA could be read: alpaca gave no latest quotes" in played.refused[0][3]


def test_orders_on_bars_from_before_the_start_are_not_judged(tmp_path):
    class Eager(Timed):
        def next(self):
            self.buy(size=1_000)

    played = live(FALLING, None, {"max_order_value": 1}, kind=Eager, until=f"{DAY}T09:37:30-05:00", guards=recorded(tmp_path / "j.db", []))
    reasons = [reason.split(":")[0] for *_, reason in played.refused]
    assert reasons.count("backfill") == 4 and len(notes(tmp_path / "j.db", REFUSED)) == len(reasons) - 4 > 0
