"""A live run whose journal is the REST API does, sends and leaves behind what it does with the database itself, a restart included."""

from dataclasses import replace

from api_settings import settings_in
from scripted_minutes import SCRIPT, at, flat
from served import serving
from streamed_runs import lived, venue

from engine.live.books import books_of
from journal import Journal, opened
from services.api.app import create_app

FALLS = {"AAA": [100.0] * 11 + [90.0] * 49}  # the stop at 95 is executed while nobody listens
SPEC = SCRIPT.replace(params={"a": "6:1,16:1,20:1,26:1", "b": "6:1"}, exits={"stop": 0.05})


def two_lives(journal):
    """What the venue executed for a run that ended and began again; and what is said of it then."""
    with venue(flat(**FALLS), at("09:34:30")) as alpaca:
        lived(alpaca, at("09:38:30"), SPEC, journal=journal)
        alpaca.advance(to=at("09:44:40"))
        lived(alpaca, at("09:59:30"), SPEC, journal=journal)
        executed = [(each.symbol, each.signed, each.price, each.time) for each in alpaca.ledger.executions]
        books = [replace(each, account="") for each in books_of(journal, alpaca.account_id)]
        held = {each.symbol: each.qty for each in journal.state.portfolio(alpaca.account_id).positions}
        assert held == {symbol: qty for symbol, qty in alpaca.ledger.positions.items() if qty}
        orders = [order.symbol for row in journal.blotter.decisions(alpaca.account_id) for order in journal.blotter.orders(row.id)]
        notes = [(note.kind, note.text) for note in journal.account_log.notes(alpaca.account_id)]
        said = [(each.run, each.strategy, each.bar_ns, each.convictions) for each in journal.history.signals(alpaca.account_id)]
        worth = [(each.run, each.time_ns, each.equity, each.cash, each.positions) for each in journal.history.snapshots(alpaca.account_id)]
        return executed, books, orders, notes, said, worth


def test_a_run_on_the_api_is_the_run_on_the_database(tmp_path):
    with Journal(tmp_path / "journal.db") as journal:
        expected = two_lives(journal)
    settings = settings_in(tmp_path / "api")
    with serving(create_app(settings, rate=0)) as url, opened(url) as journal:
        assert two_lives(journal) == expected
    assert len(expected[0]) == 3 and expected[1] and len(expected[4]) == 4 and len(expected[5]) > 8
    with Journal(settings.journal) as journal:
        assert len(journal.account_log.runs()) == 1
