"""The tables in QuestDB: append-only copies, in which a row that is sent again replaces itself. Imports core and journal.columns.

QuestDB calculates in 76 digits at most: 38 for each price and each number of shares let one be multiplied by the other exactly.
What is divided, such as a commission by shares, has as many digits as there are.
"""

from decimal import Decimal

from core.errors import StoreFailed
from core.questdb_bars import TYPES as BAR_TYPES
from core.questdb_server import QuestTable
from journal.columns import shortest

TIME = {"ts": "TIMESTAMP_NS"}
_TRADED, _WORTH = "DECIMAL(38,18)", "DECIMAL(76,38)"
_WHOSE = {"account": "SYMBOL", "run": "SYMBOL"}

EXECUTIONS = QuestTable("cerebrolab_executions", {
    **TIME, "id": "LONG", **_WHOSE, "symbol": "SYMBOL", "side": "SYMBOL", "qty": _TRADED, "price": _TRADED, "commission": _WORTH,
    "filled": _TRADED, "client_order_id": "VARCHAR", "broker_id": "VARCHAR"}, ("id",), "MONTH")
EQUITY = QuestTable("cerebrolab_equity", {
    **TIME, "kind": "SYMBOL", "id": "LONG", **_WHOSE, "equity": _WORTH, "cash": _WORTH, "source": "SYMBOL"}, ("kind", "id"), "MONTH")
BARS = QuestTable("cerebrolab_bars", {
    **TIME, "source": "SYMBOL", "symbol": "SYMBOL", "interval": "SYMBOL", **BAR_TYPES}, ("source", "symbol", "interval"), "YEAR")
TABLES = (EXECUTIONS, EQUITY, BARS)


def exact(table: QuestTable, column: str, number: Decimal, what: str) -> Decimal:
    """The number as QuestDB takes it, without zeros at its end.

    Raises:
        StoreFailed: the column cannot hold it without rounding; `what` names the record.
    """
    kind = table.columns[column]
    precision, scale = map(int, kind[len("DECIMAL("):-1].split(","))
    plain = shortest(number)
    whole, _, part = format(abs(plain), "f").partition(".")
    if len(whole) > precision - scale or len(part) > scale:
        raise StoreFailed(f"{what} cannot be copied to QuestDB: its {column} {plain} has more than the {precision - scale} digits before or "
                          f"{scale} after the point that are exact there; nothing of its batch was written, and it is in the journal")
    return plain
