"""`TaxReport`: what a taxpayer's trading comes to after tax, year by year. Imports the modules beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from taxes.form_8949 import Row, rows_of
from taxes.lots import Lot
from taxes.taxpayer import Taxpayer
from taxes.years import LIMIT, Rates, TaxYear, tax_years

NO_ADVICE = "A calculation by the published rules from what the journal knows: no tax advice."


@dataclass(frozen=True)
class TaxReport:
    """The after-tax report.

    Attributes:
        method: of choosing lots. years: in order. rows: lines of Form 8949. lots: what is still held or sold short.
        capital: that the returns are measured against; None = no returns.
    """

    method: str
    years: list[TaxYear]
    rows: list[Row]
    lots: list[Lot]
    capital: Decimal | None = None

    def of(self, year: int | None) -> "TaxReport":
        """The report of one year alone, with what earlier years have left to it; of all where it is None."""
        if year is None:
            return self
        return TaxReport(self.method, [each for each in self.years if each.year == year], [row for row in self.rows if row.sold.year == year],
                         self.lots, self.capital)

    def part(self, amount: Decimal | None) -> float | None:
        """An amount as a part of the capital; None where one is not known."""
        return None if amount is None or not self.capital else float(amount / self.capital)

    def values(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {"method": self.method, "years": [self._year(year) for year in self.years],
                "sales": [{name: _plain(value) for name, value in vars(row).items()} for row in self.rows],
                "lots": [_lot(lot) for lot in self.lots], "note": NO_ADVICE}

    def _year(self, year: TaxYear) -> dict[str, Any]:
        names = ("short_gains", "short_losses", "long_gains", "long_losses", "short_brought", "long_brought", "net_short", "net_long", "net",
                 "deduction", "short_carried", "long_carried", "disallowed", "dividends", "pre_tax", "tax", "after_tax")
        return {"year": year.year, **{name: _plain(getattr(year, name)) for name in names},
                "pre_tax_return": self.part(year.pre_tax), "after_tax_return": self.part(year.after_tax)}


def tax_report(taxpayer: Taxpayer, dividends: Mapping[int, Decimal] | None = None, rates: Rates | None = None, limit: Decimal = LIMIT,
               capital: Decimal | None = None) -> TaxReport:
    """The report of what a taxpayer has traded.

    Args:
        dividends: year -> cash. rates: None leaves the tax out. limit: of the loss that is deducted from ordinary income each year.
    """
    rows = rows_of(taxpayer.disposals)
    return TaxReport(taxpayer.book.method, tax_years(rows, dividends or {}, rates, limit), rows, taxpayer.open_lots, capital or None)


def _lot(lot: Lot) -> dict[str, Any]:
    return {"account": lot.account, "run": lot.run, "symbol": lot.symbol, "order": lot.order, "qty": float(lot.qty), "acquired": str(lot.acquired),
            "held_since": str(lot.held_since), "cost": float(lot.cost), "carried": float(lot.carried), "basis": float(lot.basis)}


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | str) or value is None else float(value) if isinstance(value, Decimal) else str(value)
