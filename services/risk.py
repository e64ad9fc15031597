"""The risk of a potential trade: what it would cost, lose and add, from stored bars, and what the limits say of it.

May import what lies below services, and services.market.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from analyzers.metrics import sessions_a_year, volatility
from core.bars import Bars
from core.errors import BadSpec, NoBars, UnknownName
from core.options import Limits, read_group
from core.settings import Settings
from indicators import correlation_matrix
from journal.columns import shortest
from services import market
from sizers.correlation import uncorrelated
from sizers.limits import Groups, limit_weights, no_groups, sector_codes, shares_of

SIDES = {"buy": 1, "sell": -1}
LEAST_RETURNS = 20
ZERO = Decimal(0)


@dataclass(frozen=True)
class Trade:
    """A potential trade on an account.

    Attributes:
        symbol: what. side: "buy" or "sell" (out of a position, or short). quantity: shares, above 0.
        price: per share; None = the last close. stop: price at which it would be closed again; None = none.
        positions: symbol -> signed shares held. cash: of the account. limits: as in a spec; {} = those every run has.
        end: date of the last bar that counts; None = the latest. lookback: sessions of returns that are looked at.
        confidence: of value at risk and expected shortfall. source: of the bars.
    """

    symbol: str
    side: str
    quantity: Decimal
    cash: Decimal
    price: Decimal | None = None
    stop: Decimal | None = None
    positions: Mapping[str, Decimal] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    end: str | None = None
    lookback: int = 250
    confidence: float = 0.95
    source: str = "sample"

    @property
    def sign(self) -> int:
        """1 for a buy, -1 for a sale."""
        return SIDES[self.side]

    @property
    def symbols(self) -> tuple[str, ...]:
        """What is traded, then what is held."""
        return (self.symbol, *(name for name, shares in self.positions.items() if name != self.symbol and shares))


@dataclass(frozen=True)
class LimitSays:
    """What one limit makes of a trade: the shares it lets through, when it alone applies beside the cash there is."""

    limit: str
    value: float
    allowed: Decimal
    passes: bool


@dataclass(frozen=True)
class Risk:
    """What a trade would do; amounts in account currency, parts of the equity.

    Attributes:
        session: of the last bar. price: that was reckoned with. value: quantity times price. equity: cash and positions before it.
        part: value over equity. position: shares after it. position_part: their value over equity.
        loss_at_stop: what is lost where the stop fills at its price, with its part of equity; None without a stop.
        volatility: annual, of the symbol's returns (sample deviation times the square root of the sessions of a year); NaN without enough.
        value_at_risk, expected_shortfall: of the trade over one session: the loss not exceeded in `confidence` of the last `lookback`
            sessions, and the mean of those at or beyond it (historical simulation: P. Jorion, "Value at Risk", 2006, ch. 10; the
            shortfall after C. Acerbi and D. Tasche, 2002). portfolio_before, portfolio_after: the same two of the whole account.
        correlations: held symbol -> correlation of its returns with the trade's; NaN where they share too few.
        limits: what each limit says. allowed: shares that all of them together let through.
    """

    session: str
    price: Decimal
    value: Decimal
    equity: Decimal
    part: float
    position: Decimal
    position_part: float
    loss_at_stop: Decimal | None
    loss_part: float | None
    volatility: float
    value_at_risk: float
    expected_shortfall: float
    portfolio_before: tuple[float, float]
    portfolio_after: tuple[float, float]
    correlations: dict[str, float]
    limits: tuple[LimitSays, ...]
    allowed: Decimal


def risk_of(settings: Settings, trade: Trade) -> Risk:
    """The risk of a trade.

    Raises:
        UnknownName: symbol, side, limit or source. BadSpec: a number out of range, or a stop on the wrong side. NoBars: no bars.
    """
    limits = read_group(Limits, trade.limits)
    _check(trade)
    bars = market.bars(settings, trade.symbols, end=trade.end, source=trade.source)
    _check_bars(trade, bars)
    closes = dict(zip(bars.symbols, (Decimal(repr(each)) for each in bars.last_close[-1].tolist()), strict=True))
    price = trade.price or closes[trade.symbol]
    _check_stop(trade, price)
    equity = trade.cash + sum((shares * closes[name] for name, shares in trade.positions.items() if shares), ZERO)
    if equity <= 0:
        raise BadSpec(f"cash is {trade.cash}: with the positions the account is worth {equity}, and it must be worth more than nothing")
    value, signed = trade.quantity * price, trade.sign * trade.quantity
    after = trade.positions.get(trade.symbol, ZERO) + signed
    loss = None if trade.stop is None else abs(price - trade.stop) * trade.quantity
    returns = _returns(bars, trade.lookback)
    held = np.array([float(trade.positions.get(name, ZERO) * closes[name]) for name in bars.symbols])
    traded = np.where(np.array(bars.symbols) == trade.symbol, float(signed * price), 0.0)
    own = returns[:, bars.column(trade.symbol)]
    limit_says, allowed = _limited(trade, bars, limits, equity, price, closes)
    at_risk, shortfall = tail(traded, returns, trade.confidence)
    return Risk(
        session=str(bars.session[-1]), price=price, value=value, equity=equity, part=float(value / equity), position=after,
        position_part=float(after * price / equity), loss_at_stop=loss, loss_part=None if loss is None else float(loss / equity),
        volatility=volatility(own[~np.isnan(own)], sessions_a_year(bars)), value_at_risk=at_risk, expected_shortfall=shortfall,
        portfolio_before=tail(held, returns, trade.confidence), portfolio_after=tail(held + traded, returns, trade.confidence),
        correlations=_correlations(trade, bars, returns), limits=limit_says, allowed=allowed)


def tail(values: np.ndarray, returns: np.ndarray, confidence: float) -> tuple[float, float]:
    """Value at risk and expected shortfall over one bar of holdings that stay as they are; losses are positive, at least 0.

    Args:
        values: (N,) signed values held, account currency. returns: (T, N), a row counts where every symbol that is held has one.
        confidence: 0.95: the loss not exceeded in 95 of 100 sessions.

    Returns:
        The smallest loss that at least `confidence` of the rows do not exceed, and the mean of the losses that are as large or
        larger; (NaN, NaN) with fewer than `LEAST_RETURNS` rows, (0, 0) where nothing is held.
    """
    chosen = values != 0
    if not chosen.any():
        return 0.0, 0.0
    rows = returns[:, chosen]
    losses = np.sort(-(rows[~np.isnan(rows).any(axis=1)] @ values[chosen]))
    if len(losses) < LEAST_RETURNS:
        return math.nan, math.nan
    at = max(math.ceil(round(confidence * len(losses), 9)) - 1, 0)
    return max(float(losses[at]), 0.0), max(float(losses[losses >= losses[at]].mean()), 0.0)


def _check(trade: Trade) -> None:
    if trade.side not in SIDES:
        raise UnknownName.of("side", trade.side, SIDES)
    for name in ("quantity", "price", "stop"):
        value = getattr(trade, name)
        if value is not None and not (value.is_finite() and value > 0):
            raise BadSpec(f"{name} is {value}: it must be a number above 0")
    for name, shares in (("cash", trade.cash), *((f"positions.{symbol}", shares) for symbol, shares in trade.positions.items())):
        if not shares.is_finite():
            raise BadSpec(f"{name} is {shares}: it must be a number")
    if not 0 < trade.confidence < 1:
        raise BadSpec(f"confidence is {trade.confidence:g}: it is a part, above 0 and below 1 (0.95)")
    if trade.lookback < LEAST_RETURNS:
        raise BadSpec(f"lookback is {trade.lookback}: it must be {LEAST_RETURNS} sessions or more")


def _check_bars(trade: Trade, bars: Bars) -> None:
    absent = [name for name in trade.symbols if name not in bars.symbols or math.isnan(bars.last_close[-1, bars.symbols.index(name)])]
    if absent:
        raise NoBars(f"symbol {absent[0]} has no bar up to {trade.end or bars.session[-1]}: choose a later end")


def _check_stop(trade: Trade, price: Decimal) -> None:
    if trade.stop is not None and (price - trade.stop) * trade.sign <= 0:
        where = "below" if trade.sign > 0 else "above"
        raise BadSpec(f"stop is {trade.stop}: that of a {trade.side} must be {where} its price, {price}")


def _returns(bars: Bars, lookback: int) -> np.ndarray:
    """(L, N) simple returns of the signal closes over the last `lookback` bars; NaN where there is no bar."""
    closes = bars.close[-lookback - 1 :]
    return closes[1:] / closes[:-1] - 1.0


def _correlations(trade: Trade, bars: Bars, returns: np.ndarray) -> dict[str, float]:
    matrix = correlation_matrix(returns)
    own = bars.column(trade.symbol)
    return {name: float(matrix[own, bars.column(name)]) for name in trade.symbols[1:]}


# -- limits ---------------------------------------------------------------------------------------------


def _limited(trade: Trade, bars: Bars, limits: Limits, equity: Decimal, price: Decimal,
             closes: Mapping[str, Decimal]) -> tuple[tuple[LimitSays, ...], Decimal]:
    """What each limit that is named says, and the shares that all let through."""
    names = [name for name in Limits._fields if name in _NEUTRAL and getattr(limits, name) != _NEUTRAL[name]]
    said = []
    for name in names:
        alone = Limits(**{**_NEUTRAL, **_beside(name, limits), name: getattr(limits, name)})
        allowed = _allowed(trade, bars, alone, equity, price, closes)
        said.append(LimitSays(name, getattr(limits, name), allowed, allowed == trade.quantity))
    return tuple(said), _allowed(trade, bars, limits, equity, price, closes)


_NEUTRAL = {**Limits()._asdict(), "cash_buffer": 0.0, "max_gross": math.inf}
for _name in ("sectors_required", "correlation_bars"):
    del _NEUTRAL[_name]


def _beside(name: str, limits: Limits) -> dict[str, float]:
    """The limits that say how another one is meant."""
    belonging = {"max_sector": "sectors_required", "max_correlation": "correlation_bars"}
    return {belonging[name]: getattr(limits, belonging[name])} if name in belonging else {}


def _allowed(trade: Trade, bars: Bars, limits: Limits, equity: Decimal, price: Decimal, closes: Mapping[str, Decimal]) -> Decimal:
    """The shares of the trade that limits let through, reckoned as every sizer reckons (`sizers.limits`)."""
    at, value = bars.column(trade.symbol), float(equity)
    prices = np.array([float(price if name == trade.symbol else closes[name]) for name in bars.symbols])
    held = np.array([float(trade.positions.get(name, ZERO)) for name in bars.symbols])
    current = held * prices / value
    decided = np.arange(len(held)) == at
    wished = current.copy()
    wished[at] += float(trade.sign * trade.quantity) * prices[at] / value
    side = np.sign(wished[at])
    first = np.where(current > 0, np.inf, np.where(current < 0, -np.inf, 0.0))  # what is held is met before what is to be bought
    if side and not uncorrelated(np.where(decided, side, first), bars, limits)[at]:
        wished[at] = side * min(abs(wished[at]), max(current[at] * side, 0.0))  # too similar to what is held: it may not grow
    elsewhere = no_groups(len(held))
    groups = Groups(sector_codes(bars, limits), elsewhere.sleeves, elsewhere.parts)
    asked = current[at] + float(trade.sign * trade.quantity) * prices[at] / value
    weights = limit_weights(wished, current, np.where(decided, 1.0, 0.0), decided, groups, value, float(trade.cash), limits)
    if weights[at] == asked:
        return trade.quantity
    fractional = trade.quantity != trade.quantity.to_integral_value()
    shares = shares_of(weights, held, decided, value, prices, fractional, limits)[at]
    moved = Decimal(repr(float(shares))) - trade.positions.get(trade.symbol, ZERO)
    return min(max(shortest(moved * trade.sign), ZERO), trade.quantity)
