"""Trials played in threads and in processes: all of them, once each, with the outcome of a plain loop."""

import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest

import optimize
from core.spec import RunSpec
from optimize.executors import DIED, Here, Processes
from optimize.recipe import Recipe

pytestmark = pytest.mark.slow

ROOT = Path(optimize.__file__).parent.parent


@pytest.mark.parametrize("jobs", [1, 3])
def test_threads_play_every_trial_once(twin, trials, jobs, chunks, gathered, assert_same):
    with Here(twin, jobs) as here:
        assert_same(gathered(here.play(chunks(trials))), twin, trials)
        assert_same(gathered(here.play(iter(chunks(trials, 24)))), twin, trials)  # and again


@pytest.mark.parametrize("jobs", [1, 2])
def test_few_chunks_are_taken_before_they_are_needed(twin, trials, jobs):
    taken = []

    def source():
        for number in range(10**9):  # never ends
            taken.append(number)
            yield [(number, trials[0][1])]

    with Here(twin, jobs) as here:
        outcomes = here.play(source())
        for _ in range(10):
            next(outcomes)
        assert len(taken) <= 10 + 2 * jobs + 2
        outcomes.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("trials")]


def test_chunks_that_raise_end_the_sweep_with_their_error(twin, plain_recipe, trials):
    def source():
        yield trials[:2]
        raise ArithmeticError("no more")

    for place in (Here(twin, 2), Processes(plain_recipe, 2)):
        with pytest.raises(ArithmeticError, match="no more"), place:
            list(place.play(source()))


def children():
    """Worker processes; loky's resource tracker stays as long as this process."""
    commands = [" ".join(each.cmdline()) for each in psutil.Process().children(recursive=True)]
    return [command for command in commands if "loky" in command and "resource_tracker" not in command]


def test_processes_play_every_trial_once_and_leave_none_behind(plain_recipe, trials, chunks, gathered, assert_same):
    with Processes(plain_recipe, 2) as processes:
        assert_same(gathered(processes.play(chunks(trials, 2))), plain_recipe.player(), trials)
    assert children() == []


@pytest.mark.soak
def test_a_trial_that_cannot_be_played_has_a_problem(plain_recipe, trials, chunks, gathered, assert_same):
    odd = [(100, {"fast": 13}), (101, {"fats": 13})]
    with Processes(plain_recipe, 2) as processes:
        found = gathered(processes.play(chunks(trials[:4] + odd)))
    assert "unlucky" in found[100][1] and "fast" in found[101][1]
    assert np.isnan(found[100][0]).all()
    assert_same({number: found[number] for number in range(4)}, plain_recipe.player(), trials[:4])


def test_a_killed_process_loses_no_trial(plain_recipe, trials, tmp_path, chunks, gathered, assert_same):
    killer = [(number, {**params, "die": str(tmp_path / "died") if number == 5 else ""}) for number, params in trials]
    with Processes(plain_recipe, 2) as processes:
        found = gathered(processes.play(chunks(killer, 2)))
    assert (tmp_path / "died").exists()
    assert_same(found, plain_recipe.player(), trials)


@pytest.mark.soak
def test_a_trial_that_kills_every_process_is_the_only_one_to_fail(plain_recipe, trials, chunks, gathered):
    killer = [(number, {**params, "die": "always" if number == 3 else ""}) for number, params in trials[:8]]
    with Processes(plain_recipe, 2) as processes:
        found = gathered(processes.play(chunks(killer, 2)))
    assert found.pop(3)[1] == DIED
    expected = plain_recipe.player().play([params for number, params in trials[:8] if number != 3])
    np.testing.assert_array_equal(np.array([found[number][0] for number in sorted(found)]), expected.measures)
    assert children() == []


@pytest.mark.soak
def test_leaving_early_leaves_no_process(plain_recipe, trials, chunks):
    with pytest.raises(KeyboardInterrupt), Processes(plain_recipe, 2) as processes:
        for _ in processes.play(chunks(trials, 1)):
            raise KeyboardInterrupt
    assert children() == []


SWEEP = """
import pickle, sys
from optimize.executors import Processes
recipe = pickle.load(open(sys.argv[1], "rb"))
endless = ([(number, {"fast": 2 + number % 5})] for number in range(10**9))
with Processes(recipe, 2) as processes:
    for chunk, _ in processes.play(endless):
        print(chunk[0][0], flush=True)
"""


def test_ctrl_c_stops_the_processes(plain_recipe, tmp_path):
    (tmp_path / "recipe").write_bytes(pickle.dumps(plain_recipe))
    sweep = subprocess.Popen([sys.executable, "-c", SWEEP, str(tmp_path / "recipe")], cwd=ROOT, start_new_session=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with sweep:
        for _ in range(3):
            assert sweep.stdout.readline().strip().isdigit()
        workers = psutil.Process(sweep.pid).children(recursive=True)
        os.killpg(sweep.pid, signal.SIGINT)
        _, errors = sweep.communicate(timeout=30)
    assert "KeyboardInterrupt" in errors.splitlines()[-1]
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert alive == []


def test_a_recipe_carries_a_users_file_to_a_machine_without_it(plain_recipe, bars_path, tmp_path, monkeypatch):
    path = tmp_path / "mine.py"
    path.write_text("import backtrader as bt\n\n\nclass Idle(bt.Strategy):\n    params = dict(day=1)\n")
    monkeypatch.chdir(tmp_path)
    recipe = Recipe.of(RunSpec(strategy="mine.py", symbols=("AAA",)), bars_path)
    assert recipe.spec.strategy == str(path) and recipe == pickle.loads(pickle.dumps(recipe)) != plain_recipe
    path.unlink()
    player = recipe.player()
    assert player.play([{"day": 2}]).problems == ("",) and player is recipe.player()
    assert not Path(player.spec.strategy).is_relative_to(tmp_path)


def test_a_file_that_is_another_on_the_worker_is_not_used(bars_path, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("import backtrader as bt\n\n\nclass Idle(bt.Strategy):\n    params = dict(day=1)\n")
    recipe = Recipe.of(RunSpec(strategy=f"{path}:Idle", symbols=("AAA",)), bars_path)
    path.write_text(path.read_text().replace("day", "night"))
    assert recipe.player().play([{"day": 2}]).problems == ("",)


def test_a_missing_file_is_one_clear_line(bars_path):
    with pytest.raises(ValueError, match="cannot read .*nowhere.py.*check the path"):
        Recipe.of(RunSpec(strategy="nowhere.py:Any"), bars_path)


def test_a_file_of_shorts_travels_too(bars_path, tmp_path):
    path = tmp_path / "shorts.csv"
    path.write_text("symbol,date,fee,available\nAAA,,0.01,yes\n")
    recipe = pickle.loads(pickle.dumps(Recipe.of(RunSpec(strategy="GoldenCross", symbols=("AAA",), shorts=str(path)), bars_path)))
    path.unlink()
    assert recipe.player().play([{"fast": 2, "slow": 9}]).problems == ("",)
