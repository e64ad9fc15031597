"""Processes that write to one store at the same time, and are killed; what must hold whatever the kind of store."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from store_contract import NOW, YEAR, history, load
from vendor import ScriptedSource, daily_bars, same_bars

from feeds.stores import opened

ROOT = Path(__file__).parents[1]
WRITER = """
import random, sys
from store_contract import SYMBOLS, YEAR, history, load
from vendor import ScriptedSource
from feeds.stores import opened
store, source = opened(sys.argv[1]), ScriptedSource(*history())
chance = random.Random(int(sys.argv[2]))
print("ready", flush=True)
while True:
    first, last = sorted(chance.choices(range(len(YEAR)), k=2))
    load(store, source, SYMBOLS, str(YEAR[first]), str(YEAR[last]))
    store.forget(chance.choice(SYMBOLS), str(YEAR[first]), str(YEAR[last]), source="yahoo")
"""
SHARER = """
import sys
from store_contract import YEAR
from vendor import daily_bars
from feeds.stores import opened
store = opened(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for row in range(int(sys.argv[2]), int(sys.argv[3]), 3):
    store.write("AAPL", daily_bars("AAPL", YEAR[row:row + 1]), YEAR[row:row + 1], source="yahoo")
"""


def start_writer(code, place, *numbers):
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    return subprocess.Popen([sys.executable, "-c", code, str(place), *map(str, numbers)], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": path})


def share_the_writing(place, count=45):
    """Three processes write every third of the first sessions of one series each: nothing is lost."""
    writers = [start_writer(SHARER, place, first, count) for first in range(3)]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    store = opened(place)
    assert same_bars(store.read(["AAPL"], source="yahoo")[0], daily_bars("AAPL", YEAR[:count]))
    assert len(store.missing("AAPL", YEAR[:count], source="yahoo")) == 0


def kill_the_writers(place):
    """Three processes write at random until they are killed: bars and coverage agree, and one fetch completes them."""
    chance, whole = random.Random(4), {bars.symbol: bars for bars in history()}
    writers = [start_writer(WRITER, place, seed) for seed in range(3)]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        time.sleep(chance.uniform(0.05, 0.4))
        writer.send_signal(signal.SIGKILL)
        assert writer.wait() == -signal.SIGKILL
        writer.communicate()
        store = opened(place)
        assert {finding.kind for finding in store.check(NOW.now_ns())} <= {"hole", "untraded", "stale"}
        for symbol, bars in whole.items():
            covered = np.setdiff1d(YEAR, store.missing(symbol, YEAR, source="yahoo"))
            stored = store.read([symbol], source="yahoo")
            have = stored[0].session if stored else YEAR[:0]
            assert np.isin(np.intersect1d(covered, bars.session), have).all()
            assert not stored or same_bars(stored[0], bars.rows(np.isin(bars.session, have)))
    series, _ = load(opened(place), ScriptedSource(*history()))
    assert all(same_bars(got, want) for got, want in zip(series, whole.values(), strict=True))
