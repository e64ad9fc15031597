"""What the journal knows of live accounts, booked into a taxpayer's lots."""

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from core.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from journal import Journal
    from journal.account_log import LiveExecution, Note
    from taxes import Taxpayer


def booked(taxpayer: "Taxpayer", journal: "Journal", account: str | None = None) -> tuple[dict[int, Decimal], list[str]]:
    """Book the executions and splits of one account, or of all.

    Returns:
        Year -> cash from dividends and the like; and sentences that a human should read.

    Raises:
        UnknownName: nothing was executed on that account. UsageError: as `Taxpayer.trade` does.
    """
    from journal.account_log import LiveExecution
    from taxes import Trade
    from taxes.holding import trade_date

    dividends: dict[int, Decimal] = {}
    warnings: list[str] = []
    for each in sorted(_happened(journal, account), key=lambda each: each.time_ns):
        if isinstance(each, LiveExecution):
            taxpayer.trade(Trade(each.account, each.run, each.symbol, each.signed, each.price, each.time_ns, each.commission, each.client_order_id))
            continue
        cash, qty, year = Decimal(each.facts["cash"]), each.facts["qty"], trade_date(each.time_ns).year
        if cash:
            dividends[year] = dividends.get(year, Decimal(0)) + cash
        if qty is not None:
            try:
                taxpayer.hold(each.account, each.run, each.facts["symbol"], Decimal(qty), each.time_ns)
            except UsageError as error:
                warnings.append(f"{error}; the lots stay as they are")
    return dividends, warnings + _without_purchase(taxpayer)


def _happened(journal: "Journal", account: str | None) -> "Iterator[LiveExecution | Note]":
    from journal.account_log import CASH

    known = list(dict.fromkeys(number for number, _ in journal.account_log.runs()))
    if account is not None and account not in known:
        raise UnknownName.of("account", account, known)
    for number in known if account is None else [account]:
        yield from journal.account_log.executions(number)
        yield from journal.account_log.notes(number, kinds=(CASH,))


def _without_purchase(taxpayer: "Taxpayer") -> list[str]:
    """Short sales of nobody's: the shares may have been bought before the journal began."""
    return [f"{-lot.qty:f} {lot.symbol} were sold on {lot.acquired} by no run, and the journal knows no purchase of them: they count as sold short"
            for lot in taxpayer.open_lots if lot.is_short and not lot.run]
