"""Taxes: lots, holding periods, wash sales and what is left after tax, by the rules of IRS Publication 550. Imports core only.

What the rules say is implemented as published; it is a calculation, no advice.
"""

from taxes.lot_book import METHODS, LotBook
from taxes.lots import Disposal, Lot, Trade
from taxes.taxpayer import Taxpayer

__all__ = ["METHODS", "Disposal", "Lot", "LotBook", "Taxpayer", "Trade"]
