"""`shadow`: a live day beside the same day in the simulation, and where the difference comes from.

Imports journal, feeds, engine and core. Every amount is an exact fraction, so that the parts sum to the whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from checks.shadow_bars import Prices, Quotes, stored_bars
from checks.shadow_live import LiveDay, LiveFill, live_day
from checks.shadow_orders import Compared, amounts, compared
from checks.shadow_parts import ZERO, Parts, exact, total_of
from checks.shadow_replay import Start, replay
from checks.shadow_slippage import Filled
from core.bars import Bars
from core.calendars import get_calendar
from core.options import Exits, read_group
from feeds.store import BarStore
from journal import Journal

STRANGE = 0.01  # part of the equity that may be held without the run's journal knowing of it


@dataclass(frozen=True)
class ShadowDay:
    """A run's day, live and in the simulation.

    Attributes:
        session: exchange date. live: what the run did. orders: those with a fill on either side.
        carried: gain on what was held when the day began, the same on both sides, account currency.
        simulated: the day's gain by the simulated broker's own books.
        refused: symbols, bars and reasons of orders the simulation refused. warnings: what a reader must know.
        synthetic: the bars are invented.
    """

    session: str
    live: LiveDay
    orders: tuple[Compared, ...]
    carried: Fraction
    simulated: float
    refused: tuple[tuple[str, int, str], ...]
    warnings: tuple[str, ...]
    synthetic: bool

    @property
    def parts(self) -> Parts:
        """Of all orders."""
        return total_of(order.parts for order in self.orders)

    @property
    def value(self) -> Fraction:
        """Of all orders, account currency."""
        return sum((order.value for order in self.orders), ZERO)

    @property
    def live_gain(self) -> Fraction:
        """What the run made on the day."""
        return self.carried + sum((lot.gain(order.close) for order in self.orders for lot in order.live), ZERO)

    @property
    def shadow_gain(self) -> Fraction:
        """What the simulation made on it."""
        return self.carried + sum((lot.gain(order.close) for order in self.orders for lot in order.shadow), ZERO)

    @property
    def filled(self) -> list[Filled]:
        """What slippage is estimated from."""
        return [each for order in self.orders for each in order.filled]

    def summary(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return {
            "session": self.session, "account": self.live.account, "run": self.live.run, "strategy": self.live.strategy,
            "live_gain": float(self.live_gain), "shadow_gain": float(self.shadow_gain), "carried": float(self.carried),
            **amounts(self.parts, self.value), "orders": [order.summary() for order in self.orders],
            "refused": [{"symbol": symbol, "bar": bar, "reason": reason} for symbol, bar, reason in self.refused],
            "synthetic": self.synthetic, "warnings": list(self.warnings),
        }


def shadow(journal: Journal, store: BarStore, account: str, run: str, date: str, quotes: Mapping[str, Quotes] | None = None) -> ShadowDay:
    """Replay a run's day (ISO date) through the simulated broker, and compare.

    Args:
        store: where the bars of the day are. quotes: half spreads by symbol, see `checks.shadow_bars.read_quotes`.

    Raises:
        UnknownName: the run had decided nothing by then. NoBars: the day's bars are not stored.
        Otherwise as `engine.build`.
    """
    live, session = live_day(journal, account, run, date), np.datetime64(date, "D")
    bars = stored_bars(live.spec, session, store)
    for symbol in sorted({order.symbol for order in live.orders if order.fills}):
        bars.column(symbol)  # what was traded and is not in the spec has no bars here
    prices = Prices(bars, session, quotes)
    start, warnings = _start(live, bars, session)
    played = replay(live.spec, bars, start)
    orders = compared(live, played, prices)
    if any(lot.arrival is not None and prices.half_spread(order.symbol, order.sent_ns or 0) is None for order in orders for lot in order.live):
        warnings.append("no quotes are known: what half the spread costs is in the slippage; give them with --quotes")
    carried = sum((_carried(prices, start.row, symbol, exact(size)) for symbol, (size, _) in start.held.items()), ZERO)
    return ShadowDay(date, live, tuple(orders), carried, played.gain, played.refused, tuple(warnings), bars.origin.synthetic)


# -- where the day begins ---------------------------------------------------------------------------------


def _start(live: LiveDay, bars: Bars, session: np.datetime64) -> tuple[Start, list[str]]:
    close_before = int(_close_before(bars, session))
    first = live.decisions[0].bar_ns if live.fresh and live.decisions else close_before
    row = min(int(np.searchsorted(bars.index, first, "left")), len(bars) - 1)
    held = _held(live.earlier, bars, row)
    known = live.decisions[0] if live.decisions else live.last
    at = min(int(np.searchsorted(bars.index, known.bar_ns, "right")) - 1, len(bars) - 1)
    worth = sum(size * float(bars.last_close[max(at, 0), bars.column(symbol)]) for symbol, (size, _) in held.items())
    is_whole = bool(known.fingerprint) and live.spec.capital is not None  # a daily run writes down the account, a streaming one its part
    equity = min(float(known.equity), float(live.spec.capital or 0.0)) if is_whole else float(known.equity)
    warnings = []
    elsewhere = float(known.equity - known.cash) - worth
    if abs(elsewhere) > STRANGE * abs(float(known.equity)):
        warnings.append(f"the account held {elsewhere:,.2f} more in positions than the run's journal knows of: the shadow begins without them")
    if held and any(read_group(Exits, live.spec.exits)):
        warnings.append(f"trailing stops and time exits of {', '.join(sorted(held))} begin anew with the day, and so does what was stopped out before")
    return Start(row, equity - worth, held), warnings


def _close_before(bars: Bars, session: np.datetime64) -> int:
    calendar = get_calendar(bars.calendar)
    return int(calendar.close_of(np.array([calendar.step(session, -1)]))[0])


def _held(earlier: Sequence[LiveFill], bars: Bars, row: int) -> dict[str, tuple[float, float]]:
    """Symbol -> (shares, average price) from fills before the day, by average cost, in shares of bar `row`."""
    books: dict[str, tuple[Fraction, Fraction]] = {}
    for fill in earlier:
        if fill.symbol not in bars.symbols:
            continue
        later = slice(int(np.searchsorted(bars.index, fill.time, "left")) + 1, row + 1)
        ratio = exact(np.prod(bars.split[later, bars.column(fill.symbol)]))
        books[fill.symbol] = _booked(*books.get(fill.symbol, (ZERO, ZERO)), fill.qty * ratio, fill.price / ratio)
    return {symbol: (float(qty), float(average)) for symbol, (qty, average) in books.items() if qty}


def _booked(qty: Fraction, average: Fraction, change: Fraction, price: Fraction) -> tuple[Fraction, Fraction]:
    """A position after one more fill."""
    after = qty + change
    if qty * change >= 0:
        return after, (qty * average + change * price) / after if after else ZERO
    return after, average if after * qty > 0 else price


def _carried(prices: Prices, row: int, symbol: str, size: Fraction) -> Fraction:
    """Gain to the end of the bars of shares held after bar `row`, with the dividends and splits from then on."""
    bars, value, shares = prices.bars, ZERO, size
    column = bars.column(symbol)
    for at in range(row + 1, len(bars)):
        shares *= exact(bars.split[at, column])
        value += shares * exact(bars.dividend[at, column])
    return value + shares * prices.close(symbol) - size * prices.last(symbol, row)
