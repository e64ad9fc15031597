"""The side of the backtest: a spec on the simulated broker, which takes no order before the first bar that is played live."""

import random
from typing import Any

import numpy as np

from analyzers.trades import positions
from checks.parity.story import BACKFILL, Asked, Fill, Moments, Seen, State, Story, asked_of, decided_at
from core.bars import Bars
from core.day_numbers import moments_of
from core.result import Fill as Booked
from core.spec import RunSpec
from engine.build import build


def simulated_story(spec: RunSpec, bars: Bars, first_ns: int, broker: Any = "simulated") -> Story:
    """Play a spec.

    Args:
        first_ns: moment of the first bar on whose decisions orders are taken. broker: another one to judge.

    Raises:
        CerebrolabError: as `engine.build`.
    """
    random.seed(spec.seed)
    np.random.seed(spec.seed)
    cerebro = build(spec, broker=broker, bars=bars)
    account = cerebro.broker
    decided = _watch(account, first_ns)
    cerebro.run()
    return _story(account, bars, decided, first_ns, whole=not spec.fractional)


def _watch(account: Any, first_ns: int) -> dict[int, float]:
    """Let orders from before a moment be refused; the day number of each order's decision, by reference."""
    others, decided = account.refuse, dict[int, float]()

    def refuse(order: Any) -> str:
        decided[order.ref] = decided_at(order)
        if moments_of(np.array([decided[order.ref]]))[0] < first_ns:
            return f"{BACKFILL}: the account is traded from the first bar that is played on"
        return others(order) if others else ""

    account.refuse = refuse
    return decided


def _story(account: Any, bars: Bars, decided: dict[int, float], first_ns: int, whole: bool) -> Story:
    moments = Moments(bars.index)
    fills: dict[int, list[Fill]] = {}
    booked = []
    for order, bit in account.fills:
        at = moments.bar(bit.dt)
        fills.setdefault(order.ref, []).append(Fill(at, float(bit.size), float(bit.price), float(bit.comm)))
        row = int(np.searchsorted(bars.index, at))
        booked.append(Booked(at, bars.session[row], order.data._name, float(bit.size), float(bit.price), float(bit.comm), order.ref))
    held = positions(bars, booked, whole=whole)
    states = {int(at): State(value, cash, _held(bars, shares)) for at, (value, cash), shares in zip(bars.index, account.account, held, strict=False)}
    asked: list[Asked] = [asked_of(order, moments, decided.get(order.ref), fills.get(order.ref, ())) for order in account.orders
                          if not str(order.info.get("reason", "")).startswith(BACKFILL)]
    return Story("simulated", asked, states[int(bars.index[-1])], states, _seen(bars, first_ns))


def _held(bars: Bars, shares: np.ndarray) -> dict[str, float]:
    return {symbol: float(size) for symbol, size in zip(bars.symbols, shares, strict=True) if size}


def _seen(bars: Bars, first_ns: int) -> dict[tuple[int, str], Seen]:
    panels = [getattr(bars, f"raw_{name}") for name in ("open", "high", "low", "close", "volume")]
    first = int(np.searchsorted(bars.index, first_ns))
    return {(int(bars.index[row]), bars.symbols[column]): Seen(tuple(float(panel[row, column]) for panel in panels), int(bars.index[row]))
            for row, column in zip(*np.nonzero(bars.traded), strict=True) if row >= first}
