"""`books_of`: what each run has done on each account, from the journal alone. Imports engine, brokers, journal and core."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from brokers.alpaca.answers import ZERO
from brokers.alpaca.rest import Rest
from brokers.sub_account import SubAccount
from core.errors import BadSpec
from core.spec import RunSpec
from engine.live.restoring import restored
from engine.several import check_capital
from journal import Journal
from journal.account_log import LiveExecution

DRIFT = 0.05  # part of the account by which open positions may have lost before it is said that the runs own more than there is


@dataclass(frozen=True)
class Book:
    """One run on one account; account currency.

    Attributes:
        run: "" for what was nobody's. first_ns, last_ns: of its executions, UTC ns. executions: how many.
        trades: positions that were opened and closed. realized: profit of what was closed, without commission.
        commission; dividends: and other cash that is no trade. flow: cash of everything together.
        held: symbol -> (signed shares, average price).
    """

    account: str
    run: str
    first_ns: int
    last_ns: int
    executions: int
    trades: int
    realized: Decimal
    commission: Decimal
    dividends: Decimal
    flow: Decimal
    held: dict[str, tuple[Decimal, Decimal]]

    @property
    def profit(self) -> Decimal:
        """Of what is closed, after commission, with dividends."""
        return self.realized - self.commission + self.dividends


def books_of(journal: Journal, account: str | None = None) -> list[Book]:
    """A book of every run of which something was executed, on one account or all."""
    return [_book(journal, number, run) for number, run in journal.account_log.runs() if account in (None, number)]


def check_books(specs: Mapping[str, RunSpec], rest: Rest, books: Sequence[Book]) -> list[str]:
    """Whether runs can begin on an account, as the journal knows it.

    Returns:
        Sentences that a human should read.

    Raises:
        BadSpec: runs that begin want more than there is left of it, or a run that has it to itself would take the shares of another.
    """
    mine = {book.run: book for book in books if book.run in specs}
    if len(specs) == 1:
        _check_alone(*next(iter(specs.items())), rest, books)
        return []
    equity = float(rest.account().equity)
    wanted = {name: float(spec.capital or 0.0) + (float(mine[name].profit) if name in mine else 0.0) for name, spec in specs.items()}
    if set(specs) <= set(mine):
        total = sum(wanted.values())
        return [f"the runs own {total:,.2f}, and the account is worth {equity:,.2f}"] if total > equity * (1 + DRIFT) else []
    check_capital(wanted, equity)
    return []


def _check_alone(name: str, spec: RunSpec, rest: Rest, books: Sequence[Book]) -> None:
    held = {position.symbol: position.qty for position in rest.positions()}
    own = next((book.held for book in books if book.run == name), {})
    for book in books:
        for symbol in sorted(set(book.held) & set(spec.symbols)) if book.run not in ("", name) else ():
            theirs, is_there = book.held[symbol][0], held.get(symbol, ZERO) != own.get(symbol, (ZERO, ZERO))[0]
            if is_there:
                raise BadSpec(f"{theirs:f} {symbol} on this account are those of the run {book.run}: start both together, each with its "
                              "capital, or close that position first")


def _book(journal: Journal, account: str, run: str) -> Book:
    executions = journal.account_log.executions(account, run)
    part = restored(SubAccount(run, None, 0.0, ()), journal, account)
    return Book(account, run, executions[0].time_ns, executions[-1].time_ns, len(executions), _round_trips(executions), part.realized,
                part.paid, part.booked, part.cash, {symbol: (qty, part.holding(symbol).average) for symbol, qty in sorted(part.held.items())})


def _round_trips(executions: list[LiveExecution]) -> int:
    """How often a position has come to an end, or has turned."""
    held: dict[str, Decimal] = {}
    ended = 0
    for each in executions:
        before = held.get(each.symbol, ZERO)
        held[each.symbol] = before + each.signed
        ended += bool(before) and before * held[each.symbol] <= 0
    return ended
