"""A live streaming run whose journal is on PostgreSQL, that dies and is steered: it trades and leaves behind what it does on SQLite."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
from killed_streams import Killed
from postgres_server import started
from streamed_runs import SPEC, lived, two_days, venue

from brokers.alpaca.rest import Rest
from engine.live.books import books_of
from journal import Journal, opened
from journal.blotter import DONE

RUN = SPEC.replace(start="2024-02-20", name="one", params={"seed": 2, "density": 0.4, "shorts": 0.4})
START, ASKED, END = (f"2024-02-21T{time}-05:00" for time in ("09:34:30", "09:45:10", "09:58:30"))
DIES_AT = 5  # of its orders


@pytest.fixture(name="address", scope="module")
def _address():
    with started() as server:
        yield server.get_uri()


@contextmanager
def dying(monkeypatch):
    """Within, the process dies as an order has left, before it hears of it."""
    submit, left = Rest.submit, []

    def mortal(*arguments):
        answer = submit(*arguments)
        left.append(answer)
        if len(left) == DIES_AT:
            raise Killed
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(Rest, "submit", mortal)
        with pytest.raises(Killed):
            yield


def told(journal, account):
    """All that the journal says of the account, but for what names the account, and when it was written down."""
    log, history = journal.account_log, journal.history
    decisions = journal.blotter.decisions(account)
    return {
        "decisions": [(row.run_key, row.bar_ns, row.session, row.spec, row.targets, row.equity, row.cash) for row in decisions],
        "orders": [(each.symbol, each.side, each.intent, each.qty, each.filled, each.state, each.status, each.reason) for row in decisions
                   for each in journal.blotter.orders(row.id)],
        "executions": [(each.symbol, each.signed, each.price, each.filled, each.run, each.time_ns) for each in log.executions(account)],
        "notes": [(each.kind, each.text) for each in log.notes(account)],
        "books": [replace(each, account="") for each in books_of(journal, account)],
        "answers": [(each.run, each.taken, each.text, each.bar_ns) for each in journal.steering.answers(account=account)],
        "signals": [(each.run, each.strategy, each.bar_ns, each.convictions) for each in history.signals(account)],
        "worth": [(each.run, each.time_ns, each.equity, each.cash, each.positions) for each in history.snapshots(account)],
    }


def lives(place, monkeypatch):
    """Three processes of one run: the first dies as an order leaves, the second is told to decide by other parameters, the third goes on."""
    with venue(two_days(rows=60), START) as alpaca:
        with dying(monkeypatch), opened(place) as journal:
            lived(alpaca, END, RUN, journal=journal)
        died_ns = alpaca.now
        alpaca.advance(seconds=20)
        with opened(place) as journal:
            asks = (ASKED, lambda live: journal.steering.ask("configure", "SteadyMinutes", "one", {"parameters": {"seed": 7}}, "a test", asked_ns=alpaca.now))
            lived(alpaca, "2024-02-21T09:50:30-05:00", RUN, journal=journal, at_time=[asks])
        with opened(place) as journal:
            strategy, _ = lived(alpaca, END, RUN, journal=journal)
            assert strategy.p.seed == 7
            known = told(journal, alpaca.account_id)
        ledger = [(each.symbol, each.signed, each.price, each.cum_qty, "one", each.time) for each in alpaca.ledger.executions]
        names = [order.client_order_id for order in alpaca.ledger.orders]
        assert len(names) == len(set(names)) and died_ns < alpaca.now
        check(known, ledger, alpaca)
        return known, ledger


def check(known, ledger, alpaca):
    """The journal has what the venue's ledger has, once."""
    assert sorted(known["executions"]) == sorted(ledger) and len(ledger) > DIES_AT
    [book] = known["books"]
    assert {symbol: qty for symbol, (qty, _) in book.held.items() if qty} == {symbol: qty for symbol, qty in alpaca.ledger.positions.items() if qty}
    assert 100_000 + book.flow == alpaca.account.cash
    assert [(taken, text.partition(";")[0]) for _, taken, text, _ in known["answers"]] == [(True, "seed: 2 -> 7")]
    assert {order[5] for order in known["orders"]} == {DONE}
    assert known["worth"][-1][2:4] == (alpaca.account.equity, alpaca.account.cash) and known["signals"]


def test_three_lives_on_postgresql_are_those_on_sqlite(address, tmp_path, monkeypatch):
    expected, traded = lives(tmp_path / "journal.db", monkeypatch)
    known, ledger = lives(address, monkeypatch)
    assert ledger == traded
    for name, told_there in expected.items():
        assert known[name] == told_there, name
    with Journal(address) as journal:
        assert len(journal.account_log.runs()) == 1
