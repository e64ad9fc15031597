"""Streaming runs that die: at a point of an order's or a cancellation's way to the venue, or of the journal's writing, and start again.

A death is an exception that nothing of ours catches: what the process knew is gone, what the venue and the file have stays.
"""

from contextlib import contextmanager
from unittest.mock import patch

from scripted_minutes import SCRIPT, at, flat
from sqlalchemy.engine.default import DefaultDialect
from streamed_runs import lived, venue

from brokers.alpaca.rest import Rest
from brokers.local_alpaca import AccountRules
from journal import Journal

SHARES = 100
DAY = {"a": "3:1,9:0,12:1,18:-1,24:1,40:1", "b": "3:-1,12:1,16:0,20:-1,27:0,33:1,40:1"}  # entries, exits, reversals; the last one holds
SPEC = SCRIPT.replace(params=DAY, exits={"stop": 0.05, "profit": 0.2}, sizer=None, limits={}, quantity=SHARES)
FALLS = flat(rows=60, AAA=[100.0] * 14 + [96.0] * 10 + [102.0] * 36)  # the long of minute 12 stays, the short of 18 is stopped
BEGINS, ENDS = "09:30:30", "10:15:30"
STANDING = ("new", "accepted", "held", "partially_filled", "pending_new", "pending_cancel")


class Killed(BaseException):
    """The process is gone."""


class Points:
    """What a run passes; it ends at the n-th, if that is asked for."""

    def __init__(self, dies_at=0):
        self.passed, self._dies_at = [], dies_at

    def reach(self, name):
        self.passed.append(name)
        if len(self.passed) == self._dies_at:
            raise Killed(name)

    def _around(self, owner, name):
        method = getattr(owner, name)

        def mortal(*arguments, **options):
            self.reach(f"before {name}")
            result = method(*arguments, **options)
            self.reach(f"after {name}")
            return result

        return patch.object(owner, name, mortal)

    @contextmanager
    def watched(self):
        """Count, and die, within."""
        with self._around(Rest, "submit"), self._around(Rest, "cancel"), self._around(DefaultDialect, "do_commit"):
            yield


@contextmanager
def world(folder, bars=FALLS):
    """A venue on a margin account, and a journal."""
    with venue(bars, at(BEGINS), account=AccountRules(multiplier=4)) as alpaca, Journal(folder / "journal.db") as journal:
        yield alpaca, journal


def once(alpaca, folder, dies_at=0, until=ENDS, spec=SPEC, **options):
    """A process of the run: what it passed, and whether it lived to its end."""
    points = Points(dies_at)
    with Journal(folder / "journal.db") as journal, points.watched():
        try:
            lived(alpaca, at(until), spec, journal=journal, **options)
        except Killed:
            return points.passed, False
    return points.passed, True


def walked(alpaca):
    """Symbol -> positions after each of its executions."""
    held, paths = {}, {}
    for each in alpaca.ledger.executions:
        held[each.symbol] = held.get(each.symbol, 0) + float(each.signed)
        paths.setdefault(each.symbol, []).append(held[each.symbol])
    return paths


def standing(alpaca):
    """(symbol, type, side, shares) of the orders that stand."""
    orders = [alpaca.order(order.id) for order in alpaca.ledger.orders]
    return sorted((order.symbol, order.type, order.side, float(order.qty)) for order in orders if order.status in STANDING)


def judge(alpaca):
    """Nothing was done twice, and what is held is protected whole; what is held in the end."""
    for symbol, path in walked(alpaca).items():
        assert all(abs(size) <= SHARES for size in path), (symbol, path)
    names = [order.client_order_id for order in alpaca.ledger.orders]
    assert len(names) == len(set(names))
    held = {symbol: float(qty) for symbol, qty in alpaca.ledger.positions.items() if qty}
    expected = [(symbol, kind, "sell" if size > 0 else "buy", abs(size)) for symbol, size in held.items() for kind in ("limit", "stop")]
    assert standing(alpaca) == sorted(expected)
    return held
