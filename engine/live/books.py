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
from journal.blotter import named
from journal.live_days import every
from journal.pages import Chosen

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


def names_of(journal: Journal, account: str | None = None) -> dict[tuple[str, str], str]:
    """(account, run) -> the run's name, where executions are recorded under the key of a daily run's decisions."""
    rows = every(lambda after: journal.pages.decisions(Chosen(account), after, latest=True))
    return {(row.account, row.run_key): named(row) for row in rows}


def check_books(specs: Mapping[str, RunSpec], rest: Rest, books: Sequence[Book]) -> list[str]:
    """Whether runs can begin on an account, as the journal knows it.

    Returns:
        Sentences that a human should read.

    Raises:
        BadSpec: runs that begin want more than there is left of it, or a run that has it to itself would take the shares of another.
    """
    mine = {book.run: book for book in books if book.run in specs}
    others = _others([book for book in books if book.run not in specs], list(mine.values()), rest)
    told = [f"run {run} holds {shares} on this account and is not among the runs: its shares are left alone; start it under that name, or sell "
            "them by hand" for run, shares in _by_run(others)]
    if len(specs) == 1:
        _check_alone(next(iter(specs.values())), others)
        return told
    equity = float(rest.account().equity)
    wanted = {name: float(spec.capital or 0.0) + (float(mine[name].profit) if name in mine else 0.0) for name, spec in specs.items()}
    if not set(specs) <= set(mine):
        check_capital(wanted, equity)
    elif sum(wanted.values()) > equity * (1 + DRIFT):
        told.append(f"the runs own {sum(wanted.values()):,.2f}, and the account is worth {equity:,.2f}")
    return told


def _others(books: Sequence[Book], mine: Sequence[Book], rest: Rest) -> list[tuple[str, str, Decimal]]:
    """(run, symbol, signed shares) of runs that do not begin, of symbols of which the account has not just what those that begin hold."""
    held = [(book.run, symbol, qty) for book in books if book.run for symbol, (qty, _) in book.held.items()]
    there = {position.symbol: position.qty for position in rest.positions()} if held else {}
    for book in mine:
        for symbol, (qty, _) in book.held.items():
            there[symbol] = there.get(symbol, ZERO) - qty
    return [each for each in held if there.get(each[1])]


def _by_run(others: Sequence[tuple[str, str, Decimal]]) -> list[tuple[str, str]]:
    return [(run, ", ".join(f"{qty.normalize():f} {symbol}" for name, symbol, qty in others if name == run))
            for run in dict.fromkeys(name for name, _, _ in others)]


def _check_alone(spec: RunSpec, others: Sequence[tuple[str, str, Decimal]]) -> None:
    for run, symbol, qty in others:
        if symbol in spec.symbols:
            raise BadSpec(f"{qty.normalize():f} {symbol} on this account are those of the run {run}: start both together, each with its capital, or "
                          "close that position first; if this is that run under another name, give it its old one")


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
