"""Runs on one account between two processes: splits and dividends meanwhile, other people's trades, siblings, waiting orders."""

from decimal import Decimal

import pytest
from planned_runs import eventful, spec, stopped
from several_runs import check_sums, executed, lived
from streamed_runs import two_days, venue

from brokers.local_alpaca import VenueClock
from core.errors import AccountLeft, BadSpec
from journal import Journal


@pytest.fixture(name="opened")
def _opened(tmp_path):
    """`opened(alpaca)`: a journal on the venue's time."""
    journals = []

    def opened(alpaca):
        journals.append(Journal(tmp_path / "journal.db", VenueClock(alpaca)))
        return journals[-1]

    yield opened
    for journal in journals:
        journal.close()


@pytest.mark.parametrize("split, dividend, held, cash", [(2.0, 0.0, (20, 60), (0, 0)), (0.5, 0.0, (5, 15), (0, 0)), (1.0, 1.0, (10, 30), (10, 30))])
def test_what_a_split_and_a_dividend_bring_while_nobody_runs_is_of_those_who_hold_the_shares(opened, split, dividend, held, cash):
    specs = [spec("a", "20:50=10"), spec("b", "20:50=30")]
    with venue(eventful(split, dividend), "2024-02-20T15:40:30-05:00") as alpaca:
        journal = opened(alpaca)
        lived(alpaca, "2024-02-20T15:53:30-05:00", specs, journal)
        alpaca.advance("2024-02-21T09:40:30-05:00")
        for until in ("2024-02-21T09:43:30-05:00", "2024-02-21T09:45:30-05:00"):  # and it is booked once
            shared = check_sums(lived(alpaca, until, specs, journal)[0], alpaca)
            assert [part.held["AAA"] for part in shared.parts.values()] == list(held) and not shared.rest
            assert [part.cash - (20_000 - 100 * size) for part, size in zip(shared.parts.values(), (10, 30), strict=True)] == list(cash)
        lived(alpaca, "2024-02-21T09:47:30-05:00", [each.replace(on_stop="flatten") for each in specs], journal)
        assert not alpaca.ledger.positions


def test_a_split_is_found_also_where_an_order_was_executed_after_it_while_nobody_ran(opened):
    """b's stop for BBB fills on the morning of the split of AAA: what is written down of it is later than the split."""
    specs = [spec("a", "20:50=10"), stopped("b", "BBB")]
    with venue(eventful(2.0, 0.0), "2024-02-20T15:40:30-05:00") as alpaca:
        journal = opened(alpaca)
        lived(alpaca, "2024-02-20T15:53:30-05:00", specs, journal)
        assert alpaca.ledger.positions["BBB"] == 7
        alpaca.advance("2024-02-21T09:40:30-05:00")
        assert "BBB" not in alpaca.ledger.positions
        shared = check_sums(lived(alpaca, "2024-02-21T09:43:30-05:00", specs, journal)[0], alpaca)
        assert {name: part.held for name, part in shared.parts.items()} == {"a": {"AAA": 20}, "b": {}} and not shared.rest
        assert shared.parts["b"].cash == 20_000 - 7 * 100 + 7 * 50


@pytest.mark.parametrize("nets", [True, False])
def test_an_order_that_waits_for_another_keeps_its_size(opened, nets):
    """b's 15 sold are 10 closed and 5 sold short, whatever it has to wait for while the venue fills share by share."""
    plans = [spec("a", "14:40=10 14:50=-15"), spec("b", "14:50=4"), spec("c", "14:36=20 14:49=-5")]
    with venue(two_days(rows=60), "2024-02-21T09:34:30-05:00") as alpaca:
        journal = opened(alpaca)
        slow = ("2024-02-21T09:48:10-05:00", lambda live: live.alpaca.liquidity.update(AAA=Decimal(1)))
        fast = ("2024-02-21T10:00:10-05:00", lambda live: live.alpaca.liquidity.clear())
        strategies, _ = lived(alpaca, "2024-02-21T10:10:30-05:00", plans, journal, at_time=[slow, fast], nets=nets)
        shared = check_sums(strategies, alpaca)
        assert {name: part.held["AAA"] for name, part in shared.parts.items()} == {"a": -5, "b": 4, "c": 15}


def test_runs_that_hold_shares_start_again(opened):
    specs = [spec("a", "14:40=450", capital=50_000.0), spec("b", "14:40=450", capital=50_000.0)]
    with venue(two_days(rows=60), "2024-02-21T09:34:30-05:00") as alpaca:
        journal = opened(alpaca)
        lived(alpaca, "2024-02-21T09:43:30-05:00", specs, journal)
        shared = check_sums(lived(alpaca, "2024-02-21T09:46:30-05:00", specs, journal)[0], alpaca)
        assert [part.held["AAA"] for part in shared.parts.values()] == [450, 450]
        with pytest.raises(BadSpec, match="the capital of the runs adds up to"):
            lived(alpaca, "2024-02-21T09:48:30-05:00", [*specs, spec("c", "")], journal)


def test_a_run_by_itself_does_not_take_the_shares_of_another(opened):
    specs = [spec("a", "14:40=10"), spec("b", "14:40=5")]
    with venue(two_days(rows=60), "2024-02-21T09:34:30-05:00") as alpaca:
        journal = opened(alpaca)
        lived(alpaca, "2024-02-21T09:43:30-05:00", specs, journal)
        with pytest.raises(BadSpec, match=r"10(\.0+)? AAA on this account are those of the run a: start both together"):
            lived(alpaca, "2024-02-21T09:46:30-05:00", specs[1:], journal)
        assert alpaca.account.positions["AAA"].qty == 15 and executed(alpaca, journal, "b")[0] == {"AAA": 5}


def test_what_somebody_else_has_sold_is_not_sold_again(opened):
    specs = [spec("a", "14:40=10", on_stop="flatten", stop_within=5.0), spec("b", "")]
    sold = ("2024-02-21T09:44:10-05:00", lambda live: (live.alpaca.outside_order(symbol="AAA", side="sell", qty=10), live.broker.reconcile()))
    with venue(two_days(rows=60), "2024-02-21T09:34:30-05:00") as alpaca:
        with pytest.raises(AccountLeft, match="as somebody else has traded them"):
            lived(alpaca, "2024-02-21T09:50:30-05:00", specs, opened(alpaca), at_time=[sold])
        assert not alpaca.ledger.positions


def test_exits_that_rest_free_no_capital(opened):
    """The stop of AAA is no money for BBB; nor are five sales of the same shares five times the money."""
    plans = spec("a", "14:40=9 14:42=-9 14:42=-9 14:42=-9", capital=1_000.0)
    with venue(two_days(rows=60), "2024-02-21T09:34:30-05:00") as alpaca:
        shared = check_sums(lived(alpaca, "2024-02-21T09:46:30-05:00", [plans, spec("b", "14:38=90")], opened(alpaca))[0], alpaca)
        assert shared.parts["a"].held == {"AAA": -9} and shared.parts["b"].held == {"AAA": 90}
