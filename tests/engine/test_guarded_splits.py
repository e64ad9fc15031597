"""A split is no loss and no profit to a guard, whichever of prices and shares shows it first."""

import numpy as np
import pandas as pd
import pytest
from guarded_runs import live_on
from streamed_runs import venue

from brokers.guard import DAY as BEGUN
from brokers.guard import KILLED
from brokers.local_alpaca import AccountRules
from brokers.local_alpaca.made_minutes import minute_frame
from core.bars import Bars
from journal import Journal

FIRST, SECOND = "2024-02-29", "2024-03-01"
FOUR_TO_0940_S = 5 * 3600 + 40 * 60 + 30
BETWEEN = "AAA is split, and its shares and its price do not both show it yet"
BUYS = {"15:53": lambda s: s.buy(size=900)}


def splitting(ratio, silent=0, later=100.0):
    """Ten minutes of AAA at 100 USD; the next day 20 at `later`, divided by the ratio, but for the silent ones."""
    prices = [None] * silent + [later / ratio] * (20 - silent)
    aaa = pd.concat([minute_frame([100.0] * 10, f"{FIRST} 15:50"), minute_frame(prices, f"{SECOND} 09:30")])
    bbb = pd.concat([minute_frame([50.0] * 10, f"{FIRST} 15:50"), minute_frame([50.0] * 20, f"{SECOND} 09:30")])
    return Bars.from_frames({"AAA": aaa.assign(split=np.r_[np.ones(10), ratio, np.ones(len(aaa) - 11)]), "BBB": bbb}, interval="1m")


def played(path, alpaca, bars, plan, until=f"{SECOND}T09:45:30-05:00", most=0.1, **options):
    """Play live until a moment; the strategy, and with what its guard has begun and ended days."""
    with Journal(path) as journal:
        strategy = live_on(alpaca, bars, plan, {"max_daily_loss": most}, until=until, **options,
                           guards=lambda guards: guards.record(journal.account_log, "A", ["R"], lambda text, **facts: None))
        began, killed = ([note.facts["value"] for note in journal.account_log.notes("A", "R", (kind,))] for kind in (BEGUN, KILLED))
    return strategy, began, killed


def margin(bars):
    return venue(bars, f"{FIRST}T15:51:57-05:00", AccountRules(multiplier=4))


@pytest.mark.parametrize(("ratio", "silent", "reconcile_s"), [(2.0, 0, 1e6), (2.0, 5, 60.0), (0.5, 5, 60.0)])
def test_over_night_it_trips_nothing_whether_shares_or_prices_show_it_first(tmp_path, ratio, silent, reconcile_s):
    bars = splitting(ratio, silent)
    with margin(bars) as alpaca:
        strategy, began, killed = played(tmp_path / "j.db", alpaca, bars, BUYS, reconcile_s=reconcile_s)
    assert killed == [] and began == [100_000.0] * 2 and strategy.held == {"AAA": 900 * ratio}


@pytest.mark.parametrize(("ratio", "silent"), [(2.0, 5), (0.5, 5)])
def test_restarted_in_the_morning(tmp_path, ratio, silent):
    bars = splitting(ratio, silent)
    with margin(bars) as alpaca:
        played(tmp_path / "j.db", alpaca, bars, BUYS, until=f"{FIRST}T16:01:30-05:00")
        alpaca.advance(to=f"{SECOND}T09:10:30-05:00")
        strategy, began, killed = played(tmp_path / "j.db", alpaca, bars, {})
    assert killed == [] and began == [100_000.0] * 2 and strategy.held == {"AAA": 900 * ratio}


@pytest.mark.parametrize(("ratio", "restarts"), [(2.0, False), (2.0, True), (0.5, True)])
def test_a_split_that_is_booked_after_the_open(tmp_path, ratio, restarts):
    bars, path = splitting(ratio), tmp_path / "j.db"
    plan = {"09:35": lambda s: (s.buy(s.datas[0], size=1), s.buy(s.datas[1], size=2)), "09:42": lambda s: s.buy(s.datas[0], size=4)}
    with margin(bars) as alpaca:
        alpaca.split_delay_s = FOUR_TO_0940_S
        if restarts:
            played(path, alpaca, bars, BUYS, until=f"{FIRST}T16:01:30-05:00")
            alpaca.advance(to=f"{SECOND}T09:33:30-05:00")
        strategy, began, killed = played(path, alpaca, bars, plan if restarts else {**BUYS, **plan}, reconcile_s=60.0)
    assert killed == [] and began == [100_000.0] * 2 and strategy.held == {"AAA": 900 * ratio + 4, "BBB": 2}
    assert [(at, size, why) for at, _, size, why in strategy.refused] == [("09:35", 1, BETWEEN)]


def test_shares_bought_since_are_those_of_after_it(tmp_path):
    bars = splitting(2.0)
    plan = {"09:35": lambda s: s.buy(size=900), "09:40": lambda s: s.buy(size=1)}
    with margin(bars) as alpaca:
        played(tmp_path / "j.db", alpaca, bars, plan, until=f"{SECOND}T09:37:30-05:00")
        strategy, began, killed = played(tmp_path / "j.db", alpaca, bars, plan, most=0.1)
        assert not strategy.refused and strategy.held == {"AAA": 901} and killed == [] and began == [100_000.0] * 2


def test_a_loss_on_the_day_of_a_split_is_one_of_its_true_size(tmp_path):
    bars = splitting(2.0, silent=5, later=85.0)
    plan = {**BUYS, "09:33": lambda s: (s.buy(s.datas[0], size=1), s.buy(s.datas[1], size=2))}
    with margin(bars) as alpaca:
        strategy, began, killed = played(tmp_path / "j.db", alpaca, bars, plan, reconcile_s=60.0)
    assert killed == [86_500.0] and began == [100_000.0] * 2 and strategy.held == {}
    assert [why for *_, size, why in strategy.refused if size == 1] == [BETWEEN]
