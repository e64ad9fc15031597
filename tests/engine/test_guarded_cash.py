"""Money that comes from outside, or goes there, is neither profit nor loss to a guard; dividends, interest and fees are."""

import pytest
from guarded_runs import DAY, live_on
from streamed_runs import venue

from brokers.guard import DAY as BEGUN
from brokers.guard import KILLED
from brokers.local_alpaca import AccountRules
from brokers.local_alpaca.made_minutes import minutes
from journal import Journal

CALM = minutes(AAA=[100.0] * 60)
FALLING = minutes(AAA=[100.0] * 15 + [96.0] * 45)
GUARD = {"max_daily_loss": 0.02}
BUYS = {"09:36": lambda s: s.buy(size=700)}
MORE = {time: lambda s: s.buy(size=1) for time in ("09:42", "09:50")}
START = f"{DAY}T09:34:57-05:00"


def played(path, alpaca, bars, plan, until="09:52:30", moves=(), **options):
    """Play live until a time, while money moves; the strategy. `moves`: New York time -> (amount, kind)."""
    at_time = [(f"{DAY}T{time}-05:00", lambda run, move=move: run.alpaca.transfer(*move)) for time, move in dict(moves).items()]
    with Journal(path) as journal:
        return live_on(alpaca, bars, plan, GUARD, until=f"{DAY}T{until}-05:00", reconcile_s=60.0, at_time=at_time, **options,
                       guards=lambda guards: guards.record(journal.account_log, "A", ["R"], lambda text, **facts: None))


def margin(bars):
    return venue(bars, START, AccountRules(multiplier=4))


def notes(path, kind):
    with Journal(path) as journal:
        return journal.account_log.notes("A", "R", (kind,))


@pytest.mark.parametrize(("kind", "amount"), [(None, -5_000), (None, 5_000), ("JNLC", -5_000), ("ACATC", 30_000)])
def test_money_that_goes_trips_nothing_and_money_that_comes_hides_nothing(tmp_path, kind, amount):
    with margin(CALM) as alpaca:
        calm = played(tmp_path / "calm.db", alpaca, CALM, {**BUYS, **MORE}, moves={"09:38:10": (amount, kind)})
    assert not calm.refused and calm.held == {"AAA": 702} and not notes(tmp_path / "calm.db", KILLED)
    with margin(FALLING) as alpaca:
        falling = played(tmp_path / "falls.db", alpaca, FALLING, BUYS, moves={"09:38:10": (amount, kind)})
    killed, = notes(tmp_path / "falls.db", KILLED)
    assert falling.held == {} and killed.facts["began"] == 100_000 + amount and killed.facts["limit"] == 0.02 * (100_000 + amount)


@pytest.mark.parametrize("kind", ["FEE", "INT"])
def test_interest_and_fees_are_profit_and_loss(tmp_path, kind):
    with margin(CALM) as alpaca:
        assert played(tmp_path / "j.db", alpaca, CALM, BUYS, moves={"09:38:10": (-2_500, kind)}).held == {}
    killed, = notes(tmp_path / "j.db", KILLED)
    assert killed.facts["began"] == 100_000


@pytest.mark.parametrize("amount", [-5_000, 5_000])
def test_the_same_while_no_process_runs(tmp_path, amount):
    path = tmp_path / "j.db"
    with margin(FALLING) as alpaca:
        alpaca.transfer(-1_000)  # before the run begins, on the same day: its value does not know it
        played(path, alpaca, FALLING, BUYS, until="09:38:30")
        alpaca.advance(to=f"{DAY}T09:39:30-05:00")
        alpaca.transfer(amount)
        second = played(path, alpaca, FALLING, {"09:42": lambda s: s.buy(size=1)}, until="09:43:30")
        assert not second.refused and second.held == {"AAA": 701} and [note.kind for note in notes(path, BEGUN)] == [BEGUN]
        assert played(path, alpaca, FALLING, {}).held == {}
    killed, = notes(path, KILLED)
    assert killed.facts["began"] == 99_000 + amount


def test_money_that_came_before_the_day_began_is_counted_once(tmp_path):
    path = tmp_path / "j.db"
    with margin(CALM) as alpaca:
        alpaca.transfer(20_000)
        played(path, alpaca, CALM, BUYS, until="09:40:30", moves={"09:37:10": (3_000, None)})
        again = played(path, alpaca, CALM, MORE)
        assert not again.refused and again.held == {"AAA": 702}
