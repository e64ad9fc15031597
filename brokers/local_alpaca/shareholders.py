"""What holders of a share get without trading: splits on the ex-date, dividends on the pay date.

Rests on the page "Account Activities" (DIV, SPLIT). A split changes position, average and last price, and is told in two:
the old shares are taken, and the new ones given; prices of open orders stay what they were. Both are taken from the bars'
actions, early in the morning of the day.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from brokers.local_alpaca.ledger import Entry
from brokers.local_alpaca.moments import at_new_york
from brokers.local_alpaca.orders import NANO_SHARE

if TYPE_CHECKING:
    from brokers.local_alpaca.venue import Venue

CENT = Decimal("0.01")


def pay_and_split(venue: Venue, date: dt.date) -> None:
    """Book the splits of a session and note who is entitled to its dividends."""
    bars = venue.market.bars
    for row in np.flatnonzero(bars.session == np.datetime64(date, "D")):
        for column, symbol in enumerate(bars.symbols):
            if bars.split[row, column] != 1:
                _split(venue, symbol, Decimal(repr(float(bars.split[row, column]))))
            if bars.dividend[row, column]:
                _entitle(venue, symbol, Decimal(repr(float(bars.dividend[row, column]))),
                         bars.pay_date[row, column].astype(object))


def _split(venue: Venue, symbol: str, ratio: Decimal) -> None:
    market = venue.market
    if symbol in market.last:
        market.last[symbol] /= ratio
    if venue.split_delay_s:
        venue.later(venue.split_delay_s, _multiply, venue, symbol, ratio)
    else:
        _multiply(venue, symbol, ratio)


def _multiply(venue: Venue, symbol: str, ratio: Decimal) -> None:
    held = venue.account.positions.get(symbol)
    if held is None:
        return
    before = held.qty
    held.qty = (before * ratio).quantize(NANO_SHARE)
    held.average /= ratio
    for change in (-before, held.qty):
        venue.ledger.entries.append(Entry(venue.stamp(), "SPLIT", symbol, change, Decimal(0), ratio, venue.new_id()))


def _entitle(venue: Venue, symbol: str, rate: Decimal, pay_date: dt.date | None) -> None:
    held = venue.account.position(symbol)
    if held:
        due = venue.now if pay_date is None else max(venue.now, at_new_york(pay_date, 4))
        venue.agenda.at(due, lambda: _pay(venue, symbol, held, rate))


def _pay(venue: Venue, symbol: str, held: Decimal, rate: Decimal) -> None:
    cash = (held * rate).quantize(CENT)
    venue.account.cash += cash
    venue.ledger.entries.append(Entry(venue.stamp(), "DIV", symbol, held, cash, rate, venue.new_id()))
