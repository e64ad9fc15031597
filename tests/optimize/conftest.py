"""A small market in shared files, strategies of a user, and trials to play on them."""

import numpy as np
import pytest
from made_bars import bars, walk

from core.measures import MEASURES
from core.spec import RunSpec
from engine.trials import player
from optimize import shared_bars
from optimize.recipe import Recipe

PLAIN = '''
import os
import signal

import backtrader as bt


class Cross(bt.Strategy):
    """Golden cross; ends its own process where `die` says so, `once` a file is not there yet."""

    params = dict(fast=5, slow=20, die="")

    def __init__(self):
        if self.p.die and not os.path.exists(self.p.die):
            if self.p.die != "always":
                open(self.p.die, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        if self.p.fast == 13:
            raise RuntimeError("unlucky")
        self.cross = bt.ind.CrossOver(bt.ind.SMA(period=self.p.fast), bt.ind.SMA(period=self.p.slow))

    def next(self):
        if self.cross[0] > 0:
            self.order_target_percent(target=0.9)
        elif self.cross[0] < 0:
            self.close()
'''


@pytest.fixture(name="market", scope="session")
def _market():
    return bars(AAA=walk(300, 7))


@pytest.fixture(name="bars_path", scope="session")
def _bars_path(market, tmp_path_factory):
    return shared_bars.write(market, tmp_path_factory.mktemp("bars"))


@pytest.fixture(name="plain_recipe", scope="session")
def _plain_recipe(bars_path, tmp_path_factory):
    path = tmp_path_factory.mktemp("user") / "crossing.py"
    path.write_text(PLAIN)
    return Recipe.of(RunSpec(strategy=f"{path}:Cross", symbols=("AAA",), cash=10_000.0), bars_path)


@pytest.fixture(name="twin", scope="session")
def _twin(market):
    return player(RunSpec(strategy="GoldenCross", symbols=("AAA",), cash=10_000.0), market)


@pytest.fixture(name="trials")
def _trials():
    return [(number, {"fast": 2 + number % 7, "slow": 12 + number}) for number in range(24)]


@pytest.fixture(name="chunks", scope="session")
def _chunks():
    return _in_chunks


@pytest.fixture(name="gathered", scope="session")
def _gathered_fixture():
    return _gathered


@pytest.fixture(name="assert_same", scope="session")
def _same_fixture():
    return _assert_same


def _in_chunks(trials, size=3):
    return [trials[at : at + size] for at in range(0, len(trials), size)]


def _gathered(outcomes):
    """number -> (measures, problem); each number may come once."""
    found = {}
    for chunk, trials in outcomes:
        assert len(chunk) == len(trials.measures) == len(trials.problems) == len(trials.sum)
        for at, (number, _) in enumerate(chunk):
            assert number not in found
            found[number] = (trials.measures[at], trials.problems[at])
    return found


def _assert_same(found, player, trials):
    assert sorted(found) == [number for number, _ in trials]
    expected = player.play([params for _, params in trials])
    assert not np.isnan(expected.measures[:, MEASURES.index("final_value")]).any()
    for at, (number, _) in enumerate(trials):
        np.testing.assert_array_equal(found[number][0], expected.measures[at])
        assert found[number][1] == ""
