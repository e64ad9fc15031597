"""A spec in Cerebro on the local Alpaca, live: minutes or days, on the venue's own time."""

import functools

import numpy as np
from alpaca_minutes_live import Live

from brokers.local_alpaca import AccountRules, LocalAlpaca
from brokers.local_alpaca.moments import moment
from core.bars import Bars
from core.calendars import get_calendar
from core.series import SymbolBars
from core.spec import RunSpec
from engine.live.streaming import stream

SYMBOLS = ("AAA", "BBB")
SPEC = RunSpec(strategy="steady_decisions:SteadyMinutes", params={"seed": 2, "density": 0.3}, symbols=SYMBOLS, interval="1m",
               sizer="EqualWeight", limits={"cash_buffer": 0.1}, cash=100_000.0, on_stop="keep")


def two_days(rows=390, days=("2024-02-20", "2024-02-21"), seed=3) -> Bars:
    """Whole sessions of minutes, prices in cents."""
    opens = get_calendar("XNYS").open_of(np.array(days, "datetime64[D]"))
    index = np.concatenate([at + 60 * 10**9 * np.arange(1, rows + 1) for at in opens])
    session = np.repeat(np.array(days, "datetime64[D]"), rows)
    series = []
    for at, symbol in enumerate(SYMBOLS):
        random = np.random.default_rng([seed, at])
        closes = np.round(100 + 0.01 * random.integers(-5, 6, len(index)).cumsum(), 2)
        opens_ = np.r_[100.0, closes[:-1]]
        series.append(SymbolBars.make(symbol, index, session, closes, open=opens_, high=np.maximum(opens_, closes) + 0.01,
                                      low=np.minimum(opens_, closes) - 0.01, volume=np.full(len(index), 1e6)))
    return Bars.of(series, interval="1m")


def venue(bars, now, account=None, **options):
    """The local Alpaca; a margin account unless told otherwise."""
    return LocalAlpaca(bars, now=now, account=account or AccountRules(multiplier=4), **options)


def lived(alpaca, until, spec=SPEC, bars=None, at_time=(), heard=None, journal=None, **options):
    """Stream a spec on the venue; (strategy, events). `at_time`: moments, and what is then done with the `Live`.

    `heard` takes the events where the run does not end well.
    """
    live, events = Live(alpaca, until, **options), [] if heard is None else heard
    live.clock.stops = [*live.clock.stops, moment(until) + 600 * 10**9]  # the end takes its time
    todo = sorted((moment(when), act) for when, act in at_time)

    def over():
        while todo and alpaca.now >= todo[0][0]:
            todo.pop(0)[1](live)
        return alpaca.now >= moment(until)

    live.broker.p.capital = spec.capital
    live.store.getdata = functools.partial(live.store.getdata, qcheck=60.0 if spec.interval == "1m" else 1800.0)
    try:
        strategy = stream(spec, live.store, over, events.append, bars, journal)
    finally:
        live.store.stop()
    return strategy, events


def held(strategy):
    """Shares by symbol, as the strategy sees them."""
    return {data._name: strategy.getposition(data).size for data in strategy.datas if strategy.getposition(data).size}
