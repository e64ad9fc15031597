"""`Trade`, `Lot` and `Disposal`: what was executed, what is held, and what became of it. Imports core and `taxes.holding`.

Money is a multiple of `MONEY`, so that what is divided among lots sums exactly to what there was.
"""

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal

from core.errors import UsageError
from taxes.holding import is_long_term, trade_date

ZERO, MONEY = Decimal(0), Decimal("1e-8")


def portion(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """The share of an amount that belongs to `part` of `whole`, in multiples of `MONEY`."""
    return amount if part == whole else (amount * part / whole).quantize(MONEY)


@dataclass(frozen=True)
class Trade:
    """One execution.

    Attributes:
        account, run: whose; "" as a run is nobody's. qty: shares, negative for a sale. price, commission: account currency.
        time_ns: UTC ns. order: what it belongs to; executions of one order on one day are one purchase. "" = an order of its own.

    Raises:
        UsageError: no shares, or a price or commission that is no amount.
    """

    account: str
    run: str
    symbol: str
    qty: Decimal
    price: Decimal
    time_ns: int
    commission: Decimal = ZERO
    order: str = ""

    def __post_init__(self) -> None:
        if not (self.qty.is_finite() and self.price.is_finite() and self.commission.is_finite() and self.qty and self.price >= 0):
            raise UsageError(f"{self.symbol} on {trade_date(self.time_ns)}: an execution needs shares and a price, not {self.qty} shares "
                             f"at {self.price} with a commission of {self.commission}; correct it")


@dataclass(frozen=True)
class Lot:
    """Shares that were acquired together, or sold short together, and have shared their fate since.

    Attributes:
        order: that brought them. qty: shares, negative where they are sold short.
        cost: what was paid, with commission; of a short sale what was received, less commission.
        acquired_ns: of the execution, UTC ns. held_since: the holding period begins on the day after.
        carried: disallowed losses of wash sales that these shares have taken over. replaces: they did, and can do so once.
        boxed: short sale and shares against each other (`taxes.shorts`).
    """

    account: str
    run: str
    symbol: str
    order: str
    qty: Decimal
    cost: Decimal
    acquired_ns: int
    held_since: dt.date
    carried: Decimal = ZERO
    replaces: bool = False
    boxed: bool = False

    @property
    def acquired(self) -> dt.date:
        """The trade date."""
        return trade_date(self.acquired_ns)

    @property
    def is_short(self) -> bool:
        """Whether the shares are sold short."""
        return self.qty < 0

    @property
    def basis(self) -> Decimal:
        """Adjusted basis; of a short sale the adjusted amount received."""
        return self.cost - self.carried if self.is_short else self.cost + self.carried

    def parted(self, shares: Decimal) -> "list[Lot]":
        """So many of the shares (unsigned), and the rest where there is one."""
        whole = abs(self.qty)
        if shares >= whole:
            return [self]
        first = replace(self, qty=shares.copy_sign(self.qty), cost=portion(self.cost, shares, whole), carried=portion(self.carried, shares, whole))
        return [first, replace(self, qty=self.qty - first.qty, cost=self.cost - first.cost, carried=self.carried - first.carried)]


@dataclass(frozen=True)
class Disposal:
    """Shares of one lot that were sold, or a short sale that was closed.

    Attributes:
        order: that closed; lot_order: that opened. qty: shares, unsigned.
        opened_ns, closed_ns: moments of the executions, UTC ns; of a short sale the first one is the sale.
        proceeds: less commission. cost: with commission. carried: disallowed losses of earlier wash sales in the basis.
        disallowed: the part of the loss that this sale may not deduct, >= 0.
    """

    account: str
    run: str
    symbol: str
    order: str
    lot_order: str
    qty: Decimal
    is_short: bool
    opened_ns: int
    closed_ns: int
    proceeds: Decimal
    cost: Decimal
    held_since: dt.date
    carried: Decimal = ZERO
    disallowed: Decimal = ZERO
    boxed: bool = False

    @property
    def acquired(self) -> dt.date:
        """Trade date of the purchase; a short sale is closed with shares bought at its end."""
        return self.sold if self.is_short else trade_date(self.opened_ns)

    @property
    def sold(self) -> dt.date:
        """The date of the gain or loss: of the sale, and of a short sale the day on which it was closed."""
        return trade_date(self.closed_ns)

    @property
    def basis(self) -> Decimal:
        """Adjusted basis: cost and disallowed losses of earlier wash sales."""
        return self.cost + self.carried

    @property
    def realized(self) -> Decimal:
        """Gain or loss before this sale's own wash sale."""
        return self.proceeds - self.basis

    @property
    def gain(self) -> Decimal:
        """Gain or loss that counts for the tax."""
        return self.realized + self.disallowed

    @property
    def term(self) -> str:
        """"short" or "long"; of short sales Publication 550, chapter 4, Short Sales, says which (`taxes.shorts`)."""
        if self.is_short:
            return "long" if self.boxed and self.realized < 0 else "short"
        return "long" if not self.boxed and is_long_term(self.held_since, self.sold) else "short"

    @property
    def code(self) -> str:
        """Of Form 8949, column (f): "W" for a wash sale."""
        return "W" if self.disallowed else ""
