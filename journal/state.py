"""`State`: the actual portfolio of a live account, of one run or all, and what others have said that it holds.

A portfolio is read from the running totals (`journal.holdings`), whatever the length of the history. A reconciliation is a
record of what somebody says beside what the journal knew; it changes nothing else.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import Clock
from core.errors import UsageError
from journal.columns import shortest
from journal.database import Database, insert_new
from journal.holding import ADDING, AVERAGING, ZERO
from journal.tables import HoldingRow, ReconciliationRow

_HOLDINGS: Any = HoldingRow.__table__
_SYMBOL = itemgetter(0)
_SUMS = ("cash", "realized", "commission", "booked", "transferred")
_COLUMNS = [_HOLDINGS.c[name] for name in ("symbol", "qty", "average", "mark", *_SUMS, "executions", "last_ns")]


@dataclass(frozen=True)
class Position:
    """Shares of one symbol, account currency.

    Attributes:
        qty: signed shares. average: what one cost on average; of several runs their cost together over their shares together, so
            that their profits add up. price: the last one known.
    """

    symbol: str
    qty: Decimal
    average: Decimal
    price: Decimal

    @property
    def value(self) -> Decimal:
        """At the last known price."""
        return self.qty * self.price

    @property
    def unrealized(self) -> Decimal:
        """Profit if it were closed at the last known price."""
        return self.qty * (self.price - self.average)


@dataclass(frozen=True)
class Portfolio:
    """What an account holds, or a run on it; account currency.

    Attributes:
        run: None = all of the account. positions: by symbol, in its order. cash: all that came in less what went out; it begins
            with what was booked as transferred, and is below zero where nobody has said what the account began with.
        realized: profit of what was closed, without commission. commission: paid. booked: dividends and other cash that is no
            trade. transferred: cash from outside. executions: how many. last_ns: time of the latest change, UTC ns; 0 = none.
    """

    account: str
    run: str | None
    positions: tuple[Position, ...]
    cash: Decimal = ZERO
    realized: Decimal = ZERO
    commission: Decimal = ZERO
    booked: Decimal = ZERO
    transferred: Decimal = ZERO
    executions: int = 0
    last_ns: int = 0

    @property
    def value(self) -> Decimal:
        """Of the positions."""
        return sum((each.value for each in self.positions), ZERO)

    @property
    def equity(self) -> Decimal:
        """Cash and positions."""
        return self.cash + self.value


@dataclass(frozen=True)
class Reconciliation:
    """What somebody says an account holds.

    Attributes:
        id: counts up. run: None = all of the account. by: who says so. time_ns: when, UTC ns.
        positions: symbol -> facts of it (`quantity`, and what else was said). cash: None = nothing was said.
        differences: symbol, or "cash" -> {"stated", "known"}, of what differs from the journal then; decimals as text.
    """

    id: int
    account: str
    run: str | None
    by: str
    time_ns: int
    positions: dict[str, Any]
    cash: Decimal | None
    differences: dict[str, Any]


class State:
    """Portfolios of one database; usable from several processes at once. Raises StoreFailed as `Journal` does."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def portfolio(self, account: str, run: str | None = None, prices: Mapping[str, Decimal] | None = None) -> Portfolio:
        """What an account holds, or a run on it; empty where nothing was executed or booked.

        Args:
            prices: symbol -> price in place of that of the latest execution.
        """
        with self._database.reading() as session:
            return _portfolio(session, account, run, prices or {})

    def reconcile(self, account: str, positions: Mapping[str, Mapping[str, Any]], cash: Decimal | None = None, run: str | None = None,
                  by: str = "", key: str = "", time_ns: int = 0) -> Reconciliation:
        """Record what somebody says that an account holds; it outlives a power cut.

        Args:
            positions: symbol -> facts, `quantity` (signed shares) among them; a symbol that is not there is said not to be held.
            key: the same one again changes nothing; "" = a new one. time_ns: when it was said, UTC ns; 0 = now.

        Raises:
            UsageError: a position without a quantity that is a number.
        """
        stated = {symbol: _quantity(symbol, facts) for symbol, facts in positions.items()}
        self._database.keep_open()
        with self._database.writing(durable=True) as session:
            known = _portfolio(session, account, run, {})
            row = dict(key=key or uuid.uuid4().hex, account=account, run=run, by=by, time_ns=time_ns or self._clock.now_ns(),
                       positions={name: dict(facts) for name, facts in positions.items()}, cash=cash,
                       differences=_differences(stated, cash, known))
            session.execute(insert_new(session, ReconciliationRow).values(**row))
            return _told(session.scalars(select(ReconciliationRow).where(ReconciliationRow.key == row["key"])).one())

    def reconciliations(self, account: str | None = None, after: int = 0, limit: int | None = None) -> list[Reconciliation]:
        """What was said of an account, or of all, in order.

        Args:
            after: the number after which to go on. limit: so many at most.
        """
        chosen = select(ReconciliationRow).where(ReconciliationRow.id > after).order_by(ReconciliationRow.id).limit(limit)
        if account is not None:
            chosen = chosen.where(ReconciliationRow.account == account)
        with self._database.reading() as session:
            return [_told(row) for row in session.scalars(chosen)]


