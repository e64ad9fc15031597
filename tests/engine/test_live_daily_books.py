"""The books of a daily run beside the venue's own ledger: every execution once, dividends and splits of its shares, whatever happens in between."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from live_days import FIRST, SPEC, Days, panel, venue
from served import serving

from brokers.local_alpaca import AnswerFault
from checks.shadow_live import days_of, live_day
from core.bars import Bars
from core.settings import Settings
from engine.live.books import books_of
from journal import Journal, opened
from journal.account_log import CASH, LiveExecution
from journal.pages import Chosen
from services.api.app import create_app

BUSY = SPEC.replace(params={"seed": 3, "density": 0.7})


@pytest.fixture(name="bars", scope="module")
def _bars():
    return panel()


@pytest.fixture(name="alpaca")
def _alpaca(bars):
    with venue(bars) as alpaca:
        yield alpaca


@pytest.fixture(name="days")
def _days(alpaca, bars, tmp_path):
    return Days(alpaca, bars, tmp_path / "journal.db", BUSY)


def recorded(days) -> list[LiveExecution]:
    with Journal(days.path) as journal:
        [(account, run)] = journal.account_log.runs()
        return journal.account_log.executions(account, run)


def book(days):
    with Journal(days.path) as journal:
        [found] = books_of(journal)
        state = journal.state.portfolio(found.account, found.run)
        assert {each.symbol: each.qty for each in state.positions} == {symbol: qty for symbol, (qty, _) in found.held.items()}
        return found


def as_the_venue_has_them(days, alpaca):
    ours = [(each.client_order_id, each.symbol, each.signed, each.price, each.time_ns) for each in recorded(days)]
    mine = {order.id: order.client_order_id for order in alpaca.ledger.orders if order.client_order_id.startswith("cl-")}
    theirs = [(mine[each.order_id], each.symbol, each.signed, each.price, each.time) for each in alpaca.ledger.executions if each.order_id in mine]
    assert sorted(ours) == sorted(theirs)
    assert len(ours) > 3


def test_every_execution_is_written_down_once(days, alpaca):
    for _ in range(5):
        days.whole_day()
    days.once()
    as_the_venue_has_them(days, alpaca)
    found = book(days)
    assert {symbol: qty for symbol, (qty, _) in found.held.items()} == {symbol: qty for symbol, qty in alpaca.ledger.positions.items() if qty}
    assert found.flow == Decimal(str(days.reports[-1].cash)) - 100_000
    count = len(recorded(days))
    days.once()
    assert len(recorded(days)) == count


def test_days_without_a_call_are_made_up_for(days, alpaca):
    for _ in range(2):
        days.whole_day()
    days.once()
    days.at("19:05")
    days.once()
    before = len(recorded(days))
    for _ in range(3):  # the orders fill, and nobody looks
        days.at("16:25", days.session_after(days.today))
    days.once()
    as_the_venue_has_them(days, alpaca)
    assert len(recorded(days)) > before


def test_a_broker_that_does_not_list_them_is_warned_of_and_asked_again(days, alpaca):
    days.whole_day()
    fault = alpaca.faults.add(AnswerFault(path="/v2/account/activities", accepted=False, status=422, body={"message": "no list today"}, times=2))
    report = days.once()
    assert fault.struck and any("could not be written down" in text for text in report.warnings)
    days.whole_day()
    days.whole_day()
    assert not any("could not be written down" in text for text in days.once().warnings)
    as_the_venue_has_them(days, alpaca)


def acted(rows=60):
    """Bars of which AAA splits 2:1 on the third session of the run, and BBB pays 0.50 on the fourth."""
    bars = panel(rows)
    first = int(np.searchsorted(bars.session, np.datetime64(FIRST)))
    frames = {}
    for symbol in bars.symbols:
        series = bars.series(symbol)
        frame = pd.DataFrame({name: getattr(series, name) for name in ("open", "high", "low", "close", "volume")}, index=pd.DatetimeIndex(series.session))
        frame["split"], frame["dividend"] = 1.0, 0.0
        if symbol == "AAA":
            frame.iloc[first + 3 :, :4] = (frame.iloc[first + 3 :, :4] / 2).round(2)
            frame.iloc[first + 3, frame.columns.get_loc("split")] = 2.0
        if symbol == "BBB":
            frame.iloc[first + 4, frame.columns.get_loc("dividend")] = 0.5
        frames[symbol] = frame
    return Bars.from_frames(frames)


@pytest.mark.parametrize("others", [0, 3])
def test_splits_and_dividends_of_its_shares(tmp_path, others):
    with venue(acted()) as alpaca:
        days = Days(alpaca, acted(), tmp_path / "journal.db", BUSY)
        for at in range(6):
            days.whole_day()
            if at == 0 and others:
                for symbol in ("AAA", "BBB"):
                    alpaca.outside_order(symbol=symbol, side="buy", qty=others)
        days.once()
        found, entries = book(days), alpaca.ledger.entries
        assert {each.kind for each in entries if each.kind in ("SPLIT", "DIV")} == {"SPLIT", "DIV"}
        held = {symbol: qty for symbol, qty in alpaca.ledger.positions.items() if qty}
        if not others:
            assert {symbol: qty for symbol, (qty, _) in found.held.items()} == held
            assert found.flow == Decimal(str(days.reports[-1].cash)) - 100_000 and found.dividends > 0
        else:
            paid = sum(each.cash for each in entries if each.kind == "DIV")
            assert Decimal(0) < found.dividends < paid
        with Journal(days.path) as journal:
            notes = journal.account_log.notes(kinds=[CASH])
        assert len(notes) == 2
        days.once()
        with Journal(days.path) as journal:
            assert journal.account_log.notes(kinds=[CASH]) == notes


def test_other_parameters_are_the_same_run(days, alpaca):
    for seed in (3, 4):
        days.spec = BUSY.replace(params={"seed": seed, "density": 0.7})
        for _ in range(3):
            days.whole_day()
    days.once()
    as_the_venue_has_them(days, alpaca)
    found = book(days)
    assert found.run == "SteadyDecisions"
    assert {symbol: qty for symbol, (qty, _) in found.held.items()} == {symbol: qty for symbol, qty in alpaca.ledger.positions.items() if qty}
    with Journal(days.path) as journal:
        assert len({row.run_key for row in journal.blotter.decisions(found.account)}) == 2
        assert {journal.blotter.run_of(each.client_order_id) for each in recorded(days)} == {"SteadyDecisions"}
        assert {name for _, name in journal.account_log.runs()} == {"SteadyDecisions"}
        settings = Settings(_env_file=None, CEREBROLAB_HOME=days.path.parent / "home", CEREBROLAB_JOURNAL=str(days.path))
        with serving(create_app(settings, rate=0)) as url, opened(url) as remote:
            assert {remote.blotter.run_of(each.client_order_id) for each in recorded(days)} == {"SteadyDecisions"}


def test_a_day_of_it_can_be_shadowed(days, alpaca):
    for _ in range(4):
        days.whole_day()
    days.once()
    with Journal(days.path) as journal:
        [(account, key)] = days_of(journal)
        fills = {}
        for date in days_of(journal)[account, key]:
            for side in live_day(journal, account, key, date).orders:
                fills.setdefault(side.client_order_id, []).extend((each.time, float(each.qty), float(each.price)) for each in side.fills)
    expected = {}
    for each in recorded(days):
        expected.setdefault(each.client_order_id, []).append((each.time_ns, float(each.signed), float(each.price)))
    assert {name: sorted(found) for name, found in fills.items() if found} == {name: sorted(found) for name, found in expected.items()}


def test_what_is_held_for_months_is_paid_its_dividends(tmp_path, monkeypatch):
    with venue(acted()) as alpaca:
        days = Days(alpaca, acted(), tmp_path / "journal.db", BUSY)
        for _ in range(2):
            days.whole_day()
        monkeypatch.setattr("engine.live.daily_books.BACK_NS", 30 * 3600 * 10**9)  # what was traded is long ago from now on
        days.spec = BUSY.replace(params={"seed": 3, "density": 0.0})
        for _ in range(4):
            days.whole_day()
        days.once()
        found = book(days)
        assert found.dividends == sum(each.cash for each in alpaca.ledger.entries if each.kind == "DIV") > 0
        assert {symbol: qty for symbol, (qty, _) in found.held.items()} == {symbol: qty for symbol, qty in alpaca.ledger.positions.items() if qty}


def test_its_orders_are_found_by_its_name(days):
    days.whole_day()
    days.once()
    with Journal(days.path) as journal:
        [(account, name)] = journal.account_log.runs()
        [key] = {row.run_key for row in journal.blotter.decisions(account)}
        by_name, by_key = (journal.glance.orders(Chosen(account, run), 50) for run in (name, key))
        assert by_name == by_key and len(by_name) > 1 and journal.glance.orders(Chosen(account, "another"), 50) == []
