"""Sales as the lines of Form 8949, in cents. Imports `taxes.lots`."""

import csv
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from core.errors import StoreFailed
from taxes.lots import Disposal

COLUMNS = ("term", "description", "date acquired", "date sold", "proceeds", "cost", "code", "adjustment", "gain", "account", "run")


@dataclass(frozen=True)
class Row:
    """One line; money in cents.

    Attributes:
        term: "short" (part I of the form) or "long" (part II). description: column (a), "100 sh. SPY". acquired, sold: (b), (c); both of
            the closing where a short sale was closed. proceeds: (d), less commission. cost: (e), with commission and what wash sales
            have added. code: (f), "W" or "". adjustment: (g), the loss that a wash sale disallows. gain: (h) = (d) - (e) + (g).
        made: the gain without any wash sale, also earlier ones.
    """

    term: str
    description: str
    acquired: dt.date
    sold: dt.date
    proceeds: Decimal
    cost: Decimal
    code: str
    adjustment: Decimal
    gain: Decimal
    made: Decimal
    account: str
    run: str


def rows_of(disposals: Iterable[Disposal]) -> list[Row]:
    """The lines of disposals, short-term ones first, by the date of sale."""
    return sorted(map(_row, disposals), key=lambda row: (row.term == "long", row.sold))


def write_csv(rows: Iterable[Row], path: Path) -> None:
    """Write lines as CSV with `COLUMNS`. Raises StoreFailed."""
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows((row.term, row.description, row.acquired, row.sold, row.proceeds, row.cost, row.code, row.adjustment, row.gain,
                              row.account, row.run) for row in rows)
    except OSError as error:
        raise StoreFailed(f"{path} cannot be written ({error.strerror}); name another file") from error


def _row(disposal: Disposal) -> Row:
    proceeds, cost, adjustment = _cents(disposal.proceeds), _cents(disposal.basis), _cents(disposal.disallowed)
    what = "sh. (short sale) " if disposal.is_short else "sh. "
    return Row(disposal.term, f"{disposal.qty.normalize():f} {what}{disposal.symbol}", disposal.acquired, disposal.sold, proceeds, cost,
               disposal.code if adjustment else "", adjustment, proceeds - cost + adjustment, proceeds - _cents(disposal.cost),
               disposal.account, disposal.run)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
