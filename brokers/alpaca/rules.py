"""Rules: what Alpaca refuses, said before an order is sent. Pure; imports the modules beside it.

VERSION names the rules as documented then, on the pages "Orders at Alpaca", "User Protection", "Margin and Short
Selling" and "Fractional Trading". The venue stays the judge: prices move between a check and an order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from brokers.alpaca import windows
from brokers.alpaca.answers import ZERO, Asset, Order
from brokers.alpaca.fields import contradictions
from brokers.alpaca.increments import CENT, round_price, round_qty
from brokers.alpaca.request import OrderRequest

__all__ = ["VERSION", "AccountView", "check", "check_shares", "order_value", "round_price", "round_qty"]

VERSION = "2026-06"
LEAST_VALUE = Decimal(1)
COLLAR, DEAR_COLLAR, DEAR_FROM = Decimal("1.04"), Decimal("1.025"), Decimal(50)
SHORT_COLLAR = Decimal("1.03")


class AccountView(Protocol):
    """What the rules ask of an account; `answers.Account` has it."""

    @property
    def buying_power(self) -> Decimal:
        """USD that opening orders may still take."""

    @property
    def may_trade(self) -> bool:
        """Whether orders are taken at all."""

    @property
    def may_short(self) -> bool:
        """Whether shares may be sold that are not held."""


@dataclass(frozen=True)
class _Case:
    request: OrderRequest
    asset: Asset
    account: AccountView
    held: Decimal
    available: Decimal
    open_orders: Sequence[Order]
    now_ns: int
    session: windows.Times
    quote: Decimal | None

    @property
    def opens(self) -> bool:
        """Whether it adds to a position, or starts one."""
        return self.held * self.request.sign >= 0

    @property
    def limit(self) -> Decimal | None:
        """The price it cannot be worse than."""
        return self.request.take_profit if self.request.order_class == "oco" else self.request.limit_price


def check(request: OrderRequest, asset: Asset, account: AccountView, held: Decimal, available: Decimal,
          open_orders: Sequence[Order], now_ns: int, session: windows.Times = None,
          quote: Decimal | None = None) -> list[str]:
    """Why Alpaca would refuse this order, in plain sentences; empty where it would not.

    Args:
        held: signed shares of the symbol. available: those no open order holds; its sign does not matter.
        open_orders: of any symbol; legs stand under their group.
        now_ns: the broker's time. session: today's scheduled (open, close), UTC ns; None: no trading today.
        quote: what one share costs now (the ask); None leaves out what cannot be judged without it.
    """
    wrong = contradictions(request)
    if wrong:
        return wrong
    case = _Case(request, asset, account, held, abs(available), open_orders, now_ns, session, quote)
    return [reason for rule in (_permissions, _hours, _legs, _wash_trade, _shares, _money) for reason in rule(case)]


def check_shares(request: OrderRequest, asset: Asset, account: AccountView, held: Decimal, available: Decimal,
                 quote: Decimal | None = None) -> list[str]:
    """The reasons of `check` that follow from what is held: shares that are not free, and what may be sold short."""
    return list(_shares(_Case(request, asset, account, held, abs(available), (), 0, None, quote)))


def order_value(request: OrderRequest, quote: Decimal) -> Decimal:
    """What an opening order takes of the buying power, USD (page "Orders at Alpaca", Buying Power).

    A buy: its limit, or the quote (the stop, if later) plus a collar of 4%, 2.5% from 50 USD on. A short sale: the
    larger of its limit and 3% above the quote. A notional order: itself.
    """
    if request.notional is not None or request.qty is None:
        return request.notional or ZERO
    if request.side == "sell":
        return request.qty * max(request.limit_price or ZERO, quote * SHORT_COLLAR)
    if request.limit_price is not None:
        return request.qty * request.limit_price
    base = max(quote, _stop_at(request, quote))
    return request.qty * base * (DEAR_COLLAR if base >= DEAR_FROM else COLLAR)


def _stop_at(request: OrderRequest, quote: Decimal) -> Decimal:
    if request.type != "trailing_stop":
        return request.stop_price or ZERO
    return quote + (request.trail_price or quote * (request.trail_percent or ZERO) / 100)


def _permissions(case: _Case) -> Iterator[str]:
    if not case.account.may_trade:
        yield "the account is blocked from trading"
    if case.asset.status != "active":
        yield f"{case.asset.symbol} is {case.asset.status} at Alpaca"
    elif not case.asset.tradable:
        yield f"{case.asset.symbol} is not traded at Alpaca"
    if case.request.is_fractional and not case.asset.fractionable:
        yield f"{case.asset.symbol} trades in whole shares only"


def _hours(case: _Case) -> Iterator[str]:
    tif = case.request.tif
    if tif == "opg" and not windows.accepts_opg(case.now_ns):
        yield "opg orders are taken from 19:00 to 09:28 New York time"
    if tif == "cls" and not windows.accepts_cls(case.now_ns, case.session):
        yield "cls orders are taken from 19:00 until ten minutes before the close (15:50 New York time)"
    if tif in ("ioc", "fok") and not windows.in_session(case.now_ns, case.session):
        yield f"{tif} orders are taken while the market is open"


def _legs(case: _Case) -> Iterator[str]:
    """Exits stand at least a cent on their side of the market, and of the entry's limit."""
    request = case.request
    if request.order_class == "simple" or case.quote is None:
        return
    sign = request.sign if request.order_class != "oco" else -request.sign
    entry = case.limit or case.quote
    base = min(case.quote, entry) if sign > 0 else max(case.quote, entry)
    if request.stop_loss is not None and sign * (base - request.stop_loss) < CENT:
        yield f"stop_loss {request.stop_loss:f} is not at least a cent {'below' if sign > 0 else 'above'} {base:f}"
    profit = request.take_profit if request.order_class != "oco" else None
    if profit is not None and sign * (profit - entry) < CENT:
        yield f"take_profit {profit:f} is not at least a cent {'above' if sign > 0 else 'below'} {entry:f}"


