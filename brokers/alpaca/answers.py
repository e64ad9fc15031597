"""Alpaca's answers as frozen records: Decimal for money and shares, UTC nanoseconds for times. Imports moments only.

Tolerant: a field that is absent is None, "" or zero, and a status nobody has heard of stays the text it is. `raw` is
the answer as it came. Every `read` raises KeyError, TypeError or ValueError for what is no such answer at all.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Self

from brokers.alpaca.moments import at_new_york, to_ns

Raw = Mapping[str, Any]
ZERO = Decimal(0)

# Page "Orders at Alpaca", Order Lifecycle. `done_for_day`, `stopped` and `calculated` may still change.
OPEN = frozenset({"new", "partially_filled", "done_for_day", "accepted", "pending_new", "accepted_for_bidding",
                  "pending_cancel", "pending_replace", "pending_review", "stopped", "suspended", "calculated", "held"})
DONE = frozenset({"filled", "canceled", "expired", "replaced", "rejected"})


def exact(value: Any) -> Decimal | None:
    """A number as it was written; None where there is none.

    Raises:
        ValueError: it is no finite number.
    """
    if value in (None, ""):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise ValueError(f"not a number: {value!r}")
    return number


def _amount(raw: Raw, name: str) -> Decimal:
    return exact(raw.get(name)) or ZERO


def _moment(raw: Raw, *names: str) -> int | None:
    found = next((raw[name] for name in names if raw.get(name)), None)
    return None if found is None else to_ns(found)


@dataclass(frozen=True)
class Account:
    """The account; amounts in `currency`. `multiplier` is the buying power per unit of equity (1: cash account)."""

    id: str
    number: str
    status: str
    currency: str
    cash: Decimal
    equity: Decimal
    last_equity: Decimal
    buying_power: Decimal
    multiplier: Decimal
    trading_blocked: bool
    account_blocked: bool
    trade_suspended: bool
    shorting_enabled: bool
    pattern_day_trader: bool
    raw: Raw = field(repr=False)

    @classmethod
    def read(cls, raw: Raw) -> Self:
        """Page "Get Account"."""
        return cls(
            id=raw["id"], number=str(raw["account_number"]), status=str(raw.get("status", "")),
            currency=raw.get("currency") or "USD",
            cash=_amount(raw, "cash"), equity=_amount(raw, "equity"), last_equity=_amount(raw, "last_equity"),
            buying_power=_amount(raw, "buying_power"), multiplier=exact(raw.get("multiplier")) or Decimal(1),
            trading_blocked=bool(raw.get("trading_blocked")), account_blocked=bool(raw.get("account_blocked")),
            trade_suspended=bool(raw.get("trade_suspended_by_user")),
            shorting_enabled=bool(raw.get("shorting_enabled")),
            pattern_day_trader=bool(raw.get("pattern_day_trader")), raw=raw,
        )

    @property
    def may_trade(self) -> bool:
        """Whether the account takes orders at all."""
        return not (self.trading_blocked or self.account_blocked or self.trade_suspended)

    @property
    def may_short(self) -> bool:
        """Whether shares may be sold that are not held: never in a cash account."""
        return self.shorting_enabled and self.multiplier > 1


@dataclass(frozen=True)
class Position:
    """Shares held; `qty` and `qty_available` (not promised to open orders) are negative for a short position."""

    symbol: str
    qty: Decimal
    avg_entry_price: Decimal
    market_value: Decimal
    qty_available: Decimal
    raw: Raw = field(repr=False)

    @classmethod
    def read(cls, raw: Raw) -> Self:
        """Page "All Open Positions"; `side` decides the sign, whatever the sign of the numbers."""
        qty, available = _amount(raw, "qty"), exact(raw.get("qty_available"))
        sign = -1 if raw.get("side") == "short" or qty < 0 else 1
        return cls(symbol=raw["symbol"], qty=sign * abs(qty), avg_entry_price=_amount(raw, "avg_entry_price"),
                   market_value=_amount(raw, "market_value"),
                   qty_available=sign * abs(qty if available is None else available), raw=raw)


@dataclass(frozen=True)
class Order:
    """An order as the venue last told it; `qty` is None for a notional order, and `filled_qty` is cumulative.

    `legs` are the other orders of a bracket, OCO or OTO, in no particular order: tell them apart by `type`.
    """

    id: str
    client_order_id: str
    symbol: str
    side: str
    type: str
    tif: str
    qty: Decimal | None
    notional: Decimal | None
    filled_qty: Decimal
    filled_avg_price: Decimal | None
    status: str
    order_class: str
    limit_price: Decimal | None
    stop_price: Decimal | None
    trail_percent: Decimal | None
    trail_price: Decimal | None
    extended_hours: bool
    submitted_ns: int | None
    updated_ns: int | None
    legs: tuple[Order, ...]
    replaced_by: str | None
    replaces: str | None
    raw: Raw = field(repr=False)

    @classmethod
    def read(cls, raw: Raw) -> Order:
        """Page "Get All Orders"."""
        return cls(
            id=raw["id"], client_order_id=raw.get("client_order_id") or "", symbol=raw.get("symbol") or "",
            side=raw.get("side") or "",
            type=raw.get("type") or raw.get("order_type") or "", tif=raw.get("time_in_force") or "",
            qty=exact(raw.get("qty")), notional=exact(raw.get("notional")), filled_qty=_amount(raw, "filled_qty"),
            filled_avg_price=exact(raw.get("filled_avg_price")), status=raw["status"],
            order_class=raw.get("order_class") or "simple", limit_price=exact(raw.get("limit_price")),
            stop_price=exact(raw.get("stop_price")), trail_percent=exact(raw.get("trail_percent")),
            trail_price=exact(raw.get("trail_price")), extended_hours=bool(raw.get("extended_hours")),
            submitted_ns=_moment(raw, "submitted_at", "created_at"),
            updated_ns=_moment(raw, "updated_at", "submitted_at", "created_at"),
            legs=tuple(cls.read(leg) for leg in raw.get("legs") or ()),
            replaced_by=raw.get("replaced_by") or None, replaces=raw.get("replaces") or None, raw=raw,
        )

    @property
    def done(self) -> bool:
        """Whether nothing more can happen to it; an unknown status is not final."""
        return self.status in DONE

    @property
    def open(self) -> bool:
        """Whether it may still fill or change."""
        return not self.done

    @property
    def is_known(self) -> bool:
        """Whether its status is one Alpaca documents."""
        return self.status in OPEN or self.status in DONE

    @property
    def signed(self) -> Decimal:
        """Shares executed so far, negative for a sale."""
        return self.filled_qty if self.side == "buy" else -self.filled_qty

    @property
    def remaining(self) -> Decimal | None:
        """Shares still to be executed; None for a notional order."""
        return None if self.qty is None else self.qty - self.filled_qty


@dataclass(frozen=True)
class Asset:
    """What may be done with a symbol."""

    symbol: str
    status: str
    tradable: bool
    fractionable: bool
    shortable: bool
    easy_to_borrow: bool
    exchange: str
    asset_class: str

    @classmethod
    def read(cls, raw: Raw) -> Self:
        """Page "Get an Asset by ID or Symbol"."""
        return cls(symbol=raw["symbol"], status=raw["status"], tradable=bool(raw.get("tradable")),
                   fractionable=bool(raw.get("fractionable")), shortable=bool(raw.get("shortable")),
                   easy_to_borrow=bool(raw.get("easy_to_borrow")), exchange=raw.get("exchange") or "",
                   asset_class=raw.get("class") or raw.get("asset_class") or "")


@dataclass(frozen=True)
class Activity:
    """An execution (kind "FILL") or another booking ("DIV", "CSD", "SPLIT", …); `qty` has no sign for a fill.

    `time_ns` of what carries a date only is that day's midnight in New York; `id` sorts and pages.
    """

    id: str
    kind: str
    symbol: str
    qty: Decimal
    price: Decimal
    side: str
    order_id: str
    time_ns: int
    net_amount: Decimal
    raw: Raw = field(repr=False)

    @classmethod
    def read(cls, raw: Raw) -> Self:
        """Page "Account Activities"."""
        at = _moment(raw, "transaction_time")
        if at is None:
            at = at_new_york(dt.date.fromisoformat(raw["date"][:10]), dt.time())
        return cls(id=raw["id"], kind=raw["activity_type"], symbol=raw.get("symbol") or "", qty=_amount(raw, "qty"),
                   price=_amount(raw, "price"), side=raw.get("side") or "", order_id=raw.get("order_id") or "",
                   time_ns=at, net_amount=_amount(raw, "net_amount"), raw=raw)
