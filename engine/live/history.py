"""What a live Cerebro run has seen before today: bars up to the last session, at prices that fit today's.

Imports engine.build, feeds and brokers.alpaca.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace

import numpy as np

from brokers.alpaca import AlpacaStore
from core.bars import Bars
from core.calendars import get_calendar
from core.errors import NoBars
from core.spec import RunSpec
from engine import resolve
from engine.build import trades_adjusted
from feeds.alpaca import PROXIES, AlpacaSource
from feeds.alpaca_actions import Action
from feeds.alpaca_feed import HISTORY
from feeds.alpaca_pages import AlpacaPages
from feeds.alpaca_splits import actions_on
from feeds.intervals import is_intraday
from feeds.load import load_bars
from feeds.store import BarStore


def live_history(spec: RunSpec, store: AlpacaStore, bar_store: BarStore | None) -> Bars | None:
    """The bars of Alpaca from the spec's start, else of some sessions, up to the session before today's; None where there are none.

    A target strategy gets raw bars with their actions; a plain one, whose indicators see what trades, back-adjusted ones.

    Raises:
        CerebrolabError: as `feeds.load.load_bars`.
    """
    strategy, today = resolve.strategy_class(spec.strategy), store.clock.today()
    calendar, sessions = get_calendar(spec.calendar), HISTORY[is_intraday(spec.interval)]
    start = spec.start or (None if spec.period else str(calendar.step(np.datetime64(today), -sessions)))
    end = str(calendar.step(np.datetime64(today), -1))
    if start is not None and start > end:
        return None
    source = AlpacaSource(store.endpoints.data_feed, spec.calendar, endpoints=store.endpoints, clock=store.clock)
    try:
        bars = load_bars(source=source, symbols=spec.symbols, reference=spec.reference, start=start, period=spec.period, end=end,
                         interval=spec.interval, store=bar_store, clock=store.clock)
    except NoBars:
        return None
    if not trades_adjusted(spec, strategy):
        return bars
    tickers = {PROXIES.get(symbol, symbol): symbol for symbol in bars.symbols}
    with closing(AlpacaPages(store.endpoints, store.clock)) as pages:
        coming = actions_on(list(tickers), str(today), pages)
    return back_adjusted(bars, {tickers[ticker]: actions for ticker, actions in coming.items()})


def back_adjusted(bars: Bars, coming: Mapping[str, Sequence[Action]]) -> Bars:
    """Bars with every dividend and split inside the earlier prices, so that the next prices are those that trade.

    Args:
        coming: symbol -> actions of the next session.
    """
    adjusted, last, closes = bars.adjusted, bars.factor[-1].copy(), bars.last_close[-1]
    for symbol, actions in coming.items():
        at = bars.column(symbol)
        for action in actions:
            last[at] *= action.split / (1.0 - action.cash * action.split / closes[at])
            closes = np.where(np.arange(len(closes)) == at, closes / action.split, closes)
    prices = {f"raw_{name}": getattr(adjusted, f"raw_{name}") / last for name in ("open", "high", "low", "close")}
    return replace(adjusted, **prices, raw_volume=adjusted.raw_volume * last)