def _wash_trade(case: _Case) -> Iterator[str]:
    """Page "User Protection", Preventing Wash Trades: groups and trailing stops are exempt, limits may not cross."""
    request = case.request
    if _exempt(request):
        return
    for other in case.open_orders:
        if other.done or other.status == "held" or _exempt(other):
            continue
        if other.symbol != request.symbol or other.side == request.side:
            continue
        ours, theirs = request.limit_price, other.limit_price
        if ours is None or theirs is None or request.sign * (ours - theirs) >= 0:
            yield f"an open {other.type.replace('_', ' ')} order to {other.side} {other.symbol} could trade with it"
        elif not case.held:
            yield f"an open order to {other.side} {other.symbol} would open the opposite position"


def _exempt(order: OrderRequest | Order) -> bool:
    return order.order_class in ("bracket", "oco", "oto") or order.type == "trailing_stop"


def _shares(case: _Case) -> Iterator[str]:
    request, symbol = case.request, case.asset.symbol
    if not case.opens:
        wanted = request.qty
        if request.notional is not None and case.quote is not None:
            wanted = round_qty(request.notional / case.quote, True)
        if wanted is not None and wanted > case.available:
            held = abs(case.held)
            yield (f"{_plain(wanted)} shares of {symbol} are asked for and {_plain(case.available)} are free "
                   f"({_plain(held - case.available)} of {_plain(held)} are held by open orders)")
    elif request.order_class == "oco":
        yield f"an oco order only closes a position, and {symbol} has none on the other side"
    elif request.side == "sell":
        if request.is_fractional:
            yield "fractions of shares cannot be sold short"
        if not case.account.may_short:
            yield "the account may not sell short"
        if not case.asset.shortable:
            yield f"{symbol} cannot be sold short at Alpaca"


def _plain(shares: Decimal) -> str:
    return f"{shares.normalize():f}"


def _money(case: _Case) -> Iterator[str]:
    request, price = case.request, case.limit or case.quote
    closes_all = not case.opens and request.qty == abs(case.held)
    if price is not None and not closes_all:
        cost = request.notional if request.qty is None else request.qty * price
        if cost is not None and cost < LEAST_VALUE:
            yield f"an order is worth at least {LEAST_VALUE} USD, not {cost:.4f}"
    if case.opens and price is not None:
        needed = order_value(request, case.quote or price)
        if needed > case.account.buying_power:
            yield f"it takes {needed:.2f} USD of buying power and {case.account.buying_power:.2f} are left"