def _portfolio(session: Session, account: str, run: str | None, prices: Mapping[str, Decimal]) -> Portfolio:
    chosen = select(*_COLUMNS).where(_HOLDINGS.c.account == account)
    if run is not None:
        chosen = chosen.where(_HOLDINGS.c.run == run)
    rows = session.execute(chosen.order_by(_HOLDINGS.c.symbol, _HOLDINGS.c.last_ns)).all()
    if not rows:
        return Portfolio(account, run, ())
    positions = [_position(symbol, [row[1:4] for row in mine], prices) for symbol, mine in groupby(rows, key=_SYMBOL)]
    *amounts, executions, latest = list(zip(*rows, strict=True))[4:]
    with localcontext(ADDING):
        sums = {name: sum(each, ZERO) for name, each in zip(_SUMS, amounts, strict=True)}
    return Portfolio(account, run, tuple(each for each in positions if each.qty), **sums, executions=sum(executions), last_ns=max(latest))


def _position(symbol: str, held: list[Sequence[Decimal]], prices: Mapping[str, Decimal]) -> Position:
    """Of (shares, average, price) of each run, the latest last."""
    qty, average, price = held[0]
    if len(held) > 1:
        price = held[-1][2]
        with localcontext(AVERAGING):
            cost = sum((shares * each for shares, each, _ in held), ZERO)
            qty = sum((shares for shares, _, _ in held), ZERO)
            average = cost / qty if qty else ZERO
    return Position(symbol, qty, average, prices.get(symbol, price))


def _quantity(symbol: str, facts: Mapping[str, Any]) -> Decimal:
    try:
        quantity = Decimal(str(facts["quantity"]))
    except (KeyError, ArithmeticError):
        quantity = Decimal("NaN")
    if not quantity.is_finite():
        raise UsageError(f"position {symbol}: quantity {facts.get('quantity')!r} is no number: say how many shares are held")
    return quantity


def _differences(stated: Mapping[str, Decimal], cash: Decimal | None, known: Portfolio) -> dict[str, Any]:
    held = {each.symbol: each.qty for each in known.positions}
    pairs = {symbol: (stated.get(symbol, ZERO), held.get(symbol, ZERO)) for symbol in sorted({*stated, *held})}
    if cash is not None:
        pairs["cash"] = (cash, known.cash)
    return {name: {"stated": f"{shortest(said):f}", "known": f"{shortest(there):f}"} for name, (said, there) in pairs.items() if said != there}


def _told(row: ReconciliationRow) -> Reconciliation:
    return Reconciliation(**{name: getattr(row, name) for name in Reconciliation.__dataclass_fields__})
