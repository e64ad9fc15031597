"""Several specs streaming minutes on one account of the local Alpaca, and who owns what in the end."""

import functools
from decimal import Decimal

from alpaca_minutes_live import Live
from streamed_runs import SYMBOLS

from brokers.local_alpaca.moments import moment
from core.spec import RunSpec
from engine.live.streaming import stream_several

CENT = Decimal("0.01")


def spec(seed, **options):
    return RunSpec(**{"strategy": "steady_decisions:SteadyMinutes", "params": {"seed": seed, "density": 0.3}, "symbols": SYMBOLS,
                      "interval": "1m", "sizer": "EqualWeight", "limits": {"cash_buffer": 0.1}, "name": f"run{seed}", "capital": 20_000.0,
                      "on_stop": "keep", "start": "2024-02-20", **options})


def lived(alpaca, until, specs, journal, at_time=(), nets=False):
    """Stream several specs; (strategies, events)."""
    live, events = Live(alpaca, until), []
    live.clock.stops = [*live.clock.stops, moment(until) + 600 * 10**9]
    live.store.getdata = functools.partial(live.store.getdata, qcheck=60.0)
    todo = sorted((moment(when), act) for when, act in at_time)

    def over():
        while todo and alpaca.now >= todo[0][0]:
            todo.pop(0)[1](live)
        return alpaca.now >= moment(until)

    try:
        return stream_several(specs, live.store, over, events.append, journal=journal, nets=nets), events
    finally:
        live.store.stop()


def check_sums(strategies, alpaca):
    """The parts and the rest are the account, to the cent and the share; each run's share is what its own orders have executed."""
    shared = strategies[0].broker.shared
    assert abs(shared.cash - alpaca.account.cash) < CENT
    assert shared.held == {symbol: held.qty for symbol, held in alpaca.account.positions.items() if held.qty}
    return shared


def executed(alpaca, journal, run):
    """Symbol -> shares that the venue has executed of the orders the journal says are a run's; cash they have brought."""
    held, cash = {}, Decimal(0)
    for each in alpaca.ledger.executions:
        order = next(order for order in alpaca.ledger.orders if order.id == each.order_id)
        if journal.blotter.run_of(order.client_order_id) == run:
            held[each.symbol] = held.get(each.symbol, Decimal(0)) + each.signed
            cash -= each.signed * each.price
    return {symbol: qty for symbol, qty in held.items() if qty}, cash
