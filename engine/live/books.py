"""`books_of`: what each run has done on each account, from the journal alone. Imports engine.live.restoring and journal."""

from dataclasses import dataclass
from decimal import Decimal

from brokers.alpaca.answers import ZERO
from brokers.sub_account import SubAccount
from engine.live.restoring import restored
from journal import Journal
from journal.account_log import LiveExecution


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
