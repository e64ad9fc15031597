"""JSON of account, positions, clock and configuration (pages "Get Account", "All Open Positions", "Get Market Clock")."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from brokers.local_alpaca.moments import SECOND, new_york_text, text
from brokers.local_alpaca.shapes import Json, asset_id, money

if TYPE_CHECKING:
    from brokers.local_alpaca.venue import Venue

CENT = Decimal("0.01")


def account_json(venue: Venue) -> Json:
    """The account with every amount as text."""
    account, rules = venue.account, venue.account.rules
    long, short = account.market_values()
    power = account.buying_power(venue.book.open())
    shown = money(round(power, 2))
    return {
        "id": venue.account_id, "admin_configurations": {}, "user_configurations": None,
        "account_number": ("" if rules.live else "PA") + "3FAKE0001", "status": "ACTIVE", "crypto_status": "ACTIVE",
        "currency": "USD", "buying_power": shown, "regt_buying_power": shown, "daytrading_buying_power": shown,
        "effective_buying_power": shown, "non_marginable_buying_power": money(round(min(power, account.cash), 2)),
        "options_buying_power": "0", "bod_dtbp": "0", "cash": money(account.cash), "accrued_fees": "0",
        "portfolio_value": money(account.equity), "pattern_day_trader": False,
        "trading_blocked": account.blocked, "transfers_blocked": False, "account_blocked": False,
        "created_at": "2020-01-02T15:00:00Z", "trade_suspended_by_user": account.suspended_by_user,
        "multiplier": str(rules.multiplier), "shorting_enabled": rules.shorting and rules.multiplier > 1,
        "equity": money(account.equity), "last_equity": money(account.last_equity),
        "long_market_value": money(long), "short_market_value": money(short),
        "position_market_value": money(long - short), "initial_margin": money((long - short) / 2),
        "maintenance_margin": money((long - short) * Decimal("0.3")), "last_maintenance_margin": "0", "sma": "0",
        "daytrade_count": venue.desk.day_trades()[0], "balance_asof": text(venue.now)[:10], "crypto_tier": 1, "intraday_adjustments": "0",
        "pending_reg_taf_fees": "0",
    }


def position_json(venue: Venue, symbol: str) -> Json:
    """One position; quantities of short ones are negative, `side` says so too."""
    held, price = venue.account.positions[symbol], venue.price_of(symbol)
    value, basis = held.qty * price, held.qty * held.average
    gain = value - basis
    percent = gain / abs(basis) if basis else Decimal(0)
    before = venue.last_closes.get(symbol, price)
    return {
        "asset_id": asset_id(symbol), "symbol": symbol, "exchange": "NASDAQ", "asset_class": "us_equity",
        "asset_marginable": True, "qty": money(held.qty), "avg_entry_price": money(round(held.average, 9)),
        "side": "long" if held.qty > 0 else "short", "market_value": money(value), "cost_basis": money(round(basis, 9)),
        "unrealized_pl": money(round(gain, 9)), "unrealized_plpc": money(round(percent, 9)),
        "unrealized_intraday_pl": money(round(gain, 9)), "unrealized_intraday_plpc": money(round(percent, 9)),
        "current_price": money(price), "lastday_price": money(before),
        "change_today": money(round(price / before - 1, 9)),
        "qty_available": money(venue.account.available(symbol, venue.book.open()) * (1 if held.qty > 0 else -1)),
    }


def clock_json(venue: Venue) -> Json:
    """The market's clock; `clock_error_s` makes its time wrong, not its market."""
    shown = venue.now + round(venue.clock_error_s * SECOND)
    return {"timestamp": new_york_text(shown), "is_open": venue.hours.is_open(venue.now),
            "next_open": new_york_text(venue.hours.next_open(venue.now)),
            "next_close": new_york_text(venue.hours.next_close(venue.now))}


def configuration_json(venue: Venue) -> Json:
    """The account's configuration."""
    rules = venue.account.rules
    return {"dtbp_check": "entry", "fractional_trading": True, "max_margin_multiplier": str(rules.multiplier),
            "no_shorting": not rules.shorting, "pdt_check": "entry", "suspend_trade": venue.account.suspended_by_user,
            "trade_confirm_email": "all", "ptp_no_exception_entry": False, "max_options_trading_level": None}
