"""What each year's gains and losses come to, and the tax on them at given rates. Imports `taxes.form_8949`.

IRS Publication 550, chapter 4, Capital Gains and Losses, in the order of Schedule D: short-term gains and losses are netted, then long-term
ones, then the two; a net loss is deducted from ordinary income up to a limit, short-term losses first; the rest is carried over to the next
year and stays short or long term. There is assumed to be ordinary income enough to deduct from.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from core.errors import UsageError
from taxes.form_8949 import Row
from taxes.lots import ZERO

LIMIT = Decimal(3000)  # half of it where married people file separately
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Rates:
    """Parts of each gain that are tax, 0 to 1: on short-term gains and ordinary income, on long-term gains, on dividends.

    Raises:
        UsageError: a rate out of range.
    """

    short: Decimal
    long: Decimal
    dividend: Decimal

    def __post_init__(self) -> None:
        for name, rate in vars(self).items():
            if not (rate.is_finite() and 0 <= rate <= 1):
                raise UsageError(f"the {name} rate is {rate}, and a rate is a part from 0 to 1; write 24% or 0.24")


@dataclass(frozen=True)
class TaxYear:
    """One year; account currency, losses below zero.

    Attributes:
        short_gains, short_losses, long_gains, long_losses: of this year's sales, after wash sales.
        short_brought, long_brought: losses carried over from the year before, <= 0.
        disallowed: losses that wash sales moved into other shares. dividends: and other cash that is no trade.
        pre_tax: what was really made: sales without the effect of wash sales, and dividends.
        rates: None where nobody gave them. limit: of the deduction.
    """

    year: int
    short_gains: Decimal
    short_losses: Decimal
    long_gains: Decimal
    long_losses: Decimal
    short_brought: Decimal
    long_brought: Decimal
    disallowed: Decimal
    dividends: Decimal
    pre_tax: Decimal
    rates: Rates | None = None
    limit: Decimal = LIMIT

    @property
    def net_short(self) -> Decimal:
        """Schedule D, line 7."""
        return self.short_gains + self.short_losses + self.short_brought

    @property
    def net_long(self) -> Decimal:
        """Schedule D, line 15."""
        return self.long_gains + self.long_losses + self.long_brought

    @property
    def net(self) -> Decimal:
        """Schedule D, line 16."""
        return self.net_short + self.net_long

    @property
    def deduction(self) -> Decimal:
        """Of the net loss from ordinary income, >= 0."""
        return min(self.limit, max(-self.net, ZERO))

    @property
    def short_carried(self) -> Decimal:
        """Short-term loss carried over to the next year, <= 0."""
        return min(self.net_short + max(self.net_long, ZERO) + self.deduction, ZERO)

    @property
    def long_carried(self) -> Decimal:
        """Long-term loss carried over to the next year, <= 0."""
        deducted = max(self.deduction - max(-self.net_short, ZERO), ZERO)
        return min(self.net_long + max(self.net_short, ZERO) + deducted, ZERO)

    @property
    def tax(self) -> Decimal | None:
        """At the given rates; below zero where the deduction saves more; None without rates."""
        if self.rates is None:
            return None
        short, long = max(self.net_short, ZERO), max(self.net_long, ZERO)
        taxed_short, taxed_long = max(short + min(self.net_long, ZERO), ZERO), max(long + min(self.net_short, ZERO), ZERO)
        tax = (taxed_short - self.deduction) * self.rates.short + taxed_long * self.rates.long + self.dividends * self.rates.dividend
        return tax.quantize(CENT)

    @property
    def after_tax(self) -> Decimal | None:
        """Profit less tax; None without rates."""
        return None if self.tax is None else self.pre_tax - self.tax


def tax_years(rows: Iterable[Row], dividends: Mapping[int, Decimal], rates: Rates | None = None, limit: Decimal = LIMIT) -> list[TaxYear]:
    """Every year from the first sale or dividend to the last, each with what the one before has left.

    Args:
        rows: of Form 8949. dividends: year -> cash.
    """
    rows = list(rows)
    seen = {row.sold.year for row in rows} | set(dividends)
    years: list[TaxYear] = []
    for year in range(min(seen), max(seen) + 1) if seen else ():
        before = years[-1] if years else None
        years.append(_year(year, [row for row in rows if row.sold.year == year], dividends.get(year, ZERO).quantize(CENT), before, rates, limit))
    return years


def _year(year: int, rows: list[Row], dividends: Decimal, before: TaxYear | None, rates: Rates | None, limit: Decimal) -> TaxYear:
    def summed(term: str, is_gain: bool) -> Decimal:
        return sum((row.gain for row in rows if row.term == term and (row.gain > 0) == is_gain), ZERO)

    return TaxYear(year, summed("short", True), summed("short", False), summed("long", True), summed("long", False),
                   before.short_carried if before else ZERO, before.long_carried if before else ZERO,
                   sum((row.adjustment for row in rows), ZERO), dividends, sum((row.made for row in rows), dividends), rates, limit)
