"""Checks of an order against assets, account, other open orders and the clock: what Alpaca answers 403 or 422 to.

Rests on "Orders at Alpaca", "User Protection", "Margin and Short Selling", "Fractional Trading" and "Assets".
"""

from decimal import Decimal

from brokers.local_alpaca.account import Account
from brokers.local_alpaca.hours import MarketHours
from brokers.local_alpaca.orders import Order
from brokers.local_alpaca.refusals import Refusal, forbidden, unprocessable

EXEMPT = ("bracket", "oco", "oto")


def check_asset(order: Order, account: Account, symbols: tuple[str, ...]) -> None:
    """The symbol is known, active and takes fractions if any are asked for."""
    rules = account.rules
    if order.symbol not in symbols:
        raise unprocessable(f'asset "{order.symbol}" not found')
    if order.symbol in rules.inactive:
        raise unprocessable(f'asset "{order.symbol}" is not active')
    fraction = order.qty is None or order.qty % 1 != 0
    if fraction and order.symbol in rules.not_fractionable:
        raise forbidden(f'asset "{order.symbol}" is not fractionable')


def check_windows(order: Order, hours: MarketHours, now: int) -> None:
    """Auction orders have their hours; ioc and fok need an open market."""
    if order.time_in_force == "opg" and hours.refuses_opening(now):
        raise unprocessable("opg orders must be submitted after 7:00pm and before 9:28am (America/New_York)")
    if order.time_in_force == "cls" and hours.refuses_closing(now):
        raise unprocessable("cls orders must be submitted after 7:00pm and before 3:50pm (America/New_York)")
    if order.time_in_force in ("ioc", "fok") and not hours.is_open(now):
        raise unprocessable(f"{order.time_in_force} orders are only accepted while the market is open")


def check_bound(order: Order, hours: MarketHours, now: int) -> None:
    """What is in an auction's book stays there once the auction takes no orders any more: a rule of the exchanges."""
    if hours.binds(order.time_in_force, now):
        ends = "9:28am" if order.time_in_force == "opg" else "3:50pm"
        raise unprocessable(f"{order.time_in_force} orders cannot be canceled or replaced after {ends} (America/New_York)")


def check_permissions(order: Order, account: Account) -> None:
    """Blocked accounts trade nothing; a user may have suspended trading himself."""
    if account.blocked:
        raise forbidden("account is blocked from trading")
    if account.suspended_by_user:
        raise forbidden("new orders are rejected by user request")


def check_wash_trade(order: Order, book_open: list[Order], account: Account) -> None:
    """No plain order against one's own on the other side (page "User Protection", Preventing Wash Trades).

    Two orders with limits collide only where they cross; a market or stop order collides with every one. Groups and trailing stops are exempt. Without a position, an opening
    order must not face an opening order of the other side.
    """
    if order.order_class in EXEMPT or order.type == "trailing_stop":
        return
    for other in book_open:
        if other.symbol != order.symbol or other.side == order.side or other.status == "held":
            continue
        if other.order_class in EXEMPT or other.type == "trailing_stop":
            continue
        priced = all(each.type in ("limit", "stop_limit") for each in (order, other))
        if priced and order.sign * ((order.limit_price or Decimal(0)) - (other.limit_price or Decimal(0))) < 0:
            if account.position(order.symbol) == 0:
                new, old = ("long buy", "short sell") if order.side == "buy" else ("short sell", "long buy")
                raise forbidden(f"cannot open a {new} while a {old} order is open")
            continue
        what = "market/stop" if other.type in ("market", "stop") else "limit"
        raise forbidden("potential wash trade detected. use complex orders", existing_order_id=other.id,
                        reject_reason=f"opposite side {what} order exists")


def check_shares(order: Order, book_open: list[Order], account: Account) -> None:
    """A closing order takes at most the shares no other order holds; without any it is a short sale."""
    position = account.position(order.symbol)
    if position * order.sign < 0:
        wanted = order.remaining(account.price_of(order.symbol))
        free = account.available(order.symbol, book_open)
        if wanted > free:
            related = [o.id for o in book_open if o.symbol == order.symbol and o.side == order.side]
            raise forbidden(f"insufficient qty available for order (requested: {wanted:f}, available: {free:f})",
                            available=f"{free:f}", existing_qty=f"{abs(position):f}", symbol=order.symbol,
                            held_for_orders=f"{abs(position) - free:f}", related_orders=related)
    elif order.order_class == "oco":
        raise unprocessable("oco orders must be exit orders")
    elif order.side == "sell":
        _check_short(order, account)


def _check_short(order: Order, account: Account) -> None:
    if order.qty is None or order.qty % 1 != 0:
        raise unprocessable("fractional orders cannot be sold short")
    if not account.rules.shorting or account.rules.multiplier < 2:
        raise forbidden("account is not allowed to short")
    if order.symbol in account.rules.not_shortable:
        raise unprocessable(f'asset "{order.symbol}" cannot be sold short')


def check_buying_power(order: Order, book_open: list[Order], account: Account) -> None:
    """At least one dollar unless it closes a position, and no more than the buying power that open orders leave."""
    price = order.limit_price or account.price_of(order.symbol)
    closes_all = order.qty == abs(account.position(order.symbol)) and not account.opens(order)
    if not closes_all and (order.notional or order.remaining(price) * price) < 1:
        raise forbidden("cost basis must be >= minimal amount of order 1")
    if not account.opens(order):
        return
    cost, power = account.cost(order), account.buying_power(book_open)
    if cost > power:
        raise forbidden("insufficient buying power", buying_power=f"{power:.2f}", cost_basis=f"{cost:.2f}")


def check_day_trades(order: Order, account: Account, day_trades: int, opened_today: bool) -> None:
    """The fourth day trade in five sessions below 25,000 USD (page "User Protection", PDT); off unless switched on."""
    if account.rules.pattern_day_trader and account.equity < 25_000 and day_trades >= 3 and opened_today and (
            not account.opens(order)):
        raise Refusal(403, 40310100, "trade denied due to pattern day trading protection")
