"""What live runs leave in the journal's history: every signal, and what runs and account were worth, as the venue's ledger has it."""

from collections import Counter
from contextlib import closing
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest
from alpaca_rest import rest_of
from live_days import SPEC as DAILY
from live_days import Days, panel
from live_days import venue as daily_venue
from several_runs import lived as lived_several
from several_runs import spec as several
from streamed_runs import SPEC, lived, two_days, venue

from brokers.alpaca.broker import AlpacaBroker
from brokers.alpaca.clock import BrokerClock
from brokers.alpaca.order_terms import exact_number
from brokers.local_alpaca import VenueClock
from core.calendars import MINUTE_NS
from core.errors import StoreFailed
from engine import resolve
from engine.live.daily import Daily
from journal import Journal
from journal.history import History

START, LATER, END = (f"2024-02-21T{time}-05:00" for time in ("09:34:30", "09:45:30", "09:52:30"))
RUN = SPEC.replace(start="2024-02-20", name="one")
OPENS = np.datetime64("2024-02-21T14:30", "ns").astype(int)


@pytest.fixture(name="alpaca")
def _alpaca():
    with venue(two_days(rows=60), START) as alpaca:
        yield alpaca


@pytest.fixture(name="journal")
def _journal(alpaca, tmp_path):
    with Journal(tmp_path / "journal.db", VenueClock(alpaca)) as journal:
        yield journal


def decided(spec, bars):
    """Moment -> what the strategy says then, of a whole panel."""
    strategy = resolve.strategy_class(spec.strategy)
    signals = strategy.decisions(bars, SimpleNamespace(**{**dict(strategy.params._getitems()), **spec.params}))
    said = [{symbol: each for symbol, each in zip(bars.symbols, row, strict=True) if not np.isnan(each)} for row in signals.tolist()]
    return dict(zip(bars.index.tolist(), said, strict=True))


def check_ledger(alpaca, snapshots):
    """Each shows the shares and the cash that the venue's executions add up to by then."""
    for each in snapshots:
        before = [done for done in alpaca.ledger.executions if done.time <= each.time_ns]
        held = Counter()
        for done in before:
            held[done.symbol] += done.signed
        assert {symbol: Decimal(facts["quantity"]) for symbol, facts in each.positions.items()} == {
            symbol: qty for symbol, qty in held.items() if qty}
        assert abs(each.cash - (100_000 - sum((done.signed * done.price for done in before), Decimal(0)))) < Decimal("1e-6")
        worth = sum((Decimal(facts["quantity"]) * Decimal(facts["price"]) for facts in each.positions.values()), Decimal(0))
        assert each.equity == each.cash + worth and each.source == "run"


def test_a_streaming_run_leaves_its_signals_and_its_worth(alpaca, journal):
    """Two processes; nothing is said of the minutes when neither was there."""
    lived(alpaca, LATER, RUN, journal=journal)
    alpaca.advance(to="2024-02-21T09:47:40-05:00")
    strategy, _ = lived(alpaca, END, RUN, journal=journal)
    said, expected = journal.history.signals(alpaca.account_id, "one"), decided(RUN, two_days(rows=60))
    assert strategy.said(said[-1].bar_ns) == said[-1].convictions and not strategy.said(said[-1].bar_ns - 1) and not strategy.said(said[-1].bar_ns + 10**15)
    moments = [OPENS + minute * MINUTE_NS for minute in [*range(5, 16), *range(18, 23)]]
    assert {each.bar_ns: each.convictions for each in said} == {moment: expected[moment] for moment in moments if expected[moment]}
    assert {each.strategy for each in said} == {"SteadyMinutes"} and len(said) >= 5
    runs, whole = (journal.history.snapshots(alpaca.account_id, name) for name in ("one", ""))
    assert [(each.time_ns, each.equity, each.positions) for each in runs] == [(each.time_ns, each.equity, each.positions) for each in whole]
    check_ledger(alpaca, whole)
    taken = [each.time_ns for each in runs]
    assert {each.bar_ns for each in said} <= set(taken) <= {*moments, *(at for at in taken if at % MINUTE_NS)}
    assert len([at for at in taken if at % MINUTE_NS]) == 4  # each process begins and ends
    assert runs[-1].equity == alpaca.account.equity and runs[-1].cash == alpaca.account.cash
    assert {point.source for point in journal.history.equity(alpaca.account_id, "one")} == {"run", "decision"}


def test_the_end_of_a_session_is_on_record(journal):
    """A minute after the close, whatever is said; and the next morning goes on."""
    with venue(two_days(days=("2024-02-20", "2024-02-21")), "2024-02-20T15:57:30-05:00") as alpaca:
        lived(alpaca, "2024-02-21T09:33:30-05:00", RUN.replace(params={"seed": 2, "density": 0.0}), journal=journal)
        taken = [np.datetime64(each.time_ns, "ns").astype("datetime64[m]") for each in journal.history.snapshots(alpaca.account_id, "one")]
        assert taken[0] == np.datetime64("2024-02-20T20:57") and taken[-1] >= np.datetime64("2024-02-21T14:33")
        assert np.datetime64("2024-02-20T21:01") <= taken[1] < np.datetime64("2024-02-21T14:30") and len(taken) == 3
        assert not journal.history.signals()


