"""Trials played on a real Dask scheduler and worker processes on the loopback interface."""

import time

import pytest
from dask_workers import Cluster
from ports import free_port

from core.errors import BadSpec, SourceUnavailable, UsageError
from optimize import dask_cluster
from optimize.dask_cluster import Dask
from optimize.executors import DIED

pytestmark = pytest.mark.slow


@pytest.fixture(name="cluster")
def _cluster(tmp_path):
    made = Cluster(tmp_path)
    yield made
    made.stop()


def test_two_workers_play_every_trial_once(cluster, plain_recipe, trials, chunks, gathered, assert_same):
    cluster.add_worker("--no-nanny")
    cluster.add_worker("--no-nanny")
    with Dask(plain_recipe, cluster.address, timeout_s=30) as dask:
        assert_same(gathered(dask.play(chunks(trials, 2))), plain_recipe.player(), trials)
        outcomes = dask.play([(number, {"fast": 5})] for number in range(10**9))  # never ends
        next(outcomes)
        outcomes.close()
        assert_same(gathered(dask.play(chunks(trials, 5))), plain_recipe.player(), trials)
    assert cluster.scheduler.poll() is None


def test_a_killed_worker_loses_no_trial(cluster, plain_recipe, trials, chunks, gathered, assert_same):
    """The one left plays what the other had."""
    cluster.add_worker("--no-nanny")
    cluster.add_worker("--no-nanny")
    trials = [(number, {**params, "slow": 12 + number % 30}) for number, params in trials * 4]
    trials = [(number, params) for number, (_, params) in enumerate(trials)]
    outcomes = []
    with Dask(plain_recipe, cluster.address, timeout_s=30) as dask:
        dask._client.wait_for_workers(2, timeout=30)
        for outcome in dask.play(chunks(trials, 2)):
            outcomes.append(outcome)
            if len(outcomes) == 5:
                cluster.workers[0].kill()
        assert len(dask._client.nthreads()) == 1
    assert_same(gathered(outcomes), plain_recipe.player(), trials)


@pytest.mark.soak
def test_the_only_worker_is_replaced_and_gets_the_bars_again(cluster, plain_recipe, trials, tmp_path, chunks, gathered, assert_same):
    """It is killed by a trial; its nanny starts another."""
    cluster.add_worker("--nanny")
    killer = [(number, {**params, "die": str(tmp_path / "died") if number == 5 else ""}) for number, params in trials]
    with Dask(plain_recipe, cluster.address, timeout_s=30) as dask:
        found = gathered(dask.play(chunks(killer, 2)))
    assert (tmp_path / "died").exists()
    assert_same(found, plain_recipe.player(), trials)


@pytest.mark.soak
def test_a_trial_that_kills_every_worker_is_the_only_one_to_fail(cluster, plain_recipe, trials, chunks, gathered, assert_same):
    cluster.add_worker("--nanny")
    killer = [(number, {**params, "die": "always" if number == 3 else ""}) for number, params in trials[:6]]
    with Dask(plain_recipe, cluster.address, timeout_s=30) as dask:
        found = gathered(dask.play(chunks(killer, 2)))
    assert found.pop(3)[1] == DIED
    assert_same(found, plain_recipe.player(), [each for each in trials[:6] if each[0] != 3])


def test_a_users_file_travels_with_the_trials(cluster, bars_path, tmp_path, gathered):
    from core.spec import RunSpec
    from optimize.recipe import Recipe

    path = tmp_path / "mine.py"
    path.write_text("import backtrader as bt\n\n\nclass Idle(bt.Strategy):\n    params = dict(day=1)\n")
    recipe = Recipe.of(RunSpec(strategy=f"{path}:Idle", symbols=("AAA",)), bars_path)
    path.unlink()
    cluster.add_worker("--no-nanny")
    with Dask(recipe, cluster.address, timeout_s=30) as dask:
        assert gathered(dask.play([[(0, {"day": 3})]]))[0][1] == ""


def test_a_worker_that_cannot_import_is_one_clear_line(cluster, plain_recipe, tmp_path):
    (tmp_path / "optimize.py").write_text("raise ImportError('not here')")
    cluster.add_worker("--no-nanny", root=tmp_path)
    with pytest.raises(UsageError, match=r"cannot play: .*ImportError\(.not here.\).*; install the same cerebrolab on every worker"):
        Dask(plain_recipe, cluster.address, timeout_s=30)


def test_a_scheduler_that_dies_is_one_clear_line(cluster, plain_recipe, trials):
    cluster.add_worker("--no-nanny")
    finished = []
    with pytest.raises(SourceUnavailable, match=f"{cluster.port} has gone away; finished trials are kept"), \
            Dask(plain_recipe, cluster.address, timeout_s=3) as dask:
        for outcome in dask.play([(number, {"fast": 5})] for number in range(10**9)):
            finished.append(outcome)
            if len(finished) == 3:
                cluster.scheduler.kill()


def test_a_scheduler_that_is_not_there_is_one_clear_line(plain_recipe):
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(SourceUnavailable, match=f"no Dask scheduler answers at {address} .*tried 3 times.*start one") as caught:
        Dask(plain_recipe, address, timeout_s=0.2)
    assert caught.value.exit_code == 2 and "\n" not in str(caught.value)


def test_a_cluster_without_workers_is_one_clear_line(cluster, plain_recipe):
    with pytest.raises(SourceUnavailable, match="has no workers: start some with `dask worker tcp://"):
        Dask(plain_recipe, cluster.address, timeout_s=2)


@pytest.mark.parametrize("address", ["nonsense://127.0.0.1:1", "tcp://127.0.0.1:port", "tcp://127.0.0.1", "banana"])
def test_an_address_that_is_none_is_one_clear_line(plain_recipe, address):
    with pytest.raises(BadSpec, match=f"{address}.*write tcp://HOST:8786"):
        Dask(plain_recipe, address, timeout_s=0.2)


@pytest.mark.parametrize("pause_s", [pytest.param(0.0, marks=pytest.mark.soak), 1.0])
def test_a_last_worker_that_dies_before_its_trials_are_fetched_is_one_clear_line(cluster, plain_recipe, trials, monkeypatch, pause_s):
    taken = Dask._taken

    def late(self, future, *more):
        if cluster.workers[0].poll() is None:
            cluster.workers[0].kill()
            time.sleep(pause_s)  # the scheduler has noticed, or not yet
        return taken(self, future, *more)

    monkeypatch.setattr(Dask, "_taken", late)
    monkeypatch.setattr(dask_cluster, "FETCH_S", 1.0)
    cluster.add_worker("--no-nanny")
    with pytest.raises(SourceUnavailable, match="last worker .* has gone away; finished trials are kept"), \
            Dask(plain_recipe, cluster.address, timeout_s=3) as dask:
        list(dask.play([trial] for trial in trials))


@pytest.mark.soak
def test_a_last_worker_that_dies_is_one_clear_line(cluster, plain_recipe, trials):
    cluster.add_worker("--no-nanny")
    with pytest.raises(SourceUnavailable, match="last worker .* has gone away; finished trials are kept"), \
            Dask(plain_recipe, cluster.address, timeout_s=5) as dask:
        for _ in dask.play([trial] for trial in trials * 100):
            if cluster.workers[0].poll() is None:
                cluster.workers[0].kill()
