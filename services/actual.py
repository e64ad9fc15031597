"""The actual portfolio as every service gives it: of executions, else as somebody has stated it, else the cash a spec begins with.

May import what lies below services.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from core.errors import BadSpec, UnknownName, UsageError
from core.spec import RunSpec
from journal.state import Portfolio, Position, Reconciliation

if TYPE_CHECKING:
    from journal.journal import Journal

UNNAMED = "default"  # the account of those who name none, where the journal knows none
EXECUTIONS, STATED, BEGUN = "executions", "reconciliation", "spec"
ZERO = Decimal(0)
MOST = Decimal(10) ** 15  # shares, or account currency
MOST_POSITIONS = 10_000


@dataclass(frozen=True)
class Actual:
    """What an account holds, and who says so.

    Attributes:
        portfolio: account currency. source: "executions", "reconciliation" (nothing was executed, and somebody has stated it) or
            "spec" (nobody has said anything).
    """

    portfolio: Portfolio
    source: str

    @property
    def held(self) -> dict[str, Decimal]:
        """Symbol -> signed shares."""
        return {each.symbol: each.qty for each in self.portfolio.positions}

    @property
    def prices(self) -> dict[str, Decimal]:
        """Symbol -> the last price known of it."""
        return {each.symbol: each.price for each in self.portfolio.positions}


def account_of(journal: "Journal", account: str) -> str:
    """The account that is meant: the one named, else the only one of the journal.

    Raises:
        UnknownName: nothing is known of the account named. UsageError: none is named, and there are several.
    """
    known = accounts(journal)
    if account in known or (account and journal.state.portfolio(account).last_ns):
        return account
    if account:
        known = sorted({*known, *(each.account for each in journal.state.reconciliations())})
        if account not in known:
            raise UnknownName.of("account", account, known)
        return account
    if len(known) > 1:
        raise UsageError(f"account: there are {len(known)} in the journal; name one of {', '.join(known[:5])}{', …' if len(known) > 5 else ''}")
    return known[0] if known else UNNAMED


def accounts(journal: "Journal") -> list[str]:
    """Those of which something was executed; where there are none, those of which something was stated."""
    executed = {account for account, _ in journal.account_log.runs()}
    return sorted(executed or {each.account for each in journal.state.reconciliations()})


def actual(journal: "Journal", spec: RunSpec, account: str = "", run: str = "") -> Actual:
    """What an account, or a run on it, holds now.

    Args:
        spec: its cash is that of an account of which nobody has said anything. account, run: "" = the only account, all of it.

    Raises:
        UnknownName: no such account, or run on it. UsageError: none is named, and there are several.
    """
    meant = account_of(journal, account)
    runs = [name for each, name in journal.account_log.runs() if each == meant]
    if run and run not in runs:
        raise UnknownName.of(f"run on the account {meant}", run, runs)
    found = journal.state.portfolio(meant, run or None)
    stated = journal.state.reconciliations(meant)
    if found.last_ns:
        return Actual(_with_cash(journal, found, run, stated), EXECUTIONS)
    if stated:
        return Actual(_stated(stated), STATED)
    return Actual(Portfolio(meant, None, (), Decimal(repr(float(spec.cash)))), BEGUN)


def _with_cash(journal: "Journal", found: Portfolio, run: str, stated: Sequence[Reconciliation]) -> Portfolio:
    """With the cash that was seen or stated last since the last execution, where executions cannot say what there was to begin with."""
    if found.transferred:
        return found
    known = [(each.time_ns, each.cash) for each in journal.history.equity(found.account, run, since_ns=found.last_ns)]
    known += [(each.time_ns, each.cash) for each in stated if each.cash is not None and each.time_ns >= found.last_ns and (each.run or "") == run]
    return replace(found, cash=max(known)[1]) if known else found


def _stated(told: Sequence[Reconciliation]) -> Portfolio:
    """The latest statement; cash is the latest anybody has stated."""
    last = told[-1]
    cash = next((each.cash for each in reversed(told) if each.cash is not None), ZERO)
    positions = [Position(symbol, Decimal(str(facts["quantity"])), _price(facts), _price(facts)) for symbol, facts in sorted(last.positions.items())]
    return Portfolio(last.account, last.run, tuple(each for each in positions if each.qty), cash, last_ns=last.time_ns)


def _price(facts: Mapping[str, object]) -> Decimal:
    return Decimal(str(facts.get("current_price") or 0))


def state_of(journal: "Journal", positions: Sequence[tuple[str, float, float, float]], cash: float | None, account: str, run: str,
             by: str) -> Reconciliation:
    """Record what somebody says that an account holds.

    Args:
        positions: (symbol, signed shares, price, market value; 0 = not said). cash: None = not said. by: who says so.

    Raises:
        BadSpec: a symbol twice or none, a number out of range, or a market value that is not quantity times price.
    """
    if len(positions) > MOST_POSITIONS:
        raise BadSpec(f"positions: {len(positions)} are too many: {MOST_POSITIONS} at most")
    facts: dict[str, dict[str, str]] = {}
    for at, (symbol, quantity, price, value) in enumerate(positions):
        place = f"positions[{at}]"
        if not symbol.strip() or symbol in facts:
            raise BadSpec(f"{place}.symbol is {symbol!r:.40}: {'name each symbol once' if symbol in facts else 'name one'}")
        facts[symbol] = {"quantity": exact(f"{place}.quantity", quantity), "current_price": exact(f"{place}.current_price", price, least=0.0)}
        worth = quantity * price
        exact(f"{place}.market_value", value)
        if value and price and not math.isclose(value, worth, rel_tol=1e-4, abs_tol=0.01):
            raise BadSpec(f"{place}.market_value is {value:g}: quantity times current_price is {worth:g}; correct one of them")
    money = None if cash is None else Decimal(exact("cash_balance", cash))
    meant = account or account_of(journal, "")
    return journal.state.reconcile(meant, facts, money, run or None, by)


def exact(name: str, value: float, least: float = -math.inf) -> str:
    """A number as the decimal it was written as.

    Raises:
        BadSpec: it is none, or out of range.
    """
    if not math.isfinite(value) or abs(value) >= MOST or value < least:
        raise BadSpec(f"{name} is {value:g}: it must be a number{f', {least:g} or above' if least > -math.inf else ''}")
    return f"{Decimal(repr(float(value))).normalize():f}"