def test_several_runs_are_worth_what_their_orders_have_brought(alpaca, journal):
    strategies, _ = lived_several(alpaca, END, [several(2), several(5)], journal)
    curves = {name: journal.history.snapshots(alpaca.account_id, name) for name in ("run2", "run5", "")}
    check_ledger(alpaca, curves[""])
    parts = strategies[0].broker.shared.parts
    for name, part in parts.items():
        last = curves[name][-1]
        assert (last.cash, {symbol: Decimal(facts["quantity"]) for symbol, facts in last.positions.items()}) == (part.cash, part.held)
        assert abs(last.equity - part.cash - part.worth) < Decimal("1e-6")
        assert curves[name][0].equity == 20_000 and len(curves[name]) > 8
        assert {each.bar_ns for each in journal.history.signals(run=name)} <= {each.time_ns for each in curves[name]}


def test_a_journal_that_fails_for_a_while_has_everything_in_the_end(alpaca, journal, monkeypatch):
    """The run goes on as it would have; what waited is written down when it can be."""
    take, failures = History.take, []

    def fails(self, *given, **named):
        if OPENS + 8 * MINUTE_NS < alpaca.now < OPENS + 14 * MINUTE_NS:
            failures.append(alpaca.now)
            raise StoreFailed("the journal is full")
        take(self, *given, **named)

    monkeypatch.setattr(History, "take", fails)
    _, events = lived(alpaca, END, RUN, journal=journal)
    assert failures and "the journal is full" in {event.text for event in events}
    expected = decided(RUN, two_days(rows=60))
    said = {each.bar_ns for each in journal.history.signals(alpaca.account_id, "one")}
    assert said == {moment for moment in expected if OPENS + 5 * MINUTE_NS <= moment <= OPENS + 22 * MINUTE_NS and expected[moment]}
    check_ledger(alpaca, journal.history.snapshots(alpaca.account_id, ""))
    assert len(journal.account_log.executions(alpaca.account_id)) == len(alpaca.ledger.executions) > 3


def test_a_history_that_cannot_be_written_changes_nothing_that_is_traded(tmp_path, monkeypatch):
    """Neither a journal that is full, nor a price that is no number."""
    executed = []
    for owner, name, value in ((History, "take", History.take), (History, "take", full), (AlpacaBroker, "held", property(no_number))):
        with monkeypatch.context() as patched, venue(two_days(rows=60), START) as alpaca, Journal(tmp_path / f"{len(executed)}.db") as journal:
            patched.setattr(owner, name, value)
            lived(alpaca, END, RUN, journal=journal)
            executed.append([(each.symbol, each.signed, each.price, each.time) for each in alpaca.ledger.executions])
    assert executed[0] == executed[1] == executed[2] and executed[0]


def no_number(_):
    return exact_number(float("nan"))


def full(*_, **__):
    raise StoreFailed("the journal is full")


def test_a_daily_run_leaves_its_signals_and_its_worth(tmp_path):
    """A snapshot as each process begins, and as its orders are done; a dry run leaves nothing."""
    spec, bars = DAILY.replace(params={"seed": 3, "density": 0.7}), panel()
    with daily_venue(bars) as alpaca, Journal(tmp_path / "journal.db") as journal:
        days = Days(alpaca, bars, tmp_path / "journal.db", spec)
        days.once(dry=True)
        assert not journal.history.signals() and not journal.history.snapshots()
        for _ in range(4):
            days.whole_day()
        rows, said = journal.blotter.decisions(alpaca.account_id), journal.history.signals(alpaca.account_id)
        expected = decided(spec, bars)
        assert {each.bar_ns: each.convictions for each in said} == {row.bar_ns: expected[row.bar_ns] for row in rows if expected[row.bar_ns]}
        assert {each.run for each in said} == {rows[0].strategy}
        runs, whole = (journal.history.snapshots(alpaca.account_id, name) for name in (rows[0].strategy, ""))
        assert len(runs) == len(whole) >= 8
        check_ledger(alpaca, whole)
        assert (runs[-1].equity, runs[-1].cash) == (whole[-1].equity, whole[-1].cash)


def test_a_daily_loop_takes_no_snapshot_where_nothing_has_changed(tmp_path):
    spec, bars = DAILY.replace(params={"seed": 3, "density": 0.7}), panel()
    with daily_venue(bars) as alpaca, closing(rest_of(alpaca)) as rest:
        clock = BrokerClock(rest)
        with Journal(tmp_path / "journal.db", clock) as journal:
            daily = Daily(spec, rest, clock, journal, bars_of=lambda session: bars.between(None, session))
            counts = []
            for time in ("2024-02-20T16:26", "2024-02-20T19:05", "2024-02-20T19:10", "2024-02-21T09:31", "2024-02-21T09:32"):
                alpaca.advance(to=f"{time}-05:00")
                daily.once()
                counts.append(len(journal.history.snapshots(alpaca.account_id, "")))
    assert counts == [1, 1, 1, 2, 2]


def test_a_daily_run_has_its_part_of_the_account_and_says_what_it_could_not_write_down(tmp_path, monkeypatch):
    spec, bars = DAILY.replace(params={"seed": 3, "density": 0.7}, capital=20_000.0), panel()
    with daily_venue(bars) as alpaca, Journal(tmp_path / "journal.db") as journal:
        days = Days(alpaca, bars, tmp_path / "journal.db", spec)
        days.whole_day()
        last = journal.history.snapshots(alpaca.account_id, journal.blotter.decisions(alpaca.account_id)[0].strategy)[-1]
        worth = sum((abs(Decimal(facts["quantity"])) * Decimal(facts["price"]) for facts in last.positions.values()), Decimal(0))
        assert last.positions and last.cash == min(alpaca.account.cash, last.equity - worth) and last.equity <= 20_000
        monkeypatch.setattr(History, "take", full)
        assert "what the account is worth could not be written down: the journal is full" in days.once().warnings
